//! `untrusted-checkout-installs`: code of a stranger's pull request, built with the secrets of the project.

use crate::inspection::Severity;
use crate::lint::contents::{Invocation, Origin, Span, Verb};
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::project::ProjectFile;
use crate::lint::rule::{Finding, Rule};
use crate::lint::syntax::{Node, yaml};

/// The rule.
#[derive(Debug)]
pub(super) struct UntrustedCheckoutInstalls;

impl Rule for UntrustedCheckoutInstalls {
    fn id(&self) -> &'static str {
        "untrusted-checkout-installs"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a privileged workflow checks out a pull request and installs it"
    }

    fn manual(&self) -> &'static str {
        "`pull_request_target` and `workflow_run` run with the secrets and the token of the project. A \
         workflow that checks out the head of the pull request then and installs it (`pip install .`, `-r \
         requirements.txt`, `tox`) runs the build scripts and requirements of whoever opened it.\n\n\
         Use `pull_request`, which has no secrets; or split it: build without secrets, and let a second \
         workflow use the result as data."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".github/workflows/pr.yml",
            "on: pull_request_target\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n      - run: pip install .\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let privileged = project.files.iter().filter(|file| {
            let text = &file.text;
            let is_asked = text.contains("pull_request_target") || text.contains("workflow_run");
            file.kind == FileKind::GithubWorkflow && is_asked
        });
        for file in privileged {
            let documents = yaml::parse(&file.text).unwrap_or_default();
            let roots = documents.iter().filter(|root| is_privileged(root));
            let jobs =
                roots.flat_map(|root| root.get("jobs").map(Node::entries).unwrap_or_default());
            for job in jobs {
                let Some(place) = after_checkout(&job.value) else {
                    continue;
                };
                let Some(invocation) = installs_checkout(file, &place) else {
                    continue;
                };
                let message = "code of a pull request is installed with the secrets of the project";
                let finding = Finding::new(self, file, &invocation.at, message)
                    .because("whoever opens a pull request runs what they like, with its token")
                    .help("use the event pull_request, or install nothing of the checkout");
                found.push(finding);
            }
        }
    }
}

fn is_privileged(root: &Node) -> bool {
    let Some(on) = root.get("on").or_else(|| root.get("true")) else {
        return false;
    };
    let is_named = |name: &str| matches!(name, "pull_request_target" | "workflow_run");
    on.entries().iter().any(|entry| is_named(&entry.key))
        || on.one_or_more().iter().filter_map(Node::text).any(is_named)
}

/// The steps of a job behind that which checks out a pull request.
fn after_checkout(job: &Node) -> Option<Span> {
    let steps = job.get("steps")?.items();
    let checkout = steps.iter().find(|step| {
        let uses = step.text_of("uses").unwrap_or_default();
        let reference = step
            .path(&["with", "ref"])
            .and_then(Node::text)
            .unwrap_or_default();
        let is_head = [
            "pull_request.head",
            "head_ref",
            "refs/pull/",
            "workflow_run.head",
        ];
        uses.starts_with("actions/checkout@") && is_head.iter().any(|name| reference.contains(name))
    })?;
    Some(checkout.at.end..steps.last()?.at.end)
}

fn installs_checkout<'p>(file: &'p ProjectFile, place: &Span) -> Option<&'p Invocation> {
    let contents = &file.contents;
    let invocations = contents.invocations.iter().enumerate();
    let mut inside =
        invocations.filter(|(_, one)| place.start <= one.at.start && one.at.start < place.end);
    let found = inside.find(|(id, one)| match one.verb {
        Verb::Sync | Verb::RunSetup | Verb::Lock => true,
        Verb::Install | Verb::Download => {
            let mut wanted = contents.wanted_by(*id);
            wanted.any(|one| matches!(one.origin, Origin::Path(_)))
                || contents.included_by(*id).next().is_some()
        }
        Verb::Other => matches!(one.tool.as_str(), "tox" | "nox"),
        _ => false,
    });
    found.map(|(_, one)| one)
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
                    "on: pull_request_target\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n      - run: pip install -e .\n",
                )],
                vec!["pip install -e ."] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "on: pull_request_target\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - run: pip install -e .\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "on: [pull_request]\n# not pull_request_target\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n      - run: pip install -e .\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "on:\n  pull_request_target:\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n        with: {ref: '${{ github.head_ref }}'}\n      - run: pip install ruff==0.5.0\n",
                )],
                vec![] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("untrusted-checkout-installs", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
