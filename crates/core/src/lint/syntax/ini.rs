//! INI as Python's `configparser` reads it, which is how pip, setuptools, tox and twine read theirs, as a
//! [`Node`]: a table of sections, each a table of texts. Keys before the first section stand in a section
//! without a name.

use super::spelled::Spelled;
use super::{Entry, Is, Node, SyntaxError};
use crate::lint::contents::Span;

/// The most lines that are read.
const MAX_LINES: usize = 200_000;

/// Reads a file. Values go on in lines that are indented more than their key; the lines of a value are joined by
/// line breaks, comments and blank lines inside of it are left out.
///
/// # Errors
/// [`SyntaxError`], for more lines than any honest file has.
pub(in crate::lint) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut reading = Reading::default();
    let mut start = 0;
    for (number, raw) in text.split_inclusive('\n').enumerate() {
        if number == MAX_LINES {
            return Err(SyntaxError {
                why: format!("it has more than {MAX_LINES} lines"),
                at: None,
            });
        }
        reading.line(raw.trim_end_matches(['\n', '\r']), start);
        start += raw.len();
    }
    reading.end_value(text);
    let sections = reading.sections.into_iter().map(|section| Entry {
        key: section.name,
        key_at: section.at.clone(),
        value: Node {
            at: section.at.start..section.end,
            is: Is::Table(section.entries),
        },
    });
    Ok(Node {
        at: 0..text.len(),
        is: Is::Table(sections.collect()),
    })
}

#[derive(Default)]
struct Reading {
    sections: Vec<Section>,
    /// The key whose value may go on.
    open: Option<Value>,
    closed: Vec<Value>,
}

struct Section {
    name: String,
    at: Span,
    end: usize,
    entries: Vec<Entry>,
}

/// A key with the lines of its value.
struct Value {
    section: usize,
    key: String,
    key_at: Span,
    indent: usize,
    lines: Vec<Span>,
}

impl Reading {
    fn line(&mut self, line: &str, start: usize) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            return;
        }
        let indent = line.len() - line.trim_start().len();
        let at = start + indent..start + indent + trimmed.len();
        if let Some(open) = self.open.as_mut().filter(|open| indent > open.indent) {
            open.lines.push(without_comment(trimmed, at));
            return;
        }
        self.closed.extend(self.open.take());
        match trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        {
            Some((name, _)) => self.sections.push(Section {
                name: name.to_owned(),
                at: at.clone(),
                end: at.end,
                entries: Vec::new(),
            }),
            None => self.key(trimmed, at, indent),
        }
    }

    fn key(&mut self, trimmed: &str, at: Span, indent: usize) {
        if self.sections.is_empty() {
            self.sections.push(Section {
                name: String::new(),
                at: at.start..at.start,
                end: at.start,
                entries: Vec::new(),
            });
        }
        let sign = trimmed.find(['=', ':']);
        let key = trimmed[..sign.unwrap_or(trimmed.len())].trim_end();
        let value = sign.map(|sign| {
            let behind = &trimmed[sign + 1..];
            let skipped = behind.len() - behind.trim_start().len();
            let from = at.start + sign + 1 + skipped;
            without_comment(behind.trim_start(), from..at.end)
        });
        self.open = Some(Value {
            section: self.sections.len() - 1,
            key: key.to_ascii_lowercase(),
            key_at: at.start..at.start + key.len(),
            indent,
            lines: value
                .filter(|value| !value.is_empty())
                .into_iter()
                .collect(),
        });
    }

    fn end_value(&mut self, text: &str) {
        self.closed.extend(self.open.take());
        for value in std::mem::take(&mut self.closed) {
            let section = &mut self.sections[value.section];
            let node = value.node(text);
            section.end = section.end.max(node.at.end).max(value.key_at.end);
            section.entries.push(Entry {
                key: value.key,
                key_at: value.key_at,
                value: node,
            });
        }
    }
}

impl Value {
    fn node(&self, text: &str) -> Node {
        let (Some(first), Some(last)) = (self.lines.first(), self.lines.last()) else {
            return Node {
                at: self.key_at.end..self.key_at.end,
                is: Is::Nothing,
            };
        };
        let at = first.start..last.end;
        let lines: Vec<&str> = self.lines.iter().map(|line| &text[line.clone()]).collect();
        let joined = lines.join("\n");
        let spelled = match self.lines.len() {
            1 => Spelled::plain(&joined, at.start),
            _ => Spelled::of_lines(&joined, &self.lines),
        };
        Node {
            at,
            is: Is::Text(spelled),
        }
    }
}

/// A comment behind a value begins with `#` or `;` after white space, as setuptools and tox read it.
fn without_comment(line: &str, at: Span) -> Span {
    let comment = [" #", "\t#", " ;", "\t;"].into_iter();
    let end = comment.filter_map(|sign| line.find(sign)).min();
    // Environment markers stand behind a semicolon, and are no comment.
    let end = end.filter(|end| line[*end..].trim_start().starts_with('#'));
    at.start..at.start + line[..end.unwrap_or(line.len())].trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_in_indented_lines() {
        let text = "[options]\ninstall_requires =\n    flask>=3  # why\n    # nothing\n\n    six ; \
                    python_version < '3'\nzip_safe = no\n\n[global]\nindex-url: https://a.example/\n";
        let root = parse(text).expect("sound");
        let requires = root.path(&["options", "install_requires"]).expect("there");
        let spelled = requires.spelled().expect("text");
        assert_eq!(spelled.as_str(), "flask>=3\nsix ; python_version < '3'");
        let six = spelled.as_str().find("six").expect("there");
        assert_eq!(&text[spelled.place(six..six + 3)], "six");
        let index = root.path(&["global", "index-url"]).expect("there");
        assert_eq!(index.text(), Some("https://a.example/"));
        assert_eq!(
            root.path(&["options", "zip_safe"]).and_then(Node::text),
            Some("no")
        );
    }

    #[test]
    fn nothing_makes_it_fail() {
        for text in ["", "a", "[", "[x", "=", "  = 1", "[a]\nb\n c", "a=1\n[b]"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }
}
