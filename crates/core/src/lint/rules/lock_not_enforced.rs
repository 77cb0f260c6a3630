//! `lock-not-enforced`: an unattended installation that may change the lock that is there.

use super::invoked::{self, Invoked};
use crate::inspection::Severity;
use crate::lint::contents::{Tool, Verb};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockNotEnforced;

impl Rule for LockNotEnforced {
    fn id(&self) -> &'static str {
        "lock-not-enforced"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "an unattended installation may write another lock than the project has"
    }

    fn manual(&self) -> &'static str {
        "`uv sync` and `uv run` write `uv.lock` anew where it does not fit `pyproject.toml`, `pdm install` \
         and `pipenv install` do the same with theirs, and `poetry update` always. In a pipeline nobody sees \
         what was chosen then.\n\n\
         Say `uv sync --locked`, `pdm install --frozen-lockfile`, `pipenv install --deploy` (or `pipenv \
         sync`), `poetry install`. `UV_LOCKED=1` says it for a whole pipeline. Only commands of projects that have \
         such a lock are looked at: beside the file, in a folder above it, or in one that the file names."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("Dockerfile", "FROM python:3.12\nRUN poetry update\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let findings = invoked::unattended(project).filter_map(|one| {
            let (lock, instead) = lacks(&one)?;
            let mut locks = project.files.iter().filter(|file| file.kind == lock);
            locks.find(|lock| is_of(lock, one.file))?;
            let message = format!("{lock} may be written anew before it is installed");
            let severity = match one.invocation.verb {
                Verb::Lock => Severity::Medium,
                _ => Severity::Low,
            };
            let finding = Finding::new(self, one.file, &one.invocation.at, message)
                .severity(severity)
                .because("what is installed is then chosen here, where nobody sees it")
                .help(format!("say {instead}"));
            let option = instead.rsplit(' ').next().unwrap_or_default();
            let is_plain = one.verb() != "run" && one.invocation.verb == Verb::Sync;
            let edit = is_plain.then(|| one.added(one.verb(), option)).flatten();
            Some(match edit {
                Some(edit) => finding.fix(format!("add {option}"), vec![edit]),
                None => finding,
            })
        });
        found.extend(invoked::together(findings.collect()));
    }
}

/// The lock that may be written anew, and what to say instead.
fn lacks(one: &Invoked<'_>) -> Option<(FileKind, &'static str)> {
    let lacks = |options: &[&str]| !one.has_any(options);
    match (one.invocation.tool, one.verb()) {
        (Tool::Uv, "sync") if one.invocation.verb == Verb::Sync && !is_of_pip(one) => {
            let is_free = lacks(&["locked", "frozen", "script", "no-sources"]);
            is_free.then_some((FileKind::UvLock, "uv sync --locked"))
        }
        (Tool::Uv, "run") if one.invocation.verb == Verb::Sync => {
            let is_free = lacks(&[
                "locked",
                "frozen",
                "no-sync",
                "no-project",
                "script",
                "isolated",
            ]);
            let is_checked = is_free && was_checked(one);
            (is_free && !is_checked).then_some((FileKind::UvLock, "uv run --locked"))
        }
        (Tool::Pdm, "install") => {
            let is_free = lacks(&["frozen-lockfile", "no-lock", "check"]);
            is_free.then_some((FileKind::PdmLock, "pdm install --frozen-lockfile"))
        }
        (Tool::Pipenv, "install") if one.invocation.verb == Verb::Sync => {
            let is_free = lacks(&["deploy", "ignore-pipfile", "requirements"])
                && one.file.contents.included_by(one.id).next().is_none();
            is_free.then_some((FileKind::PipfileLock, "pipenv install --deploy"))
        }
        (Tool::Poetry, "update") => {
            let is_free = lacks(&["dry-run", "lock"]);
            is_free.then_some((FileKind::PoetryLock, "poetry install"))
        }
        _ => None,
    }
}

