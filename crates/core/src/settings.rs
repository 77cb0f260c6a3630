//! Reading a TOML file key by key, so that all mistakes are reported at once, each with a caret at its
//! place, and every unknown key is one of them. What the keys mean is the reader's business.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::time::Timestamp;

mod literal;

use literal::offset_in_literal;

/// A settings file that was read as text.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    /// Where it came from, for messages: a path, or `built-in defaults`.
    pub file: &'d str,
    /// Its text.
    pub text: &'d str,
}

/// Everything that is wrong with a settings file. `Display` shows each mistake with its line and a
/// caret, 80 columns wide and without colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    rendered: String,
    count: usize,
}

impl Mistakes {
    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

impl std::error::Error for Mistakes {}

struct Mistake {
    message: String,
    span: Range<usize>,
    help: Option<String>,
}

/// Reads a document with `read`, which takes the keys that it knows from the top-level table.
///
/// # Errors
/// [`Mistakes`] when the text is not TOML, when `read` reported mistakes, or when keys were left that
/// it did not take.
pub fn read_document<T>(
    document: Document<'_>,
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> Result<T, Mistakes> {
    reading(document, |mut table| {
        let value = read(&mut table);
        table.finish();
        value
    })
}

/// Reads one table of a document whose other tables belong to others, such as `[tool.portcullis.check]` of
/// `pyproject.toml`; `None` where the document does not have it.
///
/// # Errors
/// As [`read_document`], with regard to that table alone.
pub fn read_table<T>(
    document: Document<'_>,
    path: &[&str],
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> Result<Option<T>, Mistakes> {
    reading(document, |root| {
        let mut within = path
            .iter()
            .try_fold(root, |mut table, key| table.table(key))?;
        let value = read(&mut within);
        within.finish();
        Some(value)
    })
}

fn reading<T>(document: Document<'_>, read: impl FnOnce(Table<'_>) -> T) -> Result<T, Mistakes> {
    let found = RefCell::new(Vec::new());
    let (root, syntax) = DeTable::parse_recoverable(document.text);
    if !syntax.is_empty() {
        let mistakes = syntax.iter().map(|error| Mistake {
            message: error.message().to_owned(),
            span: error.span().unwrap_or(0..0),
            help: None,
        });
        return Err(render(document, mistakes.collect()));
    }
    let table = Table {
        document,
        path: String::new(),
        entries: root.get_ref(),
        span: 0..0,
        taken: BTreeSet::new(),
        found: &found,
    };
    let value = read(table);
    match found.into_inner() {
        mistakes if mistakes.is_empty() => Ok(value),
        mistakes => Err(render(document, mistakes)),
    }
}

fn render(document: Document<'_>, mut mistakes: Vec<Mistake>) -> Mistakes {
    mistakes.sort_by_key(|mistake| mistake.span.start);
    let renderer = Renderer::plain().term_width(80);
    let count = mistakes.len();
    let mut rendered = String::new();
    for mistake in mistakes {
        let end = mistake.span.end.min(document.text.len());
        let span = mistake.span.start.min(end)..end;
        let snippet = Snippet::source(document.text)
            .path(document.file)
            .annotation(AnnotationKind::Primary.span(span));
        let mut group = Level::ERROR
            .primary_title(&mistake.message)
            .element(snippet);
        if let Some(help) = &mistake.help {
            group = group.element(Level::HELP.message(help));
        }
        rendered.push_str(&renderer.render(&[group]));
        rendered.push('\n');
    }
    rendered.truncate(rendered.trim_end().len());
    Mistakes { rendered, count }
}

/// One table of a settings file. Keys are taken from it; those left over are mistakes.
pub struct Table<'d> {
    document: Document<'d>,
    path: String,
    entries: &'d DeTable<'d>,
    span: Range<usize>,
    taken: BTreeSet<String>,
    found: &'d RefCell<Vec<Mistake>>,
}

/// A value together with the line on which it stands (1-based).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The line of its key's value.
    pub line: u32,
    span: Range<usize>,
}

impl<T> Located<T> {
    /// The bytes of the document at which it stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Another value at the same place.
    pub fn with<U>(&self, value: U) -> Located<U> {
        Located {
            value,
            line: self.line,
            span: self.span.clone(),
        }
    }
}

impl<'d> Table<'d> {
    /// The names of all keys, in the order of the alphabet.
    pub fn keys(&self) -> Vec<String> {
        self.entries
            .keys()
            .map(|key| key.get_ref().to_string())
            .collect()
    }

    /// The bytes of the document at which the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The line on which the table starts (1-based).
    pub fn line(&self) -> u32 {
        line_of(self.document.text, self.span.start)
    }

