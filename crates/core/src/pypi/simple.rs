//! The model of a project's page in the simple repository API (PEP 503, 592, 629, 658, 691, 700,
//! 708, 714, 740, 792): what both forms, HTML and JSON, say. Reading and writing the two forms is in
//! `simple_html` and `simple_json`; unknown keys are carried along untouched.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr as _;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::filename::DistFilename;
use super::name::ProjectName;
use super::version::Version;
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
    /// How many entries of the page were left out because they were malformed, or named a file
    /// that was already listed. Never written into a page.
    pub skipped: usize,
}

/// The list of all projects of an index (PEP 503, PEP 691): `/simple/` itself.
#[derive(Clone, Debug, Default)]
pub struct ProjectList {
    /// The projects, in the order of the list.
    pub projects: Vec<ProjectName>,
    /// Unknown keys of the list's `meta` (for example `_last-serial`).
    pub meta_extra: Extra,
    /// How many entries were left out because they were malformed.
    pub skipped: usize,
}

/// Why a document is not a page of the simple repository API, or not one that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The bytes are not UTF-8.
    #[error("the page is not UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// The text is not the JSON that PEP 691 describes.
    #[error("the page is not a JSON page of the simple repository API")]
    Json(#[source] serde_json::Error),
    /// A JSON document without the key that makes it a page.
    #[error("the page has no {0:?}")]
    Missing(&'static str),
    /// A major version of the API that this house does not speak (PEP 629 asks to stop here).
    #[error("the page speaks version {0:?} of the simple repository API, which is not known here")]
    UnsupportedVersion(String),
    /// The page is of another project than the one that was asked for.
    #[error("asked for {expected}, but the page is of {found:?}")]
    OtherProject {
        /// The project that was asked for.
        expected: ProjectName,
        /// The name that the page gives itself.
        found: String,
    },
    /// More of something than any honest page has.
    #[error("the page has more than {limit} {what}")]
    TooMany {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// The most that is accepted.
        limit: usize,
    },
}

/// The most files that a page may list. PyPI's longest pages list some ten thousand.
pub const MAX_FILES: usize = 200_000;

/// The most projects that a list may name. PyPI names less than a million.
pub const MAX_PROJECTS: usize = 5_000_000;

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

impl UploadTime {
    /// Reads `text`; `None` when it is no moment. Text in another form than the one that PEP 700
    /// prescribes (a space for the `T`, an offset, no zone) is rewritten into it, because
    /// installers refuse it.
    pub fn read(text: &str) -> Option<Self> {
        let at: Timestamp = text.parse().ok()?;
        let prescribed = text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
        let text = if prescribed {
            text.into()
        } else {
            at.to_string().into()
        };
        Some(Self { at, text })
    }
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

/// The key that holds what only Portcullis says; keys with `_` in front are an index's own
/// (PEP 691).
pub const PRIVATE_KEY: &str = "_portcullis";

/// Puts `value` under `key`, in place of what was there.
pub fn set_extra(extra: &mut Extra, key: &str, value: Box<RawValue>) {
    match extra.iter_mut().find(|(existing, _)| &**existing == key) {
        Some((_, existing)) => *existing = value,
        None => extra.push((key.into(), value)),
    }
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

    /// The version that the file's name tells, as a file of `project`.
    pub fn version(&self, project: &ProjectName) -> Option<Version> {
        DistFilename::parse(&self.filename, Some(project))
            .ok()?
            .version()
            .cloned()
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
            skipped: 0,
        }
    }

    /// The page's versions as PEP 700 wants them: each once, in the page's order, followed in
    /// ascending order by those that only the files' names tell. Spellings of one version
    /// (`1.0`, `1.0.0`) count as one.
    pub fn complete_versions(&self) -> Vec<Box<str>> {
        let mut texts = HashSet::new();
        let mut known = HashSet::new();
        let mut complete = Vec::with_capacity(self.versions.len());
        for text in &self.versions {
            if texts.insert(&**text) {
                known.extend(Version::from_str(text));
                complete.push(text.clone());
            }
        }
        let mut told: Vec<Version> = self
            .files
            .iter()
            .filter_map(|file| file.version(&self.name))
            .collect();
        told.retain(|version| known.insert(version.clone()));
        told.sort_unstable();
        complete.extend(told.iter().map(|version| version.to_string().into()));
        complete
    }

    /// The file with this name.
    pub fn file(&self, filename: &str) -> Option<&PageFile> {
        self.files.iter().find(|file| &*file.filename == filename)
    }
}
