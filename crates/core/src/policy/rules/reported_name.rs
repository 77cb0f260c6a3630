//! `reported-name`: names under which malware was published, from public reports that are older than
//! advisory feeds, or that a gateway knows before it has loaded one. Feeds are `malicious`.

use std::sync::LazyLock;

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct ReportedName;

/// Names with the report that named them, sorted by name.
static REPORTED: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = include_str!("reported_names.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

impl Rule for ReportedName {
    fn id(&self) -> &'static str {
        "reported-name"
    }

    fn summary(&self) -> &'static str {
        "stops names under which malware was published, from public reports"
    }

    fn manual(&self) -> &'static str {
        "Some names were never anything but malware. The most widely reported ones are part of the \
         program, each with its report, so that they are refused before the first advisory feed is \
         loaded, and although many of them are older than such feeds. Only projects from outside are \
         meant, and never names that are owned. What is reported from day to day comes with an \
         advisory feed, and the rule `malicious`."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acqusition""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

/// The report that names a project as malware.
pub(crate) fn report(name: &str) -> Option<&'static str> {
    let found = REPORTED.binary_search_by_key(&name, |(name, _)| name);
    found.ok().map(|at| REPORTED[at].1)
}

impl Check for ReportedName {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if !facts.is_public_name() {
            return Outcome::Pass;
        }
        let Some(report) = report(facts.project.project.as_str()) else {
            return Outcome::Pass;
        };
        Outcome::Found(
            Found::new(
                format!("malware was published under this name ({report})"),
                "look up the name of the project that you mean",
            )
            .because("report", report),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};
    use crate::pypi::name::ProjectName;

    #[test]
    fn reported_names_from_outside_are_denied() {
        for (case, expected) in [
            (Case::upstream("apidev-coop"), Effect::Deny),
            (Case::upstream("Apidev.Coop"), Effect::Deny),
            (Case::nowhere("colourama"), Effect::Deny),
            (Case::hosted("colourama"), Effect::Allow),
            (
                Case::upstream("colourama").owned("colourama"),
                Effect::Allow,
            ),
            (Case::upstream("colorama"), Effect::Allow),
        ] {
            assert_eq!(effect_of(&ReportedName, "", &case), expected, "{case:?}");
        }
    }

    #[test]
    fn the_list_is_sorted_normalised_and_names_its_reports() {
        assert!(REPORTED.is_sorted_by(|a, b| a.0 < b.0));
        for (name, report) in REPORTED.iter() {
            let parsed = ProjectName::new(name).expect("a name");
            assert_eq!(parsed.as_str(), *name);
            assert!(!report.is_empty());
        }
    }
}