/// Whether the commands in `file` may install from `lock`: it lies beside the file or above it, where installers
/// look, or in a folder that the file names, as it does to go there.
fn is_of(lock: &ProjectFile, file: &ProjectFile) -> bool {
    let folder = folder_of(lock);
    let is_above = |below: &str| {
        let rest = below.strip_prefix(folder);
        folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let within = folder.strip_prefix(folder_of(file)).unwrap_or_default();
    let within = within.trim_start_matches('/');
    is_above(folder_of(file)) || names(&file.text, folder) || names(&file.text, within)
}

fn folder_of(file: &ProjectFile) -> &str {
    file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether `text` has `folder` as a path of its own or the front of one.
fn names(text: &str, folder: &str) -> bool {
    let goes_on = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.');
    let mut places = text.match_indices(folder).map(|(at, _)| at);
    !folder.is_empty()
        && places.any(|at| {
            let before = text[..at].strip_suffix("./").unwrap_or(&text[..at]);
            let is_front = !before.ends_with(|sign| goes_on(sign) || sign == '/');
            is_front && !text[at + folder.len()..].starts_with(goes_on)
        })
}

/// Whether it is `uv pip sync`, which knows no lock.
fn is_of_pip(one: &Invoked<'_>) -> bool {
    let written = one
        .file
        .text
        .get(one.invocation.at.start..one.invocation.verb_at.start);
    written.is_some_and(|written| written.split_whitespace().any(|word| word == "pip"))
}

/// Whether the lock was checked before by a command of the same file.
fn was_checked(one: &Invoked<'_>) -> bool {
    let before = one
        .file
        .contents
        .invocations
        .iter()
        .enumerate()
        .take(one.id);
    let mut syncs = before.filter(|(_, other)| other.tool == Tool::Uv && other.verb == Verb::Sync);
    syncs.any(|(id, _)| {
        let mut settings = one.file.contents.settings_of(id);
        settings.any(|one| matches!(one.key.as_str(), "locked" | "frozen"))
    })
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![
                    ("Dockerfile", "FROM python:3.12\nRUN uv sync --no-dev\n"),
                    ("uv.lock", "version = 1\n"),
                ],
                vec!["uv sync --no-dev"] as Vec<&str>,
            ),
            (
                vec![("Dockerfile", "FROM python:3.12\nRUN uv sync --no-dev\n")],
                vec![] as Vec<&str>,
            ),
            (
                vec![
                    (
                        "Dockerfile",
                        "FROM python:3.12\nRUN uv sync --locked && uv run x\n",
                    ),
                    ("uv.lock", "version = 1\n"),
                ],
                vec![] as Vec<&str>,
            ),
            (
                vec![
                    (
                        "Dockerfile",
                        "FROM python:3.12\nENV UV_FROZEN=1\nRUN uv sync\n",
                    ),
                    ("uv.lock", "version = 1\n"),
                ],
                vec![] as Vec<&str>,
            ),
            (
                vec![
                    ("Dockerfile", "FROM python:3.12\nRUN uv pip sync r.txt\n"),
                    ("uv.lock", "version = 1\n"),
                ],
                vec![] as Vec<&str>,
            ),
            (
                vec![
                    (
                        "Dockerfile",
                        "FROM python:3.12\nRUN uv run --with x pytest\n",
                    ),
                    ("uv.lock", "version = 1\n"),
                ],
                vec!["uv run --with x pytest"] as Vec<&str>,
            ),
            (
                vec![
                    (
                        "Dockerfile",
                        "FROM python:3.12\nRUN pipenv install --system\n",
                    ),
                    ("Pipfile.lock", "{}"),
                ],
                vec!["pipenv install --system"] as Vec<&str>,
            ),
            (
                vec![
                    (
                        "Dockerfile",
                        "FROM python:3.12\nRUN pipenv install --deploy\n",
                    ),
                    ("Pipfile.lock", "{}"),
                ],
                vec![] as Vec<&str>,
            ),
            (
                vec![
                    (
                        "Dockerfile",
                        "FROM python:3.12\nRUN poetry update\nRUN poetry install\n",
                    ),
                    ("poetry.lock", ""),
                ],
                vec!["poetry update"] as Vec<&str>,
            ),
            (
                vec![
                    ("web/Dockerfile", "FROM python:3.12\nRUN uv sync\n"),
                    ("api/uv.lock", "version = 1\n"),
                    ("web/inner/uv.lock", "version = 1\n"),
                ],
                vec![] as Vec<&str>,
            ),
            (
                vec![
                    ("web/docker/Dockerfile", "FROM python:3.12\nRUN uv sync\n"),
                    ("web/uv.lock", "version = 1\n"),
                ],
                vec!["uv sync"] as Vec<&str>,
            ),
            (
                vec![
                    (
                        ".gitlab-ci.yml",
                        "a:\n  script:\n    - cd ./services/api && uv sync\n",
                    ),
                    ("services/api/uv.lock", "version = 1\n"),
                ],
                vec!["uv sync"] as Vec<&str>,
            ),
            (
                vec![
                    (
                        ".gitlab-ci.yml",
                        "a:\n  script:\n    - cd services/api-2 && uv sync\n",
                    ),
                    ("services/api/uv.lock", "version = 1\n"),
                ],
                vec![] as Vec<&str>,
            ),
            (
                vec![("a.sh", "uv sync\n"), ("uv.lock", "version = 1\n")],
                vec![] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("lock-not-enforced", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
