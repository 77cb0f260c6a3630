//! `lock-missing`: an application whose tool would lock it, without a lock.

use crate::inspection::Severity;
use crate::lint::contents::Tool;
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockMissing;

impl Rule for LockMissing {
    fn id(&self) -> &'static str {
        "lock-missing"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "an application has no lock"
    }

    fn manual(&self) -> &'static str {
        "A Pipfile, and a project that says of itself that it is no package (`package = false` of \
         uv, `package-mode = false` of poetry), is installed as it is. Without the lock that \
         belongs beside it, every installation takes whatever is newest that day, a release that \
         was made an hour ago by somebody else included.\n\nLock it, and keep the lock with the \
         project. Libraries need none, and are not meant."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Pipfile",
            "[[source]]\nname = \"acme\"\nurl = \"https://packages.acme.example/simple\"\n\n[packages]\nflask = \"*\"\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| wants(file)) {
            let tools = file.contents.lock_inputs.application_of.iter();
            let locks: Vec<(Tool, FileKind)> = tools
                .filter_map(|tool| Some((*tool, lock_of(*tool)?)))
                .collect();
            let Some((tool, kind)) = locks.first() else {
                continue;
            };
            if is_locked(project, file) {
                continue;
            }
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let end = file.text.find('\n').unwrap_or(file.text.len());
            let message = format!("{name} has no {kind} beside it");
            found.push(
                Finding::new(self, file, &(0..end), message)
                    .because("every installation takes whatever is newest that day")
                    .help(format!(
                        "run `{tool} lock` and keep {kind} with the project"
                    )),
            );
        }
    }
}

fn wants(file: &ProjectFile) -> bool {
    let contents = &file.contents;
    let requires = contents.lock_inputs.requirements.as_ref();
    !contents.wanted.is_empty() || requires.is_some_and(|requires| !requires.is_empty())
}

fn lock_of(tool: Tool) -> Option<FileKind> {
    match tool {
        Tool::Pipenv => Some(FileKind::PipfileLock),
        Tool::Poetry => Some(FileKind::PoetryLock),
        Tool::Uv => Some(FileKind::UvLock),
        _ => None,
    }
}

/// Whether there is a lock of any tool beside the file, or in a folder above it, where a workspace has its own.
fn is_locked(project: &Project, file: &ProjectFile) -> bool {
    let folder = |path: &str| {
        path.rsplit_once('/')
            .map_or(String::new(), |(folder, _)| format!("{folder}/"))
    };
    let mut locks = project.files.iter().filter(|other| other.kind.is_lock());
    locks.any(|lock| folder(&file.path).starts_with(&folder(&lock.path)))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn applications_need_a_lock() {
        let pipfile = "[packages]\nflask = \"*\"\n";
        let uv =
            "[project]\nname = \"a\"\ndependencies = [\"flask\"]\n[tool.uv]\npackage = false\n";
        let library = "[project]\nname = \"a\"\ndependencies = [\"flask\"]\n";
        for (files, expected) in [
            (
                vec![("Pipfile", pipfile)],
                vec!["Pipfile:1: Pipfile has no Pipfile.lock beside it [[packages]]"],
            ),
            (
                vec![("Pipfile", pipfile), ("Pipfile.lock", "{\"_meta\": {}}")],
                vec![],
            ),
            (vec![("Pipfile", "[packages]\n")], vec![]),
            (
                vec![("a/pyproject.toml", uv)],
                vec!["a/pyproject.toml:1: pyproject.toml has no uv.lock beside it [[project]]"],
            ),
            (
                vec![("a/pyproject.toml", uv), ("uv.lock", "version = 1\n")],
                vec![],
            ),
            (vec![("pyproject.toml", library)], vec![]),
        ] {
            assert_eq!(found_by("lock-missing", &project(&files)), expected);
        }
    }
}
