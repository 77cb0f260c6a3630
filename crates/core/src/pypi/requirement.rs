//! [`Requirement`]: which releases a person means on the command line, `flask>=3` or
//! `litellm==1.82.7`. A marker, which is about the installing machine, is not looked at; direct
//! references are refused.

use std::fmt;
use std::str::FromStr;

use pep508_rs::{Pep508ErrorSource, VersionOrUrl};
use url::Url;

use super::name::{InvalidName, ProjectName};
use super::version::{Version, VersionSpecifiers, admits, exact_version};

/// The longest requirement that is read, in bytes.
const MAX_LENGTH: usize = 4096;

/// A project and the versions of it that are meant (PEP 508, without URLs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The project.
    pub name: ProjectName,
    /// The extras, normalised, in the order given.
    pub extras: Vec<ProjectName>,
    /// The versions; empty for all of them.
    pub specifiers: VersionSpecifiers,
}

/// Why a text is no requirement that can be answered for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequirement {
    /// It is not what PEP 508 describes.
    #[error("not a requirement such as 'flask' or 'flask>=3,<4': {text:?} ({why})")]
    Syntax {
        /// The text, shortened.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name or an extra is not one.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A direct reference: it names a file somewhere, and not releases of a project.
    #[error(
        "{0:?} points at a URL; give a project of an index instead, for example 'flask' or \
         'flask==3.0.0'"
    )]
    Url(String),
    /// Longer than any honest requirement.
    #[error("the requirement is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

impl Requirement {
    /// Whether `version` is meant. Pre-releases are, when the specifiers admit them.
    pub fn matches(&self, version: &Version) -> bool {
        admits(&self.specifiers, version)
    }

    /// The one version that is meant, when the specifiers are a single `==` without a wildcard.
    pub fn exact_version(&self) -> Option<&Version> {
        exact_version(&self.specifiers)
    }
}

impl FromStr for Requirement {
    type Err = InvalidRequirement;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(InvalidRequirement::TooLong);
        }
        if looks_like_a_url(text) {
            return Err(InvalidRequirement::Url(shortened(text)));
        }
        let requirement = text.split(';').next().unwrap_or_default().trim();
        check_names(requirement)?;
        let parsed = pep508_rs::Requirement::<Url>::from_str(requirement).map_err(|error| {
            let why = match error.message {
                Pep508ErrorSource::UrlError(_) => return InvalidRequirement::Url(shortened(text)),
                Pep508ErrorSource::String(why) | Pep508ErrorSource::UnsupportedRequirement(why) => {
                    why
                }
            };
            let why = why.lines().next().unwrap_or_default().to_owned();
            InvalidRequirement::Syntax {
                text: shortened(text),
                why,
            }
        })?;
        let specifiers = match parsed.version_or_url {
            None => VersionSpecifiers::empty(),
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
            Some(VersionOrUrl::Url(_)) => return Err(InvalidRequirement::Url(shortened(text))),
        };
        let name = ProjectName::new(parsed.name.as_ref())?;
        let extras = parsed
            .extras
            .iter()
            .map(|extra| ProjectName::new(extra.as_ref()));
        Ok(Self {
            name,
            extras: extras.collect::<Result<_, _>>()?,
            specifiers,
        })
    }
}

/// Refuses names that are none before `pep508_rs` sees them: at `flask.` and `flask[x.]` it panics.
fn check_names(requirement: &str) -> Result<(), InvalidName> {
    let is_name_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    ProjectName::new(
        requirement
            .split(|c| !is_name_part(c))
            .next()
            .unwrap_or_default(),
    )?;
    let extras = requirement.split_once('[').map_or("", |(_, rest)| rest);
    let extras = extras
        .split(']')
        .next()
        .unwrap_or_default()
        .split(',')
        .map(str::trim);
    extras
        .filter(|extra| !extra.is_empty())
        .try_for_each(|extra| ProjectName::new(extra).map(drop))
}

fn looks_like_a_url(text: &str) -> bool {
    let requirement = text.split(';').next().unwrap_or_default();
    requirement.contains("://") || requirement.contains('@')
}

fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.extras.is_empty() {
            let extras: Vec<&str> = self.extras.iter().map(ProjectName::as_str).collect();
            write!(f, "[{}]", extras.join(","))?;
        }
        write!(f, "{}", self.specifiers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn requirement(text: &str) -> Requirement {
        text.parse().expect(text)
    }

    #[test]
    fn releases_are_named_by_specifiers() {
        let cases = [
            ("flask", "0.1", true),
            ("flask>=3", "3.0.0", true),
            ("flask>=3", "3.1rc1", true),
            ("Flask >= 3, < 4", "4.0", false),
            ("litellm==1.82.7", "1.82.7", true),
            ("litellm==1.82.7", "1.82.8", false),
            (
                "flask[async,dotenv]~=3.0 ; python_version > '3.8'",
                "3.9",
                true,
            ),
            ("flask (>=3)", "2", false),
            ("flask==1.1.*", "1", false),
        ];
        for (text, version, expected) in cases {
            let version = version.parse().expect(version);
            assert_eq!(
                requirement(text).matches(&version),
                expected,
                "{text} {version}"
            );
        }
    }

    #[test]
    fn one_version_is_named_by_a_single_equality() {
        for (text, expected) in [
            ("flask==3.0", Some("3.0")),
            ("flask === 3.0", Some("3.0")),
            ("flask", None),
            ("flask==3.*", None),
            ("flask>=3.0", None),
            ("flask==3.0,!=2", None),
        ] {
            let found = requirement(text).exact_version().map(ToString::to_string);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn it_prints_what_it_means() {
        for (text, expected) in [
            ("Flask_X", "flask-x"),
            ("flask >=3,<4", "flask>=3, <4"),
            ("flask[A.b]==1.0; os_name=='nt'", "flask[a-b]==1.0"),
        ] {
            assert_eq!(requirement(text).to_string(), expected);
            assert_eq!(requirement(expected), requirement(text));
        }
    }

    #[test]
    fn urls_are_refused_as_urls() {
        for text in [
            "flask @ https://files.example/flask-1.0.tar.gz",
            "https://files.example/flask-1.0.tar.gz",
            "git+ssh://host.example/x",
            "flask@file:///x",
        ] {
            let found = text.parse::<Requirement>();
            assert!(
                matches!(found, Err(InvalidRequirement::Url(_))),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused_in_one_line() {
        for text in [
            "", ">=3", "flask=3", "flask>=", "flask>=x", "./flask", "flask 3", "-r x",
        ] {
            let error = text.parse::<Requirement>().expect_err(text).to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let long = format!("a{}", " ".repeat(5000)) + "b";
        assert_eq!(
            long.parse::<Requirement>(),
            Err(InvalidRequirement::TooLong)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tail in "[a-z0-9 <>=!~.,;()\\[\\]*+@'\"é-]{0,40}") {
            let _ = text.parse::<Requirement>();
            let _ = format!("flask{text}").parse::<Requirement>();
            let _ = format!("flask{tail}").parse::<Requirement>();
            let _ = format!("flask[{tail}").parse::<Requirement>();
            let _ = format!("flask>={tail}").parse::<Requirement>();
        }
    }
}
