//! `changed-behaviour`: versions that do what the version before them did not do.

use super::compared::{self, Compared, OPTIONS_OF_CHANGES, Settings};
use crate::fact::{Fact, Facts};
use crate::inspection::{Changes, Knowledge};
use crate::policy::rule::{Check, Defaults, Example, Found, Need, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct ChangedBehaviour;

/// The rule with its settings.
#[derive(Debug)]
struct Limits(Settings);

impl Rule for ChangedBehaviour {
    fn id(&self) -> &'static str {
        "changed-behaviour"
    }

    fn summary(&self) -> &'static str {
        "holds versions that do what the version before them did not do"
    }

    fn manual(&self) -> &'static str {
        "Popular projects that were taken over had the right name, a good past and many users; what gave them \
         away was what the new version did and the old one did not. Each file is compared with the file of the \
         same kind of the highest earlier version that this gateway let through: what runs at installation, at \
         each start of Python and at import and is new; findings, capabilities, machine code, commands, plugins, \
         dependencies and top-level modules that are new; another build backend or publisher, an attestation or \
         sdist that is gone.\n\n\
         Every change counts points. Ordinary ones count 1 or 2 and never stop anything, however many they are. \
         Strong ones count 5: code that now speaks to the network, starts processes or runs code that it makes as \
         soon as it is imported, in a project that did nothing of the kind; a dependency that nobody here has ever \
         asked for; another publisher. Decisive ones count 10: new code at each start of Python, an installation \
         that now speaks to the network, a module that now does both, a dependency from an address. The effect of \
         the rule is for versions whose strong changes reach `threshold`; those that reach `warn-from` are warned \
         of.\n\n\
         The first file of a project that comes here has nothing to be compared with and passes. What the version \
         before did already is no change: a project that was malicious from its first version is for \
         `malicious-code` to find. A version that was held is let through for good once a reviewer approves it, \
         and then is what later ones are compared with."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Hold,
            on_unknown: Effect::Allow,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        OPTIONS_OF_CHANGES
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.82.7"
changes = [
  { kind = "startup-file", subject = "acme_sdk.pth", detail = "now runs at each start of Python: import acme_sdk._init", weight = 10 },
  { kind = "capability", subject = "acme_sdk/_init.py", detail = "now speaks to the network when it is imported (urllib.request.urlopen, line 7)", weight = 5 },
]"#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Limits(Settings::read(OPTIONS_OF_CHANGES, table)))
    }
}

impl Check for Limits {
    fn needs(&self) -> &[Need] {
        &[Need::Inspection]
    }

    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if self.0.leaves_out(facts) {
            return Outcome::Pass;
        }
        match facts.content.map(|content| &content.since) {
            None | Some(Knowledge::Ahead) => Outcome::Pass,
            Some(Knowledge::Learned(Fact::Unknown(why))) => Outcome::Unknown(Found::new(
                format!("it could not be compared with the version before ({why})"),
                "compare the two versions yourself, or ask for a review",
            )),
            Some(Knowledge::Learned(Fact::Known(changes))) => {
                self.0.judged(facts, compared(changes))
            }
        }
    }
}

fn compared(changes: &Changes) -> Compared<'_> {
    let things = changes.changes.iter();
    let things = things.filter(|change| change.weight.is_strong());
    let things = things.map(|change| compared::Thing {
        kind: change.kind.as_str(),
        subject: &change.subject,
        detail: &change.detail,
    });
    Compared {
        points: changes.score(),
        things: things.collect(),
        with: match changes.before.as_str() {
            "" => "the version before".to_owned(),
            version => format!("version {version}"),
        },
        does: "does what the version before did not do",
        remedy: "stay with the version before, and read what the project says of this one; a reviewer \
                 can let it through",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::inspection::{Change, ChangeKind, ContentFacts, Weight};
    use crate::policy::rules::testing::{Case, decide, effect_of};

    fn changed(case: Case, weights: &[Weight]) -> Case {
        let change = |weight: &Weight| Change {
            kind: ChangeKind::Capability,
            subject: "demo/__init__.py".to_owned(),
            detail: "now speaks to the network when it is imported".to_owned(),
            weight: *weight,
        };
        let changes = Changes {
            before: "0.9".to_owned(),
            changes: weights.iter().map(change).collect(),
            ..Changes::default()
        };
        case.content(ContentFacts {
            since: Knowledge::of(Arc::new(changes)),
            ..ContentFacts::default()
        })
    }

    fn not_compared() -> Case {
        Case::upstream("x").content(ContentFacts {
            since: Knowledge::not_learned("it took too long"),
            ..ContentFacts::default()
        })
    }

    #[test]
    fn strong_changes_hold_and_ordinary_ones_do_not() {
        const STRONG: Weight = Weight::STRONG;
        let on = "mode = 'enforce'";
        for (weights, settings, expected) in [
            (&[Weight::DECISIVE][..], "mode = 'off'", Effect::Allow),
            (&[Weight::DECISIVE], on, Effect::Hold),
            (&[STRONG, STRONG], on, Effect::Hold),
            (&[STRONG, STRONG], "effect = 'deny'", Effect::Deny),
            (&[STRONG], on, Effect::Warn),
            (&[STRONG], "effect = 'deny'", Effect::Warn),
            (&[STRONG], "threshold = 5", Effect::Hold),
            (&[STRONG], "warn-from = 6", Effect::Allow),
            (&[STRONG, STRONG], "threshold = 20", Effect::Warn),
            (&[Weight::UNUSUAL; 30], on, Effect::Allow),
            (&[], on, Effect::Allow),
        ] {
            let case = changed(Case::upstream("x"), weights);
            let effect = effect_of(&ChangedBehaviour, settings, &case);
            assert_eq!(effect, expected, "{weights:?} {settings}");
        }
    }

    #[test]
    fn ours_are_warned_of_unless_the_policy_says_more() {
        let case = changed(Case::hosted("x"), &[Weight::DECISIVE]);
        for (settings, expected) in [
            ("", Effect::Warn),
            ("inside = 'all'", Effect::Hold),
            ("inside = 'off'", Effect::Allow),
        ] {
            let settings = format!("mode = 'enforce'\n{settings}");
            assert_eq!(
                effect_of(&ChangedBehaviour, &settings, &case),
                expected,
                "{settings}"
            );
        }
    }

    #[test]
    fn nothing_to_compare_with_passes_and_not_knowing_is_the_policys() {
        let on = "on-unknown = 'hold'";
        let ahead = Case::upstream("x").content(ContentFacts::default());
        for (case, expected) in [
            (Case::upstream("x"), Effect::Allow),
            (ahead, Effect::Allow),
            (not_compared(), Effect::Hold),
        ] {
            assert_eq!(effect_of(&ChangedBehaviour, on, &case), expected);
        }
        let default = effect_of(&ChangedBehaviour, "mode = 'enforce'", &not_compared());
        assert_eq!(default, Effect::Allow);
    }

    #[test]
    fn what_is_found_is_named_in_words_that_stay() {
        let case = changed(Case::upstream("x"), &[Weight::DECISIVE, Weight::WEAK]);
        let decision = decide(&ChangedBehaviour, "mode = 'enforce'", &case);
        insta::assert_snapshot!(decision.sentence(), @"Portcullis holds x 1.0: it does what the version before did not do: demo/__init__.py now speaks to the network when it is imported (changed-behaviour)");
        let finding = decision.decisive().unwrap();
        assert_eq!(finding.about, ["capability demo/__init__.py"]);
    }
}
