//! [`JudgedRelease`], what is said of a release that was asked about.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::advisory::Affecting;
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, FileFacts};
use portcullis_core::licence::Licence;
use portcullis_core::policy::{Decision, Effect};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{ProjectStatus, Yanked};
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;

use crate::error::FlowError;

/// What is said of a release.
#[derive(Clone, Debug)]
pub struct JudgedRelease {
    /// The project.
    pub project: ProjectName,
    /// The version that was judged: the one that was asked about, or else the one that an installer would
    /// receive; `None` where there is none.
    pub version: Option<Version>,
    /// What came of it.
    pub verdict: Verdict,
    /// The first upload of any of its files.
    pub first_upload: Fact<Timestamp>,
    /// The yank marker, where all of its files have one.
    pub yanked: Yanked,
    /// The status of its project, where its page gives one (PEP 792).
    pub status: Option<ProjectStatus>,
    /// Since when the source could not confirm its page, where that is so.
    pub stale_since: Option<Timestamp>,
    /// Whether any source has the project; `None` where that is not known.
    pub has_project: Option<bool>,
    /// Its files.
    pub files: Vec<JudgedFile>,
    /// To what each digest belongs that was given.
    pub hashes: Vec<(Sha256, Option<Owner>)>,
    /// What is on record here of the files that were named and that the page does not list for the release.
    pub unlisted: Vec<(String, Option<Sha256>)>,
    /// Another version that would pass, where this one does not.
    pub nearest: Option<Version>,
    /// The vulnerabilities that it has.
    pub advisories: Fact<Vec<Affecting>>,
    /// What its metadata says of its licence.
    pub licence: Fact<Licence>,
}

/// What came of judging.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// A decision: about the file that decides, or about the name where no source has the project and
    /// something speaks against it.
    Decided(Arc<Decision>),
    /// No source that may be asked has the release.
    Absent,
    /// A source could not be asked.
    Unknown(FlowError),
    /// It was not answered within this time.
    OutOfTime(Duration),
}

/// A file of a release.
#[derive(Clone, Debug)]
pub struct JudgedFile {
    /// What its page tells of it.
    pub facts: FileFacts,
    /// The decision about it.
    pub decision: Arc<Decision>,
    /// The digest that its name was first verified with here.
    pub recorded: Option<Sha256>,
}

/// The file that a digest belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub filename: Arc<str>,
    /// The version that its name tells.
    pub version: Option<Version>,
}

impl Verdict {
    /// In a word: the effect of the decision, `absent` or `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Decided(decision) => match decision.effect() {
                Effect::Allow => "allow",
                Effect::Warn => "warn",
                Effect::Hold => "hold",
                Effect::Deny => "deny",
            },
            Self::Absent => "absent",
            Self::Unknown(_) | Self::OutOfTime(_) => "unknown",
        }
    }

    /// The decision, where there is one.
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decided(decision) => Some(decision),
            Self::Absent | Self::Unknown(_) | Self::OutOfTime(_) => None,
        }
    }

    /// Whether an installer would receive the release.
    pub fn passes(&self) -> bool {
        self.decision().is_some_and(Decision::lets_through)
    }
}
