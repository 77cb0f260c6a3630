//! [`Emit`]: takes tokens, leaves out the ones that change nothing, and hashes the others.

use memchr::memmem;
use portcullis_core::inspection::CodeHash;
use sha2::{Digest as _, Sha256};

/// How many bytes are gathered before they are hashed.
const PIECE: usize = 16 << 10;
/// Most tokens are not longer. So many bytes are copied at once, whatever is behind the token.
const SHORT: usize = 16;

/// Marks between tokens. A source that holds such a character is not understood, so that nobody can write
/// one.
const END_OF_LINE: u8 = 1;
const INDENT: u8 = 2;
const DEDENT: u8 = 3;
const BETWEEN: u8 = 4;
pub(super) const STRING: u8 = 5;

/// The tokens of a source on their way into a hash.
pub(super) struct Emit {
    code: Sha256,
    /// What waits to be hashed: the first `length` bytes.
    held: Box<[u8]>,
    length: usize,
    /// The strings at the start of the line, as long as there is nothing else in it.
    strings: Vec<u8>,
    /// Statements that are nothing but strings, where the code may ask for them.
    documentation: Option<Sha256>,
    line: Line,
    /// Whether a comma waits for what follows.
    comma: Comma,
    was_word: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Empty,
    OnlyStrings,
    Code,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comma {
    None,
    /// On this line.
    Seen,
    /// At the end of a line inside brackets.
    EndsLine,
}

impl Emit {
    /// For a source, and whether it names `__doc__` anywhere.
    pub(super) fn of(source: &[u8]) -> Self {
        let may_ask = memmem::find(source, b"__doc__").is_some();
        Self {
            code: Sha256::new(),
            held: vec![0; PIECE + 2 * SHORT].into(),
            length: 0,
            strings: Vec::new(),
            documentation: may_ask.then(Sha256::new),
            line: Line::Empty,
            comma: Comma::None,
            was_word: false,
        }
    }

    /// The name, keyword or number that the first `length` bytes of `rest` are.
    pub(super) fn word(&mut self, rest: &[u8], length: usize) {
        self.begin();
        if self.was_word {
            self.push(BETWEEN);
        }
        match rest.first_chunk::<SHORT>() {
            Some(chunk) if length <= SHORT => {
                self.held[self.length..self.length + SHORT].copy_from_slice(chunk);
                self.length += length;
                self.flush_when_full();
            }
            _ => self.put(&rest[..length]),
        }
        self.was_word = true;
    }

    /// One character of an operator, or a bracket.
    pub(super) fn operator(&mut self, operator: u8) {
        if operator == b',' {
            self.begin();
            self.comma = Comma::Seen;
            return;
        }
        if matches!(operator, b')' | b']' | b'}') && self.comma == Comma::EndsLine {
            self.comma = Comma::None;
        }
        self.begin();
        self.push(operator);
        self.was_word = false;
    }

    /// A string without replacement fields, ready to be hashed.
    pub(super) fn string(&mut self, normalised: &[u8]) {
        match self.line {
            Line::Code => self.put_string(normalised),
            Line::Empty | Line::OnlyStrings => {
                self.line = Line::OnlyStrings;
                self.strings.extend_from_slice(normalised);
            }
        }
    }

    /// A part of a string with replacement fields, which is code wherever it stands.
    pub(super) fn part_of_string(&mut self, normalised: &[u8]) {
        self.begin();
        self.put_string(normalised);
    }

    fn put_string(&mut self, normalised: &[u8]) {
        self.begin();
        self.put(normalised);
        self.was_word = false;
    }

    /// A line break inside brackets.
    pub(super) fn inner_break(&mut self) {
        if self.comma == Comma::Seen {
            self.comma = Comma::EndsLine;
        }
    }

    /// The end of a statement.
    pub(super) fn end_of_line(&mut self) {
        match self.line {
            Line::Empty => return,
            Line::OnlyStrings => {
                if let Some(documentation) = &mut self.documentation {
                    documentation.update(&self.strings);
                    documentation.update([END_OF_LINE]);
                }
                self.strings.clear();
            }
            Line::Code => {
                self.flush_comma();
                self.push(END_OF_LINE);
            }
        }
        self.line = Line::Empty;
        self.was_word = false;
    }

    pub(super) fn indent(&mut self) {
        self.push(INDENT);
    }

    pub(super) fn dedent(&mut self) {
        self.push(DEDENT);
    }

    /// What all of it comes to.
    pub(super) fn finish(mut self) -> CodeHash {
        self.end_of_line();
        self.code.update(&self.held[..self.length]);
        if let Some(documentation) = self.documentation {
            self.code.update([STRING, STRING]);
            self.code.update(documentation.finalize());
        }
        CodeHash::of(self.code)
    }

    /// Turns to something that is not a string at the start of a line.
    fn begin(&mut self) {
        self.flush_comma();
        if self.line == Line::OnlyStrings {
            let strings = std::mem::take(&mut self.strings);
            self.put(&strings);
            self.was_word = false;
        }
        self.line = Line::Code;
    }

    fn flush_comma(&mut self) {
        if self.comma != Comma::None {
            self.comma = Comma::None;
            self.push(b',');
            self.was_word = false;
        }
    }

    fn push(&mut self, byte: u8) {
        self.held[self.length] = byte;
        self.length += 1;
        self.flush_when_full();
    }

    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > PIECE / 2 {
            self.code.update(&self.held[..self.length]);
            self.code.update(bytes);
            self.length = 0;
            return;
        }
        if self.length + bytes.len() > PIECE {
            self.code.update(&self.held[..self.length]);
            self.length = 0;
        }
        self.held[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Keeps room for one short token at least.
    fn flush_when_full(&mut self) {
        if self.length >= PIECE {
            self.code.update(&self.held[..self.length]);
            self.length = 0;
        }
    }
}
