//! `wheel-differs`: wheels with something in them that their sdist does not account for.

use super::compared::{self, Compared, OPTIONS_OF_DIFFERENCES, Settings};
use crate::fact::{Fact, Facts};
use crate::inspection::{Differences, Knowledge};
use crate::policy::rule::{Check, Defaults, Example, Found, Need, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct WheelDiffers;

/// The rule with its settings.
#[derive(Debug)]
struct Limits(Settings);

impl Rule for WheelDiffers {
    fn id(&self) -> &'static str {
        "wheel-differs"
    }

    fn summary(&self) -> &'static str {
        "holds wheels with code in them that their sdist does not account for"
    }

    fn manual(&self) -> &'static str {
        "People read a project's repository and its sdist; installers take the wheel. Whoever can upload can put \
         into the wheel what stands nowhere else. A wheel is compared with the sdist of the same release: Python \
         by its code, whatever its layout, quotes, comments and documentation; all else by its bytes. What builds \
         make is accounted for: folders that are mapped to packages, versions that are written at build time, \
         machine code from sources in the sdist, protocol bindings, translations, stubs.\n\n\
         What is left counts by what it is able to do without being asked: 5 points for code that speaks to the \
         network, starts processes or runs code that it makes as soon as it is imported, where the sdist does \
         not, and for machine code without any source; 10 for several of these together, and for code at each \
         start of Python. Different code that does nothing of the kind counts less and stops nothing. The effect \
         of the rule is for wheels that reach `threshold`; those that reach `warn-from` are warned of.\n\n\
         A release without an sdist has nothing to be compared with and passes. Where a wheel does anything \
         unasked that could matter, its sdist is fetched for the comparison, up to 25 MiB; where it does not, a \
         difference would change nothing, and the sdist is left alone."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Hold,
            on_unknown: Effect::Allow,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        OPTIONS_OF_DIFFERENCES
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.82.7"
differences = [
  { kind = "only-in-wheel", path = "acme_sdk/_telemetry.py", detail = "is not in the sdist, and there it speaks to the network when it is imported (urllib.request.urlopen, line 7)", weight = 5 },
]"#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Limits(Settings::read(OPTIONS_OF_DIFFERENCES, table)))
    }
}

impl Check for Limits {
    fn needs(&self) -> &[Need] {
        &[Need::Inspection, Need::Sdist]
    }

    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if self.0.leaves_out(facts) {
            return Outcome::Pass;
        }
        match facts.content.map(|content| &content.sdist) {
            None | Some(Knowledge::Ahead) => Outcome::Pass,
            Some(Knowledge::Learned(Fact::Unknown(why))) => Outcome::Unknown(Found::new(
                format!("it could not be compared with its sdist ({why})"),
                "compare the two yourself, or ask for a review",
            )),
            Some(Knowledge::Learned(Fact::Known(all))) => self.0.judged(facts, compared(all)),
        }
    }
}

/// The strong differences where there are some, else all that count.
fn compared(all: &Differences) -> Compared<'_> {
    let points = |least: u8| {
        let counting = all
            .differences
            .iter()
            .filter(move |one| one.weight.0 >= least);
        counting
            .map(|one| u32::from(one.weight.0))
            .max()
            .unwrap_or(0)
    };
    let counting = all.differences.iter();
    let counting = counting.filter(|one| u32::from(one.weight.0) > 0);
    let is_strong = all.is_suspicious();
    let things = counting.filter(|one| !is_strong || one.weight.is_strong());
    let things = things.map(|one| compared::Thing {
        kind: one.kind.as_str(),
        subject: &one.path,
        detail: &one.detail,
    });
    Compared {
        // Small differences in many files are how a build looks; the largest of them is what counts.
        points: all.score().max(points(1)),
        things: things.collect(),
        with: "its sdist".to_owned(),
        does: "differs from its sdist",
        remedy: "build it from the sdist, and tell the project; a reviewer can let it through",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::inspection::{ContentFacts, Difference, DifferenceKind, Weight};
    use crate::policy::rules::testing::{Case, decide, effect_of};

    fn differing(weights: &[Weight]) -> Case {
        let difference = |weight: &Weight| Difference {
            kind: DifferenceKind::OnlyInWheel,
            path: "demo/_telemetry.py".to_owned(),
            detail: "is not in the sdist".to_owned(),
            weight: *weight,
        };
        let differences = Differences {
            differences: weights.iter().map(difference).collect(),
            alike: 3,
        };
        Case::upstream("x").content(ContentFacts {
            sdist: Knowledge::of(Arc::new(differences)),
            ..ContentFacts::default()
        })
    }

    #[test]
    fn what_acts_unasked_holds_and_what_builds_make_does_not() {
        let on = "mode = 'enforce'";
        for (weights, settings, expected) in [
            (&[Weight::STRONG][..], "mode = 'off'", Effect::Allow),
            (&[Weight::STRONG], on, Effect::Hold),
            (&[Weight::DECISIVE], "effect = 'deny'", Effect::Deny),
            (&[Weight::STRONG], "threshold = 10", Effect::Warn),
            (&[Weight::UNUSUAL; 30], on, Effect::Warn),
            (&[Weight::UNUSUAL; 30], "warn-from = 5", Effect::Allow),
            (&[Weight::INFORMATION; 30], on, Effect::Allow),
            (&[], on, Effect::Allow),
        ] {
            let effect = effect_of(&WheelDiffers, settings, &differing(weights));
            assert_eq!(effect, expected, "{weights:?} {settings}");
        }
    }

    #[test]
    fn without_an_sdist_there_is_nothing_to_say() {
        let on = "on-unknown = 'hold'";
        let unknown = Case::upstream("x").content(ContentFacts {
            sdist: Knowledge::not_learned("its sdist cannot be read"),
            ..ContentFacts::default()
        });
        for (case, expected) in [
            (Case::upstream("x"), Effect::Allow),
            (
                Case::upstream("x").content(ContentFacts::default()),
                Effect::Allow,
            ),
            (unknown, Effect::Hold),
        ] {
            assert_eq!(effect_of(&WheelDiffers, on, &case), expected);
        }
    }

    #[test]
    fn what_is_found_is_named_in_words_that_stay() {
        let case = differing(&[Weight::STRONG, Weight::UNUSUAL]);
        let decision = decide(&WheelDiffers, "mode = 'enforce'", &case);
        insta::assert_snapshot!(decision.sentence(), @"Portcullis holds x 1.0: it differs from its sdist: demo/_telemetry.py is not in the sdist (wheel-differs)");
        let finding = decision.decisive().unwrap();
        assert_eq!(finding.about, ["only-in-wheel demo/_telemetry.py"]);
    }
}
