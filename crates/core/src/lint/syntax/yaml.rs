//! YAML 1.2 as a [`Node`]. Every scalar is a text; tags are not looked at; an alias stands for what its anchor
//! names, at the place of the anchor.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marked};

use super::spelled::{Escapes, Spelled};
use super::{Entry, Is, MAX_DEPTH, Node, SyntaxError};
use crate::lint::contents::Span;

/// The most values that aliases may add, so that no small file becomes a large one.
const MAX_COPIED: usize = 10_000;

/// Reads the documents of a stream; one file may have several.
///
/// # Errors
/// [`SyntaxError`], with the first mistake, or where it is nested too deeply or aliases too much.
pub(in crate::lint) fn parse(text: &str) -> Result<Vec<Node>, SyntaxError> {
    let mut building = Building {
        text,
        offsets: Offsets::of(text),
        open: Vec::new(),
        done: Vec::new(),
        anchors: HashMap::new(),
        copied: 0,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, marked)) => building.take(event, marked)?,
            Err(error) => {
                let start = building.offsets.at(error.marker().index());
                return Err(SyntaxError {
                    why: format!("it is not YAML: {}", error.info()),
                    at: Some(start..start),
                });
            }
        }
    }
    Ok(building.done)
}

/// A collection that has not ended.
struct Open {
    start: usize,
    anchor: usize,
    is: OpenIs,
}

enum OpenIs {
    List(Vec<Node>),
    Table(Vec<Entry>, Option<(String, Span)>),
}

struct Building<'t> {
    text: &'t str,
    offsets: Offsets,
    open: Vec<Open>,
    done: Vec<Node>,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

impl Building<'_> {
    fn take(&mut self, event: Event<'_>, marked: Marked) -> Result<(), SyntaxError> {
        let at = self.offsets.span(marked);
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let node = scalar(self.text, &value, style, at);
                self.put(node, anchor);
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.unwrap_or(Node {
                    at: at.clone(),
                    is: Is::Nothing,
                });
                self.copied += size(&node);
                if self.copied > MAX_COPIED {
                    return Err(error("its aliases stand for too much", at));
                }
                self.put(node, 0);
            }
            Event::SequenceStart(anchor, _) => {
                self.begin(OpenIs::List(Vec::new()), at, anchor)?;
            }
            Event::MappingStart(anchor, _) => {
                self.begin(OpenIs::Table(Vec::new(), None), at, anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at.end),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, is: OpenIs, at: Span, anchor: usize) -> Result<(), SyntaxError> {
        if self.open.len() == MAX_DEPTH {
            return Err(error("it is nested too deeply", at));
        }
        self.open.push(Open {
            start: at.start,
            anchor,
            is,
        });
        Ok(())
    }

    fn end(&mut self, end: usize) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let is = match open.is {
            OpenIs::List(items) => Is::List(items),
            OpenIs::Table(entries, _) => Is::Table(entries),
        };
        let written = self.text.get(open.start..end).unwrap_or_default();
        let end = open.start + written.trim_end().len();
        let node = Node {
            at: open.start..end,
            is,
        };
        self.put(node, open.anchor);
    }

    fn put(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.is) {
            None => self.done.push(node),
            Some(OpenIs::List(items)) => items.push(node),
            Some(OpenIs::Table(entries, key)) => match key.take() {
                None => *key = Some((node.text().unwrap_or_default().to_owned(), node.at)),
                Some((key, key_at)) => entries.push(Entry {
                    key,
                    key_at,
                    value: node,
                }),
            },
        }
    }
}

fn error(why: &str, at: Span) -> SyntaxError {
    SyntaxError {
        why: why.to_owned(),
        at: Some(at),
    }
}

fn size(node: &Node) -> usize {
    let items = node.items().iter().map(size).sum::<usize>();
    let entries = node.entries().iter().map(|entry| size(&entry.value));
    1 + items + entries.sum::<usize>()
}

fn scalar(text: &str, value: &str, style: ScalarStyle, at: Span) -> Node {
    let raw = &text[at.clone()];
    let inside = match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            at.start + 1..at.end.saturating_sub(1).max(at.start + 1)
        }
        // The header of a block, `|-` or `>2`, is no part of what it says.
        ScalarStyle::Literal | ScalarStyle::Folded => {
            let has_header = raw.starts_with(['|', '>']);
            let header = raw.find('\n').filter(|_| has_header);
            at.start + header.map_or(0, |end| end + 1)..at.end
        }
        ScalarStyle::Plain => at.clone(),
    };
    let escapes = match style {
        ScalarStyle::DoubleQuoted => Escapes::Backslash,
        _ => Escapes::None,
    };
    let is_nothing = style == ScalarStyle::Plain && matches!(value, "" | "~" | "null");
    let is = match is_nothing {
        true => Is::Nothing,
        false => Is::Text(Spelled::aligned(value, text, inside, escapes)),
    };
    Node { at, is }
}

/// Where in bytes each character begins, for a parser that counts characters.
struct Offsets {
    /// `None` where all are one byte long.
    starts: Option<Vec<usize>>,
    length: usize,
}

impl Offsets {
    fn of(text: &str) -> Self {
        let starts = || text.char_indices().map(|(at, _)| at).collect();
        Self {
            starts: (!text.is_ascii()).then(starts),
            length: text.len(),
        }
    }

    fn at(&self, character: usize) -> usize {
        match &self.starts {
            None => character.min(self.length),
            Some(starts) => starts.get(character).copied().unwrap_or(self.length),
        }
    }

    fn span(&self, marked: Marked) -> Span {
        let start = self.at(marked.start.index());
        start..self.at(marked.end.index()).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        parse(text).expect(text).remove(0)
    }

    #[test]
    fn commands_in_blocks_keep_their_places() {
        let text = "jobs:\n  tést:\n    steps:\n      - run: |\n          pip install a\n          \
                    pip install 'b'\n      - run: >-\n          pip install\n          c\n      - run: \
                    \"pip install d\"\n";
        let root = one(text);
        let steps = root
            .path(&["jobs", "tést", "steps"])
            .expect("there")
            .items();
        for (step, word) in [(0, "'b'"), (1, "c"), (2, "d")] {
            let run = steps[step]
                .get("run")
                .and_then(Node::spelled)
                .expect("text");
            let at = run.as_str().rfind(word).expect(word);
            assert_eq!(&text[run.place(at..at + word.len())], word, "{step}");
        }
    }

    #[test]
    fn aliases_stand_for_their_anchors_within_a_bound() {
        let root = one("a: &x [1, 2]\nb: *x\n");
        assert_eq!(root.get("a"), root.get("b"));
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (this, before) in ('b'..='h').zip('a'..='g') {
            let items = vec![format!("*{before}"); 10].join(",");
            bomb.push_str(&format!("{this}: &{this} [{items}]\n"));
        }
        assert!(parse(&bomb).is_err());
    }

    #[test]
    fn depth_and_nonsense_are_refused() {
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse("a: [b\n").is_err());
        assert_eq!(parse("").expect("empty"), []);
    }
}
