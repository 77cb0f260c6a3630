//! `similar-name`: names that were meant to be, or to be taken for, another project's.

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule, Strength};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::similarity::second_stage::{Circumstances, Verdict, second_stage};
use crate::similarity::{LIKELY, NEAR_CERTAIN, Resemblance, TargetKind};
use crate::time::Timestamp;

const DEFAULT_YOUNG_DAYS: i64 = 90;

/// The rule.
#[derive(Debug)]
pub struct SimilarName;

/// The rule with its settings.
#[derive(Debug)]
struct Thresholds {
    deny_from: f32,
    warn_from: f32,
    young_days: i64,
}

/// What is known of a project's age.
enum Age {
    /// It is young until this moment.
    YoungUntil(Timestamp),
    /// It is not.
    Settled,
    /// There is no project.
    Absent,
    /// Nobody can tell, for this reason.
    Unknown(String),
}

impl Rule for SimilarName {
    fn id(&self) -> &'static str {
        "similar-name"
    }

    fn summary(&self) -> &'static str {
        "stops names that resemble a well-known project or an owned name"
    }

    fn manual(&self) -> &'static str {
        "Typosquats live from mistyped and half-remembered names: `reqeusts`, `python-requests`, \
         `acrne-billing` where `acme-*` is owned. The rule compares the name of a project from outside \
         with popular projects, with modules of the standard library and with the organisation's own names \
         and prefixes, which weigh most: swapped, doubled, added, missing and neighbouring letters, \
         characters and words that look the same, other separators, another order of words, affixes. Each \
         resemblance has a score from 0 to 1. From `deny-from` on, a name has the rule's effect while its \
         project is younger than `young-days` or no source has it; an older one, which would have been \
         reported by now, is warned of. From `warn-from` on, a name is warned of. Names in the list of \
         popular projects are only compared with owned ones, and at most warned of. The page tells the \
         age and the number of releases, and years of releases make a resemblance weigh less; a claimed \
         repository or description never does, since squats copy both. `on-unknown` is the effect of a \
         near-certain resemblance whose age is not known. What nobody can see from a name: whether it means \
         harm. An honest project is let through by an exception in the policy or a waiver. See \
         `portcullis names check`."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Deny,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        &[
            OptionManual {
                key: "deny-from",
                default: "0.80",
                meaning: "score from which a young project has the rule's effect, 0 to 1",
            },
            OptionManual {
                key: "warn-from",
                default: "0.60",
                meaning: "score from which a project is warned of, 0 to 1",
            },
            OptionManual {
                key: "young-days",
                default: "90",
                meaning: "days since the first upload of a project during which it is young, 0 to 3650",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "reqeusts"
version = "1.0"
first-release = "20 days ago"
releases = 1"#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let deny = table.number("deny-from", 0.0..=1.0);
        let warn = table.number("warn-from", 0.0..=1.0);
        let young = table.integer("young-days", 0..3651);
        let deny_from = deny.as_ref().map_or(NEAR_CERTAIN, |deny| deny.value as f32);
        let warn_from = warn
            .as_ref()
            .map_or(LIKELY.min(deny_from), |warn| warn.value as f32);
        if let Some(at) = warn.as_ref().or(deny.as_ref())
            && warn_from > deny_from
        {
            table.mistake(at, "warn-from is above deny-from", None);
        }
        Box::new(Thresholds {
            deny_from,
            warn_from,
            young_days: young.map_or(DEFAULT_YOUNG_DAYS, |young| young.value),
        })
    }
}

impl Check for Thresholds {
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        if !facts.is_public_name() {
            return Outcome::Pass;
        }
        let resemblance = match &facts.project.resemblance {
            Fact::Known(None) => return Outcome::Pass,
            Fact::Known(Some(resemblance)) => resemblance,
            Fact::Unknown(why) => return unknown_resemblance(why),
        };
        // A module's own name is what `stdlib-name` is about.
        if resemblance.target == facts.project.project {
            return Outcome::Pass;
        }
        let verdict = second_stage(resemblance, &circumstances(facts, now));
        if verdict.score < self.warn_from {
            return Outcome::Pass;
        }
        let found = found(facts, resemblance, &verdict);
        if verdict.score < self.deny_from {
            return Outcome::Found(found.with(Strength::AtMost(Effect::Warn)));
        }
        match self.age(facts, now) {
            Age::YoungUntil(until) => Outcome::Found(found.until(until)),
            Age::Absent => Outcome::Found(found),
            Age::Settled => Outcome::Found(found.with(Strength::AtMost(Effect::Warn))),
            Age::Unknown(why) => {
                Outcome::Unknown(found.because("first upload", format!("unknown: {why}")))
            }
        }
    }
}

