//! `too-young`: new public releases wait for a few days, unless they are urgent.

use std::cmp::Reverse;

use crate::fact::{Fact, Facts, FileFacts, Fix, PublisherStanding};
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule, Strength};
use crate::policy::{Effect, Mode};
use crate::pypi::name::{NamePattern, ProjectName};
use crate::settings::Table;
use crate::time::Timestamp;

const DEFAULT_DAYS: i64 = 3;
const DEFAULT_FIX_DAYS: i64 = 1;

/// The rule.
#[derive(Debug)]
pub struct TooYoung;

/// The rule with its settings.
#[derive(Debug)]
struct Cooldown {
    /// The first clock: days since upload.
    days: i64,
    /// The same for some projects, the most specific pattern first.
    days_for: Vec<(NamePattern, i64)>,
    /// The second clock: days since this gateway saw the file; 0 when it does not count.
    seen_days: i64,
    /// Nothing that is as new as this passes.
    not_after: Option<Timestamp>,
    mercy: Mercy,
    /// How old an advisory has to be for its fix to pass, in days.
    fix_days: i64,
}

/// When a release that fixes a vulnerability passes early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mercy {
    Never,
    SamePublisher,
    UnlessPublisherChanged,
}

impl std::str::FromStr for Mercy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            "same-publisher" => Ok(Self::SamePublisher),
            "unless-publisher-changed" => Ok(Self::UnlessPublisherChanged),
            other => Err(format!(
                "{other:?} is not one of never, same-publisher, unless-publisher-changed"
            )),
        }
    }
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
         left out of index pages meanwhile, so that installers take the newest older version. \
         `days-for` gives projects or prefixes days of their own; the most specific pattern counts.\n\n\
         An index can lie about upload times, and some give none. `seen-days` is a second clock that \
         nobody outside can set: days since this gateway saw the file first on a page of its source. \
         Where it is set, both clocks must have run, and it stands alone for files without an upload \
         time. Where it is 0 and there is no upload time, the age is unknown, and `on-unknown` says \
         what that means.\n\n\
         A release that fixes a vulnerability does not wait: it passes early when one of the \
         vulnerabilities that it puts an end to was published at least `fix-days` days ago, so that \
         nobody gets through by inventing one. `fixes-pass` says what else is asked: \
         `unless-publisher-changed` (its attestations name another publisher than those of the \
         release before, or are gone), `same-publisher` (both are attested by the same one), or \
         `never`. Attestations are compared as the index gives them. The finding stays on the \
         decision and says for which reason the release passed.\n\n\
         In an emergency, `not-after = 2026-03-24` holds everything that was uploaded on that day or \
         later, fixes included, until the line is removed. What is published here is never held."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Hold,
            on_unknown: Effect::Allow,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        &[
            OptionManual {
                key: "days",
                default: "3",
                meaning: "days since upload, 0 to 3650",
            },
            OptionManual {
                key: "days-for",
                default: "{}",
                meaning: "days for projects or prefixes, such as { \"acme-*\" = 0, django = 7 }",
            },
            OptionManual {
                key: "seen-days",
                default: "0",
                meaning: "days since this gateway saw the file first, 0 to 3650",
            },
            OptionManual {
                key: "fixes-pass",
                default: "\"unless-publisher-changed\"",
                meaning: "or same-publisher, or never",
            },
            OptionManual {
                key: "fix-days",
                default: "1",
                meaning: "days since the fixed vulnerability was published, 0 to 3650",
            },
            OptionManual {
                key: "not-after",
                default: "",
                meaning: "a date: nothing uploaded then or later passes",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "2.3.1"
uploaded = "2 hours ago""#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let mut days = |key: &str, default| {
            let days = table.integer(key, 0..3651);
            days.map_or(default, |days| days.value)
        };
        let (upload, seen, fix) = (
            days("days", DEFAULT_DAYS),
            days("seen-days", 0),
            days("fix-days", DEFAULT_FIX_DAYS),
        );
        let mercy = table.parsed::<Mercy>("fixes-pass");
        Box::new(Cooldown {
            days: upload,
            days_for: days_for(table),
            seen_days: seen,
            not_after: table.moment("not-after").map(|moment| moment.value),
            mercy: mercy.map_or(Mercy::UnlessPublisherChanged, |mercy| mercy.value),
            fix_days: fix,
        })
    }
}

