//! Words of shell text: quotes, escapes, variables and substitutions.

use super::lexer::{Lexer, Until};
use super::word::WordBuilder;
use super::{Dialect, ShellWord};

/// The deepest that substitutions are followed; beyond that they are words.
const MAX_DEPTH: usize = 40;
/// The longest template expression (`{{ … }}`), in bytes.
const MAX_EXPRESSION: usize = 500;

impl Lexer<'_> {
    pub(super) fn word(&mut self) -> ShellWord {
        let mut word = WordBuilder::new(self.outer);
        let from = self.at;
        while let Some(next) = self.peek() {
            match next {
                '\'' if self.dialect != Dialect::Cmd => self.single_quoted(&mut word),
                '"' => self.double_quoted(&mut word),
                _ if self.is_escape(next) => self.escape(&mut word),
                '$' => self.dollar(&mut word),
                '%' if self.dialect == Dialect::Cmd => {
                    word.has_variables = true;
                    self.plain(&mut word, next);
                }
                '{' if self.expression(&mut word) => {}
                '`' if self.dialect == Dialect::Posix && self.operator(next).is_none() => {
                    self.substitution(&mut word, 1, Until::Backtick);
                }
                '<' | '>' if word.is_nothing() && self.is_substitution_of_process() => {
                    self.substitution(&mut word, 2, Until::Parenthesis);
                }
                '(' if self.is_array(&word) => self.array(&mut word),
                '(' if self.dialect == Dialect::PowerShell => {
                    self.substitution(&mut word, 1, Until::Parenthesis);
                }
                ' ' | '\t' | '\r' | '<' | '>' => break,
                _ if self.operator(next).is_some() => break,
                _ => self.plain(&mut word, next),
            }
        }
        word.finish(from, self.at)
    }

    fn plain(&mut self, word: &mut WordBuilder<'_>, next: char) {
        word.push(next, self.at);
        self.at += next.len_utf8();
    }

    fn is_escape(&self, next: char) -> bool {
        matches!(
            (self.dialect, next),
            (Dialect::Posix, '\\') | (Dialect::PowerShell, '`') | (Dialect::Cmd, '^')
        )
    }

    fn escape(&mut self, word: &mut WordBuilder<'_>) {
        self.bump();
        let at = self.at;
        match self.bump() {
            Some('\n') | None => {}
            Some('\r') if self.text[self.at..].starts_with('\n') => self.at += 1,
            Some(escaped) => word.push(escaped, at),
        }
    }

    fn single_quoted(&mut self, word: &mut WordBuilder<'_>) {
        word.is_quoted = true;
        self.bump();
        let rest = &self.text[self.at..];
        let length = rest.find('\'').unwrap_or(rest.len());
        word.push_raw(self.text, self.at, self.at + length);
        self.at = (self.at + length + 1).min(self.text.len());
    }

    fn double_quoted(&mut self, word: &mut WordBuilder<'_>) {
        word.is_quoted = true;
        self.bump();
        while let Some(next) = self.peek() {
            match next {
                '"' => {
                    self.bump();
                    return;
                }
                '\\' if self.dialect == Dialect::Posix => {
                    let escaped = self.text[self.at + 1..].chars().next();
                    match escaped {
                        Some('$' | '`' | '"' | '\\' | '\n') => self.escape(word),
                        _ => self.plain(word, next),
                    }
                }
                '`' if self.dialect == Dialect::PowerShell => self.escape(word),
                '`' if self.dialect == Dialect::Posix => {
                    if self.operator(next).is_some() {
                        return;
                    }
                    self.substitution(word, 1, Until::Backtick);
                }
                '$' => self.dollar(word),
                '{' if self.expression(word) => {}
                '%' if self.dialect == Dialect::Cmd => {
                    word.has_variables = true;
                    self.plain(word, next);
                }
                _ => self.plain(word, next),
            }
        }
    }

    /// A variable, a substitution, or a dollar that is only that.
    fn dollar(&mut self, word: &mut WordBuilder<'_>) {
        let rest = &self.text[self.at + 1..];
        if self.dialect == Dialect::Cmd {
            self.plain(word, '$');
            return;
        }
        let length = match rest.chars().next() {
            Some('(') if rest.starts_with("((") => arithmetic(rest),
            Some('(') if self.depth < MAX_DEPTH => {
                self.substitution(word, 2, Until::Parenthesis);
                return;
            }
            Some('\'') if self.dialect == Dialect::Posix => {
                self.bump();
                self.ansi_quoted(word);
                return;
            }
            Some('{') => match rest.starts_with("{{") {
                true => expression(rest).unwrap_or_else(|| braces(rest)),
                false => braces(rest),
            },
            Some(name) if name.is_alphabetic() || name == '_' => {
                let is_part = |part: char| part.is_alphanumeric() || "_:".contains(part);
                let is_part = |part: char| match self.dialect {
                    Dialect::PowerShell => is_part(part),
                    _ => is_part(part) && part != ':',
                };
                rest.len() - rest.trim_start_matches(is_part).len()
            }
            Some(special) if special.is_ascii_digit() || "@*#?-$!".contains(special) => 1,
            _ => {
                self.plain(word, '$');
                return;
            }
        };
        word.has_variables = true;
        word.push_raw(self.text, self.at, self.at + 1 + length);
        self.at += 1 + length;
    }

    /// `$'…'`, in which a backslash escapes.
    fn ansi_quoted(&mut self, word: &mut WordBuilder<'_>) {
        word.is_quoted = true;
        self.bump();
        while let Some(next) = self.peek() {
            match next {
                '\'' => {
                    self.bump();
                    return;
                }
                '\\' => self.escape(word),
                _ => self.plain(word, next),
            }
        }
    }

    /// A list of commands whose output is a part of a word; `length` is that of what opens it.
    fn substitution(&mut self, word: &mut WordBuilder<'_>, length: usize, until: Until) {
        if self.depth == MAX_DEPTH {
            word.push_raw(self.text, self.at, self.at + length);
            self.at += length;
            return;
        }
        let from = self.at;
        self.at += length;
        self.depth += 1;
        self.list(until);
        self.depth -= 1;
        word.has_variables = true;
        word.push_raw(self.text, from, self.at);
    }

    fn is_array(&self, word: &WordBuilder<'_>) -> bool {
        self.dialect == Dialect::Posix && word.as_str().ends_with('=') && !word.is_quoted
    }

    /// The value of an array, as far as the parenthesis that ends it.
    fn array(&mut self, word: &mut WordBuilder<'_>) {
        word.has_variables = true;
        while let Some(next) = self.peek() {
            self.plain(word, next);
            if next == ')' {
                return;
            }
        }
    }

    /// An expression of a template, `{{ … }}`.
    fn expression(&mut self, word: &mut WordBuilder<'_>) -> bool {
        let Some(length) = expression(&self.text[self.at..]) else {
            return false;
        };
        word.has_variables = true;
        word.push_raw(self.text, self.at, self.at + length);
        self.at += length;
        true
    }
}

/// The length of `{{ … }}` at the start of `rest`, all of it in one line.
fn expression(rest: &str) -> Option<usize> {
    if !rest.starts_with("{{") {
        return None;
    }
    let bytes = &rest.as_bytes()[..rest.len().min(MAX_EXPRESSION)];
    let mut pairs = bytes.windows(2).enumerate();
    let end = pairs.find(|(_, pair)| *pair == b"}}" || pair[0] == b'\n')?;
    (end.1 == b"}}").then_some(end.0 + 2)
}

/// The length of `((…))` at the start of `rest`.
fn arithmetic(rest: &str) -> usize {
    balanced(rest, ('(', ')'))
}

/// The length of `{…}` at the start of `rest`.
fn braces(rest: &str) -> usize {
    balanced(rest, ('{', '}'))
}

fn balanced(rest: &str, (open, close): (char, char)) -> usize {
    let mut depth = 0_usize;
    let mut is_escaped = false;
    for (at, next) in rest.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if next == '\\' {
            is_escaped = true;
        } else if next == open {
            depth += 1;
        } else if next == close {
            depth -= 1;
            if depth == 0 {
                return at + close.len_utf8();
            }
        }
    }
    rest.len()
}
