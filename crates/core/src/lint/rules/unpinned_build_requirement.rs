//! `unpinned-build-requirement`: build requirements that stay open in a project that locks everything else.

use crate::inspection::Severity;
use crate::lint::contents::{Origin, Role, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::requirement_files::pinned;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct UnpinnedBuildRequirement;

impl Rule for UnpinnedBuildRequirement {
    fn id(&self) -> &'static str {
        "unpinned-build-requirement"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "what builds the project is open, while everything else is locked"
    }

    fn manual(&self) -> &'static str {
        "What stands in `[build-system] requires` runs code when the project is built, and no lock of \
         poetry or pdm, nor uv.lock, covers it. For a package that others build this has to stay open. \
         For a private project (with the classifier `Private :: …`, which keeps it from being published) \
         that locks everything else beside it, it is the one gap.\n\n\
         Pin it, `requires = [\\\"hatchling==1.27.0\\\"]`, or give uv `build-constraint-dependencies`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "pyproject.toml",
            "[build-system]\nrequires = [\"hatchling\"]\n\n[project]\nname = \"acme-web\"\nclassifiers = [\"Private :: Do Not Upload\"]\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let files = project.files.iter();
        for file in files.filter(|file| file.kind == FileKind::Pyproject && is_private(file)) {
            let open = open(file);
            let Some((first, also)) = open.split_first().filter(|_| is_locked(project, file))
            else {
                continue;
            };
            found.push(
                Finding::new(
                    self,
                    file,
                    &first.at,
                    format!("{} may be built with any version", first.spelled),
                )
                .because(
                    "what builds the project runs code, and the lock beside it does not cover it",
                )
                .help("pin it, or set build-constraint-dependencies of uv")
                .also(also.iter().map(|wanted| wanted.at.clone()).collect()),
            );
        }
    }
}

fn is_private(file: &ProjectFile) -> bool {
    file.text.contains("\"Private ::") || file.text.contains("'Private ::")
}

/// Build requirements that neither they themselves nor constraints of the file pin.
fn open(file: &ProjectFile) -> Vec<&Wanted> {
    let constraints = file.contents.wanted.iter();
    let constraints =
        constraints.filter(|one| one.role == Role::Constraint && pinned(one).is_some());
    let constrained: Vec<_> = constraints.map(|one| &one.name).collect();
    let wanted = file.contents.wanted.iter();
    wanted
        .filter(|one| one.role == Role::Build && matches!(one.origin, Origin::Index(_)))
        .filter(|one| pinned(one).is_none() && !constrained.contains(&&one.name))
        .collect()
}

fn is_locked(project: &Project, file: &ProjectFile) -> bool {
    let mut locks = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"].into_iter();
    locks.any(|lock| project.included(file, lock).is_some())
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    const PRIVATE: &str = "[build-system]\nrequires = ['hatchling', 'x==1']\n[project]\nclassifiers = ['Private :: x']\n";

    #[test]
    fn only_private_projects_that_lock_everything_else_are_meant() {
        let constrained =
            format!("{PRIVATE}[tool.uv]\nbuild-constraint-dependencies = ['hatchling==1']\n");
        let project = project(&[
            ("a/pyproject.toml", PRIVATE),
            ("a/uv.lock", ""),
            ("b/pyproject.toml", PRIVATE),
            (
                "c/pyproject.toml",
                "[build-system]\nrequires = ['hatchling']\n",
            ),
            ("c/uv.lock", ""),
            ("d/pyproject.toml", &constrained),
            ("d/uv.lock", ""),
        ]);
        assert_eq!(
            found_by("unpinned-build-requirement", &project),
            ["a/pyproject.toml:2: hatchling may be built with any version [hatchling]"]
        );
    }
}
