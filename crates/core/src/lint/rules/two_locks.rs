//! `two-locks`: a project that two tools have locked.

use crate::inspection::Severity;
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct TwoLocks;

impl Rule for TwoLocks {
    fn id(&self) -> &'static str {
        "two-locks"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "two tools have locked the same project"
    }

    fn manual(&self) -> &'static str {
        "With two locks, what is installed depends on who installs, and one of them is forgotten \
         when the other is renewed. An update for a vulnerability then reaches half of the \
         machines.\n\nKeep the lock of one tool. `pylock.toml` and requirements that are made \
         from a lock are not meant."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("uv.lock", "version = 1\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for (position, file) in project
            .files
            .iter()
            .enumerate()
            .filter(|(_, file)| is_of_a_tool(file))
        {
            let mut before = project.files[..position].iter();
            let is_beside = |other: &&ProjectFile| {
                is_of_a_tool(other) && folder(other) == folder(file) && other.kind != file.kind
            };
            if let Some(other) = before.find(is_beside) {
                let message = format!("{} locks the same project as {}", file.kind, other.kind);
                found.push(
                    Finding::new(self, file, &(0..0), message)
                        .because(
                            "what is installed depends on who installs, and one of them grows old",
                        )
                        .help("keep the lock of one tool"),
                );
            }
        }
    }
}

fn is_of_a_tool(file: &ProjectFile) -> bool {
    let kinds = [
        FileKind::UvLock,
        FileKind::PoetryLock,
        FileKind::PdmLock,
        FileKind::PipfileLock,
    ];
    kinds.contains(&file.kind)
}

fn folder(file: &ProjectFile) -> &str {
    file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn locks_side_by_side_are_found() {
        let poetry = "[metadata]\nlock-version = \"2.1\"\n";
        let files = [
            ("a/poetry.lock", poetry),
            ("poetry.lock", poetry),
            ("pylock.toml", "lock-version = \"1.0\"\n"),
            ("uv.lock", "version = 1\n"),
        ];
        assert_eq!(
            found_by("two-locks", &project(&files)),
            ["uv.lock:1: uv.lock locks the same project as poetry.lock []"]
        );
    }
}