fn days_for(table: &mut Table<'_>) -> Vec<(NamePattern, i64)> {
    let Some(mut section) = table.table("days-for") else {
        return Vec::new();
    };
    let mut days_for = Vec::new();
    for key in section.keys() {
        let days = section.integer(&key, 0..3651);
        match key.parse::<NamePattern>() {
            Ok(pattern) => days_for.extend(days.map(|days| (pattern, days.value))),
            Err(error) => section.mistake_here(
                error.to_string(),
                Some("a key is a project's name or a prefix such as \"acme-*\""),
            ),
        }
    }
    section.finish();
    let specificity = |pattern: &NamePattern| match pattern {
        NamePattern::Exact(_) => usize::MAX,
        NamePattern::Prefix(prefix) => prefix.len(),
    };
    days_for.sort_by_key(|(pattern, _)| Reverse(specificity(pattern)));
    days_for
}

impl Check for Cooldown {
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        let Some(file) = facts.file else {
            return Outcome::Pass;
        };
        if !facts.is_from_outside() {
            return Outcome::Pass;
        }
        if let Some(cutoff) = self.not_after
            && let Some(outcome) = after_cutoff(file, cutoff)
        {
            return outcome;
        }
        let days = self.days_of(&facts.project.project);
        let until = match self.passes_from(file, days) {
            Ok(until) => until,
            Err(unknown) => return unknown,
        };
        if now >= until {
            return Outcome::Pass;
        }
        self.judge_fixes(facts, now, held(file, days, until, now))
    }

    fn publisher_matters_for(&self) -> i64 {
        match (self.mercy, self.seen_days) {
            (Mercy::Never, _) => 0,
            // By the second clock, a release of any age can be young.
            (_, 1..) => i64::MAX,
            _ => {
                let own = self.days_for.iter().map(|(_, days)| *days);
                own.fold(self.days, i64::max)
            }
        }
    }
}

/// What a cutoff says of a file; `None` when it is older.
fn after_cutoff(file: &FileFacts, cutoff: Timestamp) -> Option<Outcome> {
    let remedy = "use an older version; the cutoff ends when its line is taken out of the policy";
    let day = cutoff.to_minute();
    match (&file.upload_time, &file.first_seen) {
        (Fact::Known(uploaded), _) if *uploaded < cutoff => None,
        (Fact::Known(uploaded), _) => Some(Outcome::Found(
            Found::new(
                format!("nothing newer than {day} passes at present"),
                remedy,
            )
            .because("uploaded", uploaded)
            .because("cutoff", cutoff),
        )),
        (Fact::Unknown(_), Fact::Known(seen)) if *seen < cutoff => None,
        (Fact::Unknown(why), _) => Some(Outcome::Unknown(
            Found::new(
                format!(
                    "nothing newer than {day} passes at present, and its age is not known ({why})"
                ),
                remedy,
            )
            .because("cutoff", cutoff),
        )),
    }
}

/// The finding about a file that has to wait.
fn held(file: &FileFacts, held_for: i64, until: Timestamp, now: Timestamp) -> Found {
    let message = match &file.upload_time {
        Fact::Known(uploaded) => format!(
            "published {} ago, held for {}",
            age(now.since(*uploaded)),
            days(held_for)
        ),
        Fact::Unknown(why) => format!("new to this gateway, and its age is not known ({why})"),
    };
    let remedy = format!(
        "it passes by itself from {}; until then use an older version",
        until.to_minute()
    );
    let mut found = Found::new(message, remedy).until(until);
    if let Fact::Known(uploaded) = file.upload_time {
        found = found.because("uploaded", uploaded);
    }
    if let Fact::Known(seen) = file.first_seen {
        found = found.because("first seen here", seen);
    }
    found
}