impl Thresholds {
    fn age(&self, facts: Facts<'_>, now: Timestamp) -> Age {
        if facts.project.origin.is_none() {
            return Age::Absent;
        }
        match &facts.project.maintenance.first_release.fact {
            Fact::Unknown(why) => Age::Unknown(why.to_string()),
            Fact::Known(first) => {
                let until = first.plus_millis(self.young_days.saturating_mul(Timestamp::DAY));
                match now < until {
                    true => Age::YoungUntil(until),
                    false => Age::Settled,
                }
            }
        }
    }
}

/// What the page of a project tells of it.
fn circumstances(facts: Facts<'_>, now: Timestamp) -> Circumstances {
    let maintenance = &facts.project.maintenance;
    let age = match &maintenance.first_release.fact {
        Fact::Known(first) => Fact::Known(now.since(*first) / Timestamp::DAY),
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
    };
    Circumstances {
        age,
        releases: maintenance.releases.fact.clone(),
        ..Circumstances::unknown("the page does not tell")
    }
}

fn found(facts: Facts<'_>, resemblance: &Resemblance, verdict: &Verdict) -> Found {
    let (name, target) = (&facts.project.project, &resemblance.target);
    let (what, remedy) = match resemblance.kind {
        TargetKind::Owned => (
            format!("{name} resembles the internal name {target}: did you mean {target}?"),
            format!("require {target}; if {name} is meant, ask for a review"),
        ),
        TargetKind::Popular { .. } => (
            format!("{name} resembles the well-known {target}: did you mean {target}?"),
            format!("require {target}; if {name} is meant, ask for a review"),
        ),
        TargetKind::Stdlib => (
            format!("{name} resembles {target}, which comes with Python: did you mean {target}?"),
            format!(
                "nothing needs to be installed to use {target}; if {name} is meant, ask for a review"
            ),
        ),
    };
    let signals: Vec<String> = resemblance
        .signals
        .iter()
        .map(ToString::to_string)
        .collect();
    let found = Found::new(what, remedy)
        .because("resembles", target)
        .because("how", signals.join(", "))
        .because("score", format!("{:.2}", verdict.score))
        .about(target.to_string());
    verdict
        .reasons
        .iter()
        .fold(found, |found, reason| found.because("also", *reason))
}

