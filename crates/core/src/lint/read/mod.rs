//! Reading each format into [`Contents`]: one file a format. Readers are total: what they cannot read
//! becomes [`Contents::unread`], with its place, and the rest is read on.

mod options;
mod environment;
mod marker;
mod requirement;
mod requirements;
mod pyproject;
mod pyproject_tools;
mod setup_cfg;
mod setup_py;
mod script;
mod conda_environment;
mod tables;
mod input_digests;
mod compiled_header;
mod lock;
mod pipfile_lock;
mod pipfile;
mod pip_config;
mod uv_config;
mod poetry_config;
mod pdm_config;
mod pypirc;
mod netrc;
mod shell;
mod installer;
mod commands;
mod images;
mod dockerfile;
mod makefile;
mod github;
mod gitlab;
mod azure;
mod jenkins;
mod pre_commit;
mod tox;
mod noxfile;
mod notebook;
mod environment_file;

pub(super) use environment::is_readable;
pub(super) use images::is_official;

use super::contents::{Contents, Runs, Unread};
use super::file::FileKind;
use super::python::PythonCall;
use super::syntax::{Spelled, SyntaxError};
use crate::pypi::lockfile::LockFormat;
use shell::Dialect;

/// What the file at `path` says. `calls` are its literal calls where it is Python.
#[must_use]
pub fn read(path: &str, kind: FileKind, text: &str, calls: &[PythonCall]) -> Contents {
    match kind {
        FileKind::Requirements => requirements::read(path, text),
        FileKind::Pyproject => pyproject::read(text),
        FileKind::SetupCfg => setup_cfg::read(text),
        FileKind::SetupPy => setup_py::read(text, calls),
        FileKind::Script => script::read(text),
        FileKind::CondaEnvironment => conda_environment::read(path, text),
        FileKind::Pylock => lock::read(LockFormat::Pylock, text),
        FileKind::UvLock => lock::read(LockFormat::Uv, text),
        FileKind::PoetryLock => lock::read(LockFormat::Poetry, text),
        FileKind::PdmLock => lock::read(LockFormat::Pdm, text),
        FileKind::PipfileLock => pipfile_lock::read(text),
        FileKind::Pipfile => pipfile::read(text),
        FileKind::PipConfig => pip_config::read(text),
        FileKind::UvConfig => uv_config::read(text),
        FileKind::PoetryConfig => poetry_config::read(text),
        FileKind::PdmConfig => pdm_config::read(text),
        FileKind::Pypirc => pypirc::read(text),
        FileKind::Netrc => netrc::read(text),
        FileKind::Dockerfile => dockerfile::read(text),
        FileKind::Makefile => makefile::read(path, text),
        FileKind::Shell => shell_script(text),
        FileKind::GithubWorkflow => github::read(text),
        FileKind::GitlabCi => gitlab::read(text),
        FileKind::AzurePipeline => azure::read(text),
        FileKind::Jenkinsfile => jenkins::read(text),
        FileKind::PreCommit => pre_commit::read(text),
        FileKind::Tox => tox::read(text),
        FileKind::Noxfile => noxfile::read(text, calls),
        FileKind::Notebook => notebook::read(text),
        FileKind::EnvironmentFile => environment_file::read(path, text),
    }
}

fn shell_script(text: &str) -> Contents {
    let mut contents = Contents::default();
    commands::script(
        &Spelled::plain(text, 0),
        Dialect::Posix,
        Runs::default(),
        &mut contents,
    );
    contents
}

/// What is said of a file that is not what it should be.
fn not_readable(error: SyntaxError) -> Contents {
    Contents {
        unread: vec![Unread {
            at: error.at,
            why: error.why,
        }],
        ..Contents::default()
    }
}

#[cfg(test)]
mod tests;
