//! The model of a project's page in the simple repository API (PEP 503, 592, 629, 658, 691, 700,
//! 708, 714, 740, 792): what both forms, HTML and JSON, say. Reading and writing the two forms is in
//! `simple_html` and `simple_json`; unknown keys are carried along untouched.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::name::ProjectName;
use crate::digest::Sha256;
use crate::time::Timestamp;

/// Keys of a JSON object that this version of the house does not know, verbatim and in order.
pub type Extra = Vec<(Box<str>, Box<RawValue>)>;

/// A project's page: its files and what is said of the project as a whole.
#[derive(Clone, Debug)]
pub struct ProjectPage {
    /// The project.
    pub name: ProjectName,
    /// The versions, as the page lists them (PEP 700); empty where the page does not (HTML).
    pub versions: Vec<Box<str>>,
    /// The files, in the order of the page.
    pub files: Vec<PageFile>,
    /// The project's status (PEP 792).
    pub status: Option<ProjectStatus>,
    /// Unknown keys of the page.
    pub extra: Extra,
    /// Unknown keys of the page's `meta` (for example `_last-serial`).
    pub meta_extra: Extra,
}

/// PEP 792: the status marker of a project and the reason given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectStatus {
    /// `active`, `archived`, `quarantined`, `deprecated` or something newer.
    pub status: Box<str>,
    /// Why, for people.
    pub reason: Option<Box<str>>,
}

/// One file of a project's page.
#[derive(Clone, Debug)]
pub struct PageFile {
    /// The file name, verbatim.
    pub filename: Arc<str>,
    /// Where to get it: absolute, or relative to the page.
    pub url: Box<str>,
    /// Hashes by algorithm name (`sha256`, `md5`, …), lower-case hexadecimal. May be empty.
    pub hashes: BTreeMap<Box<str>, Box<str>>,
    /// Size in bytes (PEP 700).
    pub size: Option<u64>,
    /// When it was uploaded to the index that first listed it (PEP 700).
    pub upload_time: Option<UploadTime>,
    /// The `Requires-Python` specifier, unescaped and not checked.
    pub requires_python: Option<Box<str>>,
    /// Whether `{url}.metadata` can be had (PEP 658, PEP 714).
    pub core_metadata: CoreMetadata,
    /// Whether `{url}.asc` can be had; absent when the page does not say.
    pub gpg_sig: Option<bool>,
    /// The yank marker (PEP 592).
    pub yanked: Yanked,
    /// The provenance (PEP 740): absent, null, or a URL.
    pub provenance: Provenance,
    /// Unknown keys of the file.
    pub extra: Extra,
}

/// A moment together with the text that said it, so that a page can be written back verbatim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadTime {
    /// The moment.
    pub at: Timestamp,
    /// The text, `yyyy-mm-ddThh:mm:ss[.ffffff]Z`.
    pub text: Box<str>,
}

/// PEP 658's sidecar, as PEP 714 renamed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CoreMetadata {
    /// The page does not offer it.
    #[default]
    Absent,
    /// Offered without a hash.
    Unhashed,
    /// Offered, with the hash of the metadata file by algorithm name.
    Hashed(BTreeMap<Box<str>, Box<str>>),
}

/// PEP 592's marker: a yanked file is only for those who ask for its exact version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Yanked {
    /// Not yanked.
    #[default]
    No,
    /// Yanked without a reason.
    Yes,
    /// Yanked, with the reason (never empty).
    Because(Box<str>),
}

/// PEP 740's key has three states, which are kept apart so that pages survive a round trip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Provenance {
    /// The key is absent.
    #[default]
    Absent,
    /// The key is null: there is none.
    None,
    /// Where the provenance object is.
    Url(Box<str>),
}

impl PageFile {
    /// A file about which only its name and address are known.
    pub fn new(filename: &str, url: &str) -> Self {
        Self {
            filename: filename.into(),
            url: url.into(),
            hashes: BTreeMap::new(),
            size: None,
            upload_time: None,
            requires_python: None,
            core_metadata: CoreMetadata::Absent,
            gpg_sig: None,
            yanked: Yanked::No,
            provenance: Provenance::Absent,
            extra: Extra::new(),
        }
    }

    /// The SHA-256 that the page gives for the file, if it gives a valid one.
    pub fn sha256(&self) -> Option<Sha256> {
        self.hashes.get("sha256")?.parse().ok()
    }
}

impl CoreMetadata {
    /// The SHA-256 that the page gives for the metadata file, if it gives a valid one.
    pub fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Hashed(hashes) => hashes.get("sha256")?.parse().ok(),
            Self::Absent | Self::Unhashed => None,
        }
    }

    /// Whether the sidecar is offered.
    pub fn is_offered(&self) -> bool {
        *self != Self::Absent
    }
}

impl ProjectPage {
    /// A page without files.
    pub fn empty(name: ProjectName) -> Self {
        Self {
            name,
            versions: Vec::new(),
            files: Vec::new(),
            status: None,
            extra: Extra::new(),
            meta_extra: Extra::new(),
        }
    }

    /// The file with this name.
    pub fn file(&self, filename: &str) -> Option<&PageFile> {
        self.files.iter().find(|file| &*file.filename == filename)
    }
}
