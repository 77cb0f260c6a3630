//! [`Fact`] and the facts that rules may look at. Facts are gathered elsewhere; nothing in here
//! fetches one, and there is deliberately no way to turn an unknown into a default.

use std::borrow::Cow;
use std::sync::Arc;

use crate::digest::Sha256;
use crate::index::{IndexName, Ownership, SourceKind, SourceName, Trust};
use crate::pypi::filename::DistKind;
use crate::pypi::name::ProjectName;
use crate::pypi::simple::Yanked;
use crate::pypi::version::Version;
use crate::time::Timestamp;
use crate::waiver::Waiver;

/// Something known about a file or a name, or the reason why it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// Known.
    Known(T),
    /// Not known, and why: one clause for people, for example "the index gives no upload time".
    Unknown(Cow<'static, str>),
}

impl<T> Fact<T> {
    /// `value` where there is one, else unknown for the reason `why`.
    pub fn known_or(value: Option<T>, why: &'static str) -> Self {
        match value {
            Some(value) => Self::Known(value),
            None => Self::Unknown(Cow::Borrowed(why)),
        }
    }

    /// The value when it is known. For showing; rules match on both cases instead.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// What is known about a project as one index sees it.
#[derive(Clone, Debug)]
pub struct ProjectFacts {
    /// The index that was asked.
    pub index: IndexName,
    /// The project.
    pub project: ProjectName,
    /// Where the project's page came from; `None` when no source that may be asked has it.
    pub origin: Option<Origin>,
    /// Why the name is owned, if it is.
    pub ownership: Option<Ownership>,
    /// Why the name is prohibited, if it is.
    pub prohibition: Option<Prohibition>,
    /// The waivers that reviewers gave for the project, in this index or in all.
    pub waivers: Vec<Arc<Waiver>>,
}

impl ProjectFacts {
    /// A project of which nothing is known yet but its name. What is gathered is added to it.
    pub fn named(index: IndexName, project: ProjectName) -> Self {
        Self {
            index,
            project,
            origin: None,
            ownership: None,
            prohibition: None,
            waivers: Vec::new(),
        }
    }
}

/// What is known of one version of a project, whichever of its files is looked at.
#[derive(Clone, Debug)]
pub struct ReleaseFacts {
    /// The version.
    pub version: Version,
    /// The earliest upload time of its files.
    pub first_upload: Fact<Timestamp>,
    /// How many newer versions the page lists that are not pre-releases and not yanked.
    pub newer: Fact<u32>,
}

impl ReleaseFacts {
    /// A release of which nothing is known yet but its version.
    pub fn of(version: Version) -> Self {
        Self {
            version,
            first_upload: Fact::Unknown(Cow::Borrowed("its page was not read")),
            newer: Fact::Unknown(Cow::Borrowed("its page was not read")),
        }
    }
}

/// The source that a project's page came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source's name in the configuration.
    pub source: SourceName,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// Whether its names are the organisation's own.
    pub trust: Trust,
}

/// An administrator's ban of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prohibition {
    /// The pattern that matched, as it was written.
    pub pattern: Arc<str>,
    /// The reason given, for people.
    pub reason: Arc<str>,
}

/// What is known about one file of a project.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// The file name, verbatim.
    pub filename: Arc<str>,
    /// Wheel, sdist or neither.
    pub kind: DistKind,
    /// The version that the file name gives.
    pub version: Fact<Version>,
    /// The hash that the page claims, or that was computed once the bytes were here.
    pub sha256: Fact<Sha256>,
    /// The hash under which this file name was first seen in this source, if it was seen before.
    pub first_sha256: Option<Sha256>,
    /// When the file was uploaded to the index that first listed it; never when we saw it first.
    pub upload_time: Fact<Timestamp>,
    /// The source's yank marker.
    pub yanked: Yanked,
    /// Which kinds of file the same release has beside this one.
    pub release: ReleaseShape,
}

/// Which kinds of distribution a release offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReleaseShape {
    /// How many wheels.
    pub wheels: u32,
    /// How many source distributions.
    pub sdists: u32,
}

/// All that a rule may look at: the project, and the file when one is being judged.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The project.
    pub project: &'a ProjectFacts,
    /// The release that the file belongs to; `None` while only the name is judged, or when the file
    /// name gives no version.
    pub release: Option<&'a ReleaseFacts>,
    /// The file; `None` while only the name is judged.
    pub file: Option<&'a FileFacts>,
}

impl Facts<'_> {
    /// Whether the file (or the name's page) comes from outside the organisation.
    pub fn is_from_outside(&self) -> bool {
        self.project
            .origin
            .as_ref()
            .is_some_and(|origin| origin.trust == Trust::Outside)
    }
}
