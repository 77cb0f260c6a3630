//! `vcs-without-commit`: what is built from a branch of a repository.

use super::direct_url::is_settled;
use crate::inspection::Severity;
use crate::lint::contents::Wanted;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::revision::{Revision, revision};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;

/// The rule.
#[derive(Debug)]
pub(super) struct VcsWithoutCommit;

impl Rule for VcsWithoutCommit {
    fn id(&self) -> &'static str {
        "vcs-without-commit"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a requirement is built from a branch, or from whatever the repository has"
    }

    fn manual(&self) -> &'static str {
        "`git+https://host/project` and `…@main` install what the branch holds at that moment. Everybody \
         who can push to it, and whoever takes over one of their accounts, runs code wherever it is \
         installed, and no two installations need to be the same.\n\n\
         Name the commit in full: `git+https://host/project@0123…`. What a lock of uv, poetry, pdm or \
         pipenv beside the file has settled is not reported."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "git+https://git.acme.example/acme.git@main\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for (file, wanted, revision) in asked_of_repositories(project) {
            let asked = match revision {
                Revision::Nothing => "the main branch".to_owned(),
                Revision::Branch(branch) => format!("the branch `{branch}`"),
                Revision::Commit | Revision::Tag(_) => continue,
            };
            let what = what_is_built(wanted);
            let message = format!("{what} is built from {asked} of its repository");
            let finding = Finding::new(self, file, &wanted.at, message)
                .because("whoever can push to the branch decides what is installed")
                .help("name the commit in full: …@0123456789abcdef…");
            found.push(finding);
        }
    }
}

/// What is built from a repository and not settled by a lock, each with the revision that is asked for.
pub(super) fn asked_of_repositories(
    project: &Project,
) -> impl Iterator<Item = (&ProjectFile, &Wanted, Revision<'_>)> {
    project.files.iter().flat_map(move |file| {
        let wanted = file.contents.wanted.iter();
        let known = wanted.filter(|one| !one.partly_known);
        known.filter_map(move |one| {
            let revision = revision(&one.origin)?;
            (!is_settled(project, file, one)).then_some((file, one, revision))
        })
    })
}

/// The name of what is built, as far as there is one.
pub(super) fn what_is_built(wanted: &Wanted) -> &str {
    let name = wanted.name.as_ref();
    name.map_or("a project", ProjectName::as_str)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn only_what_can_move_is_reported() {
        let project = project(&[
            (
                "requirements.txt",
                "git+https://a.example/x.git\ny @ git+https://a.example/y@main\n\
                                  git+https://a.example/z@0123456789abcdef0123456789abcdef01234567\n\
                                  -e git+https://a.example/w@v1.0#egg=w\ngit+https://a.example/v@${REF}\n",
            ),
            (
                "locked/pyproject.toml",
                "[tool.poetry.dependencies]\nx = {git = 'https://a.example/x'}\n",
            ),
            ("locked/poetry.lock", ""),
        ]);
        assert_eq!(
            found_by("vcs-without-commit", &project),
            [
                "requirements.txt:1: a project is built from the main branch of its repository [git+https://a.example/x.git]",
                "requirements.txt:2: y is built from the branch `main` of its repository [y @ git+https://a.example/y@main]",
            ]
        );
    }
}
