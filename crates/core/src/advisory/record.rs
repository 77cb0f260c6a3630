//! One advisory as it is kept: what rules and people need of an OSV record, and no more. Built by
//! reading OSV, or from our own snapshot of what was read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::range::Interval;
use super::severity::Severity;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use crate::time::Timestamp;

/// An advisory, as far as it is about projects of PyPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its id, for example `PYSEC-2024-62`.
    pub id: Arc<str>,
    /// Other ids of the same vulnerability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Arc<str>>,
    /// One line for people, without control characters; may be empty.
    pub summary: Arc<str>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// When it was last changed: of two records with one id, the later counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// When it was withdrawn. A withdrawn advisory affects nothing and is kept for history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    /// Why it is about malice and not about a mistake, if it is: one clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malicious: Option<Arc<str>>,
    /// The projects it is about, each once.
    pub affected: Vec<Affected>,
}

/// Which versions of one project an advisory is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The project.
    pub project: ProjectName,
    /// How bad it is, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Affected versions without gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) intervals: Vec<Interval>,
    /// Affected versions beside those of the intervals, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) versions: Vec<Version>,
    /// Affected versions that PEP 440 cannot read, verbatim and sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unreadable: Vec<Box<str>>,
    /// Versions with a fix, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) fixed: Vec<Version>,
}

impl Affected {
    /// About `project`, and no version of it yet.
    pub(super) fn nothing_of(project: ProjectName) -> Self {
        Self {
            project,
            severity: None,
            intervals: Vec::new(),
            versions: Vec::new(),
            unreadable: Vec::new(),
            fixed: Vec::new(),
        }
    }

    /// Whether `version` is meant: it is listed, or lies in an interval. Only the public part of a
    /// local version (`2.0+cu118`) counts, unless the advisory itself names a local one.
    pub fn includes(&self, version: &Version) -> bool {
        if !version.is_local() {
            return self.includes_public(version, version);
        }
        let public = version.clone().without_local();
        self.includes_public(version, &public)
    }

    fn includes_public(&self, version: &Version, public: &Version) -> bool {
        let listed = |version: &Version| self.versions.binary_search(version).is_ok();
        let within = |one: &Interval| one.contains(version, public);
        self.intervals.iter().any(within)
            || listed(public)
            || (version.is_local() && listed(version))
    }

    /// Whether the version that is spelled `text` is meant. What PEP 440 cannot read is meant only
    /// when it is listed in the same spelling, or when every version is.
    pub fn includes_spelled(&self, text: &str) -> bool {
        match text.parse() {
            Ok(version) => self.includes(&version),
            Err(_) => {
                let listed = self
                    .unreadable
                    .binary_search_by(|one| one.as_ref().cmp(text));
                listed.is_ok() || self.intervals.contains(&Interval::EVERYTHING)
            }
        }
    }

    /// The versions with a fix, in order.
    pub fn fixed(&self) -> &[Version] {
        &self.fixed
    }

    /// Adds what another part of the record says of the same project.
    pub(super) fn absorb(&mut self, other: Self) {
        self.intervals.extend(other.intervals);
        self.versions.extend(other.versions);
        self.unreadable.extend(other.unreadable);
        self.fixed.extend(other.fixed);
        self.severity = match (self.severity.take(), other.severity) {
            (Some(one), Some(another)) => Some(one.worse(another)),
            (one, another) => one.or(another),
        };
    }

    /// Sorts, and drops what is said twice: nearly all listed versions lie in intervals.
    pub(super) fn settle(&mut self) {
        let intervals = &self.intervals;
        self.versions.retain(|version| {
            let public = version.clone().without_local();
            !intervals.iter().any(|one| one.contains(version, &public))
        });
        for versions in [&mut self.versions, &mut self.fixed] {
            versions.sort_unstable();
            versions.dedup();
            versions.shrink_to_fit();
        }
        self.unreadable.sort_unstable();
        self.unreadable.dedup();
    }
}
