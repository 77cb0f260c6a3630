//! `sdist-only`: releases that offer nothing but source.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct SdistOnly;

impl Rule for SdistOnly {
    fn id(&self) -> &'static str {
        "sdist-only"
    }

    fn summary(&self) -> &'static str {
        "stops releases from outside that have no wheel, so that installing them runs their code"
    }

    fn manual(&self) -> &'static str {
        "Installing a source distribution runs code of the project on the machine that installs it; a wheel is only unpacked. The rule stops the files of a release that offers no wheel at all. Off by default, since many small projects never publish wheels."
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
file = "acme_sdk-1.0.tar.gz"
wheels = 0"#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for SdistOnly {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(file) = facts.file else {
            return Outcome::Pass;
        };
        if !facts.is_from_outside() || file.release.sdists == 0 || file.release.wheels > 0 {
            return Outcome::Pass;
        }
        Outcome::Found(Found::new(
            "the release has no wheel, and installing its source would run its code",
            "use a version that has a wheel, or publish a wheel of it here",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn a_release_without_a_wheel_is_stopped_once_the_rule_is_on() {
        let on = "mode = 'enforce'";
        assert_eq!(
            effect_of(&SdistOnly, on, &Case::upstream("x").release(0, 1)),
            Effect::Deny
        );
        assert_eq!(
            effect_of(&SdistOnly, on, &Case::upstream("x").release(1, 1)),
            Effect::Allow
        );
        assert_eq!(
            effect_of(&SdistOnly, on, &Case::hosted("x").release(0, 1)),
            Effect::Allow
        );
        assert_eq!(
            effect_of(&SdistOnly, "", &Case::upstream("x").release(0, 1)),
            Effect::Allow
        );
    }
}
