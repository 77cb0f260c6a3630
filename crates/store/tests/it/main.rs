//! The vault's stories, one file per table family, each on every engine that is at hand: SQLite and
//! a folder always, PostgreSQL when `PORTCULLIS_TEST_POSTGRES` holds its URL, an S3 server when
//! `PORTCULLIS_TEST_S3` holds its endpoint. With `PORTCULLIS_TEST_ALL=1` a missing one is a
//! failure.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

mod backup;
mod blobs;
mod faults;
mod outages;
mod decisions;
mod downloads;
mod feeds;
mod hosted;
mod jobs;
mod events;
mod deliveries;
mod statistics;
mod ledger;
mod locks;
mod migrations;
mod names;
mod pages;
mod pins;
mod purges;
mod garbage;
mod cache;
mod mirrored;
mod reviews;
mod releases;
mod local_use;
mod quarantines;
mod comparisons;
mod holdings;
mod approvals;
mod inspections;
mod tokens;
