//! `mutable-hook`: hooks of a repository by a branch.

use crate::inspection::Severity;
use crate::lint::contents::{Reference, ReferenceKind};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MutableHook;

impl Rule for MutableHook {
    fn id(&self) -> &'static str {
        "mutable-hook"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "hooks are named by a branch instead of a tag or commit"
    }

    fn manual(&self) -> &'static str {
        "pre-commit runs what the repository of hooks has at `rev`. A branch moves with every change, and \
         what is new runs on the machine of whoever commits next, or never, since pre-commit keeps what it \
         once fetched.\n\n\
         Name a tag or a commit; `pre-commit autoupdate --freeze` writes commits."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".pre-commit-config.yaml",
            "repos:\n  - repo: https://git.acme.example/hooks\n    rev: main\n    hooks:\n      - id: lint\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let hooks = file.contents.references.iter();
            let moving = hooks.filter(|one| one.kind == ReferenceKind::Hook && is_branch(one));
            found.extend(moving.map(|hook| {
                let message = format!("hooks of {} are whatever its branch has", hook.target);
                Finding::new(self, file, &hook.at, message)
                    .because("each change there runs on the machine of whoever commits next")
                    .help("name a tag or a commit (pre-commit autoupdate --freeze)")
            }));
        }
    }
}

/// Whether a revision is that of a branch, or none. Tags and commits have digits.
fn is_branch(hook: &Reference) -> bool {
    let revision = hook.revision.as_deref().unwrap_or_default();
    !revision.contains(|one: char| one.is_ascii_digit())
        || ["main", "master", "develop", "dev", "HEAD"].contains(&revision)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![(
                    ".pre-commit-config.yaml",
                    "repos:\n- repo: https://a.example/h\n  rev: master\n  hooks: [{id: a}]\n- repo: https://a.example/i\n  rev: v1.0\n  hooks: [{id: b}]\n- repo: local\n  hooks: [{id: c}]\n",
                )],
                vec!["master"] as Vec<&str>,
            ),
            (
                vec![(
                    ".pre-commit-config.yaml",
                    "repos:\n- repo: https://a.example/h\n  hooks: [{id: a}]\n",
                )],
                vec!["https://a.example/h"],
            ),
        ] {
            assert_eq!(
                marked_by("mutable-hook", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
