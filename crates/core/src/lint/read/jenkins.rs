//! Jenkinsfiles: the scripts of `sh`, `bat` and `powershell`, images, and variables. Groovy is not parsed: strings
//! are told apart from comments, and names before strings are looked at.

use super::commands;
use super::environment;
use super::images;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Runs, Span, User};
use crate::lint::syntax::Spelled;

const RUNS: Runs = Runs {
    user: User::Unknown,
    unattended: true,
    in_environment: false,
};

/// Reads a pipeline.
pub(super) fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    let mut scan = Scan {
        text,
        at: 0,
        before: Before::default(),
    };
    while let Some((before, string)) = scan.next_string() {
        take(text, &before, &string, &mut contents);
    }
    contents
}

/// What stands directly before a string.
#[derive(Clone, Debug, Default)]
struct Before {
    /// The last name, `script:` and parentheses aside.
    name: Span,
    /// Whether `=` stands between.
    is_assigned: bool,
}

/// A string: what it says, and its place with its quotes.
struct Found {
    spelled: Spelled,
    at: Span,
}

fn take(text: &str, before: &Before, string: &Found, contents: &mut Contents) {
    let name = &text[before.name.clone()];
    let spelled = &string.spelled;
    if before.is_assigned {
        let at = before.name.start..string.at.end;
        environment::variable((name, spelled.as_str()), (at, spelled.at()), None, contents);
        return;
    }
    match name {
        "sh" => {
            commands::script(spelled, Dialect::Posix, RUNS, contents);
        }
        "bat" => {
            commands::script(spelled, Dialect::Cmd, RUNS, contents);
        }
        "powershell" | "pwsh" => {
            commands::script(spelled, Dialect::PowerShell, RUNS, contents);
        }
        "image" => contents
            .references
            .extend(images::reference(spelled.as_str(), spelled.at())),
        _ => {}
    }
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    before: Before,
}

impl Scan<'_> {
    fn next_string(&mut self) -> Option<(Before, Found)> {
        loop {
            let rest = &self.text[self.at..];
            let next = rest.chars().next()?;
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            } else if matches!(next, '"' | '\'') {
                let before = std::mem::take(&mut self.before);
                return Some((before, self.string(next)));
            } else if next.is_alphabetic() || next == '_' {
                self.name();
            } else {
                match next {
                    '=' if !rest.starts_with("==") => self.before.is_assigned = true,
                    ' ' | '\t' | '(' | ':' => {}
                    _ => self.before = Before::default(),
                }
                self.at += next.len_utf8();
            }
        }
    }

    fn name(&mut self) {
        let rest = &self.text[self.at..];
        let is_part = |part: char| part.is_alphanumeric() || part == '_';
        let length = rest.find(|part| !is_part(part)).unwrap_or(rest.len());
        if &rest[..length] != "script" {
            self.before = Before {
                name: self.at..self.at + length,
                is_assigned: false,
            };
        }
        self.at += length;
    }

    fn string(&mut self, quote: char) -> Found {
        let start = self.at;
        let triple = String::from(quote).repeat(3);
        let end = match self.text[start..].starts_with(&triple) {
            true => triple,
            false => String::from(quote),
        };
        self.at += end.len();
        let mut said = String::new();
        let mut runs = vec![(0, self.at)];
        let close = loop {
            let rest = &self.text[self.at..];
            let Some(next) = rest.chars().next() else {
                break self.at;
            };
            // A string in one pair of quotes ends with its line, whatever it lacks.
            if rest.starts_with(&end) || end.len() == 1 && next == '\n' {
                let close = self.at;
                self.at += if next == '\n' { 0 } else { end.len() };
                break close;
            }
            self.at += next.len_utf8();
            match next {
                '\\' => self.escaped(&mut said, &mut runs),
                _ => said.push(next),
            }
        };
        Found {
            spelled: Spelled::of_runs(said, runs, close),
            at: start..self.at,
        }
    }

    fn escaped(&mut self, said: &mut String, runs: &mut Vec<(usize, usize)>) {
        let Some(next) = self.text[self.at..].chars().next() else {
            return;
        };
        match next {
            'n' => {
                runs.push((said.len(), self.at));
                said.push('\n');
            }
            't' => {
                runs.push((said.len(), self.at));
                said.push('\t');
            }
            '\n' => {}
            _ => {
                runs.push((said.len(), self.at));
                said.push(next);
            }
        }
        self.at += next.len_utf8();
        runs.push((said.len(), self.at));
    }
}
