//! [`SpelledLock`]: what a lock in TOML says as it is spelled, with the places in its text. What the parts
//! mean is for others: `reading` makes releases with digests of it, and `lint` what rules look at.

use std::ops::Range;

/// Bytes of the lock's text.
type Span = Range<usize>;

/// A lock.
#[derive(Debug, Default)]
pub(crate) struct SpelledLock<'d> {
    /// What it says of itself.
    pub(crate) head: SpelledHead<'d>,
    /// Its packages, in the order of the file.
    pub(crate) packages: Vec<SpelledPackage<'d>>,
}

/// What a lock says of itself.
#[derive(Debug, Default)]
pub(crate) struct SpelledHead<'d> {
    /// The version of its format, as far as it is one text.
    pub(crate) format: Option<String>,
    /// The digest that tells of which input it was made.
    pub(crate) input_digest: Option<(&'d str, Span)>,
    /// The members of the workspace that it was made of (uv), each with its requirements.
    pub(crate) members: Vec<SpelledMember<'d>>,
}

/// A project that is locked, with what it required then.
#[derive(Debug)]
pub(crate) struct SpelledMember<'d> {
    /// Its folder, beside the lock.
    pub(crate) folder: &'d str,
    /// Its name.
    pub(crate) name: &'d str,
    /// What it required, extras and groups together.
    pub(crate) requires: Vec<SpelledInput<'d>>,
}

/// A requirement of which a lock was made.
#[derive(Debug)]
pub(crate) struct SpelledInput<'d> {
    /// The project.
    pub(crate) name: &'d str,
    /// Its extras.
    pub(crate) extras: Vec<&'d str>,
    /// The versions; `None` where it comes from elsewhere than an index.
    pub(crate) specifiers: Option<&'d str>,
}

/// A package.
#[derive(Debug)]
pub(crate) struct SpelledPackage<'d> {
    /// Its name; empty where the lock gives none.
    pub(crate) name: &'d str,
    /// Its version.
    pub(crate) version: Option<&'d str>,
    /// The place of the version, else of the name, else of its table.
    pub(crate) at: Span,
    /// The line on which its table begins (1-based).
    pub(crate) line: u32,
    /// From where it comes.
    pub(crate) origin: SpelledOrigin<'d>,
    /// Its files.
    pub(crate) files: Vec<SpelledFile<'d>>,
    /// The names of the projects that it wants.
    pub(crate) dependencies: Vec<&'d str>,
}

/// From where a package comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SpelledOrigin<'d> {
    /// An index: its URL, or its name, where the lock tells.
    Index(Option<&'d str>),
    /// A file at a URL.
    Url(&'d str),
    /// Version control, with the commit where the lock tells.
    Vcs(&'d str, Option<&'d str>),
    /// A file or folder beside the project.
    Path(&'d str),
    /// The project itself, or a member of its workspace.
    Itself(&'d str),
}

/// A file of a package.
#[derive(Debug)]
pub(crate) struct SpelledFile<'d> {
    /// Its name, path or URL.
    pub(crate) location: Option<&'d str>,
    /// The place of that; of the file's table where it has none.
    pub(crate) at: Span,
    /// Its hashes.
    pub(crate) hashes: Vec<SpelledHash<'d>>,
}

/// A hash.
#[derive(Debug)]
pub(crate) struct SpelledHash<'d> {
    /// The algorithm: `sha256`.
    pub(crate) algorithm: &'d str,
    /// The digest.
    pub(crate) digest: &'d str,
    /// Its place.
    pub(crate) at: Span,
}

impl<'d> SpelledHash<'d> {
    /// Reads `sha256:HEX`; digits alone are SHA-256, as poetry wrote it once.
    pub(super) fn joined((text, at): (&'d str, Span)) -> Self {
        let (algorithm, digest) = text.split_once(':').unwrap_or(("sha256", text));
        Self {
            algorithm,
            digest,
            at,
        }
    }
}
