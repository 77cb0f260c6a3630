//! Commands, as readers of scripts, images, recipes and pipelines find them: what they run, where, and with which
//! installers. Scripts inside of commands (`bash -c '…'`, here-documents) are read, too.

use super::environment;
use super::installer;
use super::shell::{Assignment, Dialect, ShellWord, Simple, simple_commands};
use crate::lint::contents::{Command, Contents, Runs, Span, User, Word};
use crate::lint::syntax::{Is, Node, Spelled};

/// How deeply scripts are read that stand in commands.
const MAX_DEPTH: usize = 6;

/// Shells by the names of their programs.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash"];

/// Takes a script, of which every command runs as `runs` says until something in it says otherwise. What is said
/// at its end is true of what the same shell runs next.
pub(super) fn script(
    text: &Spelled,
    dialect: Dialect,
    mut runs: Runs,
    contents: &mut Contents,
) -> Runs {
    read(text, dialect, &mut runs, 0, contents);
    runs
}

/// Takes a script, or a list of scripts that one shell runs one after the other.
pub(super) fn scripts(node: &Node, dialect: Dialect, runs: Runs, contents: &mut Contents) -> Runs {
    node.one_or_more()
        .iter()
        .fold(runs, |runs, one| match &one.is {
            Is::Text(text) => script(text, dialect, runs, contents),
            Is::List(_) => scripts(one, dialect, runs, contents),
            _ => runs,
        })
}

/// Takes a table of variables. GitLab may have a table of their own with a `value` instead of the value.
pub(super) fn variables(node: Option<&Node>, contents: &mut Contents) {
    for entry in node.map(Node::entries).unwrap_or_default() {
        let value = entry.value.get("value").unwrap_or(&entry.value);
        let Some(text) = value.scalar() else {
            continue;
        };
        let value_at = value.spelled().map_or(value.at.clone(), Spelled::at);
        environment::variable((&entry.key, text), (entry.at(), value_at), None, contents);
    }
}

/// Takes one command whose words are told already, such as an image's in exec form.
pub(super) fn words(words: Vec<ShellWord>, mut runs: Runs, contents: &mut Contents) {
    let simple = Simple {
        words,
        ..Simple::default()
    };
    take(simple, None, &mut runs, (Dialect::Posix, 0), contents);
}

fn read(text: &Spelled, dialect: Dialect, runs: &mut Runs, depth: usize, contents: &mut Contents) {
    let simple = simple_commands(text, dialect);
    // Assignments without a command are none, so positions differ.
    let mut positions: Vec<Option<usize>> = Vec::with_capacity(simple.len());
    for one in simple {
        let from = one.reads_from.and_then(|from| positions[from]);
        positions.push(take(one, from, runs, (dialect, depth), contents));
    }
}

/// Takes a command, and says where it is.
fn take(
    simple: Simple,
    reads_from: Option<usize>,
    runs: &mut Runs,
    (dialect, depth): (Dialect, usize),
    contents: &mut Contents,
) -> Option<usize> {
    take_surroundings(&simple, dialect, runs, contents);
    let Some(at) = place_of(&simple) else {
        for one in &simple.assignments {
            assigned(one, None, contents);
        }
        return None;
    };
    let position = contents.commands.len();
    let variables = simple.assignments.iter();
    let variables = variables.map(|one| (one.name.clone(), one.value.as_str().to_owned()));
    contents.commands.push(Command {
        words: simple.words.iter().map(model).collect(),
        at,
        variables: variables.collect(),
        runs: *runs,
        reads_from,
    });
    let mut own = *runs;
    let invocations = installer::invocations(&simple.words, position, &mut own, contents);
    contents.commands[position].runs = own;
    for one in &simple.assignments {
        assigned(one, invocations.first().copied(), contents);
    }
    if depth < MAX_DEPTH && invocations.is_empty() {
        inner_scripts(&simple, (dialect, depth), own, contents);
    }
    Some(position)
}

fn model(word: &ShellWord) -> Word {
    Word {
        text: word.as_str().to_owned(),
        at: word.at.clone(),
        has_variables: word.has_variables,
    }
}

fn place_of(simple: &Simple) -> Option<Span> {
    let start = simple.words.first()?.at.start;
    let end = simple.words.iter().map(|word| word.at.end).max()?;
    Some(start..end.max(start))
}

fn assigned(one: &Assignment, by: Option<usize>, contents: &mut Contents) {
    let value = one.value.as_str();
    let at = one.at.clone();
    let value_at = one.value.text.at();
    environment::variable((&one.name, value), (at, value_at), by, contents);
}

