//! The strings of Python: what their prefix says, where they end, and how they read when it does not
//! matter in which quotes they stand.

use memchr::memchr3;

use super::emit::STRING;

/// What stands before a string's quotes.
#[derive(Clone, Copy, Default)]
pub(super) struct Prefix {
    pub(super) is_raw: bool,
    is_bytes: bool,
    /// `f` or `t`: it has replacement fields.
    pub(super) fields: Option<u8>,
}

/// The quotes that a string stands in.
#[derive(Clone, Copy)]
pub(super) struct Quotes {
    pub(super) quote: u8,
    pub(super) is_triple: bool,
}

impl Prefix {
    /// Reads a prefix; `None` for a word that is none, so that it is a token of its own.
    pub(super) fn read(word: &[u8]) -> Option<Self> {
        let mut prefix = Self::default();
        if word.len() > 2 {
            return None;
        }
        for letter in word {
            match letter.to_ascii_lowercase() {
                b'r' => prefix.is_raw = true,
                b'b' => prefix.is_bytes = true,
                b'u' => {}
                kind @ (b'f' | b't') => prefix.fields = Some(kind),
                _ => return None,
            }
        }
        Some(prefix)
    }

    /// What begins the token: `u` changes nothing, and so does `r` where nothing is escaped.
    pub(super) fn mark(self, normalised: &mut Vec<u8>) {
        normalised.push(STRING);
        normalised.push(match (self.is_bytes, self.fields) {
            (true, _) => b'b',
            (false, Some(kind)) => kind,
            (false, None) => b's',
        });
    }
}

impl Quotes {
    /// The quotes that open at `at`.
    pub(super) fn open(source: &[u8], at: usize) -> Self {
        let quote = source[at];
        Self {
            quote,
            is_triple: source.get(at + 1) == Some(&quote) && source.get(at + 2) == Some(&quote),
        }
    }

    pub(super) fn length(self) -> usize {
        if self.is_triple { 3 } else { 1 }
    }

    /// Whether they close at `at`.
    pub(super) fn close_at(self, source: &[u8], at: usize) -> bool {
        let is = |offset: usize| source.get(at + offset) == Some(&self.quote);
        is(0) && (!self.is_triple || (is(1) && is(2)))
    }
}

/// Reads a string without fields whose inside begins at `at`: adds what it says to `normalised` and gives
/// the place behind its quotes. `None` when it does not end.
pub(super) fn plain(
    source: &[u8],
    mut at: usize,
    (prefix, quotes): (Prefix, Quotes),
    normalised: &mut Vec<u8>,
) -> Option<usize> {
    let mut is_escaping = false;
    loop {
        let length = memchr3(quotes.quote, b'\\', b'\n', &source[at..])?;
        normalised.extend_from_slice(&source[at..at + length]);
        at += length;
        match source[at] {
            b'\\' => {
                is_escaping = true;
                at = escape(source, at, prefix, normalised)?;
            }
            byte if byte == quotes.quote => {
                if quotes.close_at(source, at) {
                    break;
                }
                normalised.push(byte);
                at += 1;
            }
            _ if !quotes.is_triple => return None,
            _ => {
                normalised.pop_if(|last| *last == b'\r');
                normalised.push(b'\n');
                at += 1;
            }
        }
    }
    end(is_escaping && prefix.is_raw, normalised);
    Some(at + quotes.length())
}

/// Closes a token. A raw string with a backslash is not the same as one that is not raw.
pub(super) fn end(is_raw: bool, normalised: &mut Vec<u8>) {
    normalised.extend_from_slice(if is_raw {
        &[STRING, b'r']
    } else {
        &[STRING, b'.']
    });
}

/// Takes a backslash and what it escapes; a quote is the same escaped or not.
pub(super) fn escape(
    source: &[u8],
    at: usize,
    prefix: Prefix,
    normalised: &mut Vec<u8>,
) -> Option<usize> {
    let next = *source.get(at + 1)?;
    match next {
        b'\n' | b'\r' => {
            normalised.push(b'\\');
            Some(line_break(source, at + 1, normalised))
        }
        b'\'' | b'"' if !prefix.is_raw => {
            normalised.push(next);
            Some(at + 2)
        }
        _ => {
            normalised.extend_from_slice(&[b'\\', next]);
            Some(at + 2)
        }
    }
}

/// Takes a line break, which Python reads as `\n` however it is written.
pub(super) fn line_break(source: &[u8], at: usize, normalised: &mut Vec<u8>) -> usize {
    normalised.push(b'\n');
    match source.get(at..at + 2) {
        Some(b"\r\n") => at + 2,
        _ => at + 1,
    }
}
