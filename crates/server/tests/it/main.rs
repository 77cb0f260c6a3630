//! The gateway from outside: a real one on a free port, over a real database and real blobs, with an
//! upstream that can lie. Each module is about one kind of promise.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod client;
mod test_app;
mod upload_form;

mod access;
mod compression;
mod downloads;
mod files;
mod folders;
mod hold_back;
mod immutability;
mod leaks;
mod lying_upstream;
mod metadata;
mod policy_changes;
mod presentation;
mod project_json;
mod redirects;
mod routing;
mod service;
mod simple_pages;
mod stale_pages;
mod upload_refusals;
mod uploads;
