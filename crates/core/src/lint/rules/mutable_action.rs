//! `mutable-action`: an action of somebody else by a tag or branch.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::contents::{Reference, ReferenceKind};
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::project::ProjectFile;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MutableAction;

impl Rule for MutableAction {
    fn id(&self) -> &'static str {
        "mutable-action"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "an action is named by a tag or branch instead of a commit"
    }

    fn manual(&self) -> &'static str {
        "Whoever can move a tag of an action runs in every pipeline that names it, with its tokens: so it \
         happened to `tj-actions/changed-files` in 2025. A commit cannot be moved: `owner/action@<40 digits> \
         # v1.2.3`, which Dependabot and Renovate keep fresh.\n\n\
         It is worse in pipelines that publish, and for branches of others, which move with every change. \
         Actions and templates of the same repository are not looked at."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".github/workflows/ci.yml",
            "jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: acme/setup@main\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let actions = file.contents.references.iter();
            let actions =
                actions.filter(|one| one.kind == ReferenceKind::Action && !is_commit(one));
            let findings = actions.map(|action| {
                Finding::new(self, file, &action.at, message(action))
                    .severity(severity(file, action))
                    .because("whoever moves it runs here, with the tokens of this pipeline")
                    .help("name the commit, and the tag in a comment behind it")
            });
            found.extend(invoked::together(findings.collect()));
        }
    }
}

fn is_commit(action: &Reference) -> bool {
    let revision = action.revision.as_deref().unwrap_or_default();
    let is_digits = revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digits && matches!(revision.len(), 40 | 64)
}

/// Whether a revision looks like a version: `v4`, `1.2.3`, `release-2`.
fn is_tag(action: &Reference) -> bool {
    let revision = action.revision.as_deref().unwrap_or_default();
    let bare = revision.strip_prefix('v').unwrap_or(revision);
    bare.starts_with(|first: char| first.is_ascii_digit())
}

fn message(action: &Reference) -> &'static str {
    match is_tag(action) {
        true => "named by a tag, which can be moved",
        false => "named by a branch, which moves with every change",
    }
}

fn severity(file: &ProjectFile, action: &Reference) -> Severity {
    let owner = action.target.split('/').next().unwrap_or_default();
    let is_foreign = !matches!(owner, "actions" | "github");
    let is_branch = !is_tag(action) && file.kind == FileKind::GithubWorkflow;
    match invoked::publishes(file) || is_foreign && is_branch {
        true => Severity::Medium,
        false => Severity::Low,
    }
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
                    "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: acme/b@main\n      - uses: ./local\n      - uses: acme/c@0123456789012345678901234567890123456789\n      - uses: acme/d@v2\n",
                )],
                vec!["actions/checkout@v4", "acme/b@main"] as Vec<&str>,
            ),
            (
                vec![(
                    ".gitlab-ci.yml",
                    "include:\n  - local: a.yml\n  - {project: acme/ci, ref: main}\n",
                )],
                vec!["{project: acme/ci, ref: main}"],
            ),
        ] {
            assert_eq!(
                marked_by("mutable-action", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
