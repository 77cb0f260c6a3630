//! `refused-by-gateway`: releases that the gateway would not hand out.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

use super::named::releases;

/// The rule.
#[derive(Debug)]
pub(super) struct RefusedByGateway;

impl Rule for RefusedByGateway {
    fn id(&self) -> &'static str {
        "refused-by-gateway"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "the gateway would refuse a release that is pinned"
    }

    fn manual(&self) -> &'static str {
        "Where a gateway is configured it is asked about every release that is pinned, with the policy in force. \
         A release that it holds or denies cannot be installed through it: the next build fails, and whoever goes \
         round the gateway gets what it keeps away.\n\n\
         Use the version that it names, or ask for a review: `portcullis review request`. `portcullis why \
         --lock FILE` shows everything that would be refused."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "newest==9.0.0\n")
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for named in releases(project) {
            let Some(refused) = &named.known.refused else {
                continue;
            };
            let nearest = named.known.nearest.as_ref();
            let instead = nearest.map(|nearest| format!("use {} {nearest}, or ", named.name));
            let remedy = named.known.remedy.as_deref();
            let remedy = remedy.unwrap_or("ask for a review: portcullis review request");
            found.push(
                named
                    .finding(self, refused.clone())
                    .because("the next installation through the gateway fails")
                    .help(format!("{}{remedy}", instead.unwrap_or_default())),
            );
        }
    }
}
