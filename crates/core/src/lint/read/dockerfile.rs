//! Dockerfiles and Containerfiles: images (`FROM`, `COPY --from`, `--mount`), and what `RUN` runs, as whom and in
//! which environment. Stages inherit from those that they are built from.

mod instructions;

use std::collections::HashMap;

use super::commands;
use super::environment;
use super::images;
use super::shell::{Dialect, ShellWord};
use crate::lint::contents::{Contents, Runs, User};
use crate::lint::syntax::Spelled;
use instructions::Instruction;

/// Where the commands of a stage run.
#[derive(Clone, Copy, Debug)]
struct Stage {
    runs: Runs,
    dialect: Dialect,
}

struct Reading {
    /// Each stage by its name in lower case, as far as it is read.
    stages: HashMap<String, Stage>,
    /// What `ARG` sets.
    arguments: HashMap<String, String>,
    /// The name of the current stage.
    name: Option<String>,
    current: Stage,
}

/// Reads a Dockerfile.
pub(super) fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    let mut reading = Reading {
        stages: HashMap::new(),
        arguments: HashMap::new(),
        name: None,
        current: of_image(User::Unknown),
    };
    for instruction in instructions::of(text) {
        reading.take(&instruction, &mut contents);
        if let Some(name) = &reading.name {
            reading.stages.insert(name.clone(), reading.current);
        }
    }
    contents
}

fn of_image(user: User) -> Stage {
    Stage {
        runs: Runs {
            user,
            unattended: true,
            in_environment: false,
        },
        dialect: Dialect::Posix,
    }
}

impl Reading {
    fn take(&mut self, instruction: &Instruction, contents: &mut Contents) {
        match instruction.name.as_str() {
            "FROM" => self.from(&instruction.words(), contents),
            "RUN" => self.run(instruction, contents),
            "USER" => self.user(&instruction.words()),
            "ENV" => self.variables(&instruction.words(), contents),
            "ARG" => self.argument(&instruction.words(), contents),
            "SHELL" => self.shell(instruction),
            "COPY" | "ADD" => {
                let words = instruction.words();
                let mut sources = words.iter().filter_map(|word| after(word, "--from="));
                if let Some(source) = sources.next() {
                    self.image(&source, contents);
                }
            }
            _ => {}
        }
    }

    fn from(&mut self, words: &[ShellWord], contents: &mut Contents) {
        let mut names = words.iter().filter(|word| !word.as_str().starts_with("--"));
        let Some(image) = names.next() else {
            return;
        };
        let base = self.stages.get(&image.as_str().to_ascii_lowercase());
        self.current = match base {
            Some(stage) => *stage,
            None => of_image(images::user_of(&self.expanded(image.as_str()))),
        };
        self.image(image, contents);
        let is_named = names
            .next()
            .is_some_and(|word| word.as_str().eq_ignore_ascii_case("as"));
        let name = names.next().filter(|_| is_named);
        self.name = name.map(|name| name.as_str().to_ascii_lowercase());
    }

    /// Takes an image, unless it is a stage of this file.
    fn image(&self, word: &ShellWord, contents: &mut Contents) {
        let text = word.as_str();
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_stage = is_number || self.stages.contains_key(&text.to_ascii_lowercase());
        if !is_stage {
            let expanded = self.expanded(text);
            contents
                .references
                .extend(images::reference(&expanded, word.at.clone()));
        }
    }

