//! [`Ini`]: a file as Python's `configparser` reads it, for reading settings and for changing one of them
//! while every other byte stays. It is no parser of INI in general: what `configparser` refuses is refused.

use std::ops::Range;

/// A file, line by line.
#[derive(Clone, Debug)]
pub(super) struct Ini {
    /// Each with its line break.
    lines: Vec<String>,
    newline: &'static str,
    /// How the tool compares keys.
    normal: fn(&str) -> String,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The section, as it is spelled.
    pub(super) section: String,
    /// The key, as the tool compares it.
    pub(super) key: String,
    /// The lines of the value, joined by line breaks.
    pub(super) value: String,
    /// The line of the key, from 1.
    pub(super) line: usize,
    /// Its lines, from 0.
    lines: Range<usize>,
}

type Read<'text> = (Vec<Entry>, Vec<(&'text str, usize)>);

impl Ini {
    /// Reads a file; `normal` says how the tool compares keys.
    ///
    /// # Errors
    /// Why `configparser` would not read it, as a clause with the line.
    pub(super) fn parse(text: &str, normal: fn(&str) -> String) -> Result<Self, String> {
        let ini = Self {
            lines: text.split_inclusive('\n').map(str::to_owned).collect(),
            newline: newline_of(text),
            normal,
        };
        ini.read()?;
        Ok(ini)
    }

    /// Every key with its value, in the order of the file.
    pub(super) fn entries(&self) -> Vec<Entry> {
        // What was read once can be read again; editing adds and removes whole entries.
        self.read().unwrap_or_default().0
    }

    /// One of them.
    pub(super) fn entry(&self, section: &str, key: &str) -> Option<Entry> {
        let mut entries = self.entries().into_iter();
        entries.find(|entry| entry.section == section && entry.key == key)
    }

    /// Gives a key a value of one line, in its place or at the end of its section.
    pub(super) fn set(&mut self, section: &str, key: &str, value: &str) {
        let Some(entry) = self.entry(section, key) else {
            return self.add(section, key, value);
        };
        if entry.value == value {
            return;
        }
        let first = &self.lines[entry.lines.start];
        let sign = first.find(['=', ':']).unwrap_or(first.len());
        let written = format!(
            "{} {value}{}",
            &first[..=sign.min(first.len() - 1)],
            self.newline
        );
        self.lines.splice(entry.lines, [written]);
    }

    /// Takes a key away; its comments stay.
    pub(super) fn remove(&mut self, section: &str, key: &str) {
        if let Some(entry) = self.entry(section, key) {
            self.lines.drain(entry.lines);
        }
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        self.lines.concat()
    }

    fn add(&mut self, section: &str, key: &str, value: &str) {
        let newline = self.newline;
        if let Some(last) = self.lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push_str(newline);
        }
        let line = |indent: &str| format!("{indent}{key} = {value}{newline}");
        let entries = self.entries();
        let behind = entries.iter().rev().find(|entry| entry.section == section);
        if let Some(entry) = behind {
            let indent = indent_of(&self.lines[entry.lines.start]).to_owned();
            self.lines.insert(entry.lines.end, line(&indent));
            return;
        }
        let sections = self.read().unwrap_or_default().1;
        let known = sections.iter().find(|(known, _)| *known == section);
        if let Some(position) = known.map(|(_, position)| position + 1) {
            // What follows must not be indented more, or it would go on with our value.
            let is_read =
                |line: &&String| !line.trim().is_empty() && !line.trim().starts_with(['#', ';']);
            let next = self.lines[position..].iter().find(is_read);
            let indent = next.map_or("", |next| indent_of(next)).to_owned();
            self.lines.insert(position, line(&indent));
            return;
        }
        if self
            .lines
            .last()
            .is_some_and(|last| !last.trim().is_empty())
        {
            self.lines.push(newline.to_owned());
        }
        self.lines.push(format!("[{section}]{newline}"));
        self.lines.push(line(""));
    }

    /// The entries, and the sections with the lines of their headers, from 0.
    fn read(&self) -> Result<Read<'_>, String> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut sections: Vec<(&str, usize)> = Vec::new();
        // The indentation of the key whose value may go on.
        let mut open: Option<usize> = None;
        for (number, line) in self.lines.iter().enumerate() {
            let line = line.trim_start_matches('\u{feff}').trim_end();
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            let indent = line.len() - trimmed.len();
            if let Some(entry) = entries
                .last_mut()
                .filter(|_| open.is_some_and(|key| indent > key))
            {
                entry.value.push('\n');
                entry.value.push_str(trimmed);
                entry.lines.end = number + 1;
                continue;
            }
            if let Some(section) = header(trimmed) {
                if sections.iter().any(|(known, _)| *known == section) {
                    return Err(format!("line {}: a second [{section}]", number + 1));
                }
                sections.push((section, number));
                open = None;
                continue;
            }
            let entry = self.key(
                number,
                trimmed,
                sections.last().map(|(section, _)| *section),
            )?;
            let is_double = |one: &Entry| one.section == entry.section && one.key == entry.key;
            if entries.iter().any(is_double) {
                return Err(format!("line {}: {} a second time", number + 1, entry.key));
            }
            entries.push(entry);
            open = Some(indent);
        }
        for entry in &mut entries {
            entry.value = entry.value.trim().to_owned();
        }
        Ok((entries, sections))
    }

    fn key(&self, number: usize, trimmed: &str, section: Option<&str>) -> Result<Entry, String> {
        let line = number + 1;
        let section = section.ok_or_else(|| format!("line {line}: no [section] before it"))?;
        let split = trimmed.split_once(['=', ':']);
        let (key, value) = split.ok_or_else(|| format!("line {line}: neither = nor :"))?;
        Ok(Entry {
            section: section.to_owned(),
            key: (self.normal)(key.trim()),
            value: value.trim().to_owned(),
            line,
            lines: number..number + 1,
        })
    }
}

