//! Container files: build arguments behind every `FROM`, which installers see as variables while the image is
//! built, which `--build-arg` changes, and which are not in the image afterwards.

use std::path::PathBuf;

use super::aim::Aim;
use super::ini::newline_of;
use super::machine::{Found, Machine};
use super::pipeline::{PAST, POINTING, names_other_index};
use super::plan::{How, Look, Plan, Unnamed};
use super::{Scope, no_scope};
use crate::exit::failure;

const BEGIN: &str = "# portcullis: begin";
const END: &str = "# portcullis: end";

const NAMES: [&str; 2] = ["Containerfile", "Dockerfile"];

/// Points the builds of images at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    aim.without_token("a container file", &token_help(aim))?;
    match scope {
        Scope::Project => {}
        Scope::Environment => {
            plan.printed = Some(block(aim, "\n"));
            return Ok(plan);
        }
        _ => {
            return Err(no_scope(
                "an image is configured by its container file",
                "--scope project changes it, --scope environment prints the lines",
            ));
        }
    }
    for path in files(machine)? {
        let found = Found::read(path)?;
        let before = found.text.unwrap_or_default();
        if !is_closed(&before) {
            return Err(failure(
                format!(
                    "{} ends within an instruction or our block",
                    found.path.display()
                ),
                "complete it, or take what `portcullis: begin` begins out; nothing was written",
            ));
        }
        let after = pointed(&before, aim, &mut plan);
        plan.change(found.path, Some(before), after);
    }
    plan.remark(
        "Build arguments are gone in the image that is made. For what installs in running containers, copy a \
         pip.conf with `[global] index-url` to /etc/pip.conf.",
    );
    plan.remark(token_help(aim));
    Ok(plan)
}

/// Whether our last block ends, and the last instruction does: what is put behind it is read for itself.
fn is_closed(text: &str) -> bool {
    let read = instructions(text);
    let Some(last) = read.last() else { return true };
    last.is_whole && (!last.is_ours || last.text.starts_with(END))
}

/// The text with our block behind every `FROM`, and without lines that would override it.
fn pointed(text: &str, aim: &Aim, plan: &mut Plan) -> String {
    let newline = newline_of(text);
    let mut after = String::new();
    for instruction in instructions(text) {
        if instruction.is_ours {
            continue;
        }
        match overriding(&instruction) {
            Some((what, why)) => plan.remove(what, why),
            None => after.push_str(&instruction.text),
        }
        let from = instruction.text.split_whitespace().collect::<Vec<_>>();
        let is_stage = from
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("from"));
        let image = from.iter().skip(1).find(|word| !word.starts_with("--"));
        if is_stage && image.is_some_and(|image| *image != "scratch") {
            if !after.ends_with('\n') {
                after.push_str(newline);
            }
            after.push_str(&block(aim, newline));
        }
    }
    after
}

fn block(aim: &Aim, newline: &str) -> String {
    let lines = POINTING.map(|name| format!("ARG {name}={}{newline}", aim.simple()));
    format!("{BEGIN}{newline}{}{END}{newline}", lines.concat())
}

/// An instruction that sets one of the variables, and nothing else.
fn overriding(instruction: &Instruction) -> Option<(String, &'static str)> {
    let line = instruction.text.trim();
    let (word, rest) = line.split_once([' ', '\t'])?;
    let sets = word.eq_ignore_ascii_case("env") || word.eq_ignore_ascii_case("arg");
    let rest = rest.trim();
    let name = rest.split(['=', ' ']).next()?;
    let value = rest[name.len()..].trim_start_matches(['=', ' ']);
    // Several assignments in one instruction are left to people.
    let is_single = !line.contains('\n') && !value.contains('=') || value.contains("://");
    let is_single = is_single && !value.trim_matches(['"', '\'']).contains(' ');
    if !sets || !is_single {
        return None;
    }
    if POINTING.contains(&name) {
        return Some((line.to_owned(), "it counts before the gateway's"));
    }
    let (_, why) = PAST.iter().find(|(past, _)| *past == name)?;
    Some((line.to_owned(), why))
}

