//! [`Approved`]: what an index may serve when it serves only what was approved. Who approved it and how it
//! is kept is the vault's business; the rule that asks for it is `not-approved`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::digest::Sha256;
use crate::pypi::name::NamePattern;
use crate::pypi::requirement::Requirement;
use crate::pypi::version::{Version, VersionSpecifiers, admits};

pub mod import;

/// The longest name of a lock file or bill of materials that is kept with an approval, in bytes.
pub const MAX_ORIGIN_LENGTH: usize = 300;

/// One entry of the list of what is approved for an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The number under which it is listed and removed.
    pub id: i64,
    /// The projects.
    pub projects: NamePattern,
    /// The versions; all when absent.
    pub versions: Option<VersionSpecifiers>,
    /// The files, by their SHA-256; every file of the versions when empty.
    pub files: Vec<Sha256>,
    /// How it came to be approved.
    pub origin: ApprovalOrigin,
    /// Why.
    pub reason: Arc<str>,
}

/// What a person approves on the command line: `flask`, `flask>=3,<4` or `acme-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvable {
    /// The projects.
    pub projects: NamePattern,
    /// The versions; empty for all.
    pub specifiers: VersionSpecifiers,
}

impl FromStr for Approvable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(projects) = text.parse::<NamePattern>() {
            return Ok(Self {
                projects,
                specifiers: VersionSpecifiers::empty(),
            });
        }
        let requirement: Requirement = text.parse().map_err(|error| format!("{error}"))?;
        match requirement.extras.is_empty() {
            true => Ok(Self {
                projects: NamePattern::Exact(requirement.name),
                specifiers: requirement.specifiers,
            }),
            false => Err(format!(
                "{text:?} has extras, which are approved by the names of what they want"
            )),
        }
    }
}

/// How something came to be approved. Its text is `typed`, `lock:NAME` or `sbom:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ApprovalOrigin {
    /// Somebody named it.
    Typed,
    /// A lock file of this name has it.
    Lock(Box<str>),
    /// A bill of materials of this name has it.
    Sbom(Box<str>),
}

impl fmt::Display for ApprovalOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed => f.write_str("typed"),
            Self::Lock(name) => write!(f, "lock:{name}"),
            Self::Sbom(name) => write!(f, "sbom:{name}"),
        }
    }
}

/// The text is not the origin of an approval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the origin of an approval: {0:?}")]
pub struct UnknownOrigin(pub String);

impl FromStr for ApprovalOrigin {
    type Err = UnknownOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "typed" => Ok(Self::Typed),
            Some(("lock", name)) => Ok(Self::Lock(name.into())),
            Some(("sbom", name)) => Ok(Self::Sbom(name.into())),
            _ => Err(UnknownOrigin(text.chars().take(80).collect())),
        }
    }
}

/// What an approval says of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// It is about other versions.
    OtherVersion,
    /// It is about other files of this version.
    OtherFile,
    /// It may be about this file: it is about some versions or files, and what this one is is not known.
    Perhaps,
    /// It approves the file.
    Covered,
}

impl Approved {
    /// What it says of a file of one of its projects, by the version and the digest that are known of it.
    pub fn covers(&self, version: Option<&Version>, sha256: Option<&Sha256>) -> Coverage {
        let by_version = match (&self.versions, version) {
            (None, _) => Coverage::Covered,
            (Some(specifiers), Some(version)) if admits(specifiers, version) => Coverage::Covered,
            (Some(_), Some(_)) => return Coverage::OtherVersion,
            (Some(_), None) => Coverage::Perhaps,
        };
        match (self.files.is_empty(), sha256) {
            (true, _) => by_version,
            (false, Some(sha256)) if self.files.contains(sha256) => Coverage::Covered,
            (false, Some(_)) => Coverage::OtherFile,
            (false, None) => Coverage::Perhaps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(versions: &str, files: &[&str], version: Option<&str>, of: Option<&str>) -> Coverage {
        let approved = Approved {
            id: 1,
            projects: "flask".parse().expect("a pattern"),
            versions: (!versions.is_empty()).then(|| versions.parse().expect("specifiers")),
            files: files
                .iter()
                .map(|bytes| Sha256::of(bytes.as_bytes()))
                .collect(),
            origin: ApprovalOrigin::Typed,
            reason: "".into(),
        };
        let version = version.map(|version| version.parse().expect("a version"));
        let of = of.map(|bytes| Sha256::of(bytes.as_bytes()));
        approved.covers(version.as_ref(), of.as_ref())
    }

    #[test]
    fn an_approval_covers_its_versions_and_its_files() {
        use Coverage::{Covered, OtherFile, OtherVersion, Perhaps};
        for (versions, files, version, of, expected) in [
            ("", &[][..], None, None, Covered),
            (">=3,<4", &[], Some("3.1"), None, Covered),
            (">=3,<4", &[], Some("4.0"), None, OtherVersion),
            (">=3,<4", &[], None, None, Perhaps),
            ("==3.1", &["a", "b"], Some("3.1"), Some("b"), Covered),
            ("==3.1", &["a", "b"], Some("3.1"), Some("c"), OtherFile),
            ("==3.1", &["a", "b"], Some("3.2"), Some("a"), OtherVersion),
            ("==3.1", &["a"], Some("3.1"), None, Perhaps),
            ("==3.1", &["a"], None, Some("a"), Covered),
            ("", &["a"], None, Some("b"), OtherFile),
        ] {
            let found = covers(versions, files, version, of);
            assert_eq!(found, expected, "{versions} {files:?} {version:?} {of:?}");
        }
    }

    #[test]
    fn what_is_approved_is_a_name_a_prefix_or_a_requirement() {
        for (text, projects, specifiers) in [
            ("Flask", "flask", ""),
            ("acme_*", "acme-*", ""),
            ("flask >=3, <4", "flask", ">=3, <4"),
            ("flask==3.1.3", "flask", "==3.1.3"),
        ] {
            let approvable: Approvable = text.parse().expect(text);
            assert_eq!(approvable.projects.to_string(), projects);
            assert_eq!(approvable.specifiers.to_string(), specifiers);
        }
        for text in ["", "flask[async]", "acme-*>=1", "flask @ file:///x", "a b"] {
            assert!(text.parse::<Approvable>().is_err(), "{text}");
        }
    }

    #[test]
    fn origins_survive_printing_and_parsing() {
        for text in ["typed", "lock:uv.lock", "sbom:a:b.json", "lock:"] {
            let origin: ApprovalOrigin = text.parse().expect(text);
            assert_eq!(origin.to_string(), text);
        }
        for text in ["", "Typed", "file:x", "typed:"] {
            assert!(text.parse::<ApprovalOrigin>().is_err(), "{text}");
        }
    }
}
