//! `owned-name`: internal names never come from outside (promise 1).

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct OwnedName;

impl Rule for OwnedName {
    fn id(&self) -> &'static str {
        "owned-name"
    }

    fn summary(&self) -> &'static str {
        "keeps internal names inside: nobody else's project under such a name is ever served"
    }

    fn manual(&self) -> &'static str {
        "A name is owned when the configuration lists it (`[names] owned`), when an administrator \
         owned it (`portcullis names own`), or since it was first published here; it stays owned when \
         the project is deleted. The routing law already keeps such a name from every outside source, \
         so that it does not even appear in their logs. This rule gives the explanation where no \
         inside source has the project, and is the second lock should a file under an owned name ever \
         arrive from outside. It states a promise: it cannot be switched off and has no exceptions. \
         To give a name back: `portcullis names release NAME`."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Deny,
        }
    }

    fn is_law(&self) -> bool {
        true
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-billing"
source = "none"
owned = "acme-*""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for OwnedName {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(ownership) = &facts.project.ownership else {
            return Outcome::Pass;
        };
        let name = &facts.project.project;
        let found = match &facts.project.origin {
            Some(_) if facts.is_from_outside() => Found::new(
                "an internal name, and this file is from outside",
                "report this",
            ),
            Some(_) => return Outcome::Pass,
            None => Found::new(
                format!("{name} is an internal name and is not published here"),
                "publish it here, or ask its owner; internal names are never looked up outside",
            ),
        };
        let found = found
            .because("owned by", ownership.origin)
            .because("pattern", &ownership.pattern);
        Outcome::Found(match ownership.since {
            Some(since) => found.because("since", since),
            None => found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn an_owned_name_is_served_from_inside_only() {
        let check = |case: Case| effect_of(&OwnedName, "", &case);
        assert_eq!(check(Case::hosted("acme-x").owned("acme-*")), Effect::Allow);
        assert_eq!(
            check(Case::upstream("acme-x").owned("acme-*")),
            Effect::Deny
        );
        assert_eq!(check(Case::nowhere("acme-x").owned("acme-*")), Effect::Deny);
        assert_eq!(check(Case::upstream("flask")), Effect::Allow);
    }
}
