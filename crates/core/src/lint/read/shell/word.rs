//! [`WordBuilder`]: a word put together from what quotes and escapes leave of it, with the place of each part.

use super::ShellWord;
use crate::lint::syntax::Spelled;

/// A word while it is read.
pub(super) struct WordBuilder<'o> {
    outer: &'o Spelled,
    text: String,
    /// Where each run begins in `text`, and where in the file.
    runs: Vec<(usize, usize)>,
    end: usize,
    pub(super) has_variables: bool,
    pub(super) is_quoted: bool,
}

impl<'o> WordBuilder<'o> {
    pub(super) fn new(outer: &'o Spelled) -> Self {
        Self {
            outer,
            text: String::new(),
            runs: Vec::new(),
            end: 0,
            has_variables: false,
            is_quoted: false,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether nothing was read, not even a pair of quotes.
    pub(super) fn is_nothing(&self) -> bool {
        self.text.is_empty() && !self.is_quoted
    }

    /// Adds `character`, which is written at `at` of the text that is read.
    pub(super) fn push(&mut self, character: char, at: usize) {
        let file = self.outer.offset(at);
        let continues = self.runs.last().is_some_and(|(inside, start)| {
            file.checked_sub(*start) == Some(self.text.len() - inside)
        });
        if !continues {
            self.runs.push((self.text.len(), file));
        }
        self.text.push(character);
        self.end = self.outer.place(at..at + character.len_utf8()).end;
    }

    /// Adds what is written at `from..to` of the text as it is.
    pub(super) fn push_raw(&mut self, text: &str, from: usize, to: usize) {
        for (inside, character) in text[from..to].char_indices() {
            self.push(character, from + inside);
        }
    }

    /// The word, which is written at `from..to` of the text.
    pub(super) fn finish(self, from: usize, to: usize) -> ShellWord {
        let at = self.outer.place(from..to);
        let end = self.end.max(at.start);
        let runs = match self.runs.is_empty() {
            true => vec![(0, at.start)],
            false => self.runs,
        };
        ShellWord {
            text: Spelled::of_runs(self.text, runs, end),
            at,
            has_variables: self.has_variables,
        }
    }
}
