//! The gateway from outside: a real one on a free port, over a real database and real blobs, with an
//! upstream that can lie. Each module is about one kind of promise.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod client;
mod test_app;
mod receivers;
mod upload_form;
mod raw;

mod access;
mod api;
mod approvals;
mod cache;
mod compression;
mod client_limits;
mod dashboards;
mod cooldown;
mod downloads;
mod feed_server;
mod faults;
mod feeds;
mod exposure;
mod files;
mod folders;
mod hold_back;
mod hostile_clients;
mod hostile_http2;
mod hostile_uploads;
mod immutability;
mod inspections;
mod judge;
mod scanners;
mod inspection_workers;
mod leaks;
mod licences;
mod lying_upstream;
mod metadata;
mod mirror;
mod monitor;
mod notify;
mod offline;
mod policy_changes;
mod presentation;
mod project_json;
mod quarantine;
mod redirects;
mod reviews;
mod routing;
mod service;
mod signals;
mod simple_pages;
mod stale_pages;
mod statistics;
mod upload_refusals;
mod tls;
mod uploads;
mod upstream_faults;
mod upstream_tls;