    /// Reports a mistake at `at`, with an optional remedy.
    pub fn mistake<T>(&self, at: &Located<T>, message: impl Into<String>, help: Option<&str>) {
        self.report(at.span.clone(), message.into(), help.map(str::to_owned));
    }

    /// Reports a mistake at a part of a string, in bytes of what the string says.
    pub fn mistake_within(
        &self,
        at: &Located<String>,
        part: Range<usize>,
        message: impl Into<String>,
        help: Option<&str>,
    ) {
        let raw = self.document.text.get(at.span.clone()).unwrap_or_default();
        let offset = |inside| at.span.start + offset_in_literal(raw, inside);
        let start = offset(part.start);
        let span = start..offset(part.end).max(start);
        self.report(span, message.into(), help.map(str::to_owned));
    }

    /// Reports a mistake about the table as a whole.
    pub fn mistake_here(&self, message: impl Into<String>, help: Option<&str>) {
        self.report(self.span.clone(), message.into(), help.map(str::to_owned));
    }

    /// Whether a string stands under `key`, for keys that take other kinds of value, too.
    pub fn holds_text(&self, key: &str) -> bool {
        let value = self.entries.get(key);
        value.is_some_and(|value| value.get_ref().as_str().is_some())
    }

    /// A string.
    pub fn text(&mut self, key: &str) -> Option<Located<String>> {
        self.take(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A string that is parsed as a `T`; what `T` says of a bad one is shown to the user.
    pub fn parsed<T>(&mut self, key: &str) -> Option<Located<T>>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let text = self.text(key)?;
        match text.value.parse() {
            Ok(value) => Some(Located {
                value,
                line: text.line,
                span: text.span,
            }),
            Err(error) => {
                self.mistake(&text, format!("{}: {error}", self.name_of(key)), None);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &str) -> Option<Located<bool>> {
        self.take(key, "true or false", DeValue::as_bool)
    }

    /// A whole number within `range`.
    pub fn integer(&mut self, key: &str, range: Range<i64>) -> Option<Located<i64>> {
        let what = format!("a whole number from {} to {}", range.start, range.end - 1);
        self.take(key, &what, |value| {
            let integer = value.as_integer()?;
            let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            range.contains(&number).then_some(number)
        })
    }

    /// A number within `range`, with or without a fraction.
    pub fn number(&mut self, key: &str, range: RangeInclusive<f64>) -> Option<Located<f64>> {
        let what = format!("a number from {} to {}", range.start(), range.end());
        self.take(key, &what, |value| {
            let number = match (value.as_float(), value.as_integer()) {
                (Some(float), _) => float.as_str().parse().ok()?,
                (None, Some(integer)) if integer.radix() == 10 => integer.as_str().parse().ok()?,
                _ => return None,
            };
            range.contains(&number).then_some(number)
        })
    }

    /// A moment: a TOML date or date-time, or a string that reads as one.
    pub fn moment(&mut self, key: &str) -> Option<Located<Timestamp>> {
        self.take(key, "a date (YYYY-MM-DD) or RFC 3339 time", |value| {
            let text = match value.as_datetime() {
                Some(datetime) => datetime.to_string(),
                None => value.as_str()?.to_owned(),
            };
            text.parse().ok()
        })
    }

    /// A list of strings, each parsed as a `T`. A single string is taken as a list of one.
    pub fn list<T>(&mut self, key: &str) -> Option<Vec<Located<T>>>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let value = self.value(key)?;
        let items: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        let mut parsed = Vec::with_capacity(items.len());
        for item in items {
            let Some(text) = item.get_ref().as_str() else {
                self.report(
                    item.span(),
                    format!("{} must hold strings", self.name_of(key)),
                    None,
                );
                continue;
            };
            match text.parse() {
                Ok(value) => parsed.push(self.locate(value, item.span())),
                Err(error) => {
                    self.report(item.span(), format!("{}: {error}", self.name_of(key)), None);
                }
            }
        }
        Some(parsed)
    }

    /// A table. Call [`Table::finish`] on it once its keys are taken.
    pub fn table(&mut self, key: &str) -> Option<Table<'d>> {
        let value = self.value(key)?;
        let path = self.name_of(key);
        match value.get_ref() {
            DeValue::Table(entries) => Some(self.child(path, entries, value.span())),
            _ => {
                self.report(
                    value.span(),
                    format!("{path} must be a table: [{path}]"),
                    None,
                );
                None
            }
        }
    }

    /// An array of tables, `[[key]]`; empty where there is none.
    pub fn tables(&mut self, key: &str) -> Vec<Table<'d>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let path = self.name_of(key);
        let wrong = format!("{path} must be an array of tables: [[{path}]]");
        let DeValue::Array(array) = value.get_ref() else {
            self.report(value.span(), wrong, None);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Table(entries) => {
                    tables.push(self.child(path.clone(), entries, item.span()));
                }
                _ => self.report(item.span(), wrong.clone(), None),
            }
        }
        tables
    }

    /// Reports every key that was not taken as unknown, with the nearest known one as help.
    pub fn finish(self) {
        for (key, _) in self.entries {
            let name = key.get_ref().as_ref();
            if self.taken.contains(name) {
                continue;
            }
            let nearest = self.taken.iter().find(|known| resembles(known, name));
            let known: Vec<&str> = self.taken.iter().map(String::as_str).collect();
            let help = match nearest {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.report(
                key.span(),
                format!("unknown key `{}`", self.name_of(name)),
                Some(help),
            );
        }
    }

    fn child(&self, path: String, entries: &'d DeTable<'d>, span: Range<usize>) -> Table<'d> {
        let (document, found) = (self.document, self.found);
        Table {
            document,
            path,
            entries,
            span,
            taken: BTreeSet::new(),
            found,
        }
    }

    fn take<T>(
        &mut self,
        key: &str,
        what: &str,
        read: impl FnOnce(&DeValue<'d>) -> Option<T>,
    ) -> Option<Located<T>> {
        let value = self.value(key)?;
        match read(value.get_ref()) {
            Some(read) => Some(self.locate(read, value.span())),
            None => {
                self.report(
                    value.span(),
                    format!("{} must be {what}", self.name_of(key)),
                    None,
                );
                None
            }
        }
    }

    fn value(&mut self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.taken.insert(key.to_owned());
        self.entries.get(key)
    }

    fn locate<T>(&self, value: T, span: Range<usize>) -> Located<T> {
        Located {
            value,
            line: line_of(self.document.text, span.start),
            span,
        }
    }

    fn name_of(&self, key: &str) -> String {
        match self.path.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.path),
        }
    }

    fn report(&self, span: Range<usize>, message: String, help: Option<String>) {
        self.found.borrow_mut().push(Mistake {
            message,
            span,
            help,
        });
    }
}

fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or(text);
    let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

/// Whether `name` looks like a slip of the pen for `known`: alike but for case and separators, or
/// all but two of their letters in common at both ends.
pub(crate) fn resembles(known: &str, name: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (known, name) = (letters(known), letters(name));
    let (longer, shorter) = (known.len().max(name.len()), known.len().min(name.len()));
    let head = known.iter().zip(&name).take_while(|(a, b)| a == b).count();
    let tail = known
        .iter()
        .rev()
        .zip(name.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    longer > 2 && longer - shorter <= 2 && (head + tail).min(shorter) + 2 >= longer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> String {
        let read = |table: &mut Table<'_>| {
            table.text("listen");
            table.integer("days", 0..366);
            if let Some(mut names) = table.table("names") {
                names.list::<crate::pypi::name::NamePattern>("owned");
                names.finish();
            }
        };
        match read_document(
            Document {
                file: "x.toml",
                text,
            },
            read,
        ) {
            Ok(()) => "no mistake".to_owned(),
            Err(mistakes) => mistakes.to_string(),
        }
    }

    #[test]
    fn all_mistakes_are_shown_at_once_each_at_its_place() {
        insta::assert_snapshot!(mistakes(
            "listne = 1\ndays = 1000\n\n[names]\nowned = [\"acme-*\", \"a b\", 3]\ncolour = true\n"
        ));
    }

    #[test]
    fn a_number_may_have_a_fraction() {
        let read = |text: &str| {
            let document = Document {
                file: "x.toml",
                text,
            };
            let read = |table: &mut Table<'_>| table.number("k", 0.0..=10.0);
            read_document(document, read)
                .ok()
                .flatten()
                .map(|number| number.value)
        };
        assert_eq!(read("k = 9.5"), Some(9.5));
        assert_eq!(read("k = 9"), Some(9.0));
        assert_eq!(read("k = 1_0.0"), Some(10.0));
        for text in [
            "k = 10.1", "k = -1", "k = nan", "k = inf", "k = '9'", "k = 0x9",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_toml_is_shown_at_its_place() {
        insta::assert_snapshot!(mistakes("listen = \n[names\n"));
    }

    #[test]
    fn a_sound_file_has_no_mistakes() {
        assert_eq!(
            mistakes("listen = 'a'\ndays = 3\nnames.owned = 'acme-*'\n"),
            "no mistake"
        );
        assert_eq!(mistakes(""), "no mistake");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in proptest::prelude::any::<String>()) {
            mistakes(&text);
        }
    }
}
