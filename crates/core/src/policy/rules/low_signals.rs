//! `low-signals`: projects of which others measured little good, such as a low OpenSSF Scorecard.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Need, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::signals::SignalKind;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct LowSignals;

/// The rule with its settings: the least value of each kind that is asked for.
#[derive(Debug)]
struct Least {
    of: Vec<(SignalKind, i64)>,
}

/// The kinds with a least value, their settings and the largest of these.
const KINDS: &[(SignalKind, &str, i64)] = &[
    (SignalKind::Scorecard, "scorecard", 10),
    (SignalKind::Maintained, "maintained", 10),
    (SignalKind::Stars, "stars", 1_000_000_000),
    (SignalKind::Dependents, "dependents", 1_000_000_000),
];

impl Rule for LowSignals {
    fn id(&self) -> &'static str {
        "low-signals"
    }

    fn summary(&self) -> &'static str {
        "warns of projects from outside that others rate low"
    }

    fn manual(&self) -> &'static str {
        "Signal providers (`[signals.…]` in the configuration: deps.dev, OpenSSF Scorecard, or a file) say how a \
         project is rated. They are asked in the background and for projects in use only, never while somebody \
         waits for a download; their numbers are guesses about the project's repository, not about a release. \
         The rule compares the newest of each kind with the least value that its key asks for. What nobody \
         measured is unknown, and not low. Off by default."
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
                key: "scorecard",
                default: "4",
                meaning: "the least aggregate score of OpenSSF Scorecard, 0 to 10; 0 does not ask",
            },
            OptionManual {
                key: "maintained",
                default: "0",
                meaning: "the least value of Scorecard's check Maintained, 0 to 10; 0 does not ask",
            },
            OptionManual {
                key: "stars",
                default: "0",
                meaning: "the least number of stars of the repository; 0 does not ask",
            },
            OptionManual {
                key: "dependents",
                default: "0",
                meaning: "the least number of packages that depend on it; 0 does not ask",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.0"
signals = { scorecard = 2.1 }"#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let mut of = Vec::new();
        for (kind, key, most) in KINDS {
            let default = if *kind == SignalKind::Scorecard { 4 } else { 0 };
            let written = table.integer(key, 0..most + 1);
            let least = written.map_or(default, |written| written.value);
            if least > 0 {
                of.push((*kind, least));
            }
        }
        Box::new(Least { of })
    }
}

impl Check for Least {
    fn needs(&self) -> &[Need] {
        &[Need::Signals]
    }

    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if facts.file.is_none() || !facts.is_from_outside() {
            return Outcome::Pass;
        }
        let signals = &facts.project.signals;
        let remedy = "look at the project before you rely on it";
        let mut found: Option<Found> = None;
        let mut unknown: Vec<&str> = Vec::new();
        for (kind, least) in &self.of {
            let Some(signal) = signals.get(*kind) else {
                unknown.push(kind.as_str());
                continue;
            };
            // Thresholds stay far below 2^53, so that the conversion is exact.
            if signal.value >= *least as f64 {
                continue;
            }
            let value = signal.value;
            let next = found.unwrap_or_else(|| {
                Found::new(format!("its {kind} is {value}, less than {least}"), remedy)
            });
            let evidence = format!(
                "{value}, by {} on {}",
                signal.provider,
                signal.at.to_minute()
            );
            found = Some(next.because(kind.as_str(), evidence).about(kind.as_str()));
        }
        match (found, unknown.is_empty()) {
            (Some(found), _) => Outcome::Found(found),
            (None, true) => Outcome::Pass,
            (None, false) => Outcome::Unknown(Found::new(
                format!("nobody measured its {}", unknown.join(", ")),
                remedy,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::policy::rules::testing::{Case, NOW, decide, effect_of};
    use crate::signals::{Signal, Signals};

    fn rated(measured: &[(SignalKind, f64)]) -> Case {
        let mut signals = Signals::default();
        for (kind, value) in measured {
            signals.add(
                *kind,
                Signal {
                    value: *value,
                    provider: "scorecard".into(),
                    at: NOW,
                },
            );
        }
        Case::upstream("x").with_project(|project| project.signals = Arc::new(signals))
    }

    #[test]
    fn low_is_found_and_silence_is_not_low() {
        let on = "mode = 'enforce'";
        for (case, settings, expected) in [
            (rated(&[(SignalKind::Scorecard, 3.9)]), "", Effect::Allow),
            (rated(&[(SignalKind::Scorecard, 3.9)]), on, Effect::Warn),
            (rated(&[(SignalKind::Scorecard, 4.0)]), on, Effect::Allow),
            (
                rated(&[(SignalKind::Scorecard, 7.0)]),
                "scorecard = 8\neffect = 'hold'",
                Effect::Hold,
            ),
            (
                rated(&[(SignalKind::Stars, 3.0)]),
                "scorecard = 0\nstars = 10",
                Effect::Warn,
            ),
            (rated(&[]), on, Effect::Allow),
            (rated(&[]), "on-unknown = 'deny'", Effect::Deny),
            (
                rated(&[(SignalKind::Stars, 3.0)]),
                "on-unknown = 'deny'",
                Effect::Deny,
            ),
            (Case::hosted("x"), "on-unknown = 'deny'", Effect::Allow),
        ] {
            assert_eq!(
                effect_of(&LowSignals, settings, &case),
                expected,
                "{settings}"
            );
        }
    }

    #[test]
    fn the_finding_names_who_measured() {
        let decision = decide(
            &LowSignals,
            "mode = 'enforce'",
            &rated(&[(SignalKind::Scorecard, 2.5)]),
        );
        insta::assert_snapshot!(decision.sentence(), @"Portcullis warns about x 1.0: its scorecard is 2.5, less than 4 (low-signals)");
        let finding = decision.decisive().expect("a finding");
        assert!(
            finding.evidence[0]
                .1
                .starts_with("2.5, by scorecard on 2026-")
        );
    }
}