    /// `text` with the values of `ARG` in the place of their variables. One that has none stays.
    fn expanded(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once('$') else {
            return text.to_owned();
        };
        let (name, behind) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, behind)) => (name, behind),
            None => {
                let is_part = |part: char| part.is_ascii_alphanumeric() || part == '_';
                rest.split_at(rest.find(|part| !is_part(part)).unwrap_or(rest.len()))
            }
        };
        let (name, fallback) = match name.split_once(":-") {
            Some((name, fallback)) => (name, Some(fallback)),
            None => (name, None),
        };
        let value = self.arguments.get(name).map(String::as_str).or(fallback);
        let Some(value) = value else {
            return text.to_owned();
        };
        // One more variable is expanded, no more: values of values would be a way to grow.
        let behind = match behind.contains('$') && self.arguments.len() < 64 {
            true => self.expanded(behind),
            false => behind.to_owned(),
        };
        format!("{before}{value}{behind}")
    }

    fn run(&mut self, instruction: &Instruction, contents: &mut Contents) {
        let (options, rest) = instruction.options();
        for option in &options {
            let fields = option.as_str().strip_prefix("--mount=").unwrap_or_default();
            let at = fields.split(',').find(|field| field.starts_with("from="));
            if let Some(source) = at.and_then(|field| after_text(option, field, "from=")) {
                self.image(&source, contents);
            }
        }
        let Stage { runs, dialect } = self.current;
        match instructions::exec_form(&rest) {
            Some(words) => commands::words(words, runs, contents),
            None => {
                let text = instruction.with_bodies(&rest);
                commands::script(&text, dialect, runs, contents);
            }
        }
    }

    fn user(&mut self, words: &[ShellWord]) {
        let name = words.first().map(|word| self.expanded(word.as_str()));
        let name = name.as_deref().unwrap_or_default();
        let user = match name.split(':').next().unwrap_or_default() {
            "root" | "0" => User::Root,
            name if name.starts_with('$') => User::Unknown,
            _ => User::Other,
        };
        self.current.runs.user = user;
    }

    fn variables(&mut self, words: &[ShellWord], contents: &mut Contents) {
        let is_old = words
            .first()
            .is_some_and(|first| !first.as_str().contains('='));
        if is_old {
            // `ENV NAME the value` is the form without a sign.
            let [name, value, ..] = words else {
                return;
            };
            let at = name.at.start..value.at.end.max(name.at.start);
            self.variable(name.as_str(), &value.text, at, contents);
            return;
        }
        for word in words {
            if let Some((name, _)) = word.as_str().split_once('=') {
                let value = word.text.part(name.len() + 1..word.as_str().len());
                self.variable(name, &value, word.at.clone(), contents);
            }
        }
    }

    fn variable(
        &mut self,
        name: &str,
        value: &Spelled,
        at: crate::lint::contents::Span,
        contents: &mut Contents,
    ) {
        let text = value.as_str();
        self.current.runs.in_environment |= commands::activates(name, &self.expanded(text));
        self.arguments.insert(name.to_owned(), text.to_owned());
        environment::variable((name, text), (at, value.at()), None, contents);
    }

    fn argument(&mut self, words: &[ShellWord], contents: &mut Contents) {
        for word in words {
            let Some((name, value)) = word.as_str().split_once('=') else {
                continue;
            };
            self.arguments.insert(name.to_owned(), value.to_owned());
            let value_at = word.text.place(name.len() + 1..word.as_str().len());
            environment::variable((name, value), (word.at.clone(), value_at), None, contents);
        }
    }

    fn shell(&mut self, instruction: &Instruction) {
        let words = instructions::exec_form(&instruction.text).unwrap_or_default();
        let program = words
            .first()
            .map_or("", ShellWord::as_str)
            .to_ascii_lowercase();
        self.current.dialect = if program.contains("pwsh") || program.contains("powershell") {
            Dialect::PowerShell
        } else if program.contains("cmd") {
            Dialect::Cmd
        } else {
            Dialect::Posix
        };
    }
}

/// What stands behind `prefix` in a word that begins with it.
fn after(word: &ShellWord, prefix: &str) -> Option<ShellWord> {
    after_text(word, word.as_str(), prefix)
}

/// What stands behind `prefix` in `field`, which is a part of `word`.
fn after_text(word: &ShellWord, field: &str, prefix: &str) -> Option<ShellWord> {
    let value = field.strip_prefix(prefix)?;
    let start = word.as_str().find(field)? + prefix.len();
    let text = word.text.part(start..start + value.len());
    let at = text.at();
    Some(ShellWord::literal(text, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_those_of_other_files() {
        let text = "ARG V=3.12\nFROM python:${V}-slim AS base\nFROM base\nCOPY --from=base /a /b\n\
                    COPY --from=ghcr.io/astral-sh/uv:0.5@sha256:ab /uv /bin/\nFROM scratch\nFROM $NOBODY\n\
                    RUN --mount=type=bind,from=acme.example:5000/x,target=/x true\n";
        let contents = read(text);
        let told = contents.references.iter();
        let told: Vec<_> = told
            .map(|one| (one.target.as_str(), one.revision.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("python", Some("3.12-slim")),
                ("ghcr.io/astral-sh/uv", Some("sha256:ab")),
                ("acme.example:5000/x", None),
            ]
        );
        assert_eq!(
            &text[contents.references[2].at.clone()],
            "acme.example:5000/x"
        );
    }

    #[test]
    fn commands_run_as_somebody_somewhere() {
        let text = "FROM python:3.12 AS a\nRUN pip install a\nUSER app\nRUN pip install b\nFROM a\n\
                    RUN pip install c\nUSER root\nENV PATH=/opt/venv/bin:$PATH\nRUN [\"pip\", \"install\", \"d\"]\n\
                    FROM acme.example/base\nRUN pip install e \\\n  # why\n\n  f && \\\n  pip install g\n";
        let contents = read(text);
        let told = contents
            .invocations
            .iter()
            .map(|one| contents.commands[one.command].runs);
        let told: Vec<_> = told.map(|runs| (runs.user, runs.in_environment)).collect();
        assert_eq!(
            told,
            [
                (User::Root, false),
                (User::Other, false),
                (User::Other, false),
                (User::Root, true),
                (User::Unknown, false),
                (User::Unknown, false),
            ]
        );
        let names = contents.wanted.iter().map(|one| &text[one.at.clone()]);
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["a", "b", "c", "d", "e", "f", "g"]
        );
    }

    #[test]
    fn here_documents_and_other_escapes_are_read() {
        let text = "# escape=`\nFROM python:3.12\nRUN <<EOF\npip install a\nEOF\nRUN pip install `\n  b\n\
                    RUN bash <<'X' && pip install c\npip install d\nX\nENV PIP_INDEX_URL=https://a.example\n";
        let contents = read(text);
        let names = contents.wanted.iter().map(|one| &text[one.at.clone()]);
        assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "d", "c"]);
        assert_eq!(contents.places.len(), 1);
    }
}
