//! `.env` files, whose lines are variables, and `.envrc`, which is a script of a shell.

use super::commands;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Runs};
use crate::lint::syntax::Spelled;

/// Reads the file at `path`.
pub(super) fn read(path: &str, text: &str) -> Contents {
    let mut contents = Contents::default();
    if path.ends_with(".envrc") {
        let script = Spelled::plain(text, 0);
        commands::script(&script, Dialect::Posix, Runs::default(), &mut contents);
        return contents;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        // Each line by itself, so that a lone quotation mark in one does not swallow the others.
        let script = Spelled::plain(line, start);
        commands::script(&script, Dialect::Posix, Runs::default(), &mut contents);
        start += line.len();
    }
    contents.commands.clear();
    contents.invocations.clear();
    contents
}
