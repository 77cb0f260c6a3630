//! Feeds: documents about packages that are none themselves, such as dumps of advisories. Downloading
//! them into a scratch file, and reading the records out of archives, folders and single files, all
//! within bounds. What a record means, and keeping any of it, is others' business.

mod download;
mod file;
mod osv;

use std::path::PathBuf;

pub use download::{Downloaded, FeedHost, OnBytes, Target};
pub use file::{Each, Found, read_document, read_records};
pub use osv::{ModifiedId, Remote, modified_ids};

use crate::UpstreamError;

/// How much a feed may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The longest download, in bytes as they are sent.
    pub download: u64,
    /// The longest record, in bytes after decompression. A longer one is left out.
    pub record: u64,
    /// The most records, and the most members of an archive or folder.
    pub records: u64,
    /// All records together, or a document without records, in bytes after decompression.
    pub total: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            download: 256 << 20,
            record: 4 << 20,
            records: 1_000_000,
            total: 2 << 30,
        }
    }
}

/// Why a feed could not be fetched or read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Its origin could not be asked, or answered nonsense.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Its origin has no such document.
    #[error("{0} is not there (HTTP 404)")]
    Absent(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What arrived is not a feed.
    #[error("{0}")]
    Unreadable(String),
    /// It exceeds a bound.
    #[error("it has more than {bound} {what}")]
    TooLarge {
        /// The bound.
        bound: u64,
        /// Of what.
        what: &'static str,
    },
}
