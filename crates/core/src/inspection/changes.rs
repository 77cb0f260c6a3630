//! [`Changes`]: what a version does or brings that the one before it did not, each with a weight. Changes
//! are facts for the policy: which of them stop a file is decided elsewhere.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Observation;

/// What is new in a distribution, compared with an earlier one of the same project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Changes {
    /// The version that it was compared with; empty when it was compared with nothing.
    pub before: String,
    /// The changes, the weightiest first.
    pub changes: Vec<Change>,
    /// The fingerprints of what was found in this version and stood in the one before already.
    pub known: BTreeSet<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// What it is about: a file, a name, a dependency. The same words each time it is looked at.
    pub subject: String,
    /// A clause for people that continues the subject: `is new and runs at each start of Python`.
    pub detail: String,
    /// What it counts.
    pub weight: Weight,
}

/// What a change or difference counts, in points: [`Weight::STRONG`] and above is worth an
/// explanation by the project, [`Weight::DECISIVE`] is worth stopping for by itself.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Weight(pub u8);

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Code that runs when it is built or installed.
    InstallHook,
    /// Something that Python reads at each start.
    StartupFile,
    /// Something that the inspection finds and did not find before.
    Finding,
    /// Code that is packed, encoded or otherwise hidden.
    Obfuscation,
    /// Code is able to do what it was not able to do.
    Capability,
    /// A plugin that other programs load by themselves.
    Plugin,
    /// A command.
    EntryPoint,
    /// A file that is installed as a command.
    Script,
    /// Machine code.
    NativeBinary,
    /// Another distribution is required.
    Dependency,
    /// A module or package directly in `site-packages`.
    TopLevelModule,
    /// How the sdist is built.
    BuildBackend,
    /// It is much larger.
    Size,
    /// The release has no sdist any more.
    SdistGone,
    /// The release is not attested any more.
    AttestationGone,
    /// Somebody else published it.
    PublisherChanged,
    /// Its authors and maintainers are others.
    People,
    /// The first release after a long silence.
    Dormant,
    /// The version leaps.
    VersionJump,
}

impl Changes {
    /// What its strong changes count together. Weak ones add up in every large release, and say nothing
    /// by being many.
    #[must_use]
    pub fn score(&self) -> u32 {
        let strong = self
            .changes
            .iter()
            .filter(|change| change.weight.is_strong());
        strong.map(|change| u32::from(change.weight.0)).sum()
    }

    /// How many changes are strong.
    #[must_use]
    pub fn strong(&self) -> usize {
        let changes = self.changes.iter();
        changes.filter(|change| change.weight.is_strong()).count()
    }

    /// What all changes count together.
    #[must_use]
    pub fn points(&self) -> u32 {
        self.changes
            .iter()
            .map(|change| u32::from(change.weight.0))
            .sum()
    }

    /// Whether two changes are strong or one is decisive.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.score() >= u32::from(Weight::DECISIVE.0)
    }

    /// Whether the version before had what `seen` tells already.
    #[must_use]
    pub fn was_known(&self, seen: &Observation) -> bool {
        self.known.contains(&seen.code_hash)
    }
}

impl Weight {
    /// Worth knowing.
    pub const INFORMATION: Self = Self(0);
    /// Ordinary in a new version.
    pub const WEAK: Self = Self(1);
    /// Not ordinary, and mostly harmless.
    pub const UNUSUAL: Self = Self(2);
    /// Worth an explanation; two of them are suspicious.
    pub const STRONG: Self = Self(5);
    /// Suspicious by itself.
    pub const DECISIVE: Self = Self(10);

    /// Whether it is worth an explanation.
    #[must_use]
    pub fn is_strong(self) -> bool {
        self >= Self::STRONG
    }
}

impl ChangeKind {
    /// Every kind, the weightiest ones first on the whole.
    pub const ALL: [Self; 19] = [
        Self::InstallHook,
        Self::StartupFile,
        Self::Finding,
        Self::Obfuscation,
        Self::Capability,
        Self::Plugin,
        Self::EntryPoint,
        Self::Script,
        Self::NativeBinary,
        Self::Dependency,
        Self::TopLevelModule,
        Self::BuildBackend,
        Self::Size,
        Self::SdistGone,
        Self::AttestationGone,
        Self::PublisherChanged,
        Self::People,
        Self::Dormant,
        Self::VersionJump,
    ];

    /// As records and waivers write it, for example `startup-file`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstallHook => "install-hook",
            Self::StartupFile => "startup-file",
            Self::Finding => "finding",
            Self::Obfuscation => "obfuscation",
            Self::Capability => "capability",
            Self::Plugin => "plugin",
            Self::EntryPoint => "entry-point",
            Self::Script => "script",
            Self::NativeBinary => "native-binary",
            Self::Dependency => "dependency",
            Self::TopLevelModule => "top-level-module",
            Self::BuildBackend => "build-backend",
            Self::Size => "size",
            Self::SdistGone => "sdist-gone",
            Self::AttestationGone => "attestation-gone",
            Self::PublisherChanged => "publisher-changed",
            Self::People => "people",
            Self::Dormant => "dormant",
            Self::VersionJump => "version-jump",
        }
    }
}

/// A word that names no kind of change or difference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of {known}")]
pub struct UnknownKind {
    /// The word.
    pub text: String,
    /// The words that there are.
    pub known: String,
}

impl UnknownKind {
    pub(super) fn of(text: &str, known: &[&str]) -> Self {
        Self {
            text: text.to_owned(),
            known: known.join(", "),
        }
    }
}

impl FromStr for ChangeKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        named.ok_or_else(|| UnknownKind::of(text, &Self::ALL.map(Self::as_str)))
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Change {
    /// One clause: subject and detail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn changes(weights: &[Weight]) -> Changes {
        let change = |weight: &Weight| Change {
            kind: ChangeKind::Capability,
            subject: "a.py".to_owned(),
            detail: "uses the network".to_owned(),
            weight: *weight,
        };
        Changes {
            changes: weights.iter().map(change).collect(),
            ..Changes::default()
        }
    }

    #[test]
    fn two_strong_changes_or_one_decisive_are_suspicious_and_many_weak_ones_are_not() {
        for (weights, is_suspicious) in [
            (&[Weight::DECISIVE][..], true),
            (&[Weight::STRONG, Weight::STRONG], true),
            (&[Weight::STRONG], false),
            (&[Weight::UNUSUAL; 40], false),
            (&[], false),
        ] {
            let changes = changes(weights);
            assert_eq!(changes.is_suspicious(), is_suspicious, "{weights:?}");
            assert!(changes.points() >= changes.score());
        }
        assert_eq!(changes(&[Weight::STRONG, Weight::WEAK]).strong(), 1);
    }

    #[test]
    fn kinds_are_written_as_they_are_stored() {
        let change = &changes(&[Weight::STRONG]).changes[0];
        let text = serde_json::to_value(change).unwrap();
        assert_eq!(text["kind"], change.kind.as_str());
        assert_eq!(text["weight"], 5);
        assert_eq!(change.to_string(), "a.py uses the network");
        assert_eq!(
            serde_json::from_str::<Changes>("{}").unwrap(),
            Changes::default()
        );
    }
}
