//! Reading each format into [`Contents`]: one file a format. Readers are total: what they cannot read
//! becomes [`Contents::unread`], with its place, and the rest is read on.

mod options;
mod environment;
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
mod lock;
mod pipfile_lock;
mod pipfile;
mod pip_config;
mod uv_config;
mod poetry_config;
mod pdm_config;
mod pypirc;
mod netrc;

use super::contents::{Contents, Unread};
use super::file::FileKind;
use super::python::PythonCall;
use super::syntax::SyntaxError;
use crate::pypi::lockfile::LockFormat;

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
        _ => Contents::default(),
    }
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
