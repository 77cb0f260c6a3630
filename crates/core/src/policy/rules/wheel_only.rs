//! `wheel-only`: releases that offer no source.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct WheelOnly;

impl Rule for WheelOnly {
    fn id(&self) -> &'static str {
        "wheel-only"
    }

    fn summary(&self) -> &'static str {
        "stops releases from outside that have no source distribution, so that nobody can rebuild or review them"
    }

    fn manual(&self) -> &'static str {
        "A wheel can hold what its public source does not. The rule stops the files of a release that offers no source distribution, because such a release can be neither compared with its source nor rebuilt from it. Off by default, since some large projects publish wheels alone."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Off,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.0"
sdists = 0"#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for WheelOnly {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(file) = facts.file else {
            return Outcome::Pass;
        };
        if !facts.is_from_outside() || file.release.wheels == 0 || file.release.sdists > 0 {
            return Outcome::Pass;
        }
        Outcome::Found(Found::new(
            "the release has no source distribution to compare or rebuild it with",
            "use a version that has one",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn a_release_without_source_is_stopped_once_the_rule_is_on() {
        let on = "mode = 'enforce'";
        assert_eq!(
            effect_of(&WheelOnly, on, &Case::upstream("x").release(2, 0)),
            Effect::Deny
        );
        assert_eq!(
            effect_of(&WheelOnly, on, &Case::upstream("x").release(2, 1)),
            Effect::Allow
        );
        assert_eq!(
            effect_of(&WheelOnly, "", &Case::upstream("x").release(2, 0)),
            Effect::Allow
        );
    }
}
