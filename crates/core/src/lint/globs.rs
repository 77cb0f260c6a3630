//! [`Globs`]: patterns of paths in settings, matched as people know them from `.gitignore`. Pure: paths are
//! texts, and nobody looks whether they are there.

use std::fmt;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns of paths below the project.
///
/// `*` and `?` stop at `/`, `**` does not. A pattern without `/` but at its end matches at any depth; what matches a
/// folder matches all that is below it.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    spelled: Vec<String>,
    set: GlobSet,
}

/// A pattern that is none; the reason, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidGlob(String);

impl Globs {
    /// These patterns.
    ///
    /// # Errors
    /// [`InvalidGlob`] for the first that is none.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, InvalidGlob> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let [itself, below] = globs(pattern.as_ref())?;
            set.add(itself).add(below);
        }
        let set = set.build().map_err(|error| invalid(&error))?;
        let spelled = patterns.iter().map(|one| one.as_ref().to_owned());
        Ok(Self {
            spelled: spelled.collect(),
            set,
        })
    }

    /// Whether one of them matches `path`, which has `/` between its parts and none at its ends.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.set.is_match(path)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spelled.is_empty()
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled.join(", "))
    }
}

/// What a pattern matches: itself, and everything below.
fn globs(pattern: &str) -> Result<[Glob; 2], InvalidGlob> {
    let inner = pattern.trim_matches('/');
    if inner.is_empty() {
        return Err(InvalidGlob("a pattern of paths is empty".to_owned()));
    }
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let itself = match is_anchored {
        true => inner.to_owned(),
        false => format!("**/{inner}"),
    };
    let glob = |text: &str| {
        let mut builder = GlobBuilder::new(text);
        builder.literal_separator(true).backslash_escape(true);
        builder.build().map_err(|error| invalid(&error))
    };
    Ok([glob(&itself)?, glob(&format!("{itself}/**"))?])
}

fn invalid(error: &globset::Error) -> InvalidGlob {
    InvalidGlob(error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_gitignore() {
        for (pattern, path, expected) in [
            ("docs", "docs/requirements.txt", true),
            ("docs", "a/docs/x/requirements.txt", true),
            ("docs/", "docs/requirements.txt", true),
            ("/docs", "a/docs/requirements.txt", false),
            ("/docs", "docs/requirements.txt", true),
            ("a/*.txt", "a/b.txt", true),
            ("a/*.txt", "a/c/b.txt", false),
            ("a/**/b.txt", "a/b.txt", true),
            ("a/**/b.txt", "a/c/d/b.txt", true),
            ("*.txt", "a/c/b.txt", true),
            ("*.txt", "b.txt.in", false),
            ("require{d,ments}.txt", "requirements.txt", true),
        ] {
            let globs = Globs::new(&[pattern]).expect(pattern);
            assert_eq!(globs.matches(path), expected, "{pattern} {path}");
        }
        assert!(!Globs::default().matches("a"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "/", "a[", "{a"] {
            assert!(Globs::new(&[pattern]).is_err(), "{pattern}");
        }
    }
}
