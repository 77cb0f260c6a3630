//! [`Differences`]: what a wheel holds that its sdist does not account for, each with a weight. Like
//! changes they are facts for the policy.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Weight;
use super::changes::UnknownKind;

/// What a wheel has that the sdist of the same release does not account for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Differences {
    /// The differences, the weightiest first.
    pub differences: Vec<Difference>,
    /// How many of the wheel's files the sdist accounts for.
    pub alike: usize,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// What kind of difference it is.
    pub kind: DifferenceKind,
    /// The file of the wheel, where it is installed.
    pub path: String,
    /// A clause for people that continues the path: `is not in the sdist`.
    pub detail: String,
    /// What it counts.
    pub weight: Weight,
}

/// The kinds of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Python that only the wheel has.
    OnlyInWheel,
    /// Python that is other code than in the sdist.
    OtherCode,
    /// A file that Python reads at each start, and that only the wheel has.
    Startup,
    /// Machine code that no source in the sdist accounts for.
    Native,
    /// A command that only the wheel has, or has otherwise.
    Script,
    /// What builds make: versions, bindings, translations, machine code from sources.
    Built,
    /// Any other file that only the wheel has.
    Data,
}

impl Differences {
    /// The strong ones.
    pub fn strong(&self) -> impl Iterator<Item = &Difference> {
        let all = self.differences.iter();
        all.filter(|difference| difference.weight.is_strong())
    }

    /// What the strong ones count together.
    #[must_use]
    pub fn score(&self) -> u32 {
        self.strong()
            .map(|difference| u32::from(difference.weight.0))
            .sum()
    }

    /// Whether any is strong.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.strong().next().is_some()
    }
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::OnlyInWheel,
        Self::OtherCode,
        Self::Startup,
        Self::Native,
        Self::Script,
        Self::Built,
        Self::Data,
    ];

    /// As records and waivers write it, for example `only-in-wheel`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyInWheel => "only-in-wheel",
            Self::OtherCode => "other-code",
            Self::Startup => "startup",
            Self::Native => "native",
            Self::Script => "script",
            Self::Built => "built",
            Self::Data => "data",
        }
    }
}

impl FromStr for DifferenceKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        named.ok_or_else(|| UnknownKind::of(text, &Self::ALL.map(Self::as_str)))
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Difference {
    /// One clause: path and detail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.detail)
    }
}
