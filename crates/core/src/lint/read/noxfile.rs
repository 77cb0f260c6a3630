//! `noxfile.py`: what sessions install and run, from their literal calls.

use super::commands;
use super::shell::ShellWord;
use crate::lint::contents::{Contents, Role, Runs, Span, User};
use crate::lint::python::{PythonCall, PythonLiteral, PythonValue};
use crate::lint::syntax::Spelled;
use crate::lint::syntax::spelled::Escapes;

/// Reads the calls of a noxfile.
pub(super) fn read(text: &str, calls: &[PythonCall]) -> Contents {
    let mut contents = Contents::default();
    let runs = Runs {
        user: User::Unknown,
        unattended: false,
        in_environment: true,
    };
    for call in calls.iter().filter(|call| call.function.contains('.')) {
        let arguments = || call.arguments.iter().flat_map(|one| words(text, one));
        match call.last_name() {
            "install" => {
                let installer = ["pip", "install"].map(|word| implied(word, text, call));
                let before = contents.wanted.len();
                let all = installer.into_iter().chain(arguments()).collect();
                commands::words(all, runs, &mut contents);
                for wanted in &mut contents.wanted[before..] {
                    wanted.role = Role::Development;
                }
            }
            "run" | "run_install" | "run_always" => {
                let all: Vec<ShellWord> = arguments().collect();
                if !all.is_empty() {
                    commands::words(all, runs, &mut contents);
                }
            }
            _ => {}
        }
    }
    contents
}

/// A word that the call stands for and nobody has written.
fn implied(word: &str, text: &str, call: &PythonCall) -> ShellWord {
    let end = (call.at.start + call.function.len()).min(call.at.end);
    let at = match text.get(call.at.start..end) {
        Some(_) => call.at.start..end,
        None => call.at.clone(),
    };
    let spelled = Spelled::otherwise(word, at.clone());
    ShellWord::literal(spelled, at)
}

/// The words that an argument is: one, or those of a list.
fn words(text: &str, value: &PythonValue) -> Vec<ShellWord> {
    match &value.is {
        PythonLiteral::Text(word) => vec![literal(text, word, &value.at)],
        PythonLiteral::List(items) => items.iter().flat_map(|item| words(text, item)).collect(),
        _ => {
            vec![ShellWord {
                text: Spelled::otherwise("{}", value.at.clone()),
                at: value.at.clone(),
                has_variables: true,
            }]
        }
    }
}

fn literal(text: &str, word: &str, at: &Span) -> ShellWord {
    // A prefix such as `r` is no part of what a literal says.
    let prefix = text.get(at.clone()).and_then(|raw| raw.find(['"', '\'']));
    let inside = at.start + prefix.unwrap_or(0)..at.end;
    ShellWord::literal(
        Spelled::aligned(word, text, inside, Escapes::Backslash),
        at.clone(),
    )
}
