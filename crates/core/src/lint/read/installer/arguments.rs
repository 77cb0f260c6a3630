//! [`take`]: the arguments of an installer, one by one, as what they name and how they set it.

use super::configure;
use super::grammar::{Grammar, Takes, VerbGrammar};
use super::program::Program;
use super::wanted;
use crate::lint::contents::{Contents, Included, Invocation, InvocationId, Role, Span, Tool, Verb};
use crate::lint::read::environment::named_or_not;
use crate::lint::read::options::Given;
use crate::lint::read::requirement::{self, Purpose};
use crate::lint::read::shell::ShellWord;

/// What became of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) invocation: Option<InvocationId>,
    /// The word at which the command begins that this one runs.
    pub(super) runs_at: Option<usize>,
}

static OTHER: VerbGrammar = VerbGrammar {
    words: &[],
    verb: Verb::Other,
    takes: Takes::Nothing,
    values: "",
};

/// Takes the arguments of `program`.
pub(super) fn take(
    words: &[ShellWord],
    program: &Program,
    grammar: &'static Grammar,
    command: usize,
    contents: &mut Contents,
) -> Taken {
    let (verb, verb_at, from) = verb(words, program, grammar);
    let end = words.last().map_or(0, |last| last.at.end);
    let start = words[program.at].at.start;
    contents.invocations.push(Invocation {
        tool: grammar.tool,
        verb: verb.verb,
        command,
        at: start..end.max(start),
        verb_at: words[verb_at].at.clone(),
    });
    let mut reading = Reading {
        words,
        grammar,
        verb,
        id: contents.invocations.len() - 1,
        names_its_tool: false,
        arguments: Vec::new(),
        runs_at: None,
    };
    reading.all(from, contents);
    reading.finish(contents);
    Taken {
        invocation: Some(reading.id),
        runs_at: reading.runs_at,
    }
}

/// The verb, the word that says it, and the word behind it.
fn verb(
    words: &[ShellWord],
    program: &Program,
    grammar: &'static Grammar,
) -> (&'static VerbGrammar, usize, usize) {
    if let Some(only) = grammar.verbs.iter().find(|verb| verb.words.is_empty()) {
        return (only, program.at, program.arguments);
    }
    let mut at = program.arguments;
    while let Some(word) = words.get(at).map(ShellWord::as_str) {
        if !word.starts_with('-') {
            break;
        }
        at += 1 + usize::from(grammar.has_value(word));
    }
    let says = |verb: &&VerbGrammar| {
        let said = words.get(at..).unwrap_or_default().iter();
        let said = said.map(ShellWord::as_str).take(verb.words.len());
        said.eq(verb.words.iter().copied())
    };
    match grammar.verbs.iter().find(says) {
        Some(verb) => (verb, at + verb.words.len() - 1, at + verb.words.len()),
        None => (&OTHER, at.min(words.len() - 1), words.len()),
    }
}

struct Reading<'w> {
    words: &'w [ShellWord],
    grammar: &'static Grammar,
    verb: &'static VerbGrammar,
    id: InvocationId,
    /// Whether `--from` or `--spec` says what is to be run.
    names_its_tool: bool,
    /// Arguments of a configuration.
    arguments: Vec<usize>,
    runs_at: Option<usize>,
}

