//! The vault: what Portcullis keeps. A database, embedded or PostgreSQL from one SQL text, and
//! blobs named by their SHA-256. Nothing is decided in here: the vault keeps what others decided.
//!
//! **Invariant:** every change of state and its ledger entry are committed in one transaction.
//!
//! **Invariant:** the bytes of a distribution file leave only through [`blobs::Blobs::open`],
//! against the proof that they were judged.

pub mod error;
pub mod patience;
pub mod trouble;
#[macro_use]
pub mod db;
mod columns;
pub mod ledger;
pub mod generations;
pub mod claims;
pub mod alerts;
pub mod jobs;
pub mod events;
pub mod deliveries;
pub mod statistics;
pub mod names;
pub mod hosted;
pub mod pins;
pub mod pages;
pub mod sidecars;
pub mod releases;
pub mod signals;
pub mod references;
pub mod purges;
pub mod garbage;
pub mod cache;
pub mod mirrored;
pub mod switches;
pub mod decisions;
pub mod reviews;
pub mod downloads;
pub mod recorder;
pub mod exposure;
pub mod holdings;
pub mod replay;
pub mod local_use;
pub mod locks;
pub mod quarantines;
pub mod inspections;
pub mod comparisons;
pub mod approvals;
pub mod feeds;
pub mod tokens;
pub mod blobs;
pub mod backup;

pub use db::Db;
pub use error::StoreError;
pub use patience::Patience;
pub use trouble::Trouble;
