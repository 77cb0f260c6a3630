//! How pip splits a requirements file: into logical lines, those into what is wanted and options, and options
//! into names and values, each with its place. What they say is for `requirements_file`, `lockfile` and the
//! readers of `lint`.

use std::ops::Range;

/// A line without comments, joined with those behind it where it ends in a backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogicalLine {
    /// The number of its first line (1-based).
    pub(crate) number: u32,
    /// What it says; never empty, and without white space around it.
    pub(crate) text: String,
    /// Runs that stand in the file as they are: where each begins in `text`, and where in the file. Sorted;
    /// the first begins at 0.
    pub(crate) runs: Vec<(usize, usize)>,
    /// Where in the file it ends.
    pub(crate) end: usize,
}

/// An option with its value. Places are in the logical line's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineOption {
    /// Its long name without dashes.
    pub(crate) name: &'static str,
    /// Its value, quotes taken away; `None` for an option that takes none.
    pub(crate) value: Option<String>,
    /// The place of option and value.
    pub(crate) at: Range<usize>,
    /// The place of the value, quotes included; that of the option where there is none.
    pub(crate) value_at: Range<usize>,
}

/// Something among the options of a line that pip refuses or passes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoOption {
    /// Why, as a clause.
    pub(crate) why: String,
    /// Its place in the logical line's text.
    pub(crate) at: Range<usize>,
}

/// A long option that pip knows in requirements files, and whether it takes a value.
struct Known {
    spelled: &'static str,
    name: &'static str,
    takes: Takes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Value,
    Nothing,
}

const fn with_value(spelled: &'static str, name: &'static str) -> Known {
    Known {
        spelled,
        name,
        takes: Takes::Value,
    }
}

const fn alone(name: &'static str) -> Known {
    Known {
        spelled: name,
        name,
        takes: Takes::Nothing,
    }
}

/// What pip 20.3 to 26.3 take, and what older ones took and files still have.
const OPTIONS: &[Known] = &[
    with_value("index-url", "index-url"),
    with_value("pypi-url", "index-url"),
    with_value("extra-index-url", "extra-index-url"),
    alone("no-index"),
    with_value("constraint", "constraint"),
    with_value("requirement", "requirement"),
    with_value("editable", "editable"),
    with_value("find-links", "find-links"),
    with_value("no-binary", "no-binary"),
    with_value("only-binary", "only-binary"),
    alone("prefer-binary"),
    alone("require-hashes"),
    alone("no-require-hashes"),
    alone("pre"),
    with_value("all-releases", "all-releases"),
    with_value("only-final", "only-final"),
    with_value("trusted-host", "trusted-host"),
    with_value("use-feature", "use-feature"),
    with_value("hash", "hash"),
    with_value("config-settings", "config-settings"),
    with_value("config-setting", "config-settings"),
    with_value("global-option", "global-option"),
    with_value("install-option", "install-option"),
    alone("process-dependency-links"),
    alone("use-wheel"),
    alone("no-use-wheel"),
    with_value("allow-external", "allow-external"),
    alone("allow-all-external"),
    with_value("allow-unverified", "allow-unverified"),
];

const SHORT: &[(&str, &str)] = &[
    ("-i", "index-url"),
    ("-c", "constraint"),
    ("-r", "requirement"),
    ("-e", "editable"),
    ("-f", "find-links"),
    ("-C", "config-settings"),
];

/// The logical lines of a file that say something.
pub(crate) fn logical_lines(text: &str) -> impl Iterator<Item = LogicalLine> {
    let mut lines = physical_lines(text).zip(1_u32..);
    std::iter::from_fn(move || {
        loop {
            let (first, number) = lines.next()?;
            let mut joined = Joined::default();
            let mut next = Some(first);
            while let Some(at) = next.take() {
                if joined.takes_and_goes_on(text, at) {
                    next = lines.next().map(|(at, _)| at);
                }
            }
            if let Some(line) = joined.finish(number) {
                return Some(line);
            }
        }
    })
}

/// Lines as Python's `str.splitlines` tells them, without a mark at the start of the file.
fn physical_lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = text.len() - text.trim_start_matches('\u{feff}').len();
    std::iter::from_fn(move || {
        let rest = text.get(from..).filter(|rest| !rest.is_empty())?;
        let start = from;
        let Some((at, sign)) = rest.char_indices().find(|(_, c)| ends_line(*c)) else {
            from = text.len();
            return Some(start..from);
        };
        from = start + at + sign.len_utf8();
        if sign == '\r' && text[from..].starts_with('\n') {
            from += 1;
        }
        Some(start..start + at)
    })
}

