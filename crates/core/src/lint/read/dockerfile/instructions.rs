//! [`of`]: the instructions of a Dockerfile, continued lines joined and comments left out. What an instruction
//! means is `dockerfile`'s.

use crate::lint::contents::Span;
use crate::lint::read::shell::{Dialect, ShellWord, simple_commands};
use crate::lint::syntax::{Spelled, json};

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Its name in capitals.
    pub(super) name: String,
    /// What stands behind it.
    pub(super) text: Spelled,
    /// The bodies of its here-documents, as far as the line that ends the last.
    bodies: Option<Spelled>,
    /// Whether a here-document is the script itself (`RUN <<EOF`).
    is_body: bool,
}

impl Instruction {
    /// Its words, as a shell splits them.
    pub(super) fn words(&self) -> Vec<ShellWord> {
        words(&self.text)
    }

    /// The options (`--mount=…`) before everything else, and what stands behind them.
    pub(super) fn options(&self) -> (Vec<ShellWord>, Spelled) {
        let text = self.text.as_str();
        let mut at = 0;
        let mut options = Vec::new();
        loop {
            at += text[at..].len() - text[at..].trim_start().len();
            if !text[at..].starts_with("--") {
                break;
            }
            let end = text[at..]
                .find(char::is_whitespace)
                .map_or(text.len(), |end| at + end);
            let option = self.text.part(at..end);
            let place = option.at();
            options.push(ShellWord::literal(option, place));
            at = end;
        }
        (options, self.text.part(at..text.len()))
    }

    /// The script: `rest` with the bodies behind it, or the body alone where that is the script.
    pub(super) fn with_bodies(&self, rest: &Spelled) -> Spelled {
        match &self.bodies {
            None => rest.clone(),
            Some(bodies) if self.is_body => bodies.clone(),
            Some(bodies) => Spelled::of_parts(&[rest.clone(), bodies.clone()]),
        }
    }
}

fn words(text: &Spelled) -> Vec<ShellWord> {
    let commands = simple_commands(text, Dialect::Posix).into_iter();
    commands
        .flat_map(|one| {
            let assigned = one.assignments.into_iter().map(|one| {
                // As a word it is `NAME=value`; what is quoted in it is told by the value.
                let value = one.value.text;
                let before = one.at.start..value.offset(0).max(one.at.start);
                let name = Spelled::otherwise(&format!("{}=", one.name), before);
                ShellWord {
                    text: Spelled::joined(&[name, value], ""),
                    at: one.at,
                    has_variables: one.value.has_variables,
                }
            });
            assigned.chain(one.words).collect::<Vec<_>>()
        })
        .collect()
}

/// The words of an array in JSON, if `text` is one.
pub(super) fn exec_form(text: &Spelled) -> Option<Vec<ShellWord>> {
    let inside = text.as_str();
    if !inside.trim_start().starts_with('[') {
        return None;
    }
    let array = json::parse(inside).ok()?;
    let words = array.items().iter().map(|item| {
        let spelled = item.spelled()?;
        Some(ShellWord::literal(
            spelled.within(text),
            text.place(item.at.clone()),
        ))
    });
    words.collect()
}

/// The instructions of `text`.
pub(super) fn of(text: &str) -> Vec<Instruction> {
    let escape = escape(text);
    let mut lines = Lines { text, at: 0 };
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let trimmed = text[line.clone()].trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let joined = joined(line, escape, &mut lines);
        found.extend(instruction(joined, &mut lines));
    }
    found
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl Lines<'_> {
    /// The next line, without its end.
    fn next(&mut self) -> Option<Span> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let start = self.at;
        self.at += length;
        let line = rest[..length].trim_end_matches(['\n', '\r']);
        Some(start..start + line.len())
    }
}

/// The character that continues lines, from the directive at the top.
fn escape(text: &str) -> char {
    let mut comments = text
        .lines()
        .take_while(|line| line.trim_start().starts_with('#'));
    let is_backtick = comments.any(|line| {
        let rest = line.trim_start_matches([' ', '\t', '#']);
        let value = rest.strip_prefix("escape").map(str::trim_start);
        value
            .and_then(|rest| rest.strip_prefix('='))
            .is_some_and(|value| value.trim() == "`")
    });
    if is_backtick { '`' } else { '\\' }
}

/// The line `first` with those that continue it.
fn joined(first: Span, escape: char, lines: &mut Lines<'_>) -> Spelled {
    let mut text = String::new();
    let mut runs = Vec::new();
    let mut line = first;
    let end = loop {
        let raw = &lines.text[line.clone()];
        let kept = raw.trim_end();
        let without = kept.strip_suffix(escape);
        runs.push((text.len(), line.start));
        text.push_str(without.unwrap_or(raw));
        if without.is_none() {
            break line.end;
        }
        // Comments and blank lines do not end a continued instruction.
        let next = loop {
            match lines.next() {
                None => break None,
                Some(next) => {
                    let trimmed = lines.text[next.clone()].trim();
                    if !trimmed.is_empty() && !trimmed.starts_with('#') {
                        break Some(next);
                    }
                }
            }
        };
        match next {
            None => break line.end,
            Some(next) => line = next,
        }
    };
    Spelled::of_runs(text, runs, end)
}

fn instruction(line: Spelled, lines: &mut Lines<'_>) -> Option<Instruction> {
    let text = line.as_str();
    let start = text.len() - text.trim_start().len();
    let name = text[start..].split_whitespace().next()?;
    let name_end = start + name.len();
    let behind = text.len() - text[name_end..].trim_start().len();
    let rest = line.part(behind..text.len());
    let name = name.to_ascii_uppercase();
    if name == "ONBUILD" {
        return instruction(rest, lines);
    }
    let has_bodies = matches!(name.as_str(), "RUN" | "COPY" | "ADD");
    let delimiters = match has_bodies {
        true => delimiters(rest.as_str()),
        false => Vec::new(),
    };
    let from = lines.at;
    for delimiter in &delimiters {
        while let Some(body) = lines.next() {
            if lines.text[body].trim_start_matches('\t') == *delimiter {
                break;
            }
        }
    }
    let bodies =
        (!delimiters.is_empty()).then(|| Spelled::plain(&lines.text[from..lines.at], from));
    let is_body = rest.as_str().trim_start().starts_with("<<")
        && rest.as_str().split_whitespace().count() == 1;
    Some(Instruction {
        name,
        text: rest,
        bodies,
        is_body,
    })
}

/// What ends the here-documents that a line begins.
fn delimiters(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("<<") {
        rest = &rest[at + 2..];
        if let Some(string) = rest.strip_prefix('<') {
            rest = string;
            continue;
        }
        let name = rest
            .strip_prefix('-')
            .unwrap_or(rest)
            .trim_start_matches(['"', '\'']);
        let is_part = |part: char| part.is_ascii_alphanumeric() || part == '_';
        let end = name.find(|part| !is_part(part)).unwrap_or(name.len());
        if end > 0 {
            found.push(name[..end].to_owned());
        }
    }
    found
}
