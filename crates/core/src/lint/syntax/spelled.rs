//! [`Spelled`]: what a string says together with where each part of it is written, so that a requirement in a
//! TOML string or a command in a block of YAML keeps its place in the file.

use crate::lint::contents::Span;

/// A text that was read from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Spelled {
    text: String,
    /// Runs that stand in the file as they are: where each begins in the text, and where in the file.
    /// Sorted; the first begins at 0.
    runs: Vec<(usize, usize)>,
    /// The end of what is written.
    end: usize,
}

/// Whether a backslash stands for something else than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Escapes {
    /// It does: TOML's basic strings, JSON, YAML in double quotes, Python.
    Backslash,
    /// It does not.
    None,
}

impl Spelled {
    /// A text that is written as it is from `start` on.
    pub(in crate::lint) fn plain(text: &str, start: usize) -> Self {
        Self {
            text: text.to_owned(),
            runs: vec![(0, start)],
            end: start + text.len(),
        }
    }

    /// A text of lines joined by line breaks, each of which is written as it is at its place.
    pub(in crate::lint) fn of_lines(text: &str, lines: &[Span]) -> Self {
        let mut inside = 0;
        let mut runs = Vec::with_capacity(lines.len());
        for line in lines {
            runs.push((inside, line.start));
            inside += line.len() + 1;
        }
        let end = lines.last().map_or(0, |line| line.end);
        if runs.is_empty() {
            runs.push((0, end));
        }
        Self {
            text: text.to_owned(),
            runs,
            end,
        }
    }

    /// A text that the bytes `at` of `file` stand for in some way: with escapes, indentation and folded
    /// lines. What is in one but not in the other is stepped over.
    pub(in crate::lint) fn aligned(text: &str, file: &str, at: Span, escapes: Escapes) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut from = at.start;
        for (inside, character) in text.char_indices() {
            let Some((start, end)) = next(file, from..at.end, character, escapes) else {
                // What is left has no place, and must not be counted into an escape that was longer than what
                // it stands for.
                runs.push((inside, from));
                break;
            };
            let continues = runs
                .last()
                .is_some_and(|(text_start, file_start)| start - file_start == inside - text_start);
            if !continues {
                runs.push((inside, start));
            }
            from = end;
        }
        if runs.first().is_none_or(|(inside, _)| *inside > 0) {
            runs.insert(0, (0, at.start));
        }
        Self {
            text: text.to_owned(),
            runs,
            end: from.max(at.start),
        }
    }

    /// A text whose parts stand at the given places: where each run begins in the text, and where in the file.
    /// `end` is the end of what is written.
    pub(in crate::lint) fn of_runs(
        text: String,
        mut runs: Vec<(usize, usize)>,
        end: usize,
    ) -> Self {
        if runs.first().is_none_or(|(inside, _)| *inside > 0) {
            runs.insert(0, (0, runs.first().map_or(end, |(_, file)| *file)));
        }
        Self { text, runs, end }
    }

    /// The same text with its places in the file, where they are given in `outer`, from which it was read.
    pub(in crate::lint) fn within(&self, outer: &Self) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (inside, _) in self.text.char_indices() {
            let file = outer.offset(self.offset(inside));
            let continues = runs
                .last()
                .is_some_and(|(text, start)| file.checked_sub(*start) == Some(inside - text));
            if !continues {
                runs.push((inside, file));
            }
        }
        Self::of_runs(self.text.clone(), runs, outer.place(self.at()).end)
    }

    /// These texts, each in a line of its own.
    pub(in crate::lint) fn of_parts(parts: &[Self]) -> Self {
        let mut text = String::new();
        let mut runs = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            runs.extend(
                part.runs
                    .iter()
                    .map(|(inside, file)| (inside + text.len(), *file)),
            );
            text.push_str(&part.text);
        }
        let end = parts.iter().map(|part| part.end).max().unwrap_or_default();
        Self::of_runs(text, runs, end)
    }

    /// The text.
    pub(in crate::lint) fn as_str(&self) -> &str {
        &self.text
    }

    /// The place of all of it, without quotes.
    pub(in crate::lint) fn at(&self) -> Span {
        self.place(0..self.text.len())
    }

    /// The place in the file of a part of the text.
    pub(in crate::lint) fn place(&self, part: Span) -> Span {
        let start = self.offset(part.start);
        let last = self.text[..part.end.min(self.text.len())]
            .char_indices()
            .next_back();
        let end = match last {
            Some((at, character)) if part.end > part.start => {
                self.offset(at) + character.len_utf8()
            }
            _ => start,
        };
        start..end.clamp(start, self.end.max(start))
    }

    /// The part `part` of the text, with its places.
    pub(in crate::lint) fn part(&self, part: Span) -> Self {
        let first = self
            .runs
            .partition_point(|(inside, _)| *inside <= part.start);
        let mut runs = vec![(0, self.offset(part.start))];
        let later = self.runs[first..].iter();
        let within = later.take_while(|(inside, _)| *inside < part.end);
        runs.extend(within.map(|(inside, file)| (inside - part.start, *file)));
        Self {
            text: self.text[part.clone()].to_owned(),
            runs,
            end: self.place(part).end,
        }
    }

    /// Where in the file the byte `inside` of the text is written.
    pub(in crate::lint) fn offset(&self, inside: usize) -> usize {
        let after = self.runs.partition_point(|(start, _)| *start <= inside);
        let (start, file) = self.runs[after.saturating_sub(1)];
        (file + (inside - start)).min(self.end)
    }
}

