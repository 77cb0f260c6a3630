//! `hashed-install-with-dependencies`: uv that checks hashes of what has some, and installs dependencies without any.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::contents::{Role, Tool, Verb};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct HashedInstallWithDependencies;

impl Rule for HashedInstallWithDependencies {
    fn id(&self) -> &'static str {
        "hashed-install-with-dependencies"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "what is hashed is installed together with dependencies that need not be"
    }

    fn manual(&self) -> &'static str {
        "`uv pip install -r FILE` compares hashes where FILE has them, and installs dependencies that FILE \
         does not name without any. A lock that lacks one line then lets an unknown file in, and nothing says \
         so. pip is stricter: one hash makes it ask for all.\n\n\
         Say `--require-hashes`, or `--no-deps` where the file is known to be whole. `uv pip sync` installs \
         nothing that is not named."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Dockerfile",
            "FROM python:3.12\nRUN uv pip install --system -r requirements.txt\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let installs = invoked::all(project).filter(|one| {
            one.invocation.tool == Tool::Uv
                && one.invocation.verb == Verb::Install
                && !one.has_any(&["require-hashes", "no-deps"])
        });
        for one in installs {
            let included = one.file.contents.included_by(one.id);
            let mut read = included.filter(|file| file.role != Role::Constraint);
            let hashed = read.find(|included| {
                let file = project.included(one.file, &included.path);
                file.is_some_and(|file| {
                    file.contents
                        .wanted
                        .iter()
                        .any(|one| !one.hashes.is_empty())
                })
            });
            let Some(included) = hashed else {
                continue;
            };
            let message = format!(
                "{} has hashes, but what it does not name is installed without",
                included.path
            );
            let finding = Finding::new(self, one.file, &included.at, message)
                .because("a line that is missing lets an unknown file in, and nothing says so")
                .help("say --require-hashes, or --no-deps");
            found.push(match one.added("install", "--require-hashes") {
                Some(edit) => finding.fix("add --require-hashes", vec![edit]),
                None => finding,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::contents::GivenHash;
    use crate::lint::testing::{found_by, project};

    #[test]
    fn only_uv_installs_beside_hashes_what_has_none() {
        for (install, expected) in [
            ("uv pip install --system -r requirements.txt", 1),
            ("uv pip install --require-hashes -r requirements.txt", 0),
            ("uv pip install --no-deps -r requirements.txt", 0),
            ("uv pip sync requirements.txt", 0),
            ("pip install -r requirements.txt", 0),
        ] {
            let dockerfile = format!("FROM python:3.12\nRUN {install}\n");
            let mut project =
                project(&[("Dockerfile", &dockerfile), ("requirements.txt", "a==1\n")]);
            let wanted = project.files[0].contents.wanted.first().cloned();
            assert!(wanted.is_none());
            let mut other =
                super::super::super::testing::project(&[("b.sh", "pip install a==1\n")]);
            let mut wanted = other.files[0].contents.wanted.remove(0);
            wanted.at = 0..4;
            wanted.hashes = vec![GivenHash {
                algorithm: "sha256".to_owned(),
                digest: "ab".to_owned(),
                at: 0..4,
            }];
            project.files[1].contents.wanted = vec![wanted];
            let found = found_by("hashed-install-with-dependencies", &project);
            assert_eq!(found.len(), expected, "{install}");
        }
    }
}
