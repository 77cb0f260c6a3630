//! `remote-requirements`: requirements that are read from somewhere else each time.

use crate::inspection::Severity;
use crate::lint::contents::{Included, Role};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct RemoteRequirements;

impl Rule for RemoteRequirements {
    fn id(&self) -> &'static str {
        "remote-requirements"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "requirements or constraints are read from a URL"
    }

    fn manual(&self) -> &'static str {
        "`-r https://…` and `-c https://…` read the file anew at each installation: whoever can change it \
         there decides what is installed here, and nothing in this repository shows it. Over plain HTTP, \
         everybody on the way can.\n\n\
         Keep a copy in the repository and renew it on purpose. Constraints choose versions only among \
         what the index has, and are reported as low; without TLS both are high."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "-r https://files.acme.example/base.txt\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let included = file.contents.included.iter();
            found.extend(included.filter_map(|included| {
                let severity = severity(included)?;
                let what = match included.role {
                    Role::Constraint => "constraints are",
                    _ => "requirements are",
                };
                let finding = Finding::new(
                    self,
                    file,
                    &included.at,
                    format!("{what} read from a URL each time"),
                )
                .severity(severity)
                .because("whoever can change the file there decides what is installed here")
                .help("keep a copy in the repository, and renew it on purpose");
                Some(finding)
            }));
        }
    }
}

/// How bad it is; `None` for a file of this machine.
fn severity(included: &Included) -> Option<Severity> {
    let path = included.path.to_ascii_lowercase();
    if path.starts_with("http://") {
        return Some(Severity::High);
    }
    let is_remote = path.starts_with("https://");
    is_remote.then_some(match included.role {
        Role::Constraint => Severity::Low,
        _ => Severity::Medium,
    })
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn urls_are_found_and_paths_are_not() {
        let project = project(&[(
            "requirements.txt",
            "-r https://a.example/x.txt\n-c https://a.example/c.txt\n-r other.txt\n-r file:///x.txt\n",
        )]);
        assert_eq!(
            found_by("remote-requirements", &project),
            [
                "requirements.txt:1: requirements are read from a URL each time [https://a.example/x.txt]",
                "requirements.txt:2: constraints are read from a URL each time [https://a.example/c.txt]",
            ]
        );
    }
}