impl Cooldown {
    fn days_of(&self, project: &ProjectName) -> i64 {
        let own = self
            .days_for
            .iter()
            .find(|(pattern, _)| pattern.matches(project));
        own.map_or(self.days, |(_, days)| *days)
    }

    /// The moment from which both clocks let the file pass.
    fn passes_from(&self, file: &FileFacts, days: i64) -> Result<Timestamp, Outcome> {
        let after =
            |moment: &Timestamp, days: i64| moment.plus_millis(days.saturating_mul(Timestamp::DAY));
        let unknown = |what: &'static str, why: &str| {
            Outcome::Unknown(
                Found::new(
                    format!("its age is not known ({why})"),
                    "use a source that gives upload times",
                )
                .because(what, format!("unknown: {why}")),
            )
        };
        let seen = match (self.seen_days, &file.first_seen) {
            (0, _) => None,
            (days, Fact::Known(seen)) => Some(after(seen, days)),
            (_, Fact::Unknown(why)) => return Err(unknown("first seen here", why)),
        };
        match (&file.upload_time, seen) {
            (Fact::Known(uploaded), None) => Ok(after(uploaded, days)),
            (Fact::Known(uploaded), Some(seen)) => Ok(after(uploaded, days).max(seen)),
            (Fact::Unknown(_), Some(seen)) => Ok(seen),
            (Fact::Unknown(why), None) => Err(unknown("upload time", why)),
        }
    }

    /// Lets a held release pass that fixes a vulnerability which others know of by now.
    fn judge_fixes(&self, facts: Facts<'_>, now: Timestamp, held: Found) -> Outcome {
        let fixes = facts.release.and_then(|release| release.fixes.known());
        let oldest = fixes.and_then(|fixes| fixes.iter().min_by_key(|fix| fix.published));
        let (Some(fix), Some(release)) = (oldest, facts.release) else {
            return Outcome::Found(held);
        };
        let (may_pass, publisher) = match (self.mercy, &release.publisher) {
            (Mercy::Never, _) => return Outcome::Found(held),
            (_, Fact::Known(PublisherStanding::Same(publisher))) => {
                (true, format!("the same as before ({publisher})"))
            }
            (mercy, Fact::Known(PublisherStanding::NotComparable)) => (
                mercy == Mercy::UnlessPublisherChanged,
                "the release before has no attestation to compare with".to_owned(),
            ),
            (_, Fact::Known(PublisherStanding::Changed { before, now })) => {
                (false, format!("{now}, before {before}"))
            }
            (_, Fact::Known(PublisherStanding::NoLongerAttested(before))) => {
                (false, format!("not attested, before {before}"))
            }
            (_, Fact::Unknown(why)) => (false, format!("unknown: {why}")),
        };
        let held = held
            .because("fixes", &fix.advisory)
            .because("publisher", publisher);
        if !may_pass {
            return Outcome::Found(held);
        }
        let from = fix
            .published
            .plus_millis(self.fix_days.saturating_mul(Timestamp::DAY));
        match now >= from {
            true => Outcome::Found(passed(held, fix, now)),
            false => {
                let until = held.until.map_or(from, |until| until.min(from));
                Outcome::Found(held.until(until))
            }
        }
    }
}

/// The finding about a release that passes early.
fn passed(held: Found, fix: &Fix, now: Timestamp) -> Found {
    Found {
        message: format!(
            "passes although it is new: it fixes {}, known for {}",
            fix.advisory,
            age(now.since(fix.published))
        ),
        remedy: "nothing needs to be done".to_owned(),
        until: None,
        ..held
    }
    .with(Strength::Exactly(Effect::Allow))
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
mod tests;
