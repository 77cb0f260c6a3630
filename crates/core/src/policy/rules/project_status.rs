//! `project-status`: projects that their index marks as quarantined, archived or deprecated (PEP 792).

use crate::fact::{Fact, Facts};
use crate::maintenance::{MarkedStatus, Status};
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule, Strength};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule, before it is configured.
#[derive(Debug)]
pub struct ProjectStatusRule;

/// The rule with its settings.
#[derive(Debug)]
struct Effects {
    quarantined: Effect,
    archived: Effect,
    deprecated: Effect,
    other: Effect,
}

impl Rule for ProjectStatusRule {
    fn id(&self) -> &'static str {
        "project-status"
    }

    fn summary(&self) -> &'static str {
        "stops projects that their index has quarantined, and warns of archived and deprecated ones"
    }

    fn manual(&self) -> &'static str {
        "An index can mark a project (PEP 792): `quarantined` when it is suspected to be unsafe, `archived` when \
         no updates are to be expected, `deprecated` when its authors advise against it. A quarantined project \
         is stopped, files of it that are kept here included, until the index lifts the mark; the other two \
         are warned of. What each mark does is set by its own key; `effect` has no say in it. A page without a \
         mark is of an active project."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        &[
            OptionManual {
                key: "quarantined",
                default: "\"deny\"",
                meaning: "what a quarantined project gets: allow, warn, hold or deny",
            },
            OptionManual {
                key: "archived",
                default: "\"warn\"",
                meaning: "what an archived project gets",
            },
            OptionManual {
                key: "deprecated",
                default: "\"warn\"",
                meaning: "what a deprecated project gets",
            },
            OptionManual {
                key: "other",
                default: "\"warn\"",
                meaning: "what a project with a mark gets that is not known to this version",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.0"
status = "quarantined"
status-reason = "it is suspected to hold malware""#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let mut effect = |key: &str, default: Effect| {
            let written = table.parsed::<Effect>(key);
            written.map_or(default, |effect| effect.value)
        };
        Box::new(Effects {
            quarantined: effect("quarantined", Effect::Deny),
            archived: effect("archived", Effect::Warn),
            deprecated: effect("deprecated", Effect::Warn),
            other: effect("other", Effect::Warn),
        })
    }
}

impl Check for Effects {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if !facts.is_from_outside() {
            return Outcome::Pass;
        }
        let marked = match &facts.project.maintenance.status.fact {
            Fact::Known(marked) => marked,
            Fact::Unknown(why) => {
                return Outcome::Unknown(Found::new(
                    format!("the project's status is not known ({why})"),
                    "ask again when its index can be reached",
                ));
            }
        };
        let (effect, remedy) = match &marked.status {
            Status::Active => return Outcome::Pass,
            Status::Quarantined => (
                self.quarantined,
                "do not use it; if you have installed it, look into what it did, and wait until the index \
                 has cleared it",
            ),
            Status::Archived => (
                self.archived,
                "expect no fixes: plan to move to a project that is worked on",
            ),
            Status::Deprecated => (
                self.deprecated,
                "move to what its authors recommend instead",
            ),
            Status::Other(_) => (self.other, "see what its index says of it"),
        };
        Outcome::Found(found(marked, remedy).with(Strength::Exactly(effect)))
    }
}

fn found(marked: &MarkedStatus, remedy: &str) -> Found {
    let status = &marked.status;
    let message = match &marked.reason {
        Some(reason) => {
            let reason: String = reason.chars().take(200).collect();
            format!("its index marks the project as {status}: {reason}")
        }
        None => format!("its index marks the project as {status}"),
    };
    Found::new(message, remedy)
        .because("status", status)
        .about(status.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::maintenance::Maintenance;
    use crate::policy::rules::testing::{Case, decide, effect_of};
    use crate::pypi::simple::ProjectStatus;

    fn marked(case: Case, status: &str) -> Case {
        let status = ProjectStatus {
            status: status.into(),
            reason: Some("spreads malware".into()),
        };
        case.with_project(|project| {
            project.maintenance = Arc::new(Maintenance::of_page(&[], Some(&status)));
        })
    }

    #[test]
    fn each_mark_has_its_effect() {
        for (status, settings, expected) in [
            ("quarantined", "", Effect::Deny),
            ("archived", "", Effect::Warn),
            ("deprecated", "", Effect::Warn),
            ("active", "", Effect::Allow),
            ("retired", "", Effect::Warn),
            ("archived", "archived = 'deny'", Effect::Deny),
            ("deprecated", "deprecated = 'allow'", Effect::Allow),
            ("quarantined", "quarantined = 'hold'", Effect::Hold),
            ("quarantined", "mode = 'observe'", Effect::Allow),
        ] {
            let case = marked(Case::upstream("x"), status);
            assert_eq!(
                effect_of(&ProjectStatusRule, settings, &case),
                expected,
                "{status} {settings}"
            );
        }
        let ours = marked(Case::hosted("x"), "quarantined");
        assert_eq!(effect_of(&ProjectStatusRule, "", &ours), Effect::Allow);
    }

    #[test]
    fn a_page_that_was_not_read_is_unknown() {
        let case = Case::upstream("x").with_project(|project| {
            project.maintenance = Arc::new(Maintenance::unknown("its page was not read"));
        });
        assert_eq!(effect_of(&ProjectStatusRule, "", &case), Effect::Allow);
        assert_eq!(
            effect_of(&ProjectStatusRule, "on-unknown = 'deny'", &case),
            Effect::Deny
        );
    }

    #[test]
    fn a_refusal_gives_the_reason_of_the_index() {
        let decision = decide(
            &ProjectStatusRule,
            "",
            &marked(Case::upstream("x"), "quarantined"),
        );
        insta::assert_snapshot!(decision.sentence(), @"Portcullis denies x 1.0: its index marks the project as quarantined: spreads malware (project-status)");
    }
}
