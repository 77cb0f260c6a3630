//! What advisories say of a release, put into its facts.

use super::index::AdvisoryIndex;
use crate::fact::{Fact, Fix, ProjectFacts, ReleaseFacts};
use crate::index::Trust;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

impl AdvisoryIndex {
    /// Puts into `release` the vulnerabilities that it has, and those that it is the first to be
    /// without. Advisories speak of what is public: a name that was published here is another
    /// project, whatever it is called, and has none of either.
    pub fn tell(&self, project: &ProjectFacts, release: &mut ReleaseFacts) {
        let origin = project.origin.as_ref();
        if origin.is_none_or(|origin| origin.trust != Trust::Outside) {
            release.advisories = Fact::Known(Vec::new());
            release.fixes = Fact::Known(Vec::new());
            return;
        }
        release.advisories = Fact::Known(self.affecting(&project.project, &release.version));
        release.fixes = Fact::Known(self.brought_by(&project.project, release));
    }

    /// The vulnerabilities of a public project that `release` is the first to be without.
    pub fn brought_by(&self, project: &ProjectName, release: &ReleaseFacts) -> Vec<Fix> {
        let fixes = self.fixes(project, &release.version);
        let brought = fixes.into_iter().filter(|fix| brings(release, &fix.fixed));
        let brought = brought.filter_map(|fix| {
            Some(Fix {
                advisory: fix.group.id.to_string(),
                published: fix.group.published?,
            })
        });
        brought.collect()
    }
}

/// Whether the release is the first with the fix that an advisory says is in `fixed`. All later
/// ones have it too, and are no more urgent for that.
fn brings(release: &ReleaseFacts, fixed: &Version) -> bool {
    let is_first = match &release.before {
        Fact::Known(before) => before.as_ref().is_none_or(|before| before < fixed),
        Fact::Unknown(_) => false,
    };
    is_first || release.version == *fixed
}

#[cfg(test)]
mod tests {
    use super::super::testing::{RecordCase, index, name, record, version};
    use super::*;
    use crate::fact::Origin;
    use crate::index::SourceKind;

    fn project(trust: Trust) -> ProjectFacts {
        let origin = Origin {
            source: "source".parse().expect("a label"),
            kind: SourceKind::Upstream,
            trust,
        };
        ProjectFacts {
            origin: Some(origin),
            ..ProjectFacts::named("main".parse().expect("a label"), name("foo"))
        }
    }

    fn records() -> [RecordCase; 3] {
        [
            record("PYSEC-1", "foo", "0 <1.5; 2.0 <2.3"),
            record("PYSEC-2", "foo", "1.0 <1.8"),
            record("PYSEC-3", "foo", "1.0 <=1.2"),
        ]
    }

    /// The ids of what the release has, and of what it puts an end to.
    fn told(trust: Trust, asked: &str, before: Fact<Option<Version>>) -> (String, String) {
        let mut release = ReleaseFacts {
            before,
            ..ReleaseFacts::of(version(asked))
        };
        index(&records()).tell(&project(trust), &mut release);
        let has = release.advisories.known().expect("known").iter();
        let has: Vec<String> = has.map(|one| one.group.id.to_string()).collect();
        let ends = release.fixes.known().expect("known").iter();
        let ends: Vec<String> = ends.map(|fix| fix.advisory.clone()).collect();
        (has.join(" "), ends.join(" "))
    }

    #[test]
    fn only_the_first_release_with_a_fix_puts_an_end_to_a_vulnerability() {
        for (asked, before, has, ends) in [
            ("1.2", "1.1", "PYSEC-1 PYSEC-2 PYSEC-3", ""),
            ("1.5", "1.4", "PYSEC-2", "PYSEC-1"),
            ("1.5.0", "1.4", "PYSEC-2", "PYSEC-1"),
            // The fix was never released under the number that the advisory gives.
            ("1.6", "1.4", "PYSEC-2", "PYSEC-1"),
            ("1.6", "1.5", "PYSEC-2", ""),
            ("1.8", "1.4", "", "PYSEC-1 PYSEC-2"),
            ("1.9", "1.8", "", ""),
            ("2.3", "2.2", "", "PYSEC-1"),
            ("2.4", "2.3rc1", "", "PYSEC-1"),
            ("99.0", "2.3", "", ""),
        ] {
            let before = Fact::Known(Some(version(before)));
            let (found, ended) = told(Trust::Outside, asked, before);
            assert_eq!((&*found, &*ended), (has, ends), "{asked}");
        }
    }

    #[test]
    fn without_the_other_releases_only_the_named_version_is_a_fix() {
        let unknown = || Fact::Unknown("its page was not read".into());
        assert_eq!(told(Trust::Outside, "1.5", unknown()).1, "PYSEC-1");
        assert_eq!(told(Trust::Outside, "1.6", unknown()).1, "");
    }

    #[test]
    fn what_is_published_here_is_another_project() {
        let told = told(Trust::Inside, "1.2", Fact::Known(None));
        assert_eq!(told, (String::new(), String::new()));
    }
}
