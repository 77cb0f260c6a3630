//! [`Node`]: TOML, JSON, YAML and INI as one kind of tree in which everything has its place. Every key may be
//! absent or of another type than it should be; asking for it costs no error.

use super::contents::Span;

pub(super) mod spelled;
pub(super) mod toml;
pub(super) mod json;
pub(super) mod yaml;
pub(super) mod ini;

pub(super) use spelled::{RunBuilder, Spelled};

/// The deepest that values may be nested.
const MAX_DEPTH: usize = 200;

/// A value in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its place, quotes and brackets included.
    pub(super) at: Span,
    /// What it is.
    pub(super) is: Is,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Is {
    /// A string; in YAML and INI every scalar.
    Text(Spelled),
    /// A number, date or boolean of TOML or JSON, as it is spelled.
    Literal(String),
    /// An array or sequence.
    List(Vec<Node>),
    /// A table, object, mapping or section, in the order of the file.
    Table(Vec<Entry>),
    /// Nothing: `null`, or a key without a value.
    Nothing,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key as the format reads it.
    pub(super) key: String,
    /// Its place. For TOML, the last part of a dotted key.
    pub(super) key_at: Span,
    /// What is under it.
    pub(super) value: Node,
}

/// Why a file could not be read: a clause, and the place where that can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) why: String,
    pub(super) at: Option<Span>,
}

impl Entry {
    /// The place of key and value together.
    pub(super) fn at(&self) -> Span {
        let start = self.key_at.start.min(self.value.at.start);
        start..self.value.at.end.max(self.key_at.end)
    }
}

impl Node {
    /// The string.
    pub(super) fn spelled(&self) -> Option<&Spelled> {
        match &self.is {
            Is::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The string.
    pub(super) fn text(&self) -> Option<&str> {
        self.spelled().map(Spelled::as_str)
    }

    /// A string or the spelling of a number or boolean.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.is {
            Is::Text(text) => Some(text.as_str()),
            Is::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    /// The entries of a table; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.is {
            Is::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.is {
            Is::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or the value itself where it is none: many settings take one or several.
    pub(super) fn one_or_more(&self) -> &[Node] {
        match &self.is {
            Is::List(items) => items,
            Is::Nothing => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The entry under `key`, the last where there are several.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key == key)
    }

    /// The value under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value under a path of keys.
    pub(super) fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The string under `key`.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything has a place inside of the text, on the borders of characters.
    fn holds(text: &str, node: &Node) {
        assert!(text.get(node.at.clone()).is_some(), "{:?}", node.at);
        if let Some(spelled) = node.spelled() {
            let said = spelled.as_str();
            for (start, character) in said.char_indices() {
                let part = start..start + character.len_utf8();
                let place = spelled.place(part.clone());
                assert!(text.get(place.clone()).is_some(), "{place:?} of {said:?}");
                assert_eq!(spelled.part(part).at(), place);
            }
        }
        node.items().iter().for_each(|item| holds(text, item));
        for entry in node.entries() {
            assert!(text.get(entry.key_at.clone()).is_some());
            assert!(text.get(entry.at()).is_some());
            holds(text, &entry.value);
        }
    }

    fn all_hold(text: &str) {
        let _ = toml::parse(text).map(|node| holds(text, &node));
        let _ = json::parse(text).map(|node| holds(text, &node));
        let _ = ini::parse(text).map(|node| holds(text, &node));
        let _ = yaml::parse(text).map(|nodes| nodes.iter().for_each(|node| holds(text, node)));
    }

    proptest! {
        #[test]
        fn whatever_is_read_has_its_place(text in any::<String>()) {
            all_hold(&text);
        }

        #[test]
        fn whatever_looks_sound_has_its_place(
            text in "(([a-c]|\"|'|'''|\"\"\"|\\\\n|\\\\u00e9|\\\\|é|😀|[|>-]|: |= |\\[|\\]|\\{|\\}|,|#|&a|\\*a|\n|\r\n|  |\t){0,40})",
        ) {
            all_hold(&text);
            all_hold(&format!("a: |\n  {text}"));
            all_hold(&format!("a: >-\n  {text}"));
            all_hold(&format!("a: \"{text}\""));
            all_hold(&format!("a = \"{text}\"\n"));
            all_hold(&format!("a = '''{text}'''\n"));
            all_hold(&format!("[a]\nb = {text}"));
            all_hold(&format!("{{\"a\": \"{text}\"}}"));
        }
    }
}
