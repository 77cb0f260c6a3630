//! `sdist-executes`: an installation that may run code of sdists before anybody has looked at them.

use super::invoked::{self, Invoked};
use crate::inspection::Severity;
use crate::lint::contents::{Tool, Verb};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct SdistExecutes;

impl Rule for SdistExecutes {
    fn id(&self) -> &'static str {
        "sdist-executes"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn summary(&self) -> &'static str {
        "an unattended installation may build sdists, which runs their code"
    }

    fn manual(&self) -> &'static str {
        "Where an index has no wheel that fits, pip and uv build the sdist, and its build script is a program \
         that does what it likes. An unattended installation in a pipeline or image runs it with the rights \
         and secrets that are there.\n\n\
         Say `--only-binary :all:` (pip) or `--no-build` (uv), with `--no-binary NAME` for the few that have \
         no wheels. In files that publish releases it is worse than information, since the tokens for that \
         are near."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".github/workflows/ci.yml",
            "jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pip install -r requirements.txt\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let building = invoked::unattended(project).filter(may_build);
        let findings = building.map(|one| {
            let severity = match invoked::publishes(one.file) {
                true => Severity::Low,
                false => Severity::Info,
            };
            let option = match one.invocation.tool {
                Tool::Uv => "--no-build",
                _ => "--only-binary :all:",
            };
            Finding::new(
                self,
                one.file,
                &one.invocation.at,
                "sdists may be built, which runs their code",
            )
            .severity(severity)
            .because("a release without a wheel that fits runs its build script here")
            .help(format!("add {option}, and name those that have no wheels"))
        });
        found.extend(invoked::together(findings.collect()));
    }
}

fn may_build(one: &Invoked<'_>) -> bool {
    let is_install = match one.invocation.tool {
        Tool::Pip => matches!(one.invocation.verb, Verb::Install | Verb::Download),
        Tool::Uv => {
            one.verb() == "install" || one.verb() == "sync" && one.invocation.verb == Verb::Sync
        }
        _ => false,
    };
    is_install
        && (one.installs_from_index() || one.invocation.verb == Verb::Sync)
        && !one.has_any(&[
            "only-binary",
            "no-build",
            "no-binary",
            "dry-run",
            "no-index",
        ])
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![("Dockerfile", "FROM python:3.12\nRUN pip install -r r.txt\n")],
                vec!["pip install -r r.txt"] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM python:3.12\nRUN pip install --only-binary :all: a\nRUN pip install .\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM python:3.12\nENV PIP_ONLY_BINARY=:all:\nRUN pip install a\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![("Dockerfile", "FROM python:3.12\nRUN uv sync --locked\n")],
                vec!["uv sync --locked"] as Vec<&str>,
            ),
            (vec![("a.sh", "pip install a\n")], vec![] as Vec<&str>),
        ] {
            assert_eq!(
                marked_by("sdist-executes", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
