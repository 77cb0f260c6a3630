//! `publishes-with-password`: a pipeline that publishes with a password that lives for years.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::contents::{Setting, Tool};
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct PublishesWithPassword;

impl Rule for PublishesWithPassword {
    fn id(&self) -> &'static str {
        "publishes-with-password"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "a pipeline publishes to PyPI with a password or token instead of trusted publishing"
    }

    fn manual(&self) -> &'static str {
        "A token in the secrets of a pipeline is valid until somebody revokes it, and every step that sees it \
         can carry it away. Trusted publishing gives a pipeline of GitHub, GitLab and others a token that \
         lives for minutes and is good for one project.\n\n\
         Add the pipeline as a publisher in the project's settings, give the job `id-token: write`, and drop \
         user and password. Pipelines that upload to other indexes are not looked at."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".github/workflows/release.yml",
            "jobs:\n  release:\n    runs-on: ubuntu-latest\n    steps:\n      - run: twine upload dist/*\n        env:\n          TWINE_PASSWORD: ${{ secrets.PYPI }}\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let pipelines = project.files.iter().filter(|file| {
            matches!(file.kind, FileKind::GithubWorkflow | FileKind::GitlabCi)
                && invoked::publishes(file)
                && !invoked::uploads_elsewhere(file)
        });
        for file in pipelines {
            let settings = file.contents.settings.iter().filter(|one| is_password(one));
            let findings = settings.map(|one| {
                Finding::new(
                    self,
                    file,
                    &one.at,
                    "releases are published with a token that does not expire",
                )
                .because("every step that sees it can carry it away")
                .help("use trusted publishing: id-token: write, and no password")
            });
            found.extend(invoked::together(findings.collect()));
        }
    }
}

fn is_password(one: &Setting) -> bool {
    let publishes = matches!(
        one.tool,
        Tool::Twine | Tool::Uv | Tool::Poetry | Tool::Pdm | Tool::Hatch | Tool::Flit
    );
    publishes && matches!(one.key.as_str(), "password" | "token" | "auth")
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    steps:\n      - uses: pypa/gh-action-pypi-publish@release/v1\n        with:\n          password: ${{ secrets.PYPI }}\n",
                )],
                vec!["password: ${{ secrets.PYPI }}"] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    steps:\n      - uses: pypa/gh-action-pypi-publish@release/v1\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    env:\n      TWINE_PASSWORD: ${{ secrets.A }}\n    steps:\n      - run: twine upload --repository-url https://a.example/u dist/*\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    env:\n      TWINE_PASSWORD: ${{ secrets.A }}\n    steps:\n      - run: twine upload dist/*\n",
                )],
                vec!["TWINE_PASSWORD: ${{ secrets.A }}"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("publishes-with-password", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
