//! What the text of a source shows without being parsed: code hidden behind white space, lines too
//! long to be read, characters that cannot be seen or that look like others. One pass over the bytes.

use memchr::memchr_iter;

/// Something unusual in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFact {
    /// What.
    pub kind: TextFactKind,
    /// Counted from 1.
    pub line: u32,
    /// How much of it: characters of the line, spaces in the run, characters of the kind.
    pub amount: u32,
}

/// The kinds of what a text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFactKind {
    /// At least 200 spaces or tabs with code after them on the same line.
    CodeBehindSpaces,
    /// A line of more than 5,000 characters that is not one long literal or comment.
    LongLine,
    /// Controls that change the direction of text (U+202A–E, U+2066–9).
    Bidirectional,
    /// The same controls, each closed on the line it was opened on: how such scripts are written.
    BalancedDirections,
    /// A name that mixes Latin letters with letters of another script that look like them.
    LookAlikeName,
    /// A name in letters that Python reads as ASCII: mathematical, full-width, circled.
    DisguisedName,
    /// Sixteen or more invisible or private-use characters in a row.
    Invisible,
    /// A NUL byte.
    Nul,
}

/// A line longer than this is looked at.
pub(super) const LONG_LINE: usize = 5_000;
/// As many spaces in the middle of a line as hide what follows on most screens.
const HIDING_SPACES: usize = 200;
/// As many invisible characters in a row as nobody types.
const INVISIBLE_RUN: u32 = 16;
/// Facts of one kind in one source that are kept.
const KEPT: usize = 8;

/// The facts of `text`, in the order of lines and at most a few of each kind, and the length of its
/// longest line in bytes.
pub(super) fn look(text: &[u8]) -> (Vec<TextFact>, usize) {
    let mut facts = Vec::new();
    let mut longest = 0;
    let mut start = 0;
    let mut line = 0;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        line += 1;
        let length = end - start;
        if length > longest {
            longest = length;
        }
        if length > HIDING_SPACES {
            look_at_long_line(&text[start..end], line, &mut facts);
        }
        start = end + 1;
    }
    if !text.is_ascii() {
        look_at_characters(text, &mut facts);
        super::names_in_text::look_at_names(text, &mut facts);
    }
    if let Some(at) = memchr::memchr(0, text) {
        let line = memchr_iter(b'\n', &text[..at]).count() as u32 + 1;
        facts.push(TextFact {
            kind: TextFactKind::Nul,
            line,
            amount: 1,
        });
    }
    keep_some(&mut facts);
    (facts, longest)
}

fn look_at_long_line(line: &[u8], number: u32, facts: &mut Vec<TextFact>) {
    let mut run = 0;
    let mut begun = false;
    for &byte in line {
        if matches!(byte, b' ' | b'\t' | 0x0c) {
            run += 1;
            continue;
        }
        if run >= HIDING_SPACES && begun && byte != b'#' && byte != b'\r' && byte != b'\\' {
            let amount = run as u32;
            facts.push(TextFact {
                kind: TextFactKind::CodeBehindSpaces,
                line: number,
                amount,
            });
            break;
        }
        run = 0;
        begun = true;
    }
    if line.len() > LONG_LINE && is_code(line) {
        let amount = line.len() as u32;
        facts.push(TextFact {
            kind: TextFactKind::LongLine,
            line: number,
            amount,
        });
    }
}

/// Whether a long line is more than a comment or the inside of a literal: it has calls outside of
/// quotes. Quotes are counted, not parsed, so a line inside a docstring may be taken for code.
fn is_code(line: &[u8]) -> bool {
    let mut quote = None;
    let mut calls = 0;
    let mut at = 0;
    while at < line.len() {
        let byte = line[at];
        match quote {
            Some(_) if byte == b'\\' => at += 1,
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'#' => break,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'(' && at > 0 && is_name_byte(line[at - 1]) => calls += 1,
            None => {}
        }
        at += 1;
    }
    calls >= 1
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b')' || byte == b']'
}

