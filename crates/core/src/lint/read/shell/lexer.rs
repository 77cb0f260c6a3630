//! [`simple_commands`]: the one pass over shell text.

use super::{Assignment, Dialect, ShellWord, Simple};
use crate::lint::syntax::Spelled;

/// The simple commands of `text`, in the order in which they end: what is substituted stands before the
/// command that uses it.
pub(in crate::lint::read) fn simple_commands(text: &Spelled, dialect: Dialect) -> Vec<Simple> {
    let mut lexer = Lexer {
        outer: text,
        text: text.as_str(),
        at: 0,
        dialect,
        depth: 0,
        commands: Vec::new(),
        here_documents: Vec::new(),
    };
    lexer.list(Until::End);
    lexer.commands
}

pub(super) struct Lexer<'t> {
    pub(super) outer: &'t Spelled,
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) dialect: Dialect,
    pub(super) depth: usize,
    commands: Vec<Simple>,
    /// Those whose bodies follow the current line.
    here_documents: Vec<HereDocument>,
}

struct HereDocument {
    command: usize,
    delimiter: String,
    is_indented: bool,
}

/// What ends a list of commands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    End,
    Parenthesis,
    Backtick,
}

/// Where a `case` is that has not ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Pattern,
    Body,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Newline,
    /// `;`, `&` and the braces of PowerShell.
    Next,
    /// `;;` and its like.
    EndOfCase,
    Pipe,
    And,
    Or,
    Open,
    Close,
    Backtick,
}

/// What a list of commands has to remember from one command to the next.
struct List {
    until: Until,
    parentheses: usize,
    cases: Vec<Case>,
    piped: Option<usize>,
    is_fallback: bool,
    last: Option<usize>,
}

