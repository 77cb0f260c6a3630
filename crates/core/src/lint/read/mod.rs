//! Reading each format into [`Contents`]: one file a format. Readers are total: what they cannot read
//! becomes [`Contents::unread`], with its place, and the rest is read on.

mod options;
mod environment;
mod tables;
mod pyproject_tools;
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

use super::contents::Contents;
use super::contents::Unread;
use super::file::FileKind;
use super::python::PythonCall;
use super::syntax::SyntaxError;
use crate::pypi::lockfile::LockFormat;

/// What the file at `path` says. `calls` are its literal calls where it is Python.
#[must_use]
pub fn read(path: &str, kind: FileKind, text: &str, calls: &[PythonCall]) -> Contents {
    let _ = (path, calls);
    let mut contents = match kind {
        FileKind::Pyproject => tools_of_pyproject(text),
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
    };
    if kind == FileKind::Requirements {
        contents.lock = compiled_header::read(text);
    }
    contents
}

/// The tables of a `pyproject.toml` in which tools keep their own indexes and settings.
fn tools_of_pyproject(text: &str) -> Contents {
    let root = match super::syntax::toml::parse(text) {
        Ok(root) => root,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    pyproject_tools::read(&root, &mut contents);
    contents
}

/// What a file says whose syntax is broken: nothing.
fn not_readable(error: SyntaxError) -> Contents {
    Contents {
        unread: vec![Unread {
            at: error.at,
            why: error.why,
        }],
        ..Contents::default()
    }
}
