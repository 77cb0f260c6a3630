//! The law: what Portcullis knows, how it judges, and the Python packaging formats.
//!
//! Pure and synchronous: no I/O, no clock (`now` is always an argument), no randomness. Nothing in
//! here fails except parsing. Read the modules in the order in which they are declared.

pub mod digest;
pub mod time;
pub mod settings;
pub mod pypi;
pub mod index;
pub mod licence;
pub mod release_metadata;
pub mod signals;
pub mod inventory;
pub mod advisory;
pub mod fact;
pub mod maintenance;
pub mod waiver;
pub mod quarantine;
pub mod inspection;
pub mod ruling;
pub mod approval;
pub mod similarity;
pub mod mirror;
pub mod policy;
pub mod gate;
pub mod explain;
pub mod presentation;
pub mod ledger;
pub mod event;
pub mod access;
pub mod lint;
pub mod sbom;
