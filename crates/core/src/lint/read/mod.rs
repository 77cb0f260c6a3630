//! Reading each format into [`Contents`]: one file a format. Readers are total: what they cannot read
//! becomes [`Contents::unread`], with its place, and the rest is read on.

mod requirement;
mod shell;
mod installer;
mod commands;
mod options;
mod environment;
mod pyproject_tools;

use super::contents::Contents;
use super::file::FileKind;
use super::python::PythonCall;

/// What the file at `path` says. `calls` are its literal calls where it is Python.
#[must_use]
pub fn read(path: &str, kind: FileKind, text: &str, calls: &[PythonCall]) -> Contents {
    let _ = (path, kind, text, calls);
    Contents::default()
}
