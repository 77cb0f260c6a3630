//! [`ProjectName`], which cannot be built without being normalised, and [`NamePattern`], a name or a
//! prefix of names. Nothing past the HTTP door handles a project name as plain text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest project name that is accepted, in bytes. PyPI's own column is no longer.
pub const MAX_NAME_LENGTH: usize = 200;

/// A project name in its normalised form: runs of `-`, `_` and `.` folded to one `-`, lower case
/// (PEP 503 and the "name normalization" specification). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(Arc<str>);

/// The text is not a project name in any spelling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a project name: {0:?} (letters, digits, '.', '-' and '_', beginning and ending with a \
     letter or digit, at most {MAX_NAME_LENGTH})"
)]
pub struct InvalidName(pub String);

impl ProjectName {
    /// The normalised name that `spelling` spells.
    ///
    /// # Errors
    /// [`InvalidName`] when it does not match `^([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z` without
    /// regard to case, or is longer than [`MAX_NAME_LENGTH`].
    pub fn new(spelling: &str) -> Result<Self, InvalidName> {
        let bytes = spelling.as_bytes();
        let alphanumeric_at = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let all_allowed = bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
        if !all_allowed
            || !alphanumeric_at(bytes.first())
            || !alphanumeric_at(bytes.last())
            || bytes.len() > MAX_NAME_LENGTH
        {
            return Err(InvalidName(spelling.chars().take(80).collect()));
        }
        if is_normalized(bytes) {
            return Ok(Self(spelling.into()));
        }
        Ok(Self(fold(spelling).into()))
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as wheel and sdist file names spell it: `-` becomes `_` (PEP 427, PEP 625).
    pub fn as_file_name_part(&self) -> String {
        self.0.replace('-', "_")
    }
}

fn is_normalized(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && !bytes.windows(2).any(|pair| pair == b"--")
}

fn fold(spelling: &str) -> String {
    let mut folded = String::with_capacity(spelling.len());
    for character in spelling.chars() {
        match character {
            '-' | '_' | '.' if folded.ends_with('-') => {}
            '-' | '_' | '.' => folded.push('-'),
            other => folded.push(other.to_ascii_lowercase()),
        }
    }
    folded
}

/// A project name, or a prefix written `acme-*`: what an organisation owns or prohibits. A prefix
/// that ends in a separator is what PEP 752 calls a namespace.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum NamePattern {
    /// Exactly this project.
    Exact(ProjectName),
    /// Every project whose normalised name starts with this text (normalised too, for example
    /// `acme-`).
    Prefix(Arc<str>),
}

impl NamePattern {
    /// Whether `name` is meant. All spellings of a name were folded when it was parsed.
    pub fn matches(&self, name: &ProjectName) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name.as_str().starts_with(&**prefix),
        }
    }

    /// The PEP 752 namespace that this pattern stands for (`acme` for `acme-*`), if it is one.
    pub fn namespace(&self) -> Option<ProjectName> {
        match self {
            Self::Exact(_) => None,
            Self::Prefix(prefix) => ProjectName::new(prefix.strip_suffix('-')?).ok(),
        }
    }
}

impl FromStr for NamePattern {
    type Err = InvalidName;

    /// Reads `name` or `prefix*`; `Acme_*`, `acme.*` and `acme-*` are the same prefix.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(prefix) = text.strip_suffix('*') else {
            return ProjectName::new(text).map(Self::Exact);
        };
        let stem = prefix.trim_end_matches(['-', '_', '.']);
        let stem_name = ProjectName::new(stem).map_err(|_| InvalidName(text.to_owned()))?;
        let separator = if stem.len() < prefix.len() { "-" } else { "" };
        Ok(Self::Prefix(format!("{stem_name}{separator}").into()))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "{name}"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProjectName({})", self.0)
    }
}

impl FromStr for ProjectName {
    type Err = InvalidName;

    fn from_str(spelling: &str) -> Result<Self, Self::Err> {
        Self::new(spelling)
    }
}

impl Serialize for ProjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(spelling: &str) -> ProjectName {
        ProjectName::new(spelling).expect(spelling)
    }

    #[test]
    fn every_spelling_is_one_name() {
        for spelling in [
            "acme-x", "Acme_X", "acme.x", "ACME--x", "acme-_.x", "aCmE__X",
        ] {
            assert_eq!(name(spelling).as_str(), "acme-x", "{spelling}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "", "-", "-a", "a-", "a\n", "a b", "ä", "a/b", "..", "a\0b", "ａ",
        ] {
            assert!(ProjectName::new(text).is_err(), "{text:?}");
        }
        assert!(ProjectName::new(&"a".repeat(MAX_NAME_LENGTH)).is_ok());
        assert!(ProjectName::new(&"a".repeat(MAX_NAME_LENGTH + 1)).is_err());
    }

    #[test]
    fn a_prefix_owns_every_spelling_and_nothing_beside_it() {
        for pattern in ["acme-*", "Acme_*", "acme.*", "ACME--*"] {
            let pattern: NamePattern = pattern.parse().expect(pattern);
            assert_eq!(pattern.to_string(), "acme-*");
            assert!(pattern.matches(&name("Acme.Billing")));
            assert!(!pattern.matches(&name("acme")));
            assert!(!pattern.matches(&name("acmebilling")));
            assert_eq!(pattern.namespace(), Some(name("acme")));
        }
        let bare: NamePattern = "acme*".parse().expect("a prefix without separator");
        assert!(bare.matches(&name("acmebilling")) && bare.matches(&name("acme")));
        assert_eq!(bare.namespace(), None);
        for text in ["*", "-*", "a*b", "**"] {
            assert!(text.parse::<NamePattern>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(spelling in "[A-Za-z0-9][A-Za-z0-9._-]{0,30}[A-Za-z0-9]") {
            let once = name(&spelling);
            prop_assert_eq!(name(once.as_str()), once);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = ProjectName::new(&text);
            let _ = text.parse::<NamePattern>();
        }
    }
}