impl Lexer<'_> {
    pub(super) fn list(&mut self, until: Until) {
        let mut list = List {
            until,
            parentheses: 0,
            cases: Vec::new(),
            piped: None,
            is_fallback: false,
            last: None,
        };
        loop {
            self.blanks();
            if list.cases.last() == Some(&Case::Pattern) {
                self.pattern(&mut list);
                continue;
            }
            let Some(next) = self.peek() else {
                return;
            };
            match self.operator(next) {
                Some((operator, length)) => {
                    self.at += length;
                    if self.take_operator(operator, &mut list) {
                        return;
                    }
                }
                None => self.command(&mut list),
            }
        }
    }

    /// Whether the list ends here.
    fn take_operator(&mut self, operator: Operator, list: &mut List) -> bool {
        match operator {
            Operator::Pipe => list.piped = list.last,
            Operator::Or => (list.piped, list.is_fallback) = (None, true),
            // A pipe and what stands behind `||` may go on in the next line.
            Operator::Newline => {
                self.bodies();
                return false;
            }
            Operator::Open => list.parentheses += 1,
            Operator::Close if list.parentheses == 0 && list.until == Until::Parenthesis => {
                return true;
            }
            Operator::Close => {
                list.parentheses = list.parentheses.saturating_sub(1);
                return false;
            }
            Operator::Backtick if list.until == Until::Backtick => return true,
            Operator::EndOfCase => {
                if let Some(case) = list.cases.last_mut() {
                    *case = Case::Pattern;
                }
            }
            Operator::Next | Operator::And | Operator::Backtick => list.piped = None,
        }
        false
    }

    pub(super) fn operator(&self, next: char) -> Option<(Operator, usize)> {
        let rest = &self.text[self.at..];
        let is_cmd = self.dialect == Dialect::Cmd;
        let is_powershell = self.dialect == Dialect::PowerShell;
        let found = match next {
            '\n' => (Operator::Newline, 1),
            ';' if is_cmd => return None,
            ';' if rest.starts_with(";;&") => (Operator::EndOfCase, 3),
            ';' if rest.starts_with(";;") || rest.starts_with(";&") => (Operator::EndOfCase, 2),
            ';' => (Operator::Next, 1),
            '|' if rest.starts_with("||") => (Operator::Or, 2),
            '|' if rest.starts_with("|&") => (Operator::Pipe, 2),
            '|' => (Operator::Pipe, 1),
            '&' if rest.starts_with("&&") => (Operator::And, 2),
            '&' if rest.starts_with("&>") => return None,
            '&' => (Operator::Next, 1),
            '(' => (Operator::Open, 1),
            ')' => (Operator::Close, 1),
            '`' if self.dialect == Dialect::Posix => (Operator::Backtick, 1),
            '{' | '}' if is_powershell => (Operator::Next, 1),
            _ => return None,
        };
        // Outside of one, a backtick begins a substitution, which is a word.
        (found.0 != Operator::Backtick || self.depth > 0).then_some(found)
    }

    /// Skips the pattern of a `case`, or its end.
    fn pattern(&mut self, list: &mut List) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.bump();
            self.blanks();
        }
        let rest = &self.text[self.at..];
        let is_end = rest.strip_prefix("esac").is_some_and(|behind| {
            !behind.starts_with(|next: char| next.is_alphanumeric() || "_-)|".contains(next))
        });
        if is_end {
            self.at += "esac".len();
            list.cases.pop();
            return;
        }
        self.at += usize::from(rest.starts_with('('));
        while let Some(next) = self.bump() {
            match next {
                ')' => break,
                '\\' => {
                    self.bump();
                }
                _ => {}
            }
        }
        match self.peek() {
            Some(_) => *list.cases.last_mut().expect("in a case") = Case::Body,
            None => list.cases.clear(),
        }
    }

    /// Reads one simple command, or a keyword and what belongs to it.
    fn command(&mut self, list: &mut List) {
        let mut simple = Simple {
            reads_from: list.piped.take(),
            is_fallback: std::mem::take(&mut list.is_fallback),
            ..Simple::default()
        };
        let mut here_documents = Vec::new();
        let before = self.at;
        loop {
            self.blanks();
            let Some(next) = self.peek() else {
                break;
            };
            if self.is_substitution_of_process() {
                simple.words.push(self.word());
                continue;
            }
            if self.redirection(next, &mut simple, &mut here_documents) {
                continue;
            }
            if self.operator(next).is_some() && !self.is_value(next, &simple) {
                if next == '(' && self.function(&mut simple) {
                    continue;
                }
                break;
            }
            let from = self.at;
            let word = self.word();
            if from == self.at {
                // Nothing can be made of it as a word: step over it.
                self.bump();
                continue;
            }
            if simple.words.is_empty() && self.is_keyword(&word, from, list, &simple) {
                if matches!(word.as_str(), "for" | "select" | "foreach") {
                    self.skip_words();
                    break;
                }
                continue;
            }
            self.take_word(word, from, &mut simple);
        }
        if self.at == before {
            self.bump();
        }
        self.end_command(simple, here_documents, list);
    }

    fn end_command(&mut self, simple: Simple, heres: Vec<HereDocument>, list: &mut List) {
        if simple.words.is_empty() && simple.assignments.is_empty() {
            list.last = None;
            return;
        }
        let position = self.commands.len();
        list.last = Some(position);
        self.commands.push(simple);
        let heres = heres.into_iter();
        self.here_documents.extend(heres.map(|here| HereDocument {
            command: position,
            ..here
        }));
    }

    fn take_word(&mut self, word: ShellWord, from: usize, simple: &mut Simple) {
        let raw = &self.text[from..self.at];
        let is_number = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && self.text[self.at..].starts_with(['<', '>']) {
            return;
        }
        let name = name_of_assignment(raw).filter(|_| self.dialect == Dialect::Posix);
        match name.filter(|_| simple.words.is_empty()) {
            None => simple.words.push(word),
            Some((name, length)) => {
                let value = word.text.part(length..word.text.as_str().len().max(length));
                let at = word.at.clone();
                let value_at = value.at().start.min(at.end)..at.end;
                simple.assignments.push(Assignment {
                    name: name.to_owned(),
                    value: ShellWord {
                        text: value,
                        at: value_at,
                        has_variables: word.has_variables,
                    },
                    at,
                });
            }
        }
    }

    /// Whether `word` is a keyword behind which a command begins or ends.
    fn is_keyword(
        &mut self,
        word: &ShellWord,
        from: usize,
        list: &mut List,
        simple: &Simple,
    ) -> bool {
        if self.dialect == Dialect::Cmd || !simple.assignments.is_empty() {
            return false;
        }
        // A quoted keyword is none.
        if self.text[from..self.at] != *word.as_str() {
            return false;
        }
        match word.as_str() {
            "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "!" | "{" | "fi"
            | "done" | "}" | "for" | "select" | "foreach" => true,
            "esac" => {
                list.cases.pop();
                true
            }
            "case" => {
                self.blanks();
                self.word();
                self.blanks();
                if self.text[self.at..].starts_with("in") {
                    self.at += 2;
                    list.cases.push(Case::Pattern);
                }
                true
            }
            "function" => {
                self.blanks();
                self.word();
                true
            }
            "[[" => {
                let rest = &self.text[self.at..];
                let end = rest.find("]]").map_or(rest.len(), |end| end + 2);
                self.at += end;
                true
            }
            _ => false,
        }
    }

    /// Skips what a loop runs over.
    fn skip_words(&mut self) {
        loop {
            self.blanks();
            let Some(next) = self.peek() else {
                return;
            };
            if self.operator(next).is_some() {
                return;
            }
            let before = self.at;
            self.word();
            if self.at == before {
                self.bump();
            }
        }
    }

    /// Takes `()` behind the name of a function, of which a command is the body.
    fn function(&mut self, simple: &mut Simple) -> bool {
        let behind = self.text[self.at + 1..].trim_start_matches([' ', '\t']);
        if simple.words.len() != 1 || !behind.starts_with(')') {
            return false;
        }
        simple.words.clear();
        self.at = self.text.len() - behind.len() + 1;
        true
    }

    /// Whether a parenthesis stands for a value, as in the arguments of PowerShell.
    fn is_value(&self, next: char, simple: &Simple) -> bool {
        self.dialect == Dialect::PowerShell && next == '(' && !simple.words.is_empty()
    }

    pub(super) fn is_substitution_of_process(&self) -> bool {
        let rest = &self.text[self.at..];
        self.dialect == Dialect::Posix && (rest.starts_with("<(") || rest.starts_with(">("))
    }

    fn redirection(
        &mut self,
        next: char,
        simple: &mut Simple,
        heres: &mut Vec<HereDocument>,
    ) -> bool {
        let rest = &self.text[self.at..];
        if !matches!(next, '<' | '>') && !rest.starts_with("&>") {
            return false;
        }
        let is_posix = self.dialect == Dialect::Posix;
        let is_here = is_posix && rest.starts_with("<<") && !rest.starts_with("<<<");
        let is_indented = rest.starts_with("<<-");
        let is_string = is_posix && rest.starts_with("<<<");
        let sign = rest.trim_start_matches(['<', '>', '&', '|']);
        self.at += rest.len() - sign.len() + usize::from(is_indented);
        self.blanks();
        let from = self.at;
        let word = match self.peek() {
            Some(next) if self.operator(next).is_none() => self.word(),
            _ => return true,
        };
        if is_here && self.at > from {
            heres.push(HereDocument {
                command: 0,
                delimiter: word.as_str().to_owned(),
                is_indented,
            });
        } else if is_string {
            simple.here = Some(word.text);
        }
        true
    }

    /// Takes the bodies of here-documents that begin at the current line.
    fn bodies(&mut self) {
        for here in std::mem::take(&mut self.here_documents) {
            let start = self.at;
            let mut end = self.text.len();
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
                let line = rest[..length].trim_end_matches(['\n', '\r']);
                let line = match here.is_indented {
                    true => line.trim_start_matches('\t'),
                    false => line,
                };
                let line_start = self.at;
                self.at += length;
                if line == here.delimiter {
                    end = line_start;
                    break;
                }
            }
            self.commands[here.command].here = Some(self.outer.part(start..end));
        }
    }

    /// Skips white space within a line, continued lines and comments.
    fn blanks(&mut self) {
        let escape = match self.dialect {
            Dialect::Posix => '\\',
            Dialect::PowerShell => '`',
            Dialect::Cmd => '^',
        };
        loop {
            let rest = &self.text[self.at..];
            let mut characters = rest.chars();
            match characters.next() {
                Some(' ' | '\t' | '\r' | '\u{c}') => self.at += 1,
                Some('#') if self.dialect != Dialect::Cmd => {
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                Some(first) if first == escape => match characters.next() {
                    Some('\n') => self.at += 2,
                    Some('\r') if characters.next() == Some('\n') => self.at += 3,
                    _ => return,
                },
                _ => return,
            }
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }
}

/// The name that is assigned to, and the length of it with its sign.
fn name_of_assignment(raw: &str) -> Option<(&str, usize)> {
    let (name, _) = raw.split_once('=')?;
    let length = name.len() + 1;
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut characters = name.chars();
    let is_first = |first: char| first.is_ascii_alphabetic() || first == '_';
    let is_name = characters.next().is_some_and(is_first)
        && characters.all(|part| part.is_ascii_alphanumeric() || part == '_');
    is_name.then_some((name, length))
}
