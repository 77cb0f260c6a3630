//! [`Quarantine`]: releases that nobody receives any more, from one moment to the next. Who began one,
//! and when it ends, is kept by the vault.

use std::fmt;
use std::sync::Arc;

use crate::digest::Sha256;
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers, admits};
use crate::time::Timestamp;

/// Releases of a project, or one content among them, that nobody receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Its number.
    pub id: i64,
    /// The project.
    pub project: ProjectName,
    /// Its versions; empty for all of them.
    pub specifiers: VersionSpecifiers,
    /// Only the files with this content; every file when absent.
    pub sha256: Option<Sha256>,
    /// Why, for those who are refused.
    pub reason: Arc<str>,
    /// Since when.
    pub since: Timestamp,
}

/// Whether a file is in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is.
    Within,
    /// It is not.
    Outside,
    /// It may be: this is not known of it.
    Unclear(&'static str),
}

impl Quarantine {
    /// Whether a file is in it of which this is known.
    pub fn reaches(&self, version: Option<&Version>, sha256: Option<Sha256>) -> Reach {
        match (self.sha256, sha256) {
            (Some(bad), Some(actual)) if bad != actual => return Reach::Outside,
            _ => {}
        }
        match version {
            Some(version) if !admits(&self.specifiers, version) => return Reach::Outside,
            None if !self.specifiers.is_empty() => {
                return Reach::Unclear("its version is not known");
            }
            _ => {}
        }
        match (self.sha256, sha256) {
            (Some(_), None) => Reach::Unclear("its content is not known"),
            _ => Reach::Within,
        }
    }

    /// Whether everything of the project is in it, what is not there yet included.
    pub fn is_of_the_whole_project(&self) -> bool {
        self.specifiers.is_empty() && self.sha256.is_none()
    }
}

impl fmt::Display for Quarantine {
    /// The requirement that it was made with: `litellm>=1.82.7, <=1.82.8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.project, self.specifiers)?;
        match &self.sha256 {
            Some(sha256) => write!(f, " sha256:{sha256}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quarantine(specifiers: &str, sha256: Option<&[u8]>) -> Quarantine {
        Quarantine {
            id: 1,
            project: ProjectName::new("litellm").expect("a name"),
            specifiers: specifiers.parse().expect(specifiers),
            sha256: sha256.map(Sha256::of),
            reason: "".into(),
            since: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_file_is_within_when_version_and_content_are() {
        let (bad, good) = (b"bad".as_slice(), b"good".as_slice());
        let unclear = |what| Reach::Unclear(what);
        for (specifiers, only, version, content, expected) in [
            ("", None, Some("1"), None, Reach::Within),
            ("", None, None, None, Reach::Within),
            (">=1,<2", None, Some("1.5"), None, Reach::Within),
            (">=1,<2", None, Some("2"), None, Reach::Outside),
            (
                ">=1,<2",
                None,
                None,
                None,
                unclear("its version is not known"),
            ),
            ("", Some(bad), Some("1"), Some(bad), Reach::Within),
            ("", Some(bad), Some("1"), Some(good), Reach::Outside),
            (
                "",
                Some(bad),
                Some("1"),
                None,
                unclear("its content is not known"),
            ),
            ("==2", Some(bad), Some("1"), None, Reach::Outside),
            ("==2", Some(bad), None, Some(good), Reach::Outside),
        ] {
            let version: Option<Version> = version.map(|text: &str| text.parse().expect(text));
            let found =
                quarantine(specifiers, only).reaches(version.as_ref(), content.map(Sha256::of));
            assert_eq!(
                found, expected,
                "{specifiers:?} {only:?} {version:?} {content:?}"
            );
        }
    }
}
