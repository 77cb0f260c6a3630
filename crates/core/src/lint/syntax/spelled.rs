//! [`Spelled`]: what a string says together with where each part of it is written, so that a requirement in a
//! TOML string or a command in a block of YAML keeps its place in the file.

use crate::lint::contents::Span;

/// A text that was read from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Spelled {
    text: String,
    /// In the order of the text; the first begins at 0.
    runs: Vec<Run>,
    /// The end of what is written.
    end: usize,
}

/// A stretch of a text that is written in one way, up to where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct Run {
    /// Where it begins in the text.
    inside: usize,
    /// Where it begins in the file.
    file: usize,
    written: Written,
}

/// How a stretch of a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// Byte for byte as the text has it.
    AsItIs,
    /// In another way, which ends here in the file: an escape, quotes, the name of a variable. Any part of it
    /// stands where all of it does.
    Otherwise(usize),
}

/// The runs of a text while it is put together.
#[derive(Clone, Debug, Default)]
pub(in crate::lint) struct RunBuilder(Vec<Run>);

/// Whether a backslash stands for something else than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Escapes {
    /// It does: TOML's basic strings, JSON, YAML in double quotes, Python.
    Backslash,
    /// It does not.
    None,
}

impl Run {
    /// A stretch that begins at `inside` of the text and stands for all of `at`, in whatever way.
    fn otherwise(inside: usize, at: Span) -> Self {
        Self {
            inside,
            file: at.start,
            written: Written::Otherwise(at.end),
        }
    }

    /// Where in the file the byte `inside` of the text begins.
    fn start(&self, inside: usize) -> usize {
        match self.written {
            Written::AsItIs => self.file + (inside - self.inside),
            Written::Otherwise(_) => self.file,
        }
    }

    /// Where in the file the character of `length` bytes at `inside` of the text ends.
    fn end(&self, inside: usize, length: usize) -> usize {
        match self.written {
            Written::AsItIs => self.start(inside) + length,
            Written::Otherwise(end) => end,
        }
    }

    /// The same run in a text in which it begins at `inside`.
    fn beginning(&self, inside: usize) -> Self {
        Self {
            inside,
            ..self.clone()
        }
    }
}

impl From<(usize, usize)> for Run {
    /// A stretch that is written as it is: where it begins in the text, and where in the file.
    fn from((inside, file): (usize, usize)) -> Self {
        Self {
            inside,
            file,
            written: Written::AsItIs,
        }
    }
}

impl RunBuilder {
    /// Adds the character of `length` bytes at `inside` of the text, which is written at `at`.
    pub(in crate::lint) fn push(&mut self, inside: usize, length: usize, at: Span) {
        if at.len() != length {
            return self.otherwise(inside, at);
        }
        let continues = self
            .0
            .last()
            .is_some_and(|last| last.written == Written::AsItIs && last.start(inside) == at.start);
        if !continues {
            self.0.push((inside, at.start).into());
        }
    }

    /// Adds what begins at `inside` of the text and stands for all of `at`.
    pub(in crate::lint) fn otherwise(&mut self, inside: usize, at: Span) {
        self.0.push(Run::otherwise(inside, at));
    }
}

impl IntoIterator for RunBuilder {
    type Item = Run;
    type IntoIter = std::vec::IntoIter<Run>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Spelled {
    /// A text that is written as it is from `start` on.
    pub(in crate::lint) fn plain(text: &str, start: usize) -> Self {
        Self {
            text: text.to_owned(),
            runs: vec![(0, start).into()],
            end: start + text.len(),
        }
    }

    /// A text that all of `at` stands for, in whatever way: so does any part of it.
    pub(in crate::lint) fn otherwise(text: &str, at: Span) -> Self {
        Self {
            text: text.to_owned(),
            end: at.end.max(at.start),
            runs: vec![Run::otherwise(0, at)],
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
        Self::of_runs(text.to_owned(), runs, end)
    }

    /// A text that the bytes `at` of `file` stand for in some way: with escapes, indentation and folded
    /// lines. What is in one but not in the other is stepped over.
    pub(in crate::lint) fn aligned(text: &str, file: &str, at: Span, escapes: Escapes) -> Self {
        let mut runs = RunBuilder::default();
        let mut from = at.start;
        for (inside, character) in text.char_indices() {
            let Some((start, end)) = next(file, from..at.end, character, escapes) else {
                // What is left has no place.
                runs.push(inside, text.len() - inside, from..from);
                break;
            };
            runs.push(inside, character.len_utf8(), start..end);
            from = end;
        }
        if runs.0.is_empty() {
            runs.0.push((0, at.start).into());
        }
        Self {
            text: text.to_owned(),
            runs: runs.0,
            end: from.max(at.start),
        }
    }

    /// A text whose parts stand at the given places. `end` is the end of what is written. What stands before
    /// the first run has no place.
    pub(in crate::lint) fn of_runs<R: Into<Run>>(
        text: String,
        runs: impl IntoIterator<Item = R>,
        end: usize,
    ) -> Self {
        let mut runs: Vec<Run> = runs.into_iter().map(Into::into).collect();
        if runs.first().is_none_or(|first| first.inside > 0) {
            let file = runs.first().map_or(end, |first| first.file);
            runs.insert(0, Run::otherwise(0, file..file));
        }
        Self { text, runs, end }
    }

    /// The same text with its places in the file, where they are given in `outer`, from which it was read.
    pub(in crate::lint) fn within(&self, outer: &Self) -> Self {
        let mut runs = RunBuilder::default();
        for (inside, character) in self.text.char_indices() {
            let length = character.len_utf8();
            let at = outer.place(self.place(inside..inside + length));
            runs.push(inside, length, at);
        }
        Self::of_runs(self.text.clone(), runs, outer.place(self.at()).end)
    }

    /// These texts, each in a line of its own.
    pub(in crate::lint) fn of_parts(parts: &[Self]) -> Self {
        Self::joined(parts, "\n")
    }

    /// These texts with `between` between them, which is written nowhere.
    pub(in crate::lint) fn joined(parts: &[Self], between: &str) -> Self {
        let mut text = String::new();
        let mut runs: Vec<Run> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            if number > 0 && !between.is_empty() {
                let before = parts[number - 1].end;
                runs.push(Run::otherwise(text.len(), before..before));
                text.push_str(between);
            }
            let moved = part.runs.iter();
            runs.extend(moved.map(|run| run.beginning(run.inside + text.len())));
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
                self.run(at).end(at, character.len_utf8())
            }
            _ => start,
        };
        start..end.clamp(start, self.end.max(start))
    }

