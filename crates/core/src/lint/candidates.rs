//! [`Candidate`]: what an index says of the release that an installer would take, as far as pins and hashes are
//! written from it. Asking is the caller's; which questions there are is `settling`'s.

use std::collections::{BTreeSet, HashMap};

use crate::digest::Sha256;
use crate::fact::Fact;
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers, exact_version};

/// Which release of a project is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// The project.
    pub project: ProjectName,
    /// The versions that are wanted (PEP 440), each specifier once and sorted; empty for all of them.
    versions: String,
}

impl Question {
    /// The question for the newest release of `project` that meets all of `versions`.
    #[must_use]
    pub fn new<'v>(
        project: ProjectName,
        versions: impl IntoIterator<Item = &'v VersionSpecifiers>,
    ) -> Self {
        let single = versions.into_iter().flat_map(|all| all.iter());
        let sorted: BTreeSet<String> = single.map(ToString::to_string).collect();
        let versions: Vec<String> = sorted.into_iter().collect();
        Self {
            project,
            versions: versions.join(","),
        }
    }

    /// The versions that are wanted.
    #[must_use]
    pub fn versions(&self) -> VersionSpecifiers {
        // They were written by the type that reads them.
        let parsed = self.versions.parse();
        parsed.unwrap_or_else(|_| VersionSpecifiers::empty())
    }

    /// The one version that is wanted, where there is one.
    #[must_use]
    pub fn exact(&self) -> Option<Version> {
        exact_version(&self.versions()).cloned()
    }

    /// As people write it: `flask>=3`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}{}", self.project, self.versions)
    }
}

/// A release that may be written into a file: it is neither yanked nor refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its version.
    pub version: Version,
    /// The SHA-256 digests of all files that are handed out of it.
    pub digests: Fact<BTreeSet<Sha256>>,
    /// What it needs (`Requires-Dist`), verbatim.
    pub requires: Fact<Vec<String>>,
    /// The Pythons that it is for (`Requires-Python`); all where it does not say.
    pub requires_python: VersionSpecifiers,
}

/// What is known of candidates, by question. A reason is one clause about the release.
pub type Candidates = HashMap<Question, Fact<Candidate>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_the_same_however_it_is_put_together() {
        let name: ProjectName = "flask".parse().expect("a name");
        let of = |all: &[&str]| {
            let all: Vec<VersionSpecifiers> = all
                .iter()
                .map(|one| one.parse().expect("specifiers"))
                .collect();
            Question::new(name.clone(), &all)
        };
        assert_eq!(of(&[">=3,<4"]), of(&["<4", ">=3", "<4", ""]));
        assert_eq!(of(&[">=3,<4"]).title(), "flask<4,>=3");
        assert_eq!(of(&["==3.0"]).exact(), "3.0".parse().ok());
        assert_eq!(of(&["==3.*"]).exact(), None);
        assert_eq!(of(&[">=3,<4"]).versions().len(), 2);
        assert!(of(&[]).versions().is_empty());
    }
}
