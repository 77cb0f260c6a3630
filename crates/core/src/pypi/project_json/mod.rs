//! The legacy project JSON API, `/pypi/<project>/json`: reading an upstream's answer ([`parse`]) to
//! fill the gaps of an HTML page ([`enrich`]), and writing our own answers ([`render_project`],
//! [`render_release`]).

mod enrich;
mod read;
mod write;

use std::collections::{BTreeMap, HashMap};

pub use enrich::{Enrichment, enrich};
pub use read::{ProjectJsonError, parse};
pub use write::{latest_version, render_project, render_release};

use super::simple::{CoreMetadata, UploadTime, Yanked};

/// What an upstream's project JSON says that its page may not.
#[derive(Clone, Debug, Default)]
pub struct ProjectJson {
    /// The files by name.
    pub files: HashMap<Box<str>, FileDetail>,
    /// The keys of `releases`, in order: all versions, also those without files.
    pub versions: Vec<Box<str>>,
    /// How many files were left out because they were malformed.
    pub skipped: usize,
}

/// What an upstream's project JSON says of one file.
#[derive(Clone, Debug, Default)]
pub struct FileDetail {
    /// Digests by algorithm name, lower-case hexadecimal.
    pub digests: BTreeMap<Box<str>, Box<str>>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// `upload_time_iso_8601`.
    pub upload_time: Option<UploadTime>,
    /// `requires_python`, where it is not empty.
    pub requires_python: Option<Box<str>>,
    /// The metadata file and its hash.
    pub core_metadata: CoreMetadata,
    /// `yanked` and `yanked_reason`.
    pub yanked: Yanked,
}
