//! `pre-release`: alphas, betas, release candidates and development versions.

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::pypi::name::NamePattern;
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct PreRelease;

/// The rule with its settings.
#[derive(Debug)]
struct Finished {
    except: Vec<NamePattern>,
}

impl Rule for PreRelease {
    fn id(&self) -> &'static str {
        "pre-release"
    }

    fn summary(&self) -> &'static str {
        "leaves out pre-releases and development versions from outside"
    }

    fn manual(&self) -> &'static str {
        "A filter: it leaves out versions with an alpha, beta, candidate or development part (PEP 440), so \
         that no installer takes one, not even one that was told to. Projects that never release anything \
         else are named in `except`. What is published here stays."
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
            key: "except",
            default: "[]",
            meaning: "projects, or prefixes such as acme-*, whose pre-releases stay",
        }]
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "3.0rc1""#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let except = table.list::<NamePattern>("except").unwrap_or_default();
        Box::new(Finished {
            except: except.into_iter().map(|pattern| pattern.value).collect(),
        })
    }
}

impl Check for Finished {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(file) = facts.file else {
            return Outcome::Pass;
        };
        let project = &facts.project.project;
        if !facts.is_from_outside() || self.except.iter().any(|pattern| pattern.matches(project)) {
            return Outcome::Pass;
        }
        match &file.version {
            Fact::Known(version) if version.any_prerelease() => Outcome::Found(Found::new(
                "it is a pre-release, and this index serves none",
                "use a final release",
            )),
            Fact::Known(_) => Outcome::Pass,
            Fact::Unknown(why) => Outcome::Unknown(
                Found::new(
                    format!("it is not known whether it is a pre-release ({why})"),
                    "use a file whose name gives its version",
                )
                .because("version", format!("unknown: {why}")),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    fn version(case: Case, version: &str) -> Case {
        case.with_file(|file| file.version = Fact::Known(version.parse().expect("a version")))
    }

    #[test]
    fn pre_releases_from_outside_are_left_out() {
        let on = "mode = 'enforce'";
        for (text, expected) in [
            ("1.0", Effect::Allow),
            ("1.0.post1", Effect::Allow),
            ("1.0a1", Effect::Deny),
            ("1.0rc1", Effect::Deny),
            ("1.0.dev3", Effect::Deny),
            ("1.0.post1.dev3", Effect::Deny),
        ] {
            let case = version(Case::upstream("x"), text);
            assert_eq!(effect_of(&PreRelease, on, &case), expected, "{text}");
            assert_eq!(effect_of(&PreRelease, "", &case), Effect::Allow);
            assert_eq!(effect_of(&PreRelease, "except = 'x'", &case), Effect::Allow);
        }
        let inside = version(Case::hosted("x"), "1.0a1");
        assert_eq!(effect_of(&PreRelease, on, &inside), Effect::Allow);
        let unknown =
            Case::upstream("x").with_file(|file| file.version = Fact::Unknown("odd".into()));
        assert_eq!(effect_of(&PreRelease, on, &unknown), Effect::Allow);
        let hold = "on-unknown = 'hold'";
        assert_eq!(effect_of(&PreRelease, hold, &unknown), Effect::Hold);
    }
}
