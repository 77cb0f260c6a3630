//! `too-large`: files that would fill disks and lines.

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

const DEFAULT_MEBIBYTES: i64 = 512;

/// The rule.
#[derive(Debug)]
pub struct TooLarge;

/// The rule with its settings.
#[derive(Debug)]
struct LargerThan {
    mebibytes: u64,
}

impl Rule for TooLarge {
    fn id(&self) -> &'static str {
        "too-large"
    }

    fn summary(&self) -> &'static str {
        "leaves out files from outside that are larger than some mebibytes"
    }

    fn manual(&self) -> &'static str {
        "A filter: it looks at the size that the file's index gives, and leaves larger files out of pages, \
         so that installers take a smaller one where there is one. A direct request is refused. Indexes \
         that list files in HTML give no sizes; what that means is `on-unknown`. What is published here \
         stays; its limit is `limits.upload` in the configuration."
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
            key: "mebibytes",
            default: "512",
            meaning: "the largest size that is served, in MiB (1,048,576 bytes), 1 to 1000000",
        }]
    }

    fn example(&self) -> Example {
        Example {
            settings: "mebibytes = 256",
            facts: r#"project = "acme-sdk"
version = "1.0"
size = 734003200"#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let mebibytes = table
            .integer("mebibytes", 1..1_000_001)
            .map_or(DEFAULT_MEBIBYTES, |mebibytes| mebibytes.value);
        Box::new(LargerThan {
            mebibytes: mebibytes.unsigned_abs(),
        })
    }
}

impl Check for LargerThan {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(file) = facts.file.filter(|_| facts.is_from_outside()) else {
            return Outcome::Pass;
        };
        let most = self.mebibytes;
        match &file.size {
            Fact::Known(size) if *size <= most << 20 => Outcome::Pass,
            Fact::Known(size) => Outcome::Found(
                Found::new(
                    format!(
                        "it has {} MiB, and this index serves at most {most} MiB",
                        size.div_ceil(1 << 20)
                    ),
                    "use a smaller file or version",
                )
                .because("bytes", size),
            ),
            Fact::Unknown(why) => Outcome::Unknown(
                Found::new(
                    format!("its size is not known ({why})"),
                    "use a source that gives sizes",
                )
                .because("size", format!("unknown: {why}")),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, decide, effect_of};

    fn sized(case: Case, bytes: u64) -> Case {
        case.with_file(|file| file.size = Fact::Known(bytes))
    }

    #[test]
    fn larger_files_from_outside_are_left_out() {
        for (settings, bytes, expected) in [
            ("mebibytes = 2", 2 << 20, Effect::Allow),
            ("mebibytes = 2", (2 << 20) + 1, Effect::Deny),
            ("mode = 'enforce'", 512 << 20, Effect::Allow),
            ("mode = 'enforce'", u64::MAX, Effect::Deny),
            ("", u64::MAX, Effect::Allow),
            ("mebibytes = 1\neffect = 'hold'", 9 << 20, Effect::Hold),
        ] {
            let case = sized(Case::upstream("x"), bytes);
            assert_eq!(
                effect_of(&TooLarge, settings, &case),
                expected,
                "{settings}"
            );
        }
        let inside = sized(Case::hosted("x"), u64::MAX);
        assert_eq!(
            effect_of(&TooLarge, "mebibytes = 1", &inside),
            Effect::Allow
        );
        let unknown = Case::upstream("x");
        assert_eq!(
            effect_of(&TooLarge, "mebibytes = 1", &unknown),
            Effect::Allow
        );
        let deny = "on-unknown = 'deny'";
        assert_eq!(effect_of(&TooLarge, deny, &unknown), Effect::Deny);
    }

    #[test]
    fn the_reason_names_both_sizes() {
        let decision = decide(
            &TooLarge,
            "mebibytes = 2",
            &sized(Case::upstream("x"), (2 << 20) + 1),
        );
        insta::assert_snapshot!(decision.sentence(), @"Portcullis denies x 1.0: it has 3 MiB, and this index serves at most 2 MiB (too-large)");
    }
}
