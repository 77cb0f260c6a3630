//! [`scan`]: the tokens of Python (the language reference, "Lexical analysis", as of 3.14), read for a
//! hash: without values, without recursion, and giving up at the first thing that is not understood.

use memchr::memchr2;
use portcullis_core::inspection::CodeHash;

use super::emit::Emit;
use super::strings::{self, Prefix, Quotes};

/// Indentations that are remembered; Python itself stops at 100.
const DEEPEST_INDENT: usize = 200;
/// Brackets and fields that are remembered; Python itself stops at 200.
const DEEPEST_BRACKET: usize = 250;

/// The hash of `source`; `None` when it is not understood.
pub(super) fn scan(source: &[u8]) -> Option<CodeHash> {
    if source
        .iter()
        .fold(false, |found, byte| found | is_mark(*byte))
    {
        return None;
    }
    let mut scanner = Scanner {
        source,
        at: 0,
        emit: Emit::of(source),
        open: Vec::new(),
        indents: Vec::new(),
        is_line_start: true,
        normalised: Vec::new(),
    };
    while scanner.at < source.len() {
        scanner.step()?;
    }
    if !scanner.open.is_empty() {
        return None;
    }
    scanner.emit.end_of_line();
    for _ in &scanner.indents {
        scanner.emit.dedent();
    }
    Some(scanner.emit.finish())
}

/// Whether a byte may stand in a name: letters, digits, `_`, and whatever is not ASCII.
pub(in super::super) static IS_PART: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        let ascii = byte as u8;
        table[byte] = ascii.is_ascii_alphanumeric() || ascii == b'_' || ascii >= 0x80;
        byte += 1;
    }
    table
};

/// Whether the byte could be taken for one of the marks between tokens.
fn is_mark(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)
}

struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    emit: Emit,
    open: Vec<Open>,
    /// The widths of the indentations that the line is in, tabs as Python counts them.
    indents: Vec<usize>,
    is_line_start: bool,
    /// Kept for its memory.
    normalised: Vec<u8>,
}

/// Something that closes later.
#[derive(Clone, Copy)]
enum Open {
    /// A bracket, with what closes it.
    Bracket(u8),
    /// A replacement field, in the expression, and the string around it.
    Field(Prefix, Quotes),
    /// The format specification of a replacement field.
    Format(Quotes),
}

