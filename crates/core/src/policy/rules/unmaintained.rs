//! `unmaintained`: projects that nobody seems to look after any more.

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, Need, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

const DEFAULT_DAYS: i64 = 1095;

/// The rule.
#[derive(Debug)]
pub struct Unmaintained;

/// The rule with its settings; `None` where a threshold is not asked for.
#[derive(Debug)]
struct Thresholds {
    days: Option<i64>,
    people: Option<i64>,
    yanked_percent: Option<i64>,
    needs: Vec<Need>,
}

/// What one threshold came to.
enum Look {
    Fine,
    Crossed(&'static str, String),
    Unknown(String),
}

impl Rule for Unmaintained {
    fn id(&self) -> &'static str {
        "unmaintained"
    }

    fn summary(&self) -> &'static str {
        "warns of projects from outside that nobody seems to look after"
    }

    fn manual(&self) -> &'static str {
        "A project without releases for years, with a single person behind it, or one that takes back much of \
         what it publishes will not fix the next vulnerability soon. The rule looks at the upload times and \
         yank markers of the project's page and, where `min-maintainers` asks for it or `inactive` stands in \
         its classifiers, at the metadata of the release. Who may publish is not known: people are counted by \
         the author and maintainer fields. Off by default, since finished software also has no releases."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Off,
            effect: Effect::Warn,
            on_unknown: Effect::Allow,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        &[
            OptionManual {
                key: "days-without-release",
                default: "1095",
                meaning: "days since the last release of any version, 1 to 36500; 0 does not ask",
            },
            OptionManual {
                key: "min-maintainers",
                default: "0",
                meaning: "people that the metadata must name, 1 to 100; 0 does not ask",
            },
            OptionManual {
                key: "max-yanked-ratio",
                default: "0",
                meaning: "percent of versions that may be yanked, 1 to 100; 0 does not ask",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.0"
last-release = "1500 days ago""#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let mut number = |key: &str, most: i64, default: i64| {
            let written = table.integer(key, 0..most + 1);
            let value = written.map_or(default, |written| written.value);
            (value > 0).then_some(value)
        };
        let days = number("days-without-release", 36_500, DEFAULT_DAYS);
        let people = number("min-maintainers", 100, 0);
        let yanked_percent = number("max-yanked-ratio", 100, 0);
        let needs = people.map(|_| Need::Metadata).into_iter().collect();
        Box::new(Thresholds {
            days,
            people,
            yanked_percent,
            needs,
        })
    }
}

impl Check for Thresholds {
    fn needs(&self) -> &[Need] {
        &self.needs
    }

    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        if facts.file.is_none() || !facts.is_from_outside() {
            return Outcome::Pass;
        }
        let looks = [
            self.last_release(facts, now),
            self.yanked(facts),
            self.people(facts),
            inactive(facts),
        ];
        let mut crossed = Vec::new();
        let mut unknown = Vec::new();
        for look in looks {
            match look {
                Look::Fine => {}
                Look::Crossed(label, what) => crossed.push((label, what)),
                Look::Unknown(why) => unknown.push(why),
            }
        }
        let remedy = "prefer a project that is looked after";
        if !crossed.is_empty() {
            let whats: Vec<&str> = crossed.iter().map(|(_, what)| what.as_str()).collect();
            let found = Found::new(
                format!("the project seems unmaintained: {}", whats.join(", ")),
                remedy,
            );
            let add = |found: Found, (label, what): &(&'static str, String)| {
                found.because(label, what).about(*label)
            };
            return Outcome::Found(crossed.iter().fold(found, add));
        }
        match unknown.is_empty() {
            true => Outcome::Pass,
            false => Outcome::Unknown(Found::new(
                format!(
                    "whether the project is maintained is not known ({})",
                    unknown.join("; ")
                ),
                remedy,
            )),
        }
    }
}

impl Thresholds {
    fn last_release(&self, facts: Facts<'_>, now: Timestamp) -> Look {
        let Some(days) = self.days else {
            return Look::Fine;
        };
        match &facts.project.maintenance.last_release.fact {
            Fact::Unknown(why) => Look::Unknown(format!("last release: {why}")),
            Fact::Known(last) if now.since(*last) > days.saturating_mul(Timestamp::DAY) => {
                let ago = now.since(*last) / Timestamp::DAY;
                Look::Crossed("last release", format!("no release for {ago} days"))
            }
            Fact::Known(_) => Look::Fine,
        }
    }

    fn yanked(&self, facts: Facts<'_>) -> Look {
        let Some(most) = self.yanked_percent else {
            return Look::Fine;
        };
        match &facts.project.maintenance.yanked.fact {
            Fact::Unknown(why) => Look::Unknown(format!("yanked versions: {why}")),
            Fact::Known(share) if i64::from(share.percent()) > most => Look::Crossed(
                "yanked versions",
                format!("{} of {} versions yanked", share.part, share.whole),
            ),
            Fact::Known(_) => Look::Fine,
        }
    }

