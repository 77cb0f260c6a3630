//! `ignore-without-reason`: a comment that would quiet a finding, but does not say why.

use crate::inspection::Severity;
use crate::lint::ignore::ignores;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct IgnoreWithoutReason;

impl Rule for IgnoreWithoutReason {
    fn id(&self) -> &'static str {
        "ignore-without-reason"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a comment would quiet a finding and does not say why"
    }

    fn manual(&self) -> &'static str {
        "`# portcullis: ignore[RULE] reason` quiets the findings of a rule on its line or the next one. Without a \
         reason nobody can tell later whether it is still right, so it quiets nothing.\n\n\
         Write the reason behind the brackets, in a few words: who accepted it, and why it is no danger here."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "flask==3.1.0  # portcullis: ignore[trusted-host]\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let silent = ignores(file).into_iter().filter(|one| !one.is_in_force());
            found.extend(silent.map(|one| {
                Finding::new(self, file, &one.at, "an ignore does not say why")
                    .because(
                        "nobody can tell later whether it is still right, so it quiets nothing",
                    )
                    .help("write the reason behind the brackets")
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn a_reason_has_to_be_given() {
        for (comment, count) in [
            ("# portcullis: ignore[trusted-host]", 1),
            ("# portcullis: ignore", 1),
            ("# portcullis: ignore[trusted-host] our own laboratory", 0),
            ("# ignore all of that", 0),
        ] {
            let text = format!("{comment}\nflask\n");
            let found = found_by(
                "ignore-without-reason",
                &project(&[("requirements.txt", &text)]),
            );
            assert_eq!(found.len(), count, "{comment}: {found:?}");
        }
    }
}