impl Scanner<'_> {
    fn step(&mut self) -> Option<()> {
        if self.is_line_start {
            self.indentation()?;
            if self.at >= self.source.len() {
                return Some(());
            }
        }
        let byte = self.source[self.at];
        match byte {
            b' ' | b'\t' | 0x0c => self.at += 1,
            b'\n' | b'\r' => self.line_end()?,
            b'#' => self.comment(),
            b'\\' => self.continuation()?,
            b'\'' | b'"' => self.string(Prefix::default())?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.name()?,
            b'0'..=b'9' => self.number(),
            b';' if self.open.is_empty() => {
                self.emit.end_of_line();
                self.at += 1;
            }
            b'(' | b'[' | b'{' => self.open(byte)?,
            b')' | b']' | b'}' => self.close(byte)?,
            b':' if matches!(self.open.last(), Some(Open::Field(..))) => self.format()?,
            b'!'..=b'~' => {
                self.emit.operator(byte);
                self.at += 1;
            }
            _ => return None,
        }
        Some(())
    }

    /// Reads the white space at the start of a line and what it means, unless the line is blank.
    fn indentation(&mut self) -> Option<()> {
        let mut width = 0;
        while let Some(byte) = self.source.get(self.at) {
            match byte {
                b' ' => width += 1,
                b'\t' => width = (width / 8 + 1) * 8,
                0x0c => width = 0,
                b'#' => {
                    self.comment();
                    continue;
                }
                b'\n' | b'\r' => width = 0,
                // Where the indentation of a continued line is counted has changed between versions.
                b'\\' if width > 0 => return None,
                _ => break,
            }
            self.at += 1;
        }
        self.is_line_start = false;
        if self.at >= self.source.len() {
            return Some(());
        }
        let current = self.indents.last().copied().unwrap_or(0);
        if width > current {
            self.indents.push(width);
            self.emit.indent();
            return (self.indents.len() <= DEEPEST_INDENT).then_some(());
        }
        while self.indents.last().is_some_and(|indent| *indent > width) {
            self.indents.pop();
            self.emit.dedent();
        }
        (self.indents.last().copied().unwrap_or(0) == width).then_some(())
    }

    fn line_end(&mut self) -> Option<()> {
        match self.open.last() {
            None => {
                self.emit.end_of_line();
                self.is_line_start = true;
            }
            Some(Open::Bracket(_)) => self.emit.inner_break(),
            Some(Open::Field(_, quotes) | Open::Format(quotes)) => {
                if !quotes.is_triple {
                    return self.broken_field();
                }
            }
        }
        self.at += 1;
        Some(())
    }

    /// Since 3.12 a field may go over several lines in quotes of any kind; before it could not.
    fn broken_field(&mut self) -> Option<()> {
        match self.open.last() {
            Some(Open::Field(..)) => {
                self.at += 1;
                Some(())
            }
            _ => None,
        }
    }

    fn comment(&mut self) {
        let rest = &self.source[self.at..];
        self.at += memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    }

    fn continuation(&mut self) -> Option<()> {
        self.at += match self.source.get(self.at + 1..) {
            Some([b'\r', b'\n', ..]) => 3,
            Some([b'\n' | b'\r', ..]) => 2,
            _ => return None,
        };
        Some(())
    }

    fn name(&mut self) -> Option<()> {
        let rest = &self.source[self.at..];
        let end = rest.iter().position(|byte| !IS_PART[usize::from(*byte)]);
        let length = end.unwrap_or(rest.len());
        let word = &rest[..length];
        if matches!(rest.get(length), Some(b'\'' | b'"'))
            && let Some(prefix) = Prefix::read(word)
        {
            self.at += length;
            return self.string(prefix);
        }
        self.at += length;
        self.emit.word(rest, length);
        Some(())
    }

    /// Digits, and what may stand in and behind them: `1_000`, `0xff`, `1.5e-3`, `2j`.
    fn number(&mut self) {
        let rest = &self.source[self.at..];
        let is_hexadecimal = matches!(rest, [b'0', b'x' | b'X', ..]);
        let mut length = 1;
        while let Some(byte) = rest.get(length) {
            let is_exponent = !is_hexadecimal && matches!(rest[length - 1], b'e' | b'E');
            let is_sign = matches!(byte, b'+' | b'-') && is_exponent;
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || is_sign) {
                break;
            }
            length += 1;
        }
        self.at += length;
        self.emit.word(rest, length);
    }

    fn string(&mut self, prefix: Prefix) -> Option<()> {
        let quotes = Quotes::open(self.source, self.at);
        self.at += quotes.length();
        // An empty string opens and closes at once: its quotes are not those of a triple one.
        let mut normalised = std::mem::take(&mut self.normalised);
        normalised.clear();
        prefix.mark(&mut normalised);
        if prefix.fields.is_some() {
            self.emit.part_of_string(&normalised);
            self.normalised = normalised;
            return self.literal((prefix, quotes), false);
        }
        let end = strings::plain(self.source, self.at, (prefix, quotes), &mut normalised);
        self.at = end?;
        self.emit.string(&normalised);
        self.normalised = normalised;
        Some(())
    }

    /// Reads the text of a string with fields (or of a format specification) up to its end or its next
    /// field.
    fn literal(&mut self, (prefix, quotes): (Prefix, Quotes), is_format: bool) -> Option<()> {
        let mut text = std::mem::take(&mut self.normalised);
        text.clear();
        let mut is_escaping = false;
        let ends = loop {
            let byte = *self.source.get(self.at)?;
            match byte {
                b'{' if !is_format && self.source.get(self.at + 1) == Some(&b'{') => {
                    text.extend_from_slice(b"{{");
                    self.at += 2;
                }
                b'{' => break Ends::InField,
                b'}' if is_format => break Ends::Format,
                b'}' if self.source.get(self.at + 1) == Some(&b'}') => {
                    text.extend_from_slice(b"}}");
                    self.at += 2;
                }
                b'}' => return None,
                b'\\' => {
                    is_escaping = true;
                    self.escape_beside_fields(prefix, &mut text)?;
                }
                b'\n' | b'\r' if quotes.is_triple => {
                    self.at = strings::line_break(self.source, self.at, &mut text);
                }
                b'\n' | b'\r' => return None,
                _ if quotes.close_at(self.source, self.at) => break Ends::String,
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        };
        strings::end(is_escaping && prefix.is_raw, &mut text);
        self.emit.part_of_string(&text);
        self.normalised = text;
        match ends {
            Ends::String if is_format => return None,
            Ends::String => self.at += quotes.length(),
            Ends::InField => {
                self.at += 1;
                self.emit.operator(b'{');
                self.push(Open::Field(prefix, quotes))?;
            }
            Ends::Format => {
                self.at += 1;
                self.emit.operator(b'}');
                self.open.pop();
                return self.after_field((prefix, quotes));
            }
        }
        Some(())
    }

    fn escape_beside_fields(&mut self, prefix: Prefix, text: &mut Vec<u8>) -> Option<()> {
        match self.source.get(self.at + 1)? {
            // The backslash stands for itself, and the brace is a brace.
            b'{' | b'}' => {
                text.push(b'\\');
                self.at += 1;
            }
            b'N' if !prefix.is_raw && self.source.get(self.at + 2) == Some(&b'{') => {
                let rest = &self.source[self.at..];
                let length = rest.iter().take(200).position(|byte| *byte == b'}')? + 1;
                text.extend_from_slice(&rest[..length]);
                self.at += length;
            }
            _ => self.at = strings::escape(self.source, self.at, prefix, text)?,
        }
        Some(())
    }

    /// Goes on with the text behind a field: of the string, or of the format specification it stands in.
    fn after_field(&mut self, around: (Prefix, Quotes)) -> Option<()> {
        let is_format = matches!(self.open.last(), Some(Open::Format(..)));
        self.literal(around, is_format)
    }

    fn format(&mut self) -> Option<()> {
        let Some(Open::Field(prefix, quotes)) = self.open.pop() else {
            return None;
        };
        self.at += 1;
        self.emit.operator(b':');
        self.push(Open::Format(quotes))?;
        self.literal((prefix, quotes), true)
    }

    fn open(&mut self, bracket: u8) -> Option<()> {
        self.at += 1;
        self.emit.operator(bracket);
        self.push(Open::Bracket(match bracket {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        }))
    }

    fn close(&mut self, bracket: u8) -> Option<()> {
        self.at += 1;
        self.emit.operator(bracket);
        match self.open.pop()? {
            Open::Bracket(expected) => (expected == bracket).then_some(()),
            Open::Field(prefix, quotes) if bracket == b'}' => self.after_field((prefix, quotes)),
            Open::Field(..) | Open::Format(..) => None,
        }
    }

    fn push(&mut self, open: Open) -> Option<()> {
        self.open.push(open);
        (self.open.len() <= DEEPEST_BRACKET).then_some(())
    }
}

/// How a piece of text ends.
enum Ends {
    String,
    InField,
    Format,
}
