//! `yanked-version`: releases that their project has withdrawn.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

use super::named::releases;

/// The rule.
#[derive(Debug)]
pub(super) struct YankedVersion;

impl Rule for YankedVersion {
    fn id(&self) -> &'static str {
        "yanked-version"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a release that is pinned was withdrawn by its project"
    }

    fn manual(&self) -> &'static str {
        "A project yanks a release that should no longer be used (PEP 592): it is broken, has a hole, or was \
         published by mistake. Installers pass over it unless it is pinned, as it is here.\n\n\
         Lock again, or pin another version. Ignore it with the reason where the yank does not concern you."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "withdrawn==1.0.0\n")
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for named in releases(project) {
            let Some(reason) = &named.known.yanked else {
                continue;
            };
            let reason = match reason.trim() {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            let message = format!("{} was withdrawn by its project{reason}", named.title());
            let help = match &named.known.nearest {
                Some(nearest) => format!("use {} {nearest}", named.name),
                None => "lock again, or pin another version".to_owned(),
            };
            found.push(
                named
                    .finding(self, message)
                    .because("only a pin still installs it, and its authors advise against it")
                    .help(help),
            );
        }
    }
}