    fn people(&self, facts: Facts<'_>) -> Look {
        let (Some(least), Some(release)) = (self.people, facts.release) else {
            return Look::Fine;
        };
        match &release.metadata {
            Fact::Unknown(why) => Look::Unknown(format!("maintainers: {why}")),
            Fact::Known(metadata) => {
                let count = metadata.people.len();
                match (count, i64::try_from(count).unwrap_or(i64::MAX) < least) {
                    (0, _) => Look::Unknown("maintainers: the metadata names nobody".to_owned()),
                    (1, true) => Look::Crossed("maintainers", "a single maintainer".to_owned()),
                    (count, true) => Look::Crossed("maintainers", format!("{count} maintainers")),
                    (_, false) => Look::Fine,
                }
            }
        }
    }
}

/// What the project says of itself counts whenever it happens to be known.
fn inactive(facts: Facts<'_>) -> Look {
    let metadata = facts.release.and_then(|release| release.metadata.known());
    match metadata.is_some_and(|metadata| metadata.is_inactive) {
        true => Look::Crossed("classifier", "it calls itself inactive".to_owned()),
        false => Look::Fine,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::maintenance::{Maintenance, Share, Sourced};
    use crate::policy::rules::testing::{Case, NOW, decide, effect_of};
    use crate::release_metadata::{ReleaseMetadata, ReleaseObservation};

    fn kept(last_release_days: Option<i64>, yanked: (u32, u32)) -> Case {
        let told = Maintenance {
            last_release: Sourced {
                fact: Fact::known_or(
                    last_release_days.map(|days| NOW.plus_millis(-days * Timestamp::DAY)),
                    "no upload times",
                ),
                source: "test",
            },
            yanked: Sourced {
                fact: Fact::Known(Share {
                    part: yanked.0,
                    whole: yanked.1,
                }),
                source: "test",
            },
            ..Maintenance::unknown("not read")
        };
        Case::upstream("x").with_project(|project| project.maintenance = Arc::new(told))
    }

    fn by(case: Case, people: &[&str], is_inactive: bool) -> Case {
        let observed = ReleaseObservation {
            people: people.iter().map(|person| (*person).into()).collect(),
            is_inactive,
            ..ReleaseObservation::default()
        };
        case.with_release(|release| {
            release.metadata = Fact::Known(Arc::new(ReleaseMetadata::from(observed)));
        })
    }

    #[test]
    fn each_threshold_is_looked_at() {
        let on = "mode = 'enforce'";
        let fresh = || kept(Some(10), (0, 10));
        for (case, settings, expected) in [
            (kept(Some(2000), (0, 10)), "", Effect::Allow),
            (kept(Some(2000), (0, 10)), on, Effect::Warn),
            (kept(Some(2000), (0, 10)), "effect = 'deny'", Effect::Deny),
            (
                kept(Some(2000), (0, 10)),
                "days-without-release = 0",
                Effect::Allow,
            ),
            (
                kept(Some(40), (0, 10)),
                "days-without-release = 30",
                Effect::Warn,
            ),
            (
                kept(Some(30), (0, 10)),
                "days-without-release = 30",
                Effect::Allow,
            ),
            (fresh(), on, Effect::Allow),
            (
                kept(Some(10), (6, 10)),
                "max-yanked-ratio = 50",
                Effect::Warn,
            ),
            (
                kept(Some(10), (5, 10)),
                "max-yanked-ratio = 50",
                Effect::Allow,
            ),
            (kept(Some(10), (10, 10)), on, Effect::Allow),
            (
                by(fresh(), &["ann"], false),
                "min-maintainers = 2",
                Effect::Warn,
            ),
            (
                by(fresh(), &["ann", "bo"], false),
                "min-maintainers = 2",
                Effect::Allow,
            ),
            (by(fresh(), &["ann"], true), on, Effect::Warn),
            // Ignorance.
            (kept(None, (0, 10)), on, Effect::Allow),
            (kept(None, (0, 10)), "on-unknown = 'hold'", Effect::Hold),
            (
                fresh(),
                "min-maintainers = 2\non-unknown = 'hold'",
                Effect::Hold,
            ),
            (
                by(fresh(), &[], false),
                "min-maintainers = 2\non-unknown = 'hold'",
                Effect::Hold,
            ),
            (Case::hosted("x"), "on-unknown = 'hold'", Effect::Allow),
        ] {
            assert_eq!(
                effect_of(&Unmaintained, settings, &case),
                expected,
                "{settings} {case:?}"
            );
        }
    }

    #[test]
    fn a_warning_names_everything_that_speaks_for_it() {
        let case = by(kept(Some(2000), (6, 10)), &["ann"], false);
        let decision = decide(
            &Unmaintained,
            "min-maintainers = 2\nmax-yanked-ratio = 50",
            &case,
        );
        insta::assert_snapshot!(decision.sentence(), @"Portcullis warns about x 1.0: the project seems unmaintained: no release for 2000 days, 6 of 10 versions yanked, a single maintainer (unmaintained)");
    }
}
