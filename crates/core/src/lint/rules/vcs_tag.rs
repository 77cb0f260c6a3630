//! `vcs-tag`: what is built from a tag, which can be set anew.

use super::vcs_without_commit::{asked_of_repositories, what_is_built};
use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::revision::Revision;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct VcsTag;

impl Rule for VcsTag {
    fn id(&self) -> &'static str {
        "vcs-tag"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "a requirement is built from a tag of a repository"
    }

    fn manual(&self) -> &'static str {
        "A tag looks like a version, and can be moved to another commit at any time by everybody who can \
         push: that is how actions and packages were replaced under the feet of those who had pinned \
         them.\n\n\
         Name the commit, and the tag in a comment beside it. What a lock of uv, poetry, pdm or pipenv \
         beside the file has settled is not reported."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "git+https://git.acme.example/acme.git@v1.2.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for (file, wanted, revision) in asked_of_repositories(project) {
            let Revision::Tag(tag) = revision else {
                continue;
            };
            let what = what_is_built(wanted);
            let message = format!("{what} is built from the tag `{tag}` of its repository");
            let finding = Finding::new(self, file, &wanted.at, message)
                .because("whoever can push to the repository can set the tag to another commit")
                .help("name the commit in full, and the tag in a comment");
            found.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn only_what_can_move_is_reported() {
        let project = project(&[
            (
                "requirements.txt",
                "-e git+https://a.example/w@v1.0#egg=w\ngit+https://a.example/x\n",
            ),
            (
                "pyproject.toml",
                "[project]\ndependencies = ['y @ git+https://a.example/y@2.0']\n",
            ),
        ]);
        assert_eq!(
            found_by("vcs-tag", &project),
            [
                "pyproject.toml:2: y is built from the tag `2.0` of its repository [y @ git+https://a.example/y@2.0]",
                "requirements.txt:1: w is built from the tag `v1.0` of its repository [git+https://a.example/w@v1.0#egg=w]",
            ]
        );
    }
}
