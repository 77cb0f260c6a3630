//! `prohibited-name`: names that an administrator has banned.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct ProhibitedName;

impl Rule for ProhibitedName {
    fn id(&self) -> &'static str {
        "prohibited-name"
    }

    fn summary(&self) -> &'static str {
        "stops projects whose name an administrator has prohibited"
    }

    fn manual(&self) -> &'static str {
        "`portcullis names prohibit NAME --reason …` bans a name or a prefix, with a reason that is \
         shown to everyone who asks for it. It applies wherever the project would come from, and is \
         lifted by `portcullis names allow NAME`."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Deny,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "pycrypto"
prohibited = "nobody works on it any more; use pycryptodome""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for ProhibitedName {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(prohibition) = &facts.project.prohibition else {
            return Outcome::Pass;
        };
        let message = match &*prohibition.reason {
            "" => "the name is prohibited here".to_owned(),
            reason => format!("the name is prohibited here: {reason}"),
        };
        Outcome::Found(
            Found::new(
                message,
                "use another project, or ask an administrator to allow the name",
            )
            .because("pattern", &prohibition.pattern),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn a_prohibited_name_is_denied_wherever_it_comes_from() {
        let check = |case: Case| effect_of(&ProhibitedName, "", &case);
        for case in [Case::upstream("x"), Case::hosted("x"), Case::nowhere("x")] {
            assert_eq!(check(case.clone()), Effect::Allow);
            assert_eq!(check(case.prohibited("x")), Effect::Deny);
        }
    }
}
