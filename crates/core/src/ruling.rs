//! [`Ruling`]: a reviewer's "no" to some versions of a project. It holds whatever the rules say, and adds
//! to them only; a reviewer's "yes" is a [`crate::waiver::Waiver`].

use std::sync::Arc;

use crate::index::IndexName;
use crate::pypi::version::{Version, VersionSpecifiers, admits};
use crate::time::Timestamp;

/// A reviewer's "no".
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The number of the review that gave it.
    pub review: i64,
    /// The index in which it holds; every index when absent.
    pub index: Option<IndexName>,
    /// The versions; all when absent.
    pub versions: Option<VersionSpecifiers>,
    /// Why, for those who are refused.
    pub reason: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// The moment from which it no longer holds.
    pub expires: Option<Timestamp>,
}

/// What a ruling says of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is not about this.
    Elsewhere,
    /// It is about this.
    Here,
    /// It is about some versions, and nobody knows which one this is.
    Perhaps,
}

/// The part of a project that is judged.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The name alone.
    Name,
    /// A file, of the version that its name gives, if it gives one.
    File(Option<&'a Version>),
}

impl Ruling {
    /// Whether it is about `part` as `index` sees it at the moment `now`. What is said of some versions is
    /// not said of the name.
    pub fn reach(&self, index: &IndexName, part: Part<'_>, now: Timestamp) -> Reach {
        let is_over = self.expires.is_some_and(|expires| expires <= now);
        if is_over || self.index.as_ref().is_some_and(|own| own != index) {
            return Reach::Elsewhere;
        }
        match (&self.versions, part) {
            (None, _) => Reach::Here,
            (Some(_), Part::Name) => Reach::Elsewhere,
            (Some(_), Part::File(None)) => Reach::Perhaps,
            (Some(versions), Part::File(Some(version))) if admits(versions, version) => Reach::Here,
            (Some(_), Part::File(Some(_))) => Reach::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    #[test]
    fn a_ruling_is_about_its_index_its_versions_and_its_time() {
        let ruling =
            |index: Option<&str>, versions: Option<&str>, expires: Option<Timestamp>| Ruling {
                review: 7,
                index: index.map(|index| index.parse().expect("a label")),
                versions: versions.map(|versions| versions.parse().expect("specifiers")),
                reason: "abandoned".into(),
                owner: "ann".into(),
                expires,
            };
        let main = "main".parse().expect("a label");
        let version = "3.1.3".parse().expect("a version");
        let file = Part::File(Some(&version));
        let over = Some(NOW);
        let later = Some(NOW.plus_millis(1));
        for (ruling, part, expected) in [
            (ruling(None, None, None), file, Reach::Here),
            (ruling(None, None, None), Part::Name, Reach::Here),
            (ruling(Some("main"), Some("<4"), later), file, Reach::Here),
            (
                ruling(Some("other"), Some("<4"), None),
                file,
                Reach::Elsewhere,
            ),
            (ruling(None, Some("<3"), None), file, Reach::Elsewhere),
            (ruling(None, Some("<4"), over), file, Reach::Elsewhere),
            (ruling(None, Some("<4"), None), Part::Name, Reach::Elsewhere),
            (
                ruling(None, Some("<4"), None),
                Part::File(None),
                Reach::Perhaps,
            ),
        ] {
            assert_eq!(
                ruling.reach(&main, part, NOW),
                expected,
                "{ruling:?} {part:?}"
            );
        }
    }
}
