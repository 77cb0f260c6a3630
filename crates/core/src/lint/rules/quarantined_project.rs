//! `quarantined-project`: projects that their index suspects.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

use super::named::projects;

/// The rule.
#[derive(Debug)]
pub(super) struct QuarantinedProject;

impl Rule for QuarantinedProject {
    fn id(&self) -> &'static str {
        "quarantined-project"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn summary(&self) -> &'static str {
        "the index has quarantined a project that is used"
    }

    fn manual(&self) -> &'static str {
        "The index has put the project into quarantine (PEP 792): it is suspected to be malicious, and nothing of it is \
         handed out until somebody has looked.\n\n\
         Do not install copies of it. Look at what of it is installed already: `portcullis exposure`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "quarantined==1.0.0\n")
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for named in projects(project) {
            let Some((status, reason)) = &named.known.status else {
                continue;
            };
            if status != "quarantined" {
                continue;
            }
            let reason = reason.as_ref().map(|reason| format!(": {reason}"));
            let message = format!(
                "the index has quarantined {}{}",
                named.name,
                reason.unwrap_or_default()
            );
            found.push(
                named
                    .finding(self, message)
                    .because("it is suspected to be malicious")
                    .help("do not install it, and look where it is installed already"),
            );
        }
    }
}