/// What the builds would ask.
pub(super) fn look(aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look {
        unnamed: Unnamed::ByFile,
        ..Look::default()
    };
    for path in files(machine)? {
        let found = Found::read(path)?;
        let text = found.text.unwrap_or_default();
        let path = found.path.display().to_string();
        let mut is_pointed = false;
        for instruction in instructions(&text) {
            let place = format!("{path}:{}", instruction.line);
            let assignment = ["ARG PIP_INDEX_URL=", "ENV PIP_INDEX_URL="];
            let url = assignment
                .iter()
                .find_map(|start| instruction.text.trim().strip_prefix(start));
            if let Some(url) = url {
                is_pointed = true;
                look.asks(How::Index, "PIP_INDEX_URL", url.trim_matches('"'), place);
            } else if !instruction.is_ours && !instruction.text.trim_start().starts_with('#') {
                for (offset, line) in instruction.text.lines().enumerate() {
                    if names_other_index(line, aim) {
                        let line = super::show::masked(line.trim());
                        let place = format!("{path}:{}", instruction.line + offset);
                        let message = format!("goes past the gateway: {line}");
                        look.find("override", place, message, "take it out");
                    }
                }
            }
        }
        if !is_pointed {
            let message = "its builds ask PyPI: no PIP_INDEX_URL";
            look.find(
                "default-index",
                path,
                message,
                "portcullis config write docker",
            );
        }
    }
    Ok(look)
}

fn files(machine: &Machine) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(&machine.folder)
        .into_iter()
        .flatten()
        .flatten();
    let is_ours = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let mut kinds = NAMES.iter();
        path.is_file()
            && !name.ends_with("ignore")
            && kinds.any(|kind| {
                name == *kind
                    || name.starts_with(&format!("{kind}."))
                    || name.ends_with(&format!(".{kind}"))
            })
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    files.sort();
    match files.is_empty() {
        false => Ok(files),
        true => Err(failure(
            "there is no Dockerfile or Containerfile in this folder",
            "run the command beside it; --scope environment prints the lines",
        )),
    }
}

/// An instruction with all of its lines, or a comment or blank line.
struct Instruction {
    text: String,
    /// Its first line, from 1.
    line: usize,
    /// Whether it stands between our marks, or is one of them.
    is_ours: bool,
    /// Whether it ends; the last one of a file may not.
    is_whole: bool,
}

fn instructions(text: &str) -> Vec<Instruction> {
    let escape = match text.lines().next() {
        Some(first) if first.replace(' ', "").eq_ignore_ascii_case("#escape=`") => '`',
        _ => '\\',
    };
    let mut found: Vec<Instruction> = Vec::new();
    let (mut goes_on, mut is_ours) = (false, false);
    let mut ends: Vec<String> = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim();
        let is_open = goes_on || !ends.is_empty();
        is_ours |= !is_open && trimmed.starts_with(BEGIN);
        match found.last_mut().filter(|_| is_open) {
            Some(open) => open.text.push_str(line),
            None => found.push(Instruction {
                text: line.to_owned(),
                line: number + 1,
                is_ours,
                is_whole: true,
            }),
        }
        if !goes_on && ends.first().is_some_and(|end| trimmed == end) {
            ends.remove(0);
        } else if ends.is_empty() {
            let is_comment = trimmed.starts_with('#');
            // Comments and blank lines between continued lines do not end the instruction.
            goes_on = match is_comment || trimmed.is_empty() {
                true => goes_on,
                false => trimmed.ends_with(escape),
            };
            let takes_documents = found.last().is_some_and(|open| {
                let word = open.text.split_whitespace().next().unwrap_or_default();
                ["run", "copy", "add", "onbuild"].contains(&word.to_ascii_lowercase().as_str())
            });
            if !is_comment && !goes_on && takes_documents {
                ends = here_documents(line);
            }
        }
        is_ours &= is_open || !trimmed.starts_with(END);
    }
    if let Some(last) = found.last_mut() {
        last.is_whole = !goes_on && ends.is_empty();
    }
    found
}

