//! `unreadable-requirement`: requirements that installers refuse.

use crate::inspection::Severity;
use crate::lint::contents::Origin;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct UnreadableRequirement;

impl Rule for UnreadableRequirement {
    fn id(&self) -> &'static str {
        "unreadable-requirement"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "a requirement is written so that installers refuse it"
    }

    fn manual(&self) -> &'static str {
        "Nothing is installed by such a line, or an old tool reads it in its own way: `flask=3`, `flask \
         3`, a version that is none. What it was meant to say is not checked here either.\n\n\
         Write it as PEP 508 has it: `flask==3.1.0`, `flask>=3,<4`, `flask @ https://…`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask=3.1.0\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let wanted = file.contents.wanted.iter();
            found.extend(wanted.filter_map(|wanted| {
                let Origin::Unknown(why) = &wanted.origin else {
                    return None;
                };
                let finding = Finding::new(
                    self,
                    file,
                    &wanted.at,
                    format!("this is no requirement: {why}"),
                )
                .because("installers refuse it, and what it was meant to say is not checked")
                .help("write it as name==version, name>=version or name @ URL");
                Some(finding)
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn what_cannot_be_read_is_shown() {
        let project = project(&[(
            "requirements.txt",
            "flask=3\nflask==3\nx==${V}\n{% if x %}\n",
        )]);
        let found = found_by("unreadable-requirement", &project);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("requirements.txt:1: this is no requirement: "),
            "{found:?}"
        );
    }
}
