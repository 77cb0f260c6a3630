//! `removed-version`: releases that the index does not have, or has no longer.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

use super::named::releases;

/// The rule.
#[derive(Debug)]
pub(super) struct RemovedVersion;

impl Rule for RemovedVersion {
    fn id(&self) -> &'static str {
        "removed-version"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "the index does not have a release that is pinned"
    }

    fn manual(&self) -> &'static str {
        "The index has the project, and not the version that is pinned. Either it never existed, or it was \
         deleted: by its authors, or by the index because it was malicious. Nobody can install it any more, and a \
         copy in a cache may be what was removed.\n\n\
         Find out why it is gone before you install a copy of it; then lock again."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "removed==1.0.0\n")
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for named in releases(project).filter(|named| !named.known.exists) {
            let message = format!("the index does not have {}", named.title());
            let help = match &named.known.nearest {
                Some(nearest) => format!("find out why, then use {} {nearest}", named.name),
                None => "find out why, then lock again".to_owned(),
            };
            found.push(
                named
                    .finding(self, message)
                    .because("it cannot be installed, and may have been removed as malicious")
                    .help(help),
            );
        }
    }
}
