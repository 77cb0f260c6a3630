//! Names outside of literals and comments that are not what they look like: letters of another
//! script among Latin ones, and letters that Python reads as ASCII (PEP 3131 compares names in
//! NFKC). Quotes are counted, nothing is parsed.

use unicode_normalization::UnicodeNormalization;

use super::text::{TextFact, TextFactKind};

/// Letters of other scripts that a Latin letter is mistaken for.
const LOOK_ALIKES: &str = "\
    \u{0430}\u{0435}\u{043E}\u{0440}\u{0441}\u{0443}\u{0445}\u{0456}\u{0458}\u{0455}\u{0501}\
    \u{051B}\u{051D}\u{04BB}\u{0410}\u{0412}\u{0415}\u{041A}\u{041C}\u{041D}\u{041E}\u{0420}\
    \u{0421}\u{0422}\u{0423}\u{0425}\u{0406}\u{0408}\u{0405}\
    \u{03BF}\u{0391}\u{0392}\u{0395}\u{0396}\u{0397}\u{0399}\u{039A}\u{039C}\u{039D}\u{039F}\
    \u{03A1}\u{03A4}\u{03A5}\u{03A7}\
    \u{0585}\u{057D}\u{0578}\u{0570}\u{13AA}\u{13A0}\u{13D9}\u{13B7}\u{13BB}\u{13E2}";

/// Adds a fact for each suspicious name of `text`.
pub(super) fn look_at_names(text: &[u8], facts: &mut Vec<TextFact>) {
    let text = String::from_utf8_lossy(text);
    let mut reader = Reader {
        text: &text,
        at: 0,
        line: 1,
    };
    while let Some((name, line)) = reader.next_name() {
        let Some(kind) = kind_of(name) else {
            continue;
        };
        facts.push(TextFact {
            kind,
            line,
            amount: name.chars().count() as u32,
        });
    }
}

fn kind_of(name: &str) -> Option<TextFactKind> {
    if name.is_ascii() {
        return None;
    }
    let plain: String = name.nfkc().collect();
    let letters = plain.chars().filter(char::is_ascii_alphabetic).count();
    if plain.is_ascii() && letters >= 3 {
        return Some(TextFactKind::DisguisedName);
    }
    let has_latin = name.chars().any(|each| each.is_ascii_alphabetic());
    let has_look_alike = name.chars().any(|each| LOOK_ALIKES.contains(each));
    (has_latin && has_look_alike).then_some(TextFactKind::LookAlikeName)
}

struct Reader<'t> {
    text: &'t str,
    /// Where it is in the text: between two characters outside of literals.
    at: usize,
    line: u32,
}

impl<'t> Reader<'t> {
    /// The next name with letters beyond ASCII and its line, literals and comments left out.
    fn next_name(&mut self) -> Option<(&'t str, u32)> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'#' => {
                    let rest = &bytes[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                b'"' | b'\'' => self.skip_literal(*byte),
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | 0x80.. => {
                    let name = self.name();
                    if !name.is_ascii() {
                        return Some((name, self.line));
                    }
                }
                _ => self.at += 1,
            }
        }
        None
    }

    /// Reads the name that begins here; nothing, and one character on, where none does.
    fn name(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let is_ascii_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let ascii = rest.bytes().position(|byte| !is_ascii_part(&byte));
        let mut length = ascii.unwrap_or(rest.len());
        // Nearly every name ends here.
        if rest.as_bytes().get(length) >= Some(&0x80) {
            let is_part = |each: char| each.is_alphanumeric() || each == '_';
            length = rest.find(|each| !is_part(each)).unwrap_or(rest.len());
        }
        let name = &rest[..length];
        let first = rest.chars().next().map_or(1, char::len_utf8);
        self.at += length.max(first);
        name
    }

    fn skip_literal(&mut self, quote: u8) {
        let bytes = self.text.as_bytes();
        let is_triple = bytes[self.at..].starts_with(&[quote; 3]);
        self.at += if is_triple { 3 } else { 1 };
        while let Some(found) = memchr::memchr3(quote, b'\\', b'\n', &bytes[self.at..]) {
            self.at += found;
            match bytes[self.at] {
                b'\n' if !is_triple => return,
                b'\n' => self.line += 1,
                // What is escaped neither ends the literal nor escapes anything itself.
                b'\\' => {
                    let escaped = self.text[self.at + 1..].chars().next();
                    self.line += u32::from(escaped == Some('\n'));
                    self.at += escaped.map_or(0, char::len_utf8);
                }
                _ if !is_triple => {
                    self.at += 1;
                    return;
                }
                _ if bytes[self.at..].starts_with(&[quote; 3]) => {
                    self.at += 3;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(TextFactKind, u32)> {
        let mut facts = Vec::new();
        look_at_names(text.as_bytes(), &mut facts);
        facts.iter().map(|fact| (fact.kind, fact.line)).collect()
    }

    #[test]
    fn names_that_look_like_others_are_seen() {
        assert_eq!(
            kinds("\nr\u{0435}quests.get(1)"),
            [(TextFactKind::LookAlikeName, 2)]
        );
        assert_eq!(
            kinds("\u{FF45}\u{FF58}\u{FF45}\u{FF43}(1)"),
            [(TextFactKind::DisguisedName, 1)]
        );
    }

    #[test]
    fn languages_science_and_literals_are_left_alone() {
        for text in [
            "\u{0394}t = \u{03C3}_x + \u{03B1}2",
            "\u{0438}\u{043C}\u{044F} = 1",
            "a = 'r\u{0435}quests'  # \u{0435}x",
            "'''\n\u{0435}x\n'''\nna\u{EF}ve = \"\\\"\u{0435}x\"",
            "x\u{B2} = 1",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}
