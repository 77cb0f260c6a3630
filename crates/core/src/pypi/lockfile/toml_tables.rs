//! [`TomlFile`] and [`TomlTable`]: looking into TOML that others wrote, where every key may be absent
//! or of another type than it should be, with the line on which a table begins.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spelled::{SpelledFile, SpelledHash};
use super::{LockError, LockFormat};

/// A TOML file with the places of its lines.
pub(crate) struct TomlFile<'d> {
    text: &'d str,
    root: Spanned<DeTable<'d>>,
    /// The offsets at which lines begin.
    lines: Vec<usize>,
}

impl<'d> TomlFile<'d> {
    pub(crate) fn parse(format: LockFormat, text: &'d str) -> Result<Self, LockError> {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines: Vec<usize> = std::iter::once(0)
            .chain(breaks.map(|(offset, _)| offset + 1))
            .collect();
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { text, root, lines }),
            Err(error) => Err(LockError::Syntax {
                format,
                line: error.span().map(|span| line_at(&lines, &span)),
                why: error
                    .message()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            }),
        }
    }

    pub(super) fn root(&self) -> TomlTable<'_> {
        TomlTable {
            entries: self.root.get_ref(),
            line: 1,
            at: 0,
            file: self,
        }
    }
}

fn line_at(lines: &[usize], span: &Range<usize>) -> u32 {
    let line = lines.partition_point(|start| *start <= span.start);
    u32::try_from(line.max(1)).unwrap_or(u32::MAX)
}

/// A table of a file.
#[derive(Clone, Copy)]
pub(super) struct TomlTable<'t> {
    entries: &'t DeTable<'t>,
    /// The line on which it begins (1-based).
    pub(super) line: u32,
    /// The byte at which it begins.
    at: usize,
    file: &'t TomlFile<'t>,
}

impl<'t> TomlTable<'t> {
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.get(key).is_some()
    }

    pub(super) fn text(&self, key: &str) -> Option<&'t str> {
        self.entries.get(key)?.get_ref().as_str()
    }

    /// The string under `key` and the place of what is between its quotes.
    pub(super) fn placed_text(&self, key: &str) -> Option<(&'t str, Range<usize>)> {
        self.as_placed_text(self.entries.get(key)?)
    }

    /// Where the table begins, as a place.
    pub(super) fn start(&self) -> Range<usize> {
        self.at..self.at
    }

    /// The spelling of the number under `key`.
    pub(super) fn number(&self, key: &str) -> Option<&'t str> {
        let value = self.entries.get(key)?;
        value.get_ref().as_integer()?;
        self.file.text.get(value.span())
    }

    pub(super) fn table(&self, key: &str) -> Option<Self> {
        self.as_table(self.entries.get(key)?)
    }

    /// The tables of an array; what else is in it is passed over.
    pub(super) fn tables(&self, key: &str) -> Vec<Self> {
        let items = self.items(key);
        items.filter_map(|item| self.as_table(item)).collect()
    }

    /// The strings of an array; what else is in it is passed over.
    pub(super) fn texts(&self, key: &str) -> Vec<&'t str> {
        self.items(key)
            .filter_map(|item| item.get_ref().as_str())
            .collect()
    }

    /// The strings of a table, each with its key and its place.
    pub(super) fn placed_texts(&self) -> Vec<(&'t str, &'t str, Range<usize>)> {
        let entries = self.entries.iter();
        let texts = entries.filter_map(|(key, value)| {
            let (text, at) = self.as_placed_text(value)?;
            Some((key.get_ref().as_ref(), text, at))
        });
        texts.collect()
    }

    /// The strings of an array with their places; what else is in it is passed over.
    pub(super) fn placed_items(&self, key: &str) -> Vec<(&'t str, Range<usize>)> {
        let items = self.items(key);
        items.filter_map(|item| self.as_placed_text(item)).collect()
    }

    /// The keys, in the order of the alphabet.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'t str> {
        self.entries.keys().map(|key| key.get_ref().as_ref())
    }

    fn items(&self, key: &str) -> impl Iterator<Item = &'t Spanned<DeValue<'t>>> + use<'t> {
        let value = self.entries.get(key);
        let array = value.and_then(|value| value.get_ref().as_array());
        array.into_iter().flat_map(|array| array.iter())
    }

    fn as_table(&self, value: &'t Spanned<DeValue<'t>>) -> Option<Self> {
        let entries = value.get_ref().as_table()?;
        Some(Self {
            entries,
            line: line_at(&self.file.lines, &value.span()),
            at: value.span().start,
            file: self.file,
        })
    }

    fn as_placed_text(&self, value: &'t Spanned<DeValue<'t>>) -> Option<(&'t str, Range<usize>)> {
        let text = value.get_ref().as_str()?;
        let at = value.span();
        let written = self.file.text.get(at.clone())?;
        let is_long = written.starts_with("'''") || written.starts_with("\"\"\"");
        let quotes = if is_long { 3 } else { 1 };
        let end = at.end.saturating_sub(quotes).max(at.start + quotes);
        Some((text, at.start + quotes..end.min(self.file.text.len())))
    }
}

/// The place of a package's version, else of its name, else of its table.
pub(super) fn place_of(package: TomlTable<'_>) -> Range<usize> {
    let keys = ["version", "name"].into_iter();
    let place = keys.filter_map(|key| package.placed_text(key)).next();
    place.map_or_else(|| package.start(), |(_, at)| at)
}

/// A file as poetry and pdm write it: a name or URL, and `sha256:HEX`.
pub(super) fn file_with_hash(file: TomlTable<'_>) -> SpelledFile<'_> {
    let keys = ["file", "url"].into_iter();
    let location = keys.filter_map(|key| file.placed_text(key)).next();
    let hash = file.placed_text("hash").map(SpelledHash::joined);
    SpelledFile {
        location: location.as_ref().map(|(text, _)| *text),
        at: location.map_or_else(|| file.start(), |(_, at)| at),
        hashes: hash.into_iter().collect(),
    }
}
