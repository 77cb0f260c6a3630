//! [`Observation`]: one thing that a rule saw in a distribution, where, and how it came about. An
//! observation is a fact for the policy; it decides nothing by itself.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::is_about_the_archive;
use super::{Context, Step};

/// How bad it is when the observation is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, never worth stopping for.
    Info,
    /// Unusual.
    Low,
    /// Unusual and able to do harm.
    Medium,
    /// Harm is the likely reading.
    High,
    /// Harm is nearly the only reading.
    Critical,
}

/// How sure the rule is, in per cent: 100 is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub struct Confidence(u8);

/// One finding of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The rule's id, for example `EXE-001`.
    pub rule: Cow<'static, str>,
    /// How bad it would be, after the rule has looked at the context.
    pub severity: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// The member of the archive, as the archive names it.
    pub file: Arc<str>,
    /// Counted from 1; 0 when the observation is about the file as a whole.
    pub line: u32,
    /// In characters, counted from 1; 0 when the observation is about the file as a whole.
    pub column: u32,
    /// How many decodings lie between the file and the code seen: 0 is the file itself.
    pub layer: u8,
    /// When the code runs.
    pub context: Context,
    /// One sentence in plain words, without a full stop.
    pub message: String,
    /// How the data travelled, from source to sink. Empty for what needs no chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Step>,
    /// The same for the same code under the same rule, wherever it moved: see [`fingerprint`].
    pub code_hash: String,
}

impl Observation {
    /// Whether it says that something was not looked at, rather than that something was found.
    #[must_use]
    pub fn is_about_completeness(&self) -> bool {
        matches!(&*self.rule, "ENG-002" | "ARC-012")
    }

    /// Whether it is about how the archive is built, or about what of it could not be read, rather than
    /// about what its files do.
    #[must_use]
    pub fn is_about_the_archive(&self) -> bool {
        is_about_the_archive(&self.rule)
    }

    /// What exactly was seen, as waivers remember it: the rule, when the code runs, and the code's
    /// fingerprint, for example `NET-001@import:0f1e…`. The same code that runs earlier is another thing.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}@{}:{}", self.rule, self.context, self.code_hash)
    }
}

impl Severity {
    /// Every severity, from the mildest.
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The next milder severity; information stays information.
    #[must_use]
    pub fn milder(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// A text that names no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a severity (info, low, medium, high, critical)")]
pub struct UnknownSeverity(String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|severity| severity.to_string() == text)
            .ok_or_else(|| UnknownSeverity(text.to_owned()))
    }
}

impl Confidence {
    /// Certain.
    pub const CERTAIN: Self = Self(100);

    /// `per_cent` of certainty; more than 100 is 100.
    #[must_use]
    pub const fn of(per_cent: u8) -> Self {
        Self(if per_cent > 100 { 100 } else { per_cent })
    }

    /// The same certainty after `context` has weighed it: code that only a caller runs counts less.
    #[must_use]
    pub fn in_context(self, context: Context) -> Self {
        Self((f32::from(self.0) * context.weight()).round() as u8)
    }

    /// In per cent.
    #[must_use]
    pub fn per_cent(self) -> u8 {
        self.0
    }
}

impl From<u8> for Confidence {
    fn from(per_cent: u8) -> Self {
        Self::of(per_cent)
    }
}

impl From<Confidence> for u8 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

/// The fingerprint of `code` under `rule`, in 32 hexadecimal digits: the rule's id and the code
/// without white space, so that moving or indenting the code differently changes nothing.
#[must_use]
pub fn fingerprint(rule: &str, code: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(rule.as_bytes());
    hash.update([0]);
    for word in code.split_whitespace() {
        hash.update(word.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_code_keeps_its_fingerprint() {
        let here = fingerprint("EXE-001", "exec( data )");
        assert_eq!(here, fingerprint("EXE-001", "exec(\n    data\n)"));
        assert_ne!(here, fingerprint("EXE-002", "exec( data )"));
        assert_ne!(here, fingerprint("EXE-001", "exec( date )"));
    }

    #[test]
    fn library_code_weighs_a_quarter() {
        assert_eq!(Confidence::of(80).in_context(Context::Call).per_cent(), 20);
        assert_eq!(
            Confidence::of(200).in_context(Context::Install),
            Confidence::CERTAIN
        );
    }
}
