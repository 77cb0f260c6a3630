//! `archived-project`: projects that nobody maintains any more.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

use super::named::projects;

/// The rule.
#[derive(Debug)]
pub(super) struct ArchivedProject;

impl Rule for ArchivedProject {
    fn id(&self) -> &'static str {
        "archived-project"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "a project that is used is archived"
    }

    fn manual(&self) -> &'static str {
        "The authors have archived the project (PEP 792): no updates are to be expected, not even for holes that are \
         found.\n\n\
         Look for another project before you need to."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "archived==1.0.0\n")
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for named in projects(project) {
            let Some((status, reason)) = &named.known.status else {
                continue;
            };
            if status != "archived" {
                continue;
            }
            let reason = reason.as_ref().map(|reason| format!(": {reason}"));
            let message = format!("{} is archived{}", named.name, reason.unwrap_or_default());
            found.push(
                named
                    .finding(self, message)
                    .because("holes that are found in it will not be mended")
                    .help("look for another project"),
            );
        }
    }
}
