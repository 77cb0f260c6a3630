//! [`TomlText`]: a TOML file that is changed in place, comments and line breaks kept, and the lists of named
//! sources that uv, poetry, pdm and pipenv all have in one form or another.

use std::path::Path;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::ini::newline_of;
use crate::exit::failure;

/// A TOML file.
pub(super) struct TomlText {
    pub(super) document: DocumentMut,
    newline: &'static str,
    mark: &'static str,
}

impl TomlText {
    /// Reads a file.
    pub(super) fn parse(path: &Path, text: &str) -> anyhow::Result<Self> {
        let refused = |why: String| {
            failure(
                format!("{} cannot be changed: {why}", path.display()),
                "repair it first; nothing was written",
            )
        };
        let mark = if text.starts_with('\u{feff}') {
            "\u{feff}"
        } else {
            ""
        };
        let plain = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let document: DocumentMut = plain
            .parse()
            .map_err(|error: toml_edit::TomlError| refused(error.message().to_owned()))?;
        let read = Self {
            document,
            newline: newline_of(text),
            mark,
        };
        match read.text() == text {
            true => Ok(read),
            false => Err(refused(
                "parts of it would change that should not".to_owned(),
            )),
        }
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let text = self.document.to_string().replace('\n', self.newline);
        format!("{}{text}", self.mark)
    }

    /// The table at a path, where it is there.
    pub(super) fn table(&self, path: &[&str]) -> Option<&dyn TableLike> {
        let mut table: &dyn TableLike = self.document.as_table();
        for key in path {
            table = table.get(key)?.as_table_like()?;
        }
        Some(table)
    }

    /// The table at a path, made where it is missing.
    pub(super) fn table_mut(&mut self, path: &[&str]) -> anyhow::Result<&mut dyn TableLike> {
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for key in path {
            let implicit = || {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            };
            let item = table.entry(key).or_insert_with(implicit);
            table = item.as_table_like_mut().ok_or_else(|| {
                failure(
                    format!("{key} is not a table"),
                    "repair the file first; nothing was written",
                )
            })?;
        }
        Ok(table)
    }
}

/// What is to become of an entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

/// The entries of a list of tables, written as `[[…]]` or as an array of inline tables.
pub(super) fn entries(list: Option<&Item>) -> Vec<&dyn TableLike> {
    match list {
        Some(Item::ArrayOfTables(tables)) => {
            tables.iter().map(|table| table as &dyn TableLike).collect()
        }
        Some(Item::Value(Value::Array(array))) => array
            .iter()
            .filter_map(|value| Some(value.as_inline_table()? as &dyn TableLike))
            .collect(),
        _ => Vec::new(),
    }
}

/// Goes through such a list; `visit` may change an entry, and says whether it stays.
pub(super) fn revise(list: &mut Item, mut visit: impl FnMut(&mut dyn TableLike) -> Keep) {
    match list {
        Item::ArrayOfTables(tables) => {
            let kept: Vec<Keep> = tables.iter_mut().map(|table| visit(table)).collect();
            let mut kept = kept.into_iter();
            tables.retain(|_| kept.next() != Some(Keep::No));
        }
        Item::Value(Value::Array(array)) => {
            let mut one = |value: &mut Value| match value {
                Value::InlineTable(table) => visit(table),
                _ => Keep::Yes,
            };
            let kept: Vec<Keep> = array.iter_mut().map(&mut one).collect();
            let mut kept = kept.into_iter();
            array.retain(|_| kept.next() != Some(Keep::No));
        }
        _ => {}
    }
}

/// Adds an entry at the end of such a list, in the form that the list has.
pub(super) fn add(table: &mut dyn TableLike, list: &str, fields: &[(&str, Value)]) {
    let item = table
        .entry(list)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match item {
        Item::Value(Value::Array(array)) => {
            let mut entry = InlineTable::new();
            for (key, value) in fields {
                entry.insert(*key, value.clone());
            }
            array.push(entry);
        }
        item => {
            let mut entry = Table::new();
            for (key, value) in fields {
                entry.insert(key, Item::Value(value.clone()));
            }
            entry.decor_mut().set_prefix("\n");
            if let Some(tables) = item.as_array_of_tables_mut() {
                tables.push(entry);
            }
        }
    }
}

/// Sets a field unless it has this value already, so that what is right stays as it is spelled.
pub(super) fn set(table: &mut dyn TableLike, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let is_same = |item: &Item| match (item.as_value(), &value) {
        (Some(Value::String(old)), Value::String(new)) => old.value() == new.value(),
        (Some(Value::Boolean(old)), Value::Boolean(new)) => old.value() == new.value(),
        _ => false,
    };
    match table.get_mut(key) {
        Some(item) if is_same(item) => {}
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        _ => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// A field that is text.
pub(super) fn text<'table>(table: &'table dyn TableLike, key: &str) -> Option<&'table str> {
    table.get(key)?.as_str()
}

/// Whether a field is `true`.
pub(super) fn is_true(table: &dyn TableLike, key: &str) -> bool {
    table.get(key).and_then(Item::as_bool) == Some(true)
}

/// An item on one line, for people.
pub(super) fn shown(item: &Item) -> String {
    let text = item.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The values of the field `key` of all tables and arrays below `item`: which sources dependencies name.
pub(super) fn named_below(item: &Item, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    gather(item, key, &mut found);
    found
}

fn gather(item: &Item, key: &str, found: &mut Vec<String>) {
    if let Some(table) = item.as_table_like() {
        for (name, below) in table.iter() {
            match below.as_str() {
                Some(text) if name == key => found.push(text.to_owned()),
                _ => gather(below, key, found),
            }
        }
    }
    for value in item.as_array().into_iter().flatten() {
        gather(&Item::Value(value.clone()), key, found);
    }
    for table in item.as_array_of_tables().into_iter().flatten() {
        gather(&Item::Table(table.clone()), key, found);
    }
}

/// The line, from 1, on which `needle` first stands; whole files are small, and places are for people.
pub(super) fn line_of(text: &str, needle: &str) -> Option<usize> {
    let mut lines = text.lines();
    lines
        .position(|line| line.contains(needle))
        .map(|line| line + 1)
}
