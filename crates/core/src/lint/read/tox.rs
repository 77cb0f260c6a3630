//! `tox.ini`: what environments want, how they install it, what they run and with which variables. What stands in
//! `pyproject.toml` is `pyproject`'s.

use super::commands;
use super::environment;
use super::not_readable;
use super::options::{self, Given};
use super::requirement::{self, Purpose};
use super::shell::Dialect;
use crate::lint::contents::{Contents, Role, Runs, Tool, User};
use crate::lint::syntax::{Entry, Spelled, ini};

const PURPOSE: Purpose = Purpose {
    role: Role::Development,
    tool: Tool::Tox,
    by: None,
};

/// Reads the file.
pub(super) fn read(text: &str) -> Contents {
    let root = match ini::parse(text) {
        Ok(root) => root,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for section in root.entries() {
        let is_environment = section.key == "testenv" || section.key.starts_with("testenv:");
        for entry in section.value.entries() {
            match section.key.as_str() {
                "tox" if entry.key == "requires" => wanted(entry, &mut contents),
                _ if is_environment => take(entry, &mut contents),
                _ => {}
            }
        }
    }
    contents
}

fn take(entry: &Entry, contents: &mut Contents) {
    match entry.key.as_str() {
        "deps" => wanted(entry, contents),
        "setenv" | "set_env" => variables(entry, contents),
        "commands"
        | "commands_pre"
        | "commands_post"
        | "install_command"
        | "list_dependencies_command" => {
            run(entry, contents);
        }
        _ => {}
    }
}

/// The lines of a value, without the factors that they are for.
fn lines(entry: &Entry) -> Vec<Spelled> {
    let Some(spelled) = entry.value.spelled() else {
        return Vec::new();
    };
    let text = spelled.as_str();
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split('\n') {
        let from = start + factors(line);
        start += line.len() + 1;
        let skipped = text[from..start - 1].len() - text[from..start - 1].trim_start().len();
        let end = from + skipped + text[from + skipped..start - 1].trim_end().len();
        if end > from + skipped {
            found.push(spelled.part(from + skipped..end));
        }
    }
    found
}

/// The length of `py311,!windows: ` at the start of a line.
fn factors(line: &str) -> usize {
    let Some((names, rest)) = line.split_once(':') else {
        return 0;
    };
    let is_part = |part: char| part.is_ascii_alphanumeric() || "_-.,!{} ".contains(part);
    let is_list = !names.trim().is_empty()
        && !names.trim_start().starts_with(['-', '{'])
        && names.chars().all(is_part);
    match is_list && (rest.is_empty() || rest.starts_with([' ', '\t'])) {
        true => names.len() + 1,
        false => 0,
    }
}

fn wanted(entry: &Entry, contents: &mut Contents) {
    for line in lines(entry) {
        let text = line.as_str();
        if text.starts_with('{') {
            // `{[testenv]deps}` stands for what is read where it is written.
            continue;
        }
        if text.starts_with('-') {
            option(&line, contents);
        } else {
            contents.wanted.push(requirement::wanted(&line, PURPOSE));
        }
    }
}

/// Takes `-r FILE`, `-cFILE`, `-e PATH`, `--index-url=URL` in a list of requirements.
fn option(line: &Spelled, contents: &mut Contents) {
    let text = line.as_str();
    let name_end = match text.starts_with("--") {
        true => text.find(['=', ' ', '\t']).unwrap_or(text.len()),
        false => text.char_indices().nth(2).map_or(text.len(), |(at, _)| at),
    };
    let behind = &text[name_end..];
    let value_start = text.len() - behind.trim_start_matches(['=', ' ', '\t']).len();
    let value = line.part(value_start..text.len());
    let short = &text[..name_end];
    let key = options::long_name(short).unwrap_or(short.trim_start_matches('-'));
    if key == "editable" {
        contents.wanted.push(requirement::editable(&value, PURPOSE));
        return;
    }
    let given = Given {
        tool: Tool::Tox,
        key,
        value: match value.as_str() {
            "" => "true",
            value => value,
        },
        at: line.at(),
        value_at: value.at(),
        by: None,
    };
    let before = contents.included.len();
    options::option(given, contents);
    for included in &mut contents.included[before..] {
        if included.role == Role::Runtime {
            included.role = Role::Development;
        }
    }
}

fn variables(entry: &Entry, contents: &mut Contents) {
    for line in lines(entry) {
        let text = line.as_str();
        let Some((name, value)) = text.split_once('=') else {
            continue;
        };
        let start = text.len() - value.trim_start().len();
        let value_at = line.place(start..text.len());
        let given = (name.trim(), value.trim());
        environment::variable(given, (line.at(), value_at), None, contents);
    }
}

/// Takes commands, one a line; a line that ends in a backslash goes on in the next.
fn run(entry: &Entry, contents: &mut Contents) {
    let runs = Runs {
        user: User::Unknown,
        unattended: false,
        in_environment: true,
    };
    let mut open: Vec<Spelled> = Vec::new();
    for line in lines(entry) {
        let text = line.as_str();
        let sign = match open.is_empty() {
            true => text.len() - text.trim_start_matches(['-', '!', ' ']).len(),
            false => 0,
        };
        let goes_on = text.ends_with('\\');
        open.push(line.part(sign..text.len()));
        if !goes_on {
            let command = Spelled::of_parts(&std::mem::take(&mut open));
            commands::script(&command, Dialect::Posix, runs, contents);
        }
    }
    if !open.is_empty() {
        commands::script(&Spelled::of_parts(&open), Dialect::Posix, runs, contents);
    }
}
