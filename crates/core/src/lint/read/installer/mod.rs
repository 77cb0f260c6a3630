//! Commands that run an installer: which installer it is, what it is asked for, and what its arguments name.
//! Wrappers (`sudo`, `env`, `python -m`, `poetry run`) are looked through.
//!
//! Read the modules in this order: the program, the grammar of each installer's arguments, and the arguments.

mod program;
mod grammar;
mod arguments;
mod configure;
mod wanted;

pub(in crate::lint::read) use program::base_name;
pub(in crate::lint::read) use program::unwrapped;

use super::shell::ShellWord;
use crate::lint::contents::{Contents, InvocationId, Runs, User};
use program::Program;

/// Takes the installers that the command at `command` runs, of which `words` are program and arguments, and
/// says more about where it runs where they tell. The places of the invocations are their positions.
pub(in crate::lint::read) fn invocations(
    words: &[ShellWord],
    command: usize,
    runs: &mut Runs,
    contents: &mut Contents,
) -> Vec<InvocationId> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(program) = program::find(words, from) {
        take_surroundings(&program, runs);
        let Some(grammar) = grammar::of(&program) else {
            break;
        };
        let taken = arguments::take(words, &program, grammar, command, contents);
        found.extend(taken.invocation);
        match taken.runs_at {
            Some(at) if at > program.at => from = at,
            _ => break,
        }
    }
    if found.is_empty() {
        let unwrapped = program::unwrapped(words);
        if unwrapped.is_root {
            runs.user = User::Root;
        }
    }
    found
}

fn take_surroundings(program: &Program, runs: &mut Runs) {
    if program.is_root {
        runs.user = User::Root;
    }
    runs.in_environment |= program.in_environment;
}

#[cfg(test)]
mod tests;