/// Where in `within` the next spelling of `character` begins and ends.
fn next(file: &str, within: Span, character: char, escapes: Escapes) -> Option<(usize, usize)> {
    let rest = file.get(within.clone())?.char_indices();
    for (at, written) in rest {
        let start = within.start + at;
        if written == '\\' && escapes == Escapes::Backslash {
            let length = escape_length(&file[start..within.end]);
            let continues_line = file[start..within.end].starts_with(['\\'])
                && file[start + 1..within.end].starts_with(['\n', '\r', ' ']);
            if continues_line {
                continue;
            }
            return Some((start, (start + length).min(within.end)));
        }
        // A folded line break is a space.
        let is_folded = character == ' ' && written == '\n';
        if written == character || is_folded {
            return Some((start, start + written.len_utf8()));
        }
        // Only what is no part of any text may be stepped over.
        if !written.is_whitespace() && !matches!(written, '"' | '\'') {
            return None;
        }
    }
    None
}

/// The length in bytes of the escape at the start of `rest`.
fn escape_length(rest: &str) -> usize {
    let digits = match rest.chars().nth(1) {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some(other) => return 1 + other.len_utf8(),
        None => return 1,
    };
    let written = rest[2..].chars().take(digits);
    2 + written.take_while(char::is_ascii_hexdigit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(text: &str, file: &str, escapes: Escapes) -> Spelled {
        Spelled::aligned(text, file, 0..file.len(), escapes)
    }

    #[test]
    fn parts_keep_their_places() {
        let file = "x = \"a\\u0062 c\"";
        let spelled = Spelled::aligned("ab c", file, 4..file.len(), Escapes::Backslash);
        assert_eq!(&file[spelled.place(3..4)], "c");
        assert_eq!(&file[spelled.place(0..1)], "a");
        assert_eq!(spelled.part(2..4).as_str(), " c");
        assert_eq!(&file[spelled.part(2..4).place(1..2)], "c");
    }

    #[test]
    fn indented_and_folded_lines_are_followed() {
        let file = "run: |\n    pip install a\n    pip install b\n";
        let spelled = Spelled::aligned(
            "pip install a\npip install b\n",
            file,
            6..file.len(),
            Escapes::None,
        );
        let b = spelled.as_str().find('b').expect("there");
        assert_eq!(&file[spelled.place(b..b + 1)], "b");
        let folded = "  one\n  two\n";
        let spelled = aligned("one two\n", folded, Escapes::None);
        assert_eq!(&folded[spelled.place(4..7)], "two");
    }

    #[test]
    fn what_cannot_be_followed_stays_within_what_is_written() {
        let spelled = aligned("abc", "axc", Escapes::None);
        assert!(spelled.place(0..3).end <= 3);
        assert_eq!(aligned("", "", Escapes::None).at(), 0..0);
        let spelled = aligned("\\abc", "\\\u{335e}", Escapes::Backslash);
        assert_eq!(spelled.place(2..4), 4..4);
        assert_eq!(aligned("é", "", Escapes::Backslash).place(0..2), 0..0);
    }
}
