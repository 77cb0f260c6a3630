//! [`WordBuilder`]: a word put together from what quotes and escapes leave of it, with the place of each part.

use super::ShellWord;
use crate::lint::syntax::{RunBuilder, Spelled};

/// A word while it is read.
pub(super) struct WordBuilder<'o> {
    outer: &'o Spelled,
    text: String,
    runs: RunBuilder,
    end: usize,
    pub(super) has_variables: bool,
    pub(super) is_quoted: bool,
}

impl<'o> WordBuilder<'o> {
    pub(super) fn new(outer: &'o Spelled) -> Self {
        Self {
            outer,
            text: String::new(),
            runs: RunBuilder::default(),
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
        let length = character.len_utf8();
        let place = self.outer.place(at..at + length);
        self.end = place.end;
        self.runs.push(self.text.len(), length, place);
        self.text.push(character);
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
        let text = match self.text.is_empty() {
            true => Spelled::otherwise("", at.start..at.start),
            false => Spelled::of_runs(self.text, self.runs, end),
        };
        ShellWord {
            text,
            at,
            has_variables: self.has_variables,
        }
    }
}
