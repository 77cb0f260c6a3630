//! [`TomlFile`] and [`TomlTable`]: looking into TOML that others wrote, where every key may be absent
//! or of another type than it should be, with the line on which a table begins.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{LockError, LockFormat};

/// A TOML file with the places of its lines.
pub(super) struct TomlFile<'d> {
    root: Spanned<DeTable<'d>>,
    /// The offsets at which lines begin.
    lines: Vec<usize>,
}

impl<'d> TomlFile<'d> {
    pub(super) fn parse(format: LockFormat, text: &'d str) -> Result<Self, LockError> {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines: Vec<usize> = std::iter::once(0)
            .chain(breaks.map(|(offset, _)| offset + 1))
            .collect();
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { root, lines }),
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
            lines: &self.lines,
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
    lines: &'t [usize],
}

impl<'t> TomlTable<'t> {
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.get(key).is_some()
    }

    pub(super) fn text(&self, key: &str) -> Option<&'t str> {
        self.entries.get(key)?.get_ref().as_str()
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
            line: line_at(self.lines, &value.span()),
            lines: self.lines,
        })
    }
}
