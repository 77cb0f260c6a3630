//! [`check`]: every rule over a project. Which findings are ignored is told from the files themselves.

use super::project::Project;
use super::rule::Finding;
use super::rules::RULES;

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found, by file and place.
    pub findings: Vec<Finding>,
}

/// Applies every rule.
#[must_use]
pub fn check(project: &Project) -> Report {
    let mut findings = Vec::new();
    for rule in RULES {
        rule.check(project, &mut findings);
    }
    findings.sort_by(|a, b| {
        let place = |one: &Finding| (one.path.clone(), one.at.start, one.rule);
        place(a).cmp(&place(b))
    });
    Report { findings }
}