impl Reading<'_> {
    fn all(&mut self, from: usize, contents: &mut Contents) {
        let mut at = from;
        let mut are_options = true;
        while let Some(word) = self.words.get(at) {
            let text = word.as_str();
            if are_options && text == "--" {
                are_options = false;
                at += 1;
            } else if are_options && text.starts_with("--") {
                at += self.long(at, contents);
            } else if are_options && text.len() > 1 && text.starts_with('-') {
                at += self.short(at, contents);
            } else {
                if self.argument(at, contents) {
                    return;
                }
                at += 1;
            }
        }
    }

    /// Takes a long option, and says how many words it is.
    fn long(&mut self, at: usize, contents: &mut Contents) -> usize {
        let word = &self.words[at];
        let text = word.as_str();
        if let Some((name, _)) = text.split_once('=') {
            let value = part(word, name.len() + 1);
            let known = self.grammar.value_name(self.verb, name);
            let key = known.unwrap_or(name.trim_start_matches('-')).to_owned();
            self.option(&key, &value, word.at.clone(), contents);
            return 1;
        }
        match self.grammar.value_name(self.verb, text) {
            Some(key) => self.with_next(key, at, contents),
            None => {
                self.flag(text.trim_start_matches('-'), word.at.clone(), contents);
                1
            }
        }
    }

    /// Takes a word of short options, of which the last may have a value.
    fn short(&mut self, at: usize, contents: &mut Contents) -> usize {
        let word = &self.words[at];
        let text = word.as_str();
        if let Some(key) = self.grammar.value_name(self.verb, text) {
            return self.with_next(key, at, contents);
        }
        for (inside, letter) in text.char_indices().skip(1) {
            let spelled = format!("-{letter}");
            let behind = inside + letter.len_utf8();
            if let Some(key) = self.grammar.value_name(self.verb, &spelled) {
                let key = key.to_owned();
                if behind == text.len() {
                    return self.with_next(&key, at, contents);
                }
                let sign = usize::from(text[behind..].starts_with('='));
                self.option(&key, &part(word, behind + sign), word.at.clone(), contents);
                return 1;
            }
            if spelled == "-U" {
                self.flag("upgrade", word.at.clone(), contents);
            }
        }
        1
    }

    fn with_next(&mut self, key: &str, at: usize, contents: &mut Contents) -> usize {
        if let Some(value) = self.words.get(at + 1) {
            let all = self.words[at].at.start..value.at.end.max(self.words[at].at.start);
            self.option(key, value, all, contents);
        }
        2
    }

    fn flag(&mut self, key: &str, at: Span, contents: &mut Contents) {
        let given = Given {
            tool: self.grammar.tool,
            key,
            value: "true",
            at: at.clone(),
            value_at: at,
            by: Some(self.id),
        };
        named_or_not(given, contents);
    }

    fn option(&mut self, key: &str, value: &ShellWord, at: Span, contents: &mut Contents) {
        match key {
            "editable" | "with-editable" => {
                let wanted = requirement::editable(&value.text, self.purpose());
                contents.wanted.push(wanted);
            }
            "from" | "spec" if self.verb.takes == Takes::Tool => {
                self.names_its_tool = true;
                self.wanted(value, contents);
            }
            "with" if matches!(self.grammar.tool, Tool::Uv | Tool::Pipx) => {
                let text = value.as_str();
                let mut start = 0;
                for one in text.split(',') {
                    let part = ShellWord {
                        text: value.text.part(start..start + one.len()),
                        at: value.text.place(start..start + one.len()),
                        has_variables: value.has_variables,
                    };
                    start += one.len() + 1;
                    self.wanted(&part, contents);
                }
            }
            _ => {
                let given = Given {
                    tool: self.grammar.tool,
                    key,
                    value: value.as_str(),
                    at,
                    value_at: value.text.at(),
                    by: Some(self.id),
                };
                named_or_not(given, contents);
            }
        }
    }

    /// Takes an argument that is no option; whether those behind it are not this installer's.
    fn argument(&mut self, at: usize, contents: &mut Contents) -> bool {
        let word = &self.words[at];
        match self.verb.takes {
            Takes::Requirements | Takes::PoetryRequirements => {
                let is_name_of_environment =
                    self.verb.words == ["inject"] && self.arguments.is_empty();
                self.arguments.push(at);
                if !is_name_of_environment {
                    self.wanted(word, contents);
                }
            }
            Takes::Files(role) => contents.included.push(Included {
                path: word.as_str().to_owned(),
                at: word.text.at(),
                role,
                by: Some(self.id),
            }),
            Takes::Tool => {
                if !self.names_its_tool {
                    self.wanted(word, contents);
                }
                return true;
            }
            Takes::Command => {
                self.runs_at = Some(at);
                return true;
            }
            Takes::Configuration => self.arguments.push(at),
            Takes::Nothing => {}
        }
        false
    }

    fn wanted(&self, word: &ShellWord, contents: &mut Contents) {
        let wanted = wanted::read(word, self.verb.takes, self.purpose());
        contents.wanted.push(wanted);
    }

    fn purpose(&self) -> Purpose {
        Purpose {
            tool: self.grammar.tool,
            role: Role::Command,
            by: Some(self.id),
        }
    }

    /// Looks at all arguments together.
    fn finish(&mut self, contents: &mut Contents) {
        if self.verb.takes == Takes::Configuration {
            let words = self.arguments.iter().map(|at| &self.words[*at]);
            let words: Vec<&ShellWord> = words.collect();
            configure::take((self.grammar.tool, self.verb), &words, self.id, contents);
        }
        let is_pipenv = self.grammar.tool == Tool::Pipenv && self.verb.words == ["install"];
        if is_pipenv && !self.arguments.is_empty() {
            contents.invocations[self.id].verb = Verb::Add;
        }
    }
}

/// What stands in a word from `from` on.
fn part(word: &ShellWord, from: usize) -> ShellWord {
    let text = word.text.part(from..word.as_str().len());
    ShellWord {
        at: text.at(),
        text,
        has_variables: word.has_variables,
    }
}
