//! `unclaimed-internal-name`: names that no index has, so that anybody can take them.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

use super::named::projects;

/// The rule.
#[derive(Debug)]
pub(super) struct UnclaimedInternalName;

impl Rule for UnclaimedInternalName {
    fn id(&self) -> &'static str {
        "unclaimed-internal-name"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "no index has a name that is used: whoever publishes it first is installed"
    }

    fn manual(&self) -> &'static str {
        "The project wants a name that none of its indexes has. Often it is the name of an internal package that \
         is not published where this project looks. Whoever registers it on a public index decides what is \
         installed here: that is dependency confusion.\n\n\
         Publish it to the organisation's own index, claim it there (`portcullis names own`), or take the name out \
         where it is a mistake. Nothing is found where an installer is told to look in places that were not asked."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "acme-not-published-yet\n")
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for named in projects(project).filter(|named| !named.known.exists) {
            let is_owned = project.organisation.owns(&named.name);
            let (message, why) = match is_owned {
                true => (
                    format!(
                        "nobody has published {}, a name of the organisation's",
                        named.name
                    ),
                    "an installer that goes round the gateway takes it from whoever publishes it",
                ),
                false => (
                    format!("no index has {}", named.name),
                    "whoever publishes it first decides what is installed",
                ),
            };
            found.push(
                named
                    .finding(self, message)
                    .because(why)
                    .help("publish it to your own index and claim the name, or correct it"),
            );
        }
    }
}
