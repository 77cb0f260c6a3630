//! [`Fact`] and the facts that rules may look at. Facts are gathered elsewhere; nothing in here
//! fetches one, and there is deliberately no way to turn an unknown into a default.

use std::borrow::Cow;
use std::sync::Arc;

use crate::advisory::Affecting;
use crate::approval::Approved;
use crate::digest::Sha256;
use crate::index::{IndexName, Ownership, SourceKind, SourceName, Trust};
use crate::inspection::{ContentFacts, Inspected, Knowledge};
use crate::maintenance::Maintenance;
use crate::pypi::filename::DistKind;
use crate::pypi::name::ProjectName;
use crate::pypi::provenance::Publisher;
use crate::pypi::simple::Yanked;
use crate::pypi::version::Version;
use crate::quarantine::Quarantine;
use crate::release_metadata::ReleaseMetadata;
use crate::ruling::Ruling;
use crate::signals::Signals;
use crate::similarity::Resemblance;
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

    /// The same fact with what `change` makes of its value; what is unknown stays so.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(change(value)),
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }

    /// The same fact, borrowed.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(value) => Fact::Known(value),
            Self::Unknown(why) => Fact::Unknown(why.clone()),
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
    /// What reviewers denied of the project, in this index or in all.
    pub rulings: Vec<Arc<Ruling>>,
    /// What of the project is in quarantine.
    pub quarantines: Vec<Arc<Quarantine>>,
    /// How it is kept, as its page tells.
    pub maintenance: Arc<Maintenance>,
    /// What others measured of it.
    pub signals: Arc<Signals>,
    /// Which name its own resembles most, if it resembles any.
    pub resemblance: Fact<Option<Arc<Resemblance>>>,
    /// What is approved of the project in this index. Without any, nothing is.
    pub approvals: Fact<Vec<Arc<Approved>>>,
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
            rulings: Vec::new(),
            quarantines: Vec::new(),
            maintenance: Arc::new(Maintenance::unknown("its page was not read")),
            signals: Arc::default(),
            resemblance: Fact::Unknown(Cow::Borrowed("it was not compared with other names")),
            approvals: Fact::Unknown(Cow::Borrowed("the list of approvals was not read yet")),
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
    /// The next lower version that the page lists; `None` when there is none.
    pub before: Fact<Option<Version>>,
    /// The vulnerabilities that the release has. What is published here has none that others know of.
    pub advisories: Fact<Vec<Affecting>>,
    /// The vulnerabilities of earlier versions that this release puts an end to.
    pub fixes: Fact<Vec<Fix>>,
    /// Whether the release comes from whom the release before came from. Gathered where a rule needs it.
    pub publisher: Fact<PublisherStanding>,
    /// What its core metadata says. Gathered where a rule needs it.
    pub metadata: Fact<Arc<ReleaseMetadata>>,
}

/// A vulnerability that a release puts an end to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The advisory's id.
    pub advisory: String,
    /// When the advisory was published.
    pub published: Timestamp,
}

/// Who published a release, compared with the release before it, by their attestations (PEP 740). The
/// attestations are read as the index gives them; their signatures are not verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublisherStanding {
    /// The same publisher as before.
    Same(Publisher),
    /// Another publisher than before.
    Changed {
        /// Who published the release before.
        before: Publisher,
        /// Who published this one.
        now: Publisher,
    },
    /// The release before was attested, this one is not.
    NoLongerAttested(Publisher),
    /// The release before was not attested, so that there is nothing to compare.
    NotComparable,
}

impl ReleaseFacts {
    /// A release of which nothing is known yet but its version.
    pub fn of(version: Version) -> Self {
        Self {
            version,
            first_upload: Fact::Unknown(Cow::Borrowed("its page was not read")),
            newer: Fact::Unknown(Cow::Borrowed("its page was not read")),
            before: Fact::Unknown(Cow::Borrowed("its page was not read")),
            advisories: Fact::Unknown(Cow::Borrowed("no advisories have been loaded yet")),
            fixes: Fact::Unknown(Cow::Borrowed("no advisories have been loaded yet")),
            publisher: Fact::Unknown(Cow::Borrowed("nobody has asked for its attestations")),
            metadata: Fact::Unknown(Cow::Borrowed("its metadata was not read yet")),
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
    /// When the file was uploaded, as its index says; never when we saw it first.
    pub upload_time: Fact<Timestamp>,
    /// When this gateway saw the file first on a page of its source. Nobody outside can set this clock.
    pub first_seen: Fact<Timestamp>,
    /// Its size in bytes.
    pub size: Fact<u64>,
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
    /// What is known of the file's bytes; `None` while nobody has looked into them.
    pub content: Option<&'a ContentFacts>,
}

impl<'a> Facts<'a> {
    /// What the inspection saw in the file's bytes.
    pub fn inspection(&self) -> &'a Knowledge<Arc<Inspected>> {
        self.content
            .map_or(&Knowledge::Ahead, |content| &content.inspection)
    }
}

impl Facts<'_> {
    /// Whether the file (or the name's page) comes from outside the organisation.
    pub fn is_from_outside(&self) -> bool {
        self.project
            .origin
            .as_ref()
            .is_some_and(|origin| origin.trust == Trust::Outside)
    }

    /// Whether the name is one that anybody can take: it is not owned, and whatever has it comes from
    /// outside, or nothing has it yet.
    pub fn is_public_name(&self) -> bool {
        let is_inside = self.project.origin.is_some() && !self.is_from_outside();
        !is_inside && self.project.ownership.is_none()
    }
}
