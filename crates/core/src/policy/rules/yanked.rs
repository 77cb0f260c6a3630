//! `yanked`: files that their own project has withdrawn.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::pypi::simple::Yanked as Mark;
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct Yanked;

impl Rule for Yanked {
    fn id(&self) -> &'static str {
        "yanked"
    }

    fn summary(&self) -> &'static str {
        "notices files that their project has yanked"
    }

    fn manual(&self) -> &'static str {
        "A project yanks a release that should no longer be chosen (PEP 592); installers still take it \
         for an exact pin. The mark is always passed on. With `effect = \"deny\"` a yanked file is \
         refused even to those who pin it."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Warn,
            on_unknown: Effect::Allow,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "2.3.0"
yanked = "wrong metadata""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for Yanked {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let message = match facts.file.map(|file| &file.yanked) {
            None | Some(Mark::No) => return Outcome::Pass,
            Some(Mark::Yes) => "its project has yanked it, without a reason".to_owned(),
            Some(Mark::Because(reason)) => format!("its project has yanked it: {reason}"),
        };
        Outcome::Found(Found::new(message, "move to a version that is not yanked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn a_yanked_file_is_warned_about_or_denied_as_the_policy_says() {
        let yanked = Case::upstream("x").yanked(Mark::Because("broken".into()));
        assert_eq!(effect_of(&Yanked, "", &yanked), Effect::Warn);
        assert_eq!(effect_of(&Yanked, "effect = 'deny'", &yanked), Effect::Deny);
        assert_eq!(
            effect_of(&Yanked, "effect = 'deny'", &Case::upstream("x")),
            Effect::Allow
        );
    }
}