fn look_at_characters(text: &[u8], facts: &mut Vec<TextFact>) {
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.is_ascii() {
            continue;
        }
        let number = number as u32 + 1;
        let (mut bidirectional, mut run, mut longest) = (0, 0, 0);
        let (mut open, mut is_unbalanced) = (0_u32, false);
        let characters: Vec<char> = String::from_utf8_lossy(line).chars().collect();
        let is_quote = |at: Option<usize>| {
            let found = at.and_then(|at| characters.get(at));
            matches!(found, Some('"' | '\''))
        };
        for (at, character) in characters.iter().copied().enumerate() {
            // A control that is all of a literal, as in tables of characters, turns nothing around.
            let is_alone = is_quote(at.checked_sub(1)) && is_quote(Some(at + 1));
            match character {
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' if is_alone => {
                    bidirectional += 1;
                }
                '\u{202C}' | '\u{2069}' => {
                    bidirectional += 1;
                    is_unbalanced |= open == 0;
                    open = open.saturating_sub(1);
                }
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                    bidirectional += 1;
                    open += 1;
                }
                _ => {}
            }
            run = if is_invisible(character) { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        if bidirectional > 0 {
            let kind = if is_unbalanced || open > 0 {
                TextFactKind::Bidirectional
            } else {
                TextFactKind::BalancedDirections
            };
            facts.push(TextFact {
                kind,
                line: number,
                amount: bidirectional,
            });
        }
        if longest >= INVISIBLE_RUN {
            facts.push(TextFact {
                kind: TextFactKind::Invisible,
                line: number,
                amount: longest,
            });
        }
    }
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{E000}'..='\u{F8FF}' | '\u{FEFF}' | '\u{E0000}'..='\u{E01EF}'
        | '\u{F0000}'..='\u{10FFFD}')
}

fn keep_some(facts: &mut Vec<TextFact>) {
    let mut seen = [0usize; 8];
    facts.sort_by_key(|fact| fact.line);
    facts.retain(|fact| {
        let count = &mut seen[fact.kind as usize];
        *count += 1;
        *count <= KEPT
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(TextFactKind, u32)> {
        look(text.as_bytes())
            .0
            .into_iter()
            .map(|fact| (fact.kind, fact.line))
            .collect()
    }

    #[test]
    fn code_behind_spaces_is_seen_and_padding_before_comments_is_not() {
        let spaces = " ".repeat(250);
        let hidden = format!("x = 1\npass;{spaces}import os");
        assert_eq!(kinds(&hidden), [(TextFactKind::CodeBehindSpaces, 2)]);
        assert_eq!(kinds(&format!("pass{spaces}# note")), []);
        assert_eq!(kinds(&format!("{spaces}deeply_indented()")), []);
    }

    #[test]
    fn a_long_line_of_code_is_not_a_long_literal() {
        let code = format!("a={}", "f(1)+".repeat(2_000));
        assert_eq!(kinds(&code), [(TextFactKind::LongLine, 1)]);
        assert_eq!(kinds(&format!("a = '{}'", "x(1)".repeat(2_000))), []);
        assert_eq!(kinds(&format!("# {}", "f(1)".repeat(2_000))), []);
    }

    #[test]
    fn characters_that_cannot_be_seen_are_counted() {
        assert_eq!(kinds("a = '\u{202E}x'"), [(TextFactKind::Bidirectional, 1)]);
        let alone = kinds("a = {'afii': '\u{202E}'}");
        assert_eq!(alone, [(TextFactKind::BalancedDirections, 1)]);
        let invisible = "\u{FE01}".repeat(20);
        assert_eq!(
            kinds(&format!("\na = '{invisible}'")),
            [(TextFactKind::Invisible, 2)]
        );
        assert_eq!(kinds("a = 'naïve 👩\u{200D}🚀'"), []);
        assert_eq!(kinds("a\0b"), [(TextFactKind::Nul, 1)]);
    }
}