fn ends_line(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Physical lines that make one.
#[derive(Default)]
struct Joined {
    text: String,
    runs: Vec<(usize, usize)>,
}

impl Joined {
    /// Takes a line, and says whether the next belongs to it. A comment never goes on.
    fn takes_and_goes_on(&mut self, text: &str, at: Range<usize>) -> bool {
        let line = &text[at.clone()];
        if line.trim_start().starts_with('#') {
            self.text.push(' ');
            self.push(line, at.start);
            return false;
        }
        if !line.ends_with('\\') {
            self.push(line, at.start);
            return false;
        }
        let front = line.len() - line.trim_start_matches('\\').len();
        self.push(line.trim_matches('\\'), at.start + front);
        true
    }

    fn push(&mut self, piece: &str, start: usize) {
        self.runs.push((self.text.len(), start));
        self.text.push_str(piece);
    }

    /// The line without its comment; `None` where nothing is left.
    fn finish(self, number: u32) -> Option<LogicalLine> {
        let said = without_comment(&self.text);
        let front = said.len() - said.trim_start().len();
        let text = said.trim();
        if text.is_empty() {
            return None;
        }
        let offset = |inside: usize| {
            let after = self.runs.partition_point(|(start, _)| *start <= inside);
            let (start, file) = self.runs[after.saturating_sub(1)];
            file + inside.saturating_sub(start)
        };
        let within = front + 1..front + text.len();
        let later = self.runs.iter().filter(|(start, _)| within.contains(start));
        let mut runs = vec![(0, offset(front))];
        runs.extend(later.map(|(start, file)| (start - front, *file)));
        let last = text.chars().next_back().map_or(0, char::len_utf8);
        Some(LogicalLine {
            number,
            text: text.to_owned(),
            runs,
            end: offset(front + text.len() - last) + last,
        })
    }
}

/// A `#` at the beginning or behind white space begins a comment; one within a word does not.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (offset, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return &line[..offset];
        }
        before = character;
    }
    line
}

/// Where the options of a line begin: at its first word that begins with a dash.
pub(crate) fn options_start(line: &str) -> usize {
    let mut before = ' ';
    for (offset, character) in line.char_indices() {
        if character == '-' && matches!(before, ' ' | '\t') {
            return offset;
        }
        before = character;
    }
    line.len()
}

/// What stands before the options of a line.
pub(crate) fn requirement_part(line: &str) -> &str {
    line[..options_start(line)].trim()
}

/// The options of a line, and what pip refuses or passes over among them.
pub(crate) fn options(line: &str) -> (Vec<LineOption>, Vec<NoOption>) {
    let mut found = Vec::new();
    let mut refused = Vec::new();
    let words = match words(line, options_start(line)) {
        Ok(words) => words,
        Err(at) => {
            let why = "a quote is not closed".to_owned();
            return (found, vec![NoOption { why, at }]);
        }
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match option(&word, &mut words) {
            Ok(option) => found.push(option),
            Err(why) => refused.push(NoOption { why, at: word.at }),
        }
    }
    (found, refused)
}

fn option(word: &Word, behind: &mut impl Iterator<Item = Word>) -> Result<LineOption, String> {
    let (known, inline) = match word.text.strip_prefix("--") {
        Some("") => return Err("`--` says nothing here".to_owned()),
        Some(long) => {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            (known(name)?, value)
        }
        None => {
            let found = SHORT.iter().find(|(short, _)| word.text.starts_with(short));
            let Some((short, name)) = found else {
                let what = &word.text;
                return Err(match what.starts_with('-') {
                    true => format!("`{what}` is no option of a requirements file"),
                    false => format!("`{what}` stands behind an option, where it is not read"),
                });
            };
            let value = &word.text[short.len()..];
            (known(name)?, (!value.is_empty()).then_some(value))
        }
    };
    let name = known.name;
    match (known.takes, inline) {
        (Takes::Nothing, Some(_)) => Err(format!("`--{name}` takes no value")),
        (Takes::Nothing, None) => Ok(LineOption {
            name,
            value: None,
            at: word.at.clone(),
            value_at: word.at.clone(),
        }),
        (Takes::Value, Some(value)) => {
            // Escapes and quotes make a word longer than what it comes to; then all of it is the place.
            let spelled_as_is = word.at.len() == word.text.len();
            let start = word.at.end - value.len().min(word.at.len());
            let value_at = match spelled_as_is {
                true => start..word.at.end,
                false => word.at.clone(),
            };
            Ok(LineOption {
                name,
                value: Some(value.to_owned()),
                at: word.at.clone(),
                value_at,
            })
        }
        (Takes::Value, None) => match behind.next() {
            Some(value) => Ok(LineOption {
                name,
                value: Some(value.text),
                at: word.at.start..value.at.end,
                value_at: value.at,
            }),
            None => Err(format!("`--{name}` has no value")),
        },
    }
}

/// The option spelled `name`, which may be shortened as long as it means one.
fn known(name: &str) -> Result<&'static Known, String> {
    let mut exact = OPTIONS.iter();
    if let Some(known) = exact.find(|known| known.spelled == name) {
        return Ok(known);
    }
    let mut candidates = OPTIONS
        .iter()
        .filter(|known| !name.is_empty() && known.spelled.starts_with(name));
    let first = candidates.next();
    match first.filter(|first| candidates.all(|other| other.name == first.name)) {
        Some(known) => Ok(known),
        None => Err(format!("`--{name}` is no option of a requirements file")),
    }
}