    /// The part `part` of the text, with its places.
    pub(in crate::lint) fn part(&self, part: Span) -> Self {
        let first = self.run(part.start);
        let begun = match first.written {
            Written::AsItIs => (0, first.start(part.start)).into(),
            Written::Otherwise(_) => first.beginning(0),
        };
        let after = self.runs.partition_point(|run| run.inside <= part.start);
        let later = self.runs[after..].iter();
        let later = later.take_while(|run| run.inside < part.end);
        let later = later.map(|run| run.beginning(run.inside - part.start));
        let runs = std::iter::once(begun).chain(later).collect();
        Self {
            text: self.text[part.clone()].to_owned(),
            runs,
            end: self.place(part).end,
        }
    }

    /// Where in the file the byte `inside` of the text is written.
    pub(in crate::lint) fn offset(&self, inside: usize) -> usize {
        self.run(inside).start(inside).min(self.end)
    }

    /// The run that the byte `inside` of the text is in.
    fn run(&self, inside: usize) -> &Run {
        let after = self.runs.partition_point(|run| run.inside <= inside);
        &self.runs[after.saturating_sub(1)]
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

    /// Every place of every part, in characters and beyond, is a part of the file.
    fn sound(spelled: &Spelled, file: &str) {
        let text = spelled.as_str();
        let bounds: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        for &start in &bounds {
            for &end in bounds.iter().filter(|end| **end >= start) {
                let at = spelled.place(start..end);
                assert!(file.get(at.clone()).is_some(), "{at:?} of {file:?}");
                let part = spelled.part(start..end);
                assert_eq!(part.at(), at, "{start}..{end} of {text:?} in {file:?}");
            }
        }
    }

    #[test]
    fn an_escape_is_pointed_at_whole() {
        let file = "a\\u335eb\\n\u{e9}";
        let spelled = aligned("a\u{335e}b\n\u{e9}", file, Escapes::Backslash);
        assert_eq!(&file[spelled.place(1..4)], "\\u335e");
        assert_eq!(&file[spelled.place(0..5)], "a\\u335eb");
        assert_eq!(&file[spelled.part(1..4).at()], "\\u335e");
        assert_eq!(&file[spelled.place(5..6)], "\\n");
        assert_eq!(&file[spelled.place(6..8)], "\u{e9}");
    }

    #[test]
    fn no_place_ends_inside_a_character() {
        let spellings = [
            ("\u{335e}", "\\n\u{e9}\u{e9}"),
            ("a\u{335e}\u{335e}", "a\\\u{e9}\\\u{1f600}"),
            ("\u{1f600}x", "\\xe\u{335e}x"),
            ("\u{e9}\u{335e}", "\\U0001\u{335e}"),
            ("\\\\\u{335e}", "\\\\\\\u{335e}\\"),
        ];
        for (text, file) in spellings {
            for escapes in [Escapes::Backslash, Escapes::None] {
                let spelled = aligned(text, file, escapes);
                sound(&spelled, file);
                sound(&spelled.within(&Spelled::plain(file, 0)), file);
                let twice = Spelled::of_parts(&[spelled.clone(), spelled.clone()]);
                sound(&twice, file);
                let whole = Spelled::otherwise(text, 0..file.len());
                sound(&whole, file);
                sound(&Spelled::joined(&[whole, spelled], "="), file);
            }
        }
    }

    #[test]
    fn a_text_read_from_an_escaped_one_points_through_it() {
        let file = "\"x \\u335e\\u0062\u{e9}\"";
        let outer = Spelled::aligned(
            "x \u{335e}b\u{e9}",
            file,
            1..file.len() - 1,
            Escapes::Backslash,
        );
        sound(&outer, file);
        let inner = Spelled::plain("\u{335e}b\u{e9}", 2).within(&outer);
        sound(&inner, file);
        assert_eq!(&file[inner.place(0..3)], "\\u335e");
        assert_eq!(&file[inner.place(3..4)], "\\u0062");
        assert_eq!(&file[inner.place(4..6)], "\u{e9}");
    }
}
