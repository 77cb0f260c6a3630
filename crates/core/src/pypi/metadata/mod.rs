//! [`CoreMetadata`]: what a distribution says of itself in METADATA or PKG-INFO (the core metadata
//! specifications 1.0 to 2.6). Fields are carried as text; only name and version are judged.

mod read;
mod write;

use super::name::{InvalidName, ProjectName};
use super::version::Version;

/// The largest metadata file that is read, in bytes. The longest descriptions on PyPI stay far
/// below.
pub const MAX_METADATA_SIZE: usize = 16 * 1024 * 1024;

/// The most header lines that are read.
pub const MAX_HEADERS: usize = 20_000;

/// The core metadata of a distribution. `UNKNOWN`, which old tools write for an absent value, is
/// absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreMetadata {
    /// `Metadata-Version`, as it stands there.
    pub metadata_version: Option<Box<str>>,
    /// `Name`, normalised.
    pub name: ProjectName,
    /// `Name`, as it stands there.
    pub name_text: Box<str>,
    /// `Version`.
    pub version: Version,
    /// `Version`, as it stands there.
    pub version_text: Box<str>,
    /// `Summary`.
    pub summary: Option<Box<str>>,
    /// `Description`, or the body.
    pub description: Option<Box<str>>,
    /// `Description-Content-Type`.
    pub description_content_type: Option<Box<str>>,
    /// `Keywords`, as one text.
    pub keywords: Option<Box<str>>,
    /// `Home-page`.
    pub home_page: Option<Box<str>>,
    /// `Download-URL`.
    pub download_url: Option<Box<str>>,
    /// `Author`.
    pub author: Option<Box<str>>,
    /// `Author-email`.
    pub author_email: Option<Box<str>>,
    /// `Maintainer`.
    pub maintainer: Option<Box<str>>,
    /// `Maintainer-email`.
    pub maintainer_email: Option<Box<str>>,
    /// `License`.
    pub license: Option<Box<str>>,
    /// `License-Expression` (PEP 639).
    pub license_expression: Option<Box<str>>,
    /// `Requires-Python`.
    pub requires_python: Option<Box<str>>,
    /// `License-File` (PEP 639).
    pub license_files: Vec<Box<str>>,
    /// `Dynamic` (PEP 643).
    pub dynamic: Vec<Box<str>>,
    /// `Platform`.
    pub platforms: Vec<Box<str>>,
    /// `Supported-Platform`.
    pub supported_platforms: Vec<Box<str>>,
    /// `Classifier`.
    pub classifiers: Vec<Box<str>>,
    /// `Requires-Dist`.
    pub requires_dist: Vec<Box<str>>,
    /// `Requires-External`.
    pub requires_external: Vec<Box<str>>,
    /// `Project-URL`, each as `label, URL`.
    pub project_urls: Vec<Box<str>>,
    /// `Provides-Extra`.
    pub provides_extra: Vec<Box<str>>,
    /// `Provides-Dist`.
    pub provides_dist: Vec<Box<str>>,
    /// `Obsoletes-Dist`.
    pub obsoletes_dist: Vec<Box<str>>,
    /// `Import-Name` (PEP 794).
    pub import_names: Vec<Box<str>>,
    /// `Import-Namespace` (PEP 794).
    pub import_namespaces: Vec<Box<str>>,
    /// `Requires` (1.1, deprecated).
    pub requires: Vec<Box<str>>,
    /// `Provides` (1.1, deprecated).
    pub provides: Vec<Box<str>>,
    /// `Obsoletes` (1.1, deprecated).
    pub obsoletes: Vec<Box<str>>,
    /// Headers that are not known here, and second values of those that take one, in order.
    pub unknown: Vec<(Box<str>, Box<str>)>,
}

/// Why a metadata file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A header that must be there is not.
    #[error("the metadata has no {0}")]
    Missing(&'static str),
    /// A header that says who the distribution is stands there twice.
    #[error("the metadata has more than one {0}")]
    Repeated(&'static str),
    /// The name is not one.
    #[error("the metadata's Name cannot be used")]
    Name(#[from] InvalidName),
    /// The version is not one (PEP 440).
    #[error("the metadata's Version is not a valid one: {0:?}")]
    Version(String),
    /// A major version of the metadata that this house does not read.
    #[error("the metadata is of version {0:?}, which is not known here")]
    UnsupportedVersion(String),
    /// Larger than [`MAX_METADATA_SIZE`].
    #[error("the metadata is larger than {MAX_METADATA_SIZE} bytes")]
    TooLarge,
    /// More than [`MAX_HEADERS`] headers.
    #[error("the metadata has more than {MAX_HEADERS} headers")]
    TooManyHeaders,
}

impl CoreMetadata {
    /// Metadata that says nothing but name and version.
    ///
    /// # Errors
    /// [`MetadataError::Name`] and [`MetadataError::Version`] when they are none.
    pub fn new(name: &str, version: &str) -> Result<Self, MetadataError> {
        let invalid = |_| MetadataError::Version(version.chars().take(80).collect());
        let parsed: Version = version.parse().map_err(invalid)?;
        Ok(Self {
            metadata_version: None,
            name: ProjectName::new(name)?,
            name_text: name.into(),
            version: parsed,
            version_text: version.into(),
            summary: None,
            description: None,
            description_content_type: None,
            keywords: None,
            home_page: None,
            download_url: None,
            author: None,
            author_email: None,
            maintainer: None,
            maintainer_email: None,
            license: None,
            license_expression: None,
            requires_python: None,
            license_files: Vec::new(),
            dynamic: Vec::new(),
            platforms: Vec::new(),
            supported_platforms: Vec::new(),
            classifiers: Vec::new(),
            requires_dist: Vec::new(),
            requires_external: Vec::new(),
            project_urls: Vec::new(),
            provides_extra: Vec::new(),
            provides_dist: Vec::new(),
            obsoletes_dist: Vec::new(),
            import_names: Vec::new(),
            import_namespaces: Vec::new(),
            requires: Vec::new(),
            provides: Vec::new(),
            obsoletes: Vec::new(),
            unknown: Vec::new(),
        })
    }

    /// The project's links by label, in order; an entry without a label has an empty one.
    pub fn labelled_urls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.project_urls
            .iter()
            .map(|entry| match entry.split_once(',') {
                Some((label, url)) => (label.trim(), url.trim()),
                None => ("", entry.trim()),
            })
    }
}
