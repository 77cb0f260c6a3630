//! Recipes of Makefiles and justfiles. Variables that are set to plain text once are put in their places.

use std::collections::HashMap;

use super::commands;
use super::environment;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Runs};
use crate::lint::syntax::{RunBuilder, Spelled};

/// The longest value of a variable that is put in its place, in bytes.
const MAX_VALUE: usize = 200;

/// Reads the file at `path`.
pub(super) fn read(path: &str, text: &str) -> Contents {
    let mut contents = Contents::default();
    let name = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_just = name.contains("justfile");
    let mut variables = HashMap::new();
    let mut lines = Lines { text, at: 0 };
    while let Some(line) = lines.next_joined() {
        let written = line.as_str();
        let is_recipe = match is_just {
            true => written.starts_with([' ', '\t']),
            false => written.starts_with('\t'),
        };
        if is_recipe {
            let command = match is_just {
                true => without_signs(&line),
                false => expanded(&without_signs(&line), &variables),
            };
            commands::script(&command, Dialect::Posix, Runs::default(), &mut contents);
        } else {
            assignment(&line, &mut variables, &mut contents);
        }
    }
    contents
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl Lines<'_> {
    /// The next line with those that continue it; the backslashes stay, since a shell reads them.
    fn next_joined(&mut self) -> Option<Spelled> {
        let start = self.at;
        let mut rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        loop {
            let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = rest[..length].trim_end_matches(['\n', '\r']);
            self.at += length;
            rest = &rest[length..];
            if !line.ends_with('\\') || rest.is_empty() {
                let end = self.at - length + line.len();
                return Some(Spelled::plain(&self.text[start..end], start));
            }
        }
    }
}

/// A command without the signs of make before it: `@`, `-`, `+`.
fn without_signs(line: &Spelled) -> Spelled {
    let text = line.as_str();
    let rest = text.trim_start_matches([' ', '\t', '@', '-', '+']);
    line.part(text.len() - rest.len()..text.len())
}

/// Takes `NAME := value`, and what is exported.
fn assignment(line: &Spelled, variables: &mut HashMap<String, String>, contents: &mut Contents) {
    let text = line.as_str();
    let Some((front, value)) = text.split_once('=') else {
        return;
    };
    let front = front
        .trim()
        .trim_end_matches([':', '?', '+', '!'])
        .trim_end();
    let exported = front
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']));
    let name = exported.unwrap_or(front).trim();
    let is_part = |part: char| part.is_ascii_alphanumeric() || "_-.".contains(part);
    if name.is_empty() || !name.chars().all(is_part) {
        return;
    }
    let value = value.split(" #").next().unwrap_or_default().trim();
    if exported.is_some() {
        let start = text.len()
            - text
                .split_once('=')
                .map_or("", |(_, behind)| behind)
                .trim_start()
                .len();
        let value_at = line.place(start..start + value.len());
        environment::variable((name, value), (line.at(), value_at), None, contents);
    }
    let whole = expanded(&Spelled::plain(value, 0), variables);
    if whole.as_str().len() <= MAX_VALUE {
        variables.insert(name.to_owned(), whole.as_str().to_owned());
    }
}

/// What make hands to the shell. `$$` is a dollar; a variable that is not known becomes one of the shell.
fn expanded(line: &Spelled, variables: &HashMap<String, String>) -> Spelled {
    let text = line.as_str();
    let mut result = String::with_capacity(text.len());
    let mut runs = RunBuilder::default();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some((name, length)) = reference(rest) {
            let place = line.place(at..at + length);
            match variables.get(name) {
                Some(value) => {
                    runs.otherwise(result.len(), place);
                    result.push_str(value);
                }
                None => {
                    runs.push(result.len(), length, place);
                    result.push_str("${");
                    result.push_str(&rest[2..length - 1]);
                    result.push('}');
                }
            }
            at += length;
            continue;
        }
        let (said, length) = match rest.as_bytes() {
            [b'$', b'$', ..] => ("$", 2),
            [b'$', b'<' | b'^' | b'+', ..] => ("$_", 2),
            _ => (&rest[..next.len_utf8()], next.len_utf8()),
        };
        runs.push(result.len(), said.len(), line.place(at..at + length));
        result.push_str(said);
        at += length;
    }
    Spelled::of_runs(result, runs, line.at().end)
}

/// The name in `$(NAME)` or `${NAME}` at the start of `rest`, and the length of it all.
fn reference(rest: &str) -> Option<(&str, usize)> {
    let inside = rest.strip_prefix('$')?;
    let (open, close) = match inside.chars().next()? {
        '(' => ('(', ')'),
        '{' => ('{', '}'),
        _ => return None,
    };
    let mut depth = 0_usize;
    for (at, next) in inside.char_indices().take(MAX_VALUE) {
        if next == open {
            depth += 1;
        } else if next == close {
            depth -= 1;
            if depth == 0 {
                return Some((inside[1..at].trim(), at + 2));
            }
        }
    }
    None
}
