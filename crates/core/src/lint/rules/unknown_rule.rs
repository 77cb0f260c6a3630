//! `unknown-rule`: a comment that would quiet a rule that does not exist.

use crate::inspection::Severity;
use crate::lint::ignore::{Ignore, ignores};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Edit, Finding, Rule};
use crate::lint::rules::rule;
use crate::lint::settings::nearest;

/// The rule.
#[derive(Debug)]
pub(super) struct UnknownRule;

impl Rule for UnknownRule {
    fn id(&self) -> &'static str {
        "unknown-rule"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a comment would quiet a rule that does not exist"
    }

    fn manual(&self) -> &'static str {
        "`# portcullis: ignore[RULE] reason` names a rule that there is not, or none at all, and so quiets nothing. \
         There is no comment that quiets every rule: who ignores a finding has to know which.\n\n\
         `portcullis check --list` lists the rules."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "flask==3.1.0  # portcullis: ignore[trusted-hosts] our own laboratory\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            for ignore in ignores(file) {
                found.extend(self.in_ignore(file, &ignore));
            }
        }
    }
}

impl UnknownRule {
    fn in_ignore(&self, file: &ProjectFile, ignore: &Ignore) -> Vec<Finding> {
        if ignore.rules.is_empty() {
            let finding = Finding::new(self, file, &ignore.at, "an ignore names no rule");
            let help = "name the rule in brackets: ignore[RULE] reason";
            return vec![finding.because("it quiets nothing").help(help)];
        }
        let unknown = ignore.rules.iter().filter(|(id, _)| rule(id).is_none());
        let finding = |(id, at): &(String, std::ops::Range<usize>)| {
            let finding = Finding::new(self, file, at, format!("there is no rule {id:?}"))
                .because("it quiets nothing");
            match nearest(id) {
                Some(near) => {
                    let edit = Edit {
                        at: at.clone(),
                        with: near.to_owned(),
                    };
                    let what = format!("name the rule {near}");
                    finding
                        .help(format!("did you mean {near}?"))
                        .fix(what, vec![edit])
                }
                None => finding.help("portcullis check --list lists the rules"),
            }
        };
        unknown.map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn rules_in_ignores_have_to_exist() {
        for (comment, expected) in [
            ("# portcullis: ignore[trusted-host] why", None),
            ("# portcullis: ignore why", Some("names no rule")),
            (
                "# portcullis: ignore[trusted-host, x] why",
                Some("there is no rule \"x\""),
            ),
        ] {
            let text = format!("{comment}\nflask\n");
            let found = found_by("unknown-rule", &project(&[("requirements.txt", &text)]));
            assert_eq!(
                found.len(),
                usize::from(expected.is_some()),
                "{comment}: {found:?}"
            );
            assert!(
                expected.is_none_or(|expected| found[0].contains(expected)),
                "{found:?}"
            );
        }
    }
}