/// Takes what a command says about those behind it: variables that are exported, and environments.
fn take_surroundings(simple: &Simple, dialect: Dialect, runs: &mut Runs, contents: &mut Contents) {
    for one in &simple.assignments {
        runs.in_environment |= simple.words.is_empty() && activates(&one.name, one.value.as_str());
    }
    let mut words = simple.words.iter().map(ShellWord::as_str);
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    match first {
        "source" | "." if second.ends_with("activate") => runs.in_environment = true,
        "export" | "declare" | "local" | "typeset" | "readonly" => {
            exported(&simple.words[1..], runs, contents);
        }
        "set" | "setx" if dialect == Dialect::Cmd => {
            exported(&simple.words[1..], runs, contents);
        }
        "conda" | "mamba" | "micromamba" if second == "activate" => runs.in_environment = true,
        _ if first.ends_with("activate") || first.ends_with("activate.bat") => {
            runs.in_environment = true;
        }
        _ if first.to_ascii_lowercase().ends_with("activate.ps1") => runs.in_environment = true,
        _ => {}
    }
    if let Some(name) = first.strip_prefix("$env:") {
        let value = simple.words.get(2).filter(|_| second == "=");
        if let Some(value) = value {
            let at = simple.words[0].at.start..value.at.end.max(simple.words[0].at.start);
            let given = (name, value.as_str());
            environment::variable(given, (at, value.text.at()), None, contents);
        }
    }
}

/// Takes `NAME=value` behind `export` and its like.
fn exported(words: &[ShellWord], runs: &mut Runs, contents: &mut Contents) {
    for word in words {
        let Some((name, value)) = word.as_str().split_once('=') else {
            continue;
        };
        runs.in_environment |= activates(name, value);
        let value_at = word.text.place(name.len() + 1..word.as_str().len());
        let at = word.at.clone();
        environment::variable((name, value), (at, value_at), None, contents);
    }
}

/// Whether a variable puts a virtual environment in front of everything else.
pub(super) fn activates(name: &str, value: &str) -> bool {
    let first = || {
        value
            .split([':', ';'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    match name {
        "VIRTUAL_ENV" => !value.is_empty(),
        "UV_PROJECT_ENVIRONMENT" => false,
        "PATH" => {
            let first = first();
            let is_bin = first.ends_with("/bin") || first.ends_with("/scripts");
            is_bin && (first.contains("env") || first.contains("virtual"))
        }
        _ => false,
    }
}

/// Reads the scripts that are arguments or here-documents of a shell.
fn inner_scripts(
    simple: &Simple,
    (dialect, depth): (Dialect, usize),
    runs: Runs,
    contents: &mut Contents,
) {
    let unwrapped = installer::unwrapped(&simple.words);
    let words = simple.words.get(unwrapped.at..).unwrap_or_default();
    let Some((program, arguments)) = words.split_first() else {
        return;
    };
    let mut runs = runs;
    if unwrapped.is_root {
        runs.user = User::Root;
    }
    let name = installer::base_name(program.as_str());
    let is_shell = SHELLS.contains(&name);
    if is_shell || matches!(name, "su" | "runuser") {
        let option = arguments
            .iter()
            .position(|word| is_command_option(word.as_str()));
        let script = option.and_then(|at| arguments.get(at + 1));
        if let Some(script) = script {
            read(&script.text, Dialect::Posix, &mut runs, depth + 1, contents);
            return;
        }
    }
    let is_powershell = matches!(name, "pwsh" | "powershell");
    let command = arguments.iter().position(|word| {
        let lower = word.as_str().to_ascii_lowercase();
        matches!(lower.as_str(), "-c" | "-command")
    });
    if let Some(script) = command
        .filter(|_| is_powershell)
        .and_then(|at| arguments.get(at + 1))
    {
        read(
            &script.text,
            Dialect::PowerShell,
            &mut runs,
            depth + 1,
            contents,
        );
    }
    if name == "eval" && dialect == Dialect::Posix {
        for word in arguments.iter().filter(|word| !word.has_variables) {
            read(&word.text, dialect, &mut runs, depth + 1, contents);
        }
    }
    let reads_input = arguments.iter().all(|word| word.as_str().starts_with('-'));
    if let Some(here) = simple.here.as_ref().filter(|_| is_shell && reads_input) {
        read(here, Dialect::Posix, &mut runs, depth + 1, contents);
    }
}

/// `-c`, `-lc`, `-euxc`.
fn is_command_option(word: &str) -> bool {
    let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    word == "--command"
        || letters.is_some_and(|letters| letters.ends_with('c') && letters.len() < 8)
}