/// The words that end the here-documents of a line.
fn here_documents(line: &str) -> Vec<String> {
    let begins = line.split("<<").skip(1);
    let word = |text: &str| {
        let text = text.trim_start_matches('-').trim_start_matches(['"', '\'']);
        let is_part = |character: char| character == '_' || character.is_ascii_alphanumeric();
        let end = text
            .find(|character| !is_part(character))
            .unwrap_or(text.len());
        (end > 0).then(|| text[..end].to_owned())
    };
    begins.filter_map(word).collect()
}

fn token_help(aim: &Aim) -> String {
    format!(
        "Where the gateway asks for a token, mount it and keep it out of the image: \
         `RUN --mount=type=secret,id=netrc,target=/root/.netrc pip install …` with a netrc file for {}.",
        aim.host()
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::aim::Gateway;
    use super::*;

    fn aim() -> Aim {
        let gateway = Gateway {
            gateway: Some("http://gw.example".to_owned()),
            index: None,
        };
        Aim::new(&gateway, None, &Machine::default()).expect("an address")
    }

    #[test]
    fn every_stage_is_pointed_and_nothing_else_is_touched() {
        let text = "# syntax=docker/dockerfile:1\nFROM python:3.13 AS build\nENV PIP_EXTRA_INDEX_URL=https://x.example/\n\
                    RUN <<EOF python\nfrom os import path\nEOF\nRUN echo \\\n  # why\n  FROM nowhere\n\
                    FROM --platform=linux/amd64 python:3.13-slim\nFROM scratch\nCOPY --from=build / /";
        let mut plan = Plan::default();
        let once = pointed(text, &aim(), &mut plan);
        insta::assert_snapshot!(once, @r#"
        # syntax=docker/dockerfile:1
        FROM python:3.13 AS build
        # portcullis: begin
        ARG PIP_INDEX_URL=http://gw.example/simple/
        ARG UV_DEFAULT_INDEX=http://gw.example/simple/
        ARG PDM_PYPI_URL=http://gw.example/simple/
        ARG PIPENV_PYPI_MIRROR=http://gw.example/simple/
        # portcullis: end
        RUN <<EOF python
        from os import path
        EOF
        RUN echo \
          # why
          FROM nowhere
        FROM --platform=linux/amd64 python:3.13-slim
        # portcullis: begin
        ARG PIP_INDEX_URL=http://gw.example/simple/
        ARG UV_DEFAULT_INDEX=http://gw.example/simple/
        ARG PDM_PYPI_URL=http://gw.example/simple/
        ARG PIPENV_PYPI_MIRROR=http://gw.example/simple/
        # portcullis: end
        FROM scratch
        COPY --from=build / /
        "#);
        assert_eq!(plan.removed.len(), 1, "{:?}", plan.removed);
        assert_eq!(pointed(&once, &aim(), &mut Plan::default()), once);
    }

    #[test]
    fn what_sets_several_variables_is_left_to_people() {
        for (line, is_taken) in [
            ("ENV PIP_INDEX_URL=https://x.example/simple\n", true),
            ("ENV PIP_INDEX_URL https://x.example/simple\n", true),
            ("arg UV_INDEX=\"https://x.example/simple?a=b\"\n", true),
            ("ENV A=1 PIP_INDEX_URL=https://x.example\n", false),
            ("ENV PIP_INDEX_URL=https://x.example A=1\n", false),
            ("RUN PIP_INDEX_URL=https://x.example pip install a\n", false),
            ("ENV PATH=/x\n", false),
        ] {
            let read = instructions(line);
            assert_eq!(overriding(&read[0]).is_some(), is_taken, "{line}");
        }
    }

    proptest! {
        #[test]
        fn pointing_any_text_twice_changes_nothing(text in "(?s)(FROM a|ENV |PIP_INDEX_URL|=|# portcullis: begin|# \
            portcullis: end|RUN <<E|E|\\\\| |#|\n|\r\n|.){0,40}") {
            if !is_closed(&text) {
                return Ok(());
            }
            let once = pointed(&text, &aim(), &mut Plan::default());
            prop_assert_eq!(pointed(&once, &aim(), &mut Plan::default()), once);
        }
    }
}
