//! conda: the `pip` section of an `environment.yml`, which conda hands to pip as a requirements file, so that
//! options stand in it and variables in URLs are expanded. Outside of projects it is pip's configuration that
//! counts. conda's own channels are no Python indexes, and not touched.

use std::path::PathBuf;

use super::aim::Aim;
use super::ini::newline_of;
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan};
use super::{Scope, lines, pip};
use crate::exit::failure;

const NAMES: [&str; 4] = [
    "environment.yml",
    "environment.yaml",
    "conda.yml",
    "conda.yaml",
];

/// Points the pip that conda runs at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    if scope != Scope::Project {
        return pip::plan(scope, aim, machine);
    }
    let mut plan = Plan::default();
    let (path, before) = Found::of_project(file(machine), "environment.yml")?;
    let refused = |why: &str| {
        failure(
            format!("{} is not understood: {why}", path.display()),
            "put `- --index-url URL` first below `- pip:`; nothing was written",
        )
    };
    let Some(section) = PipSection::find(&before).map_err(refused)? else {
        return Err(failure(
            format!("{} has no `- pip:` section", path.display()),
            "there is nothing to point; conda's channels are not Python indexes",
        ));
    };
    let newline = newline_of(&before);
    let url = aim.simple_with(|variable| format!("${{{variable}}}"));
    let line = format!("{}- --index-url {url}{newline}", section.indent);
    let mut lines: Vec<String> = before.split_inclusive('\n').map(str::to_owned).collect();
    let mut is_there = false;
    for option in &section.options {
        let (why, is_index) = match option.name.as_str() {
            "--extra-index-url" => ("pip takes the highest version of all indexes", None),
            "--find-links" | "-f" => ("what pip finds there never passes the gateway", None),
            "--no-index" => ("no index is asked at all", None),
            "--index-url" | "-i" => ("", Some(())),
            _ => continue,
        };
        lines[option.line] = match is_index {
            Some(()) if !is_there && option.value == url => {
                is_there = true;
                continue;
            }
            Some(()) if !is_there => {
                is_there = true;
                line.clone()
            }
            Some(()) => String::new(),
            None => {
                plan.remove(format!("{} {}", option.name, option.value), why);
                String::new()
            }
        };
    }
    if !is_there {
        lines.insert(section.first, line);
    }
    let after = lines.concat();
    if !lines::is_yaml(&after) {
        return Err(refused("the lines would not fit"));
    }
    plan.change(path, Some(before), after);
    if aim.token.is_none() {
        plan.remark(pip::token_help(aim));
    }
    Ok(plan)
}

/// What the pip that conda runs would ask.
pub(super) fn look(aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = pip::look(aim, machine)?;
    let Some(path) = file(machine) else {
        return Ok(look);
    };
    let found = Found::read(path)?;
    let text = found.text.unwrap_or_default();
    let path = found.path.display().to_string();
    let section = PipSection::find(&text).map_err(|why| {
        let what = format!("{path} is not understood: {why}");
        failure(what, "look at it yourself")
    })?;
    for option in section.iter().flat_map(|section| &section.options) {
        let place = format!("{path}:{}", option.line + 1);
        let (name, value) = (option.name.as_str(), option.value.as_str());
        match name {
            "--index-url" | "-i" => {
                // A requirements file counts before everything else.
                look.asked.retain(|asked| asked.how != How::Index);
                look.asks(How::Index, name, value, place);
            }
            "--extra-index-url" | "--find-links" | "-f" => {
                look.asks(How::Beside, name, value, place)
            }
            "--no-index" => look.find("no-index", place, "no index is asked at all", "take it out"),
            _ => {}
        }
    }
    Ok(look)
}

fn file(machine: &Machine) -> Option<PathBuf> {
    NAMES.iter().find_map(|name| machine.upwards(name))
}

/// The items below `- pip:`.
#[derive(Debug, PartialEq, Eq)]
struct PipSection {
    /// What stands before each dash.
    indent: String,
    /// The line of the first item, from 0.
    first: usize,
    options: Vec<PipOption>,
}

/// An item that is an option of pip.
#[derive(Debug, PartialEq, Eq)]
struct PipOption {
    name: String,
    value: String,
    line: usize,
}

impl PipSection {
    fn find(text: &str) -> Result<Option<Self>, &'static str> {
        if !lines::is_yaml(text) {
            return Err("it is no YAML");
        }
        let rows: Vec<&str> = text.lines().collect();
        let is_header = |line: &&str| {
            let plain = line.split(" #").next().unwrap_or_default();
            plain.split_whitespace().collect::<Vec<_>>() == ["-", "pip:"]
        };
        let Some(header) = rows.iter().position(is_header) else {
            let in_line = rows
                .iter()
                .any(|line| line.trim_start().starts_with("- pip:"));
            return match in_line {
                true => Err("its pip section is written on one line"),
                false => Ok(None),
            };
        };
        let depth = rows[header].len() - rows[header].trim_start().len();
        let mut section = None;
        for (number, row) in rows.iter().enumerate().skip(header + 1) {
            let trimmed = row.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let indent = row.len() - trimmed.len();
            let Some(item) = trimmed.strip_prefix("- ").filter(|_| indent > depth) else {
                break;
            };
            let section = section.get_or_insert(Self {
                indent: row[..indent].to_owned(),
                first: number,
                options: Vec::new(),
            });
            section.options.extend(option(item, number));
        }
        section.map(Some).ok_or("its pip section has no items")
    }
}

fn option(item: &str, line: usize) -> Option<PipOption> {
    let item = item.split(" #").next().unwrap_or_default();
    let item = item.trim().trim_matches(['"', '\'']);
    let (name, value) = item.split_once([' ', '=']).unwrap_or((item, ""));
    name.starts_with('-').then(|| PipOption {
        name: name.to_owned(),
        value: value.trim().to_owned(),
        line,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_pip_section_is_found_with_its_options() {
        let text = "name: x\ndependencies:\n  - python=3.12\n  - pip:  # these\n      - --extra-index-url=https://x.example/\n\
                    \x20     # mine\n      - flask\n  - numpy\n";
        let section = PipSection::find(text).expect("understood").expect("there");
        assert_eq!((section.first, section.indent.as_str()), (4, "      "));
        assert_eq!(section.options.len(), 1);
        assert_eq!(section.options[0].value, "https://x.example/");
        assert_eq!(PipSection::find("dependencies:\n  - pip\n"), Ok(None));
        for text in [
            "dependencies:\n  - pip: [a, b]\n",
            "a: [\n",
            "dependencies:\n  - pip:\n  - b\n",
        ] {
            assert!(PipSection::find(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s)(- pip:|- --index-url|- |  |\n|\r\n| |#|.){0,40}") {
            let _ = PipSection::find(&text);
        }
    }
}