/// A word of the options, quotes and escapes taken away, with its place.
struct Word {
    text: String,
    at: Range<usize>,
}

/// Words as Python's `shlex.split` tells them, or the place of a quote that is not closed.
fn words(line: &str, from: usize) -> Result<Vec<Word>, Range<usize>> {
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<Word> = None;
    let mut characters = line[from..].char_indices();
    while let Some((offset, character)) = characters.next() {
        let at = from + offset;
        if matches!(character, ' ' | '\t' | '\r' | '\n') {
            words.extend(open.take());
            continue;
        }
        let word = open.get_or_insert_with(|| Word {
            text: String::new(),
            at: at..at,
        });
        match character {
            '\'' | '"' => {
                quoted(&mut characters, character, &mut word.text).ok_or(at..line.len())?
            }
            '\\' => match characters.next() {
                Some((_, escaped)) => word.text.push(escaped),
                None => return Err(at..line.len()),
            },
            other => word.text.push(other),
        }
        word.at.end = line.len() - characters.as_str().len();
    }
    words.extend(open);
    Ok(words)
}

/// What stands up to the closing quote; `None` where there is none.
fn quoted(
    characters: &mut std::str::CharIndices<'_>,
    quote: char,
    text: &mut String,
) -> Option<()> {
    loop {
        let (_, character) = characters.next()?;
        if character == quote {
            return Some(());
        }
        if character == '\\' && quote == '"' {
            let (_, escaped) = characters.next()?;
            if !matches!(escaped, '"' | '\\') {
                text.push('\\');
            }
            text.push(escaped);
            continue;
        }
        text.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str) -> Vec<(u32, String)> {
        let lines = logical_lines(text);
        lines.map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn lines_are_joined_as_pip_joins_them() {
        for (text, expected) in [
            (
                "a\nb\r\nc\rd",
                &[(1, "a"), (2, "b"), (3, "c"), (4, "d")][..],
            ),
            ("\u{feff}a\n\n# x\nb # y\n", &[(1, "a"), (4, "b")]),
            ("fla\\\nsk\nx", &[(1, "flask"), (3, "x")]),
            ("a \\\n  --b\\\n", &[(1, "a   --b")]),
            // The comment swallows what its line is joined with.
            ("a # b \\\nc\nd", &[(1, "a"), (3, "d")]),
            ("a \\\n# b \\\nc", &[(1, "a"), (3, "c")]),
            ("# a \\\nb", &[(2, "b")]),
            ("a#b", &[(1, "a#b")]),
            ("\\\\\n", &[]),
        ] {
            let expected = expected.iter().map(|(n, line)| (*n, (*line).to_owned()));
            assert_eq!(lines(text), expected.collect::<Vec<_>>(), "{text:?}");
        }
    }

    #[test]
    fn options_are_split_as_pip_splits_them() {
        for (line, expected) in [
            ("-i https://a.example/", "index-url=https://a.example/"),
            ("-ihttps://a.example/", "index-url=https://a.example/"),
            ("--pypi-url=b", "index-url=b"),
            ("--extra b --pre", "extra-index-url=b pre"),
            ("--requirement \"a b.txt\"", "requirement=a b.txt"),
            ("x --hash=sha256:a --hash md5:b", "hash=sha256:a hash=md5:b"),
            ("x --hash 'sha256:a", "! a quote is not closed"),
            (
                "--pre flask",
                "pre ! `flask` stands behind an option, where it is not read",
            ),
            ("--p", "! `--p` is no option of a requirements file"),
            ("--pre=1", "! `--pre` takes no value"),
            ("-r", "! `--requirement` has no value"),
            ("-z", "! `-z` is no option of a requirements file"),
            ("-f \"a\\\\b\\c\"", "find-links=a\\b\\c"),
        ] {
            let (found, refused) = options(line);
            let found = found.into_iter().map(|option| match option.value {
                Some(value) => format!("{}={value}", option.name),
                None => option.name.to_owned(),
            });
            let refused = refused.into_iter().map(|one| format!("! {}", one.why));
            let all: Vec<String> = found.chain(refused).collect();
            assert_eq!(all.join(" "), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn places_hold_what_they_are_said_to(text in "([-a-z=\"' .#\\\\é]|\n|\r\n){0,60}") {
            for line in logical_lines(&text) {
                let mut runs = line.runs.iter().peekable();
                while let Some((inside, file)) = runs.next() {
                    let end = runs.peek().map_or(line.text.len(), |(next, _)| *next);
                    let piece = line.text[*inside..end].trim_end();
                    prop_assert!(text[*file..].starts_with(piece), "{piece:?} {line:?}");
                }
                let (found, refused) = options(&line.text);
                let places = found.iter().map(|one| &one.at).chain(refused.iter().map(|one| &one.at));
                for at in places.chain(found.iter().map(|one| &one.value_at)) {
                    prop_assert!(line.text.get(at.clone()).is_some(), "{at:?} {line:?}");
                }
            }
        }
    }
}
