//! `too-young`: new public releases wait for a few days.

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Found, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

const DEFAULT_DAYS: i64 = 3;

/// The rule.
#[derive(Debug)]
pub struct TooYoung;

/// The rule with its settings.
#[derive(Debug)]
struct YoungerThan {
    days: i64,
}

impl Rule for TooYoung {
    fn id(&self) -> &'static str {
        "too-young"
    }

    fn summary(&self) -> &'static str {
        "holds public files until they have been public for some days"
    }

    fn manual(&self) -> &'static str {
        "Most malicious releases are found and removed within days. A file from outside is held until \
         it has been public for `days` days, counted from the upload time that its index gives; it is \
         left out of index pages meanwhile, so that installers take the newest older version. The \
         moment at which this gateway saw the file first is never used in place of an upload time: an \
         index that gives none makes the age unknown, and `on-unknown` says what that means. What is \
         published here is never held. An exception in the policy lets one release through at once."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Hold,
            on_unknown: Effect::Allow,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        &[OptionManual {
            key: "days",
            default: "3",
            meaning: "days since upload, 0 to 3650",
        }]
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let days = table
            .integer("days", 0..3651)
            .map_or(DEFAULT_DAYS, |days| days.value);
        Box::new(YoungerThan { days })
    }
}

impl Check for YoungerThan {
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        let Some(file) = facts.file else {
            return Outcome::Pass;
        };
        if !facts.is_from_outside() {
            return Outcome::Pass;
        }
        let uploaded = match &file.upload_time {
            Fact::Known(uploaded) => *uploaded,
            Fact::Unknown(why) => {
                return Outcome::Unknown(
                    Found::new(
                        format!("its age is not known ({why})"),
                        "ask for an exception, or use a source that gives upload times",
                    )
                    .because("upload time", format!("unknown: {why}")),
                );
            }
        };
        let until = uploaded.plus_millis(self.days.saturating_mul(Timestamp::DAY));
        if now >= until {
            return Outcome::Pass;
        }
        Outcome::Found(
            Found::new(
                format!(
                    "published {} ago, held for {}",
                    age(now.since(uploaded)),
                    days(self.days)
                ),
                format!(
                    "it passes by itself from {}; until then use an older version, or ask for an \
                     exception",
                    until.to_minute()
                ),
            )
            .because("uploaded", uploaded)
            .until(until),
        )
    }
}

fn days(count: i64) -> String {
    match count {
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

/// An age for people; an upload time in the future is as young as can be.
fn age(millis: i64) -> String {
    let hours = millis.max(0) / (60 * 60 * 1000);
    match hours {
        0 => "less than an hour".to_owned(),
        1 => "1 hour".to_owned(),
        2..48 => format!("{hours} hours"),
        _ => days(hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, NOW, decide, effect_of};

    fn uploaded(days_ago: i64) -> Case {
        Case::upstream("x").uploaded(NOW.plus_millis(-days_ago * Timestamp::DAY))
    }

    #[test]
    fn young_files_from_outside_are_held_until_they_are_old_enough() {
        for (days_ago, expected) in [
            (-1, Effect::Hold),
            (0, Effect::Hold),
            (2, Effect::Hold),
            (3, Effect::Allow),
        ] {
            assert_eq!(
                effect_of(&TooYoung, "", &uploaded(days_ago)),
                expected,
                "{days_ago}"
            );
        }
        assert_eq!(
            effect_of(&TooYoung, "days = 0", &uploaded(0)),
            Effect::Allow
        );
        assert_eq!(
            effect_of(&TooYoung, "days = 30\neffect = 'deny'", &uploaded(9)),
            Effect::Deny
        );
    }

    #[test]
    fn what_is_published_here_is_never_held() {
        assert_eq!(
            effect_of(&TooYoung, "", &Case::hosted("x").uploaded(NOW)),
            Effect::Allow
        );
    }

    #[test]
    fn an_unknown_age_is_what_the_policy_says() {
        let unknown = Case::upstream("x");
        assert_eq!(effect_of(&TooYoung, "", &unknown), Effect::Allow);
        for effect in [Effect::Warn, Effect::Hold, Effect::Deny] {
            assert_eq!(
                effect_of(&TooYoung, &format!("on-unknown = '{effect}'"), &unknown),
                effect
            );
        }
    }

    #[test]
    fn a_held_file_says_when_it_passes_by_itself() {
        let decision = decide(&TooYoung, "", &uploaded(1));
        assert_eq!(
            decision.changes_at(),
            Some(NOW.plus_millis(2 * Timestamp::DAY))
        );
        insta::assert_snapshot!(decision.sentence(), @"Portcullis holds x 1.0: published 24 hours ago, held for 3 days (too-young)");
    }
}
