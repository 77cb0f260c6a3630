//! Jupyter notebooks: `%pip`, `!pip` and cells of shell text.

use super::commands;
use super::not_readable;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Runs};
use crate::lint::syntax::{Node, Spelled, json};

/// Magics that are programs of the same name.
const MAGICS: &[&str] = &["pip", "conda", "mamba", "micromamba", "uv"];

/// Reads a notebook.
pub(super) fn read(text: &str) -> Contents {
    let root = match json::parse(text) {
        Ok(root) => root,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for cell in root.get("cells").map(Node::items).unwrap_or_default() {
        if cell.text_of("cell_type") == Some("code") {
            take_cell(&lines(cell), &mut contents);
        }
    }
    contents
}

/// The lines of a cell: a list of them, or one text.
fn lines(cell: &Node) -> Vec<Spelled> {
    let parts = cell
        .get("source")
        .map(Node::one_or_more)
        .unwrap_or_default();
    let parts = parts.iter().filter_map(Node::spelled);
    parts
        .flat_map(|part| {
            let mut start = 0;
            let lines = part.as_str().split_inclusive('\n').map(move |line| {
                let from = start;
                start += line.len();
                from..from + line.trim_end_matches(['\n', '\r']).len()
            });
            lines.map(|line| part.part(line)).collect::<Vec<_>>()
        })
        .collect()
}

fn take_cell(lines: &[Spelled], contents: &mut Contents) {
    let first = lines
        .iter()
        .position(|line| !line.as_str().trim().is_empty());
    let Some(first) = first else {
        return;
    };
    if let Some(magic) = lines[first].as_str().trim().strip_prefix("%%") {
        let mut words = magic.split_whitespace();
        let name = match words.next() {
            Some("script") => words.next(),
            name => name,
        };
        if matches!(name, Some("bash" | "sh" | "system" | "!")) {
            let script = Spelled::of_parts(&lines[first + 1..]);
            commands::script(&script, Dialect::Posix, Runs::default(), contents);
        }
        return;
    }
    let mut open: Vec<Spelled> = Vec::new();
    for line in lines {
        let command = match open.is_empty() {
            true => command(line),
            false => Some(line.clone()),
        };
        let Some(command) = command else {
            continue;
        };
        let goes_on = command.as_str().ends_with('\\');
        open.push(command);
        if !goes_on {
            let script = Spelled::of_parts(&std::mem::take(&mut open));
            commands::script(&script, Dialect::Posix, Runs::default(), contents);
        }
    }
}

/// The command of a line that has one.
fn command(line: &Spelled) -> Option<Spelled> {
    let text = line.as_str();
    let start = text.len() - text.trim_start().len();
    let rest = &text[start..];
    if rest.starts_with('!') {
        let signs = rest.len() - rest.trim_start_matches('!').len();
        return Some(line.part(start + signs..text.len()));
    }
    let magic = rest.strip_prefix('%')?;
    let name = magic.split_whitespace().next()?;
    MAGICS
        .contains(&name)
        .then(|| line.part(start + 1..text.len()))
}