fn unknown_resemblance(why: &str) -> Outcome {
    let found = Found::new(
        format!("what its name resembles is not known ({why})"),
        "ask whoever runs this gateway",
    );
    Outcome::Unknown(found.with(Strength::AtMost(Effect::Warn)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::policy::rules::testing::{Case, NOW, decide, effect_of};
    use crate::similarity::{Similarity, WellKnown};

    fn similarity() -> Similarity {
        let owned =
            ["acme-*", "initech-*", "billing-core"].map(|pattern| pattern.parse().expect(pattern));
        Similarity::new(WellKnown::embedded(), owned)
    }

    /// The case with what its name resembles, first uploaded so many days ago.
    fn aged(case: Case, days_ago: Option<i64>) -> Case {
        case.with_project(|project| {
            let resemblance = similarity().look(&project.project);
            project.resemblance = Fact::Known(resemblance.map(Arc::new));
            let mut maintenance = (*project.maintenance).clone();
            maintenance.first_release.fact = Fact::known_or(
                days_ago.map(|days| NOW.plus_millis(-days * Timestamp::DAY)),
                "the index gives no upload times",
            );
            project.maintenance = Arc::new(maintenance);
        })
    }

    fn effect(settings: &str, case: Case, days_ago: Option<i64>) -> Effect {
        effect_of(&SimilarName, settings, &aged(case, days_ago))
    }

    #[test]
    fn near_certain_squats_are_denied_and_likely_ones_warned_of() {
        for (name, expected) in [
            ("reqeusts", Effect::Deny),
            ("requestss", Effect::Deny),
            ("urlib3", Effect::Deny),
            ("setup-tools", Effect::Deny),
            ("acrne-billing", Effect::Deny),
            ("acmee-billing", Effect::Deny),
            ("billing-initech", Effect::Deny),
            ("billing-acme", Effect::Warn),
            ("biling-core", Effect::Deny),
            ("requests-darwin-lite", Effect::Warn),
            ("telnet", Effect::Warn),
            ("requests", Effect::Allow),
            ("acme-billing", Effect::Allow),
            ("a-name-like-no-other", Effect::Allow),
        ] {
            assert_eq!(
                effect("", Case::upstream(name), Some(1)),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_project_that_has_been_there_for_long_is_warned_of_at_most() {
        for (days, expected) in [
            (0, Effect::Deny),
            (89, Effect::Deny),
            (90, Effect::Warn),
            (400, Effect::Warn),
        ] {
            assert_eq!(
                effect("", Case::upstream("reqeusts"), Some(days)),
                expected,
                "{days}"
            );
        }
        assert_eq!(
            effect("young-days = 365", Case::upstream("reqeusts"), Some(200)),
            Effect::Deny
        );
    }

    #[test]
    fn ignorance_of_the_age_is_what_the_policy_says() {
        let unknown = |settings| effect(settings, Case::upstream("reqeusts"), None);
        assert_eq!(unknown(""), Effect::Deny);
        assert_eq!(unknown("on-unknown = 'hold'"), Effect::Hold);
        assert_eq!(unknown("on-unknown = 'allow'"), Effect::Allow);
        let likely = effect("on-unknown = 'allow'", Case::upstream("telnet"), None);
        assert_eq!(likely, Effect::Warn);
    }

    #[test]
    fn a_name_that_no_source_has_is_explained() {
        assert_eq!(effect("", Case::nowhere("reqeusts"), None), Effect::Deny);
        assert_eq!(effect("", Case::nowhere("telnet"), None), Effect::Warn);
    }

    #[test]
    fn what_is_published_here_or_owned_may_be_called_anything() {
        assert_eq!(effect("", Case::hosted("reqeusts"), Some(0)), Effect::Allow);
        let owned = Case::upstream("reqeusts").owned("reqeusts");
        assert_eq!(effect("", owned, Some(0)), Effect::Allow);
    }

    #[test]
    fn thresholds_are_the_policys() {
        let telnet = |settings| effect(settings, Case::upstream("telnet"), Some(0));
        assert_eq!(telnet("deny-from = 0.5\nwarn-from = 0.5"), Effect::Deny);
        assert_eq!(telnet("warn-from = 0.79"), Effect::Allow);
        assert_eq!(
            telnet("deny-from = 0.5\nwarn-from = 0.5\neffect = 'hold'"),
            Effect::Hold
        );
    }

    #[test]
    fn a_module_itself_is_left_to_its_own_rule() {
        assert_eq!(effect("", Case::upstream("json"), Some(0)), Effect::Allow);
    }

    /// The names that a report of 2017 found in the public index; a day after their upload none may be installed,
    /// whichever rule sees it.
    #[test]
    fn the_squats_of_2017_are_stopped_and_explained() {
        let mut told = Vec::new();
        for name in [
            "acqusition",
            "apidev-coop",
            "bzip",
            "crypt",
            "django-server",
            "pwd",
            "setup-tools",
            "telnet",
            "urlib3",
            "urllib",
            "xml",
        ] {
            let yesterday = NOW.plus_millis(-Timestamp::DAY);
            let case = aged(Case::upstream(name).uploaded(yesterday), Some(1));
            let case = case.with_release(|release| release.first_upload = Fact::Known(yesterday));
            let decision = decide(&SimilarName, "", &case);
            assert!(!decision.lets_through(), "{name}");
            let rules = decision
                .findings()
                .iter()
                .map(|finding| format!("{} {}", finding.rule, finding.takes_effect()));
            told.push(format!("{name}: {}", rules.collect::<Vec<_>>().join(", ")));
        }
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn the_refusal_asks_what_was_meant() {
        let decision = decide(
            &SimilarName,
            "",
            &aged(Case::upstream("reqeusts"), Some(10)),
        );
        let finding = &decision.findings()[0];
        insta::assert_snapshot!(finding.message, @"reqeusts resembles the well-known requests: did you mean requests?");
        insta::assert_snapshot!(finding.remedy, @"require requests; if reqeusts is meant, ask for a review");
        assert_eq!(finding.until, Some(NOW.plus_millis(80 * Timestamp::DAY)));
        insta::assert_debug_snapshot!(finding.evidence);
    }
}
