//! [`Subject`]: what exposure is asked about, as people write it.

use std::fmt;
use std::str::FromStr;

use portcullis_core::digest::{InvalidDigest, Sha256};
use portcullis_core::pypi::requirement::{InvalidRequirement, Requirement};

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Releases of a project.
    Releases(Requirement),
    /// One content, whatever it was called.
    Content(Sha256),
    /// What an advisory affects, by its id or one of its aliases.
    Advisory(Box<str>),
    /// Everything: a window of time says what is meant.
    Everything,
}

/// The text names nothing that can be asked about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Not a requirement.
    #[error(transparent)]
    Requirement(#[from] InvalidRequirement),
    /// Not a digest.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
    /// Not the id of an advisory.
    #[error("not the id of an advisory: {0:?}")]
    Advisory(String),
}

/// What the ids of the usual advisories begin with.
const ADVISORIES: [&str; 5] = ["CVE-", "GHSA-", "PYSEC-", "MAL-", "OSV-"];

/// The longest id of an advisory, in bytes.
const MAX_ID: usize = 100;

impl FromStr for Subject {
    type Err = InvalidSubject;

    /// `sha256:HEX`, `advisory:ID`, an id such as `GHSA-…` in capital letters, or a requirement.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(digest) = text.strip_prefix("sha256:") {
            return Ok(Self::Content(digest.parse()?));
        }
        let id = text.strip_prefix("advisory:");
        let is_usual = || ADVISORIES.iter().any(|usual| text.starts_with(usual));
        let Some(id) = id.or_else(|| is_usual().then_some(text)) else {
            return Ok(Self::Releases(text.parse()?));
        };
        let is_id = !id.is_empty()
            && id.len() <= MAX_ID
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
        match is_id {
            true => Ok(Self::Advisory(id.into())),
            false => Err(InvalidSubject::Advisory(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Releases(requirement) => write!(f, "{requirement}"),
            Self::Content(digest) => write!(f, "sha256:{digest}"),
            Self::Advisory(id) => f.write_str(id),
            Self::Everything => f.write_str("anything"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_contents_and_advisories_can_be_asked_about() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (text, expected) in [
            ("Flask>=3", "flask>=3"),
            (&digest, &digest),
            ("GHSA-xxxx-yyyy-zzzz", "GHSA-xxxx-yyyy-zzzz"),
            ("advisory:ACME-1", "ACME-1"),
            ("cve-checker", "cve-checker"),
        ] {
            assert_eq!(text.parse::<Subject>().expect(text).to_string(), expected);
        }
        assert!(matches!("MAL-2026-1".parse(), Ok(Subject::Advisory(_))));
        for text in [
            "",
            "sha256:",
            "sha256:xyz",
            "flask=3",
            "advisory:",
            "CVE-a b",
        ] {
            assert!(text.parse::<Subject>().is_err(), "{text:?}");
        }
    }
}
