//! `latest-only`: releases that others have followed.

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

const DEFAULT_RELEASES: i64 = 10;

/// The rule.
#[derive(Debug)]
pub struct LatestOnly;

/// The rule with its settings.
#[derive(Debug)]
struct Newest {
    releases: u32,
}

impl Rule for LatestOnly {
    fn id(&self) -> &'static str {
        "latest-only"
    }

    fn summary(&self) -> &'static str {
        "leaves out all but the newest releases of a project from outside"
    }

    fn manual(&self) -> &'static str {
        "A filter: it keeps the newest `releases` versions of a project, pre-releases and yanked versions \
         not counted, and leaves older ones out of pages; a direct request is refused. Versions that a \
         lock file pins disappear when enough new ones follow, so that this belongs to indexes whose users \
         keep up: give the number with care, or `warn`. What is published here stays."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Off,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn is_filter(&self) -> bool {
        true
    }

    fn options(&self) -> &'static [OptionManual] {
        &[OptionManual {
            key: "releases",
            default: "10",
            meaning: "how many of a project's newest releases are kept, 1 to 10000",
        }]
    }

    fn example(&self) -> Example {
        Example {
            settings: "releases = 3",
            facts: r#"project = "acme-sdk"
version = "1.0"
newer = 5"#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let releases = table
            .integer("releases", 1..10_001)
            .map_or(DEFAULT_RELEASES, |releases| releases.value);
        Box::new(Newest {
            releases: u32::try_from(releases).expect("the range of the setting fits"),
        })
    }
}

impl Check for Newest {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(file) = facts.file.filter(|_| facts.is_from_outside()) else {
            return Outcome::Pass;
        };
        let newer = match (facts.release, &file.version) {
            (Some(release), _) => &release.newer,
            (None, Fact::Unknown(why)) => &Fact::Unknown(why.clone()),
            (None, Fact::Known(_)) => &Fact::Unknown("nothing is known of its release".into()),
        };
        match newer {
            Fact::Known(newer) if *newer < self.releases => Outcome::Pass,
            Fact::Known(newer) => Outcome::Found(
                Found::new(
                    format!(
                        "{newer} newer releases exist, and this index serves the newest {}",
                        self.releases
                    ),
                    "use a newer version",
                )
                .because("newer releases", newer),
            ),
            Fact::Unknown(why) => Outcome::Unknown(
                Found::new(
                    format!("it is not known how old its version is ({why})"),
                    "use a file whose name gives its version",
                )
                .because("newer releases", format!("unknown: {why}")),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    fn newer(case: Case, count: u32) -> Case {
        case.with_release(|release| release.newer = Fact::Known(count))
    }

    #[test]
    fn only_the_newest_releases_are_kept() {
        for (settings, count, expected) in [
            ("releases = 1", 0, Effect::Allow),
            ("releases = 1", 1, Effect::Deny),
            ("releases = 3", 2, Effect::Allow),
            ("releases = 3", 3, Effect::Deny),
            ("mode = 'enforce'", 9, Effect::Allow),
            ("mode = 'enforce'", 10, Effect::Deny),
            ("", 1000, Effect::Allow),
            ("releases = 1\neffect = 'warn'", 7, Effect::Warn),
        ] {
            let case = newer(Case::upstream("x"), count);
            assert_eq!(
                effect_of(&LatestOnly, settings, &case),
                expected,
                "{settings} {count}"
            );
        }
        let inside = newer(Case::hosted("x"), 1000);
        assert_eq!(
            effect_of(&LatestOnly, "releases = 1", &inside),
            Effect::Allow
        );
        let unknown = Case::upstream("x");
        assert_eq!(
            effect_of(&LatestOnly, "releases = 1", &unknown),
            Effect::Allow
        );
        let hold = "releases = 1\non-unknown = 'hold'";
        assert_eq!(effect_of(&LatestOnly, hold, &unknown), Effect::Hold);
    }
}
