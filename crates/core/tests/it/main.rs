//! The integration tests of the law, in one binary.

#![allow(clippy::unwrap_used, missing_docs)]

mod clients;

mod advisories;
mod lint;
mod locks;
mod check_page;
mod options;
mod pypi;
mod policy_page;
mod reference;