/// What stands before a line.
fn indent_of(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start().len()]
}

/// The name in a section's header.
fn header(line: &str) -> Option<&str> {
    let inner = line.trim_start_matches('\u{feff}').strip_prefix('[')?;
    let (name, _) = inner.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

/// The line break of a text.
pub(super) fn newline_of(text: &str) -> &'static str {
    match text.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ini(text: &str) -> Ini {
        Ini::parse(text, str::to_lowercase).expect("sound")
    }

    #[test]
    fn a_value_is_changed_and_everything_else_stays() {
        let text = "# mine\r\n[global]\r\nTimeout: 60\r\nIndex-URL = https://a.example/\r\n   \
                    https://b.example/\r\n; end\r\n\r\n[install]\r\nno-cache = 1\r\n";
        let mut changed = ini(text);
        changed.set("global", "index-url", "https://gw.example/simple/");
        let expected = text.replace(
            "https://a.example/\r\n   https://b.example/",
            "https://gw.example/simple/",
        );
        assert_eq!(changed.text(), expected);
        let once = changed.text();
        changed.set("global", "index-url", "https://gw.example/simple/");
        assert_eq!(changed.text(), once);
    }

    #[test]
    fn what_is_missing_is_added_where_it_belongs() {
        for (text, expected) in [
            ("", "[global]\nkey = v\n"),
            ("[global]", "[global]\nkey = v\n"),
            (
                "[global]\na = 1\n# c\n\n[b]\nc=1",
                "[global]\na = 1\nkey = v\n# c\n\n[b]\nc=1\n",
            ),
            ("[b]\nc=1\n", "[b]\nc=1\n\n[global]\nkey = v\n"),
            ("[global]\n\n[b]\n", "[global]\nkey = v\n\n[b]\n"),
        ] {
            let mut changed = ini(text);
            changed.set("global", "key", "v");
            assert_eq!(changed.text(), expected, "{text:?}");
            assert_eq!(changed.entry("global", "key").expect("there").value, "v");
        }
    }

    #[test]
    fn what_is_removed_goes_with_all_of_its_lines() {
        let mut changed = ini("[global]\nextra =\n  a\n  # why\n  b\nnext = 1\n");
        assert_eq!(
            changed.entry("global", "extra").expect("there").value,
            "a\nb"
        );
        changed.remove("global", "extra");
        changed.remove("global", "other");
        assert_eq!(changed.text(), "[global]\nnext = 1\n");
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in ["a = 1\n", "[a]\nb\n", "[a]\nb=1\nB=2\n", "[a]\n[a]\n"] {
            assert!(Ini::parse(text, str::to_lowercase).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_and_nothing_else_changes(text in "(?s)(\\[global\\]|\\[b\\]|index-url|=|:|\n|\r\n| |#|;|.){0,40}") {
            let Ok(mut changed) = Ini::parse(&text, str::to_lowercase) else {
                return Ok(());
            };
            let before = changed.entries();
            prop_assert_eq!(&changed.text(), &text);
            changed.set("global", "index-url", "https://gw.example/");
            let read = Ini::parse(&changed.text(), str::to_lowercase).map_err(TestCaseError::fail)?;
            let set = read.entry("global", "index-url").map(|entry| entry.value);
            prop_assert_eq!(set.as_deref(), Some("https://gw.example/"));
            for old in before.iter().filter(|old| (old.section.as_str(), old.key.as_str()) != ("global", "index-url")) {
                let now = read.entry(&old.section, &old.key).map(|entry| entry.value);
                prop_assert_eq!(now.as_ref(), Some(&old.value));
            }
        }
    }
}
