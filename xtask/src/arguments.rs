//! What may be said to `cargo xtask`. Parsed by hand: a command line library would take longer to
//! compile than everything else in here.

use anyhow::{Context as _, bail};

/// Printed by `cargo xtask --help`.
pub(crate) const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  test [--fast] [--filter NAME]
        Run everything that must pass: formatting, lints, tidy, every test with real clients,
        PostgreSQL and S3, and the dependency rules. Installs what is missing.
        --fast         only what needs nothing installed: no clients, servers or dependency rules
        --filter NAME  only the tests whose name contains NAME
  setup
        Install what the tests need and start and stop the servers once.
  with COMMAND…
        Run a command with the servers up and the variables set that the tests read, for example
        cargo xtask with cargo test -p portcullis-store
  tidy
        Check the tree's own rules.";

/// One parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Test(Selection),
    Setup,
    With(Vec<String>),
    Tidy,
}

/// Which part of `test` to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Everything,
    /// What needs neither clients nor servers.
    Fast,
    /// Only tests whose name contains the text, with clients and servers.
    Named(String),
    /// Only tests whose name contains the text, without clients and servers.
    FastNamed(String),
}

/// The names of the commands, for the rule that the documentation mentions each.
pub(crate) const COMMANDS: [&str; 4] = ["test", "setup", "with", "tidy"];

impl Command {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut arguments = arguments.peekable();
        let command = arguments.next();
        let wants_help = |argument: &String| matches!(argument.as_str(), "-h" | "--help" | "help");
        if command.as_ref().is_none_or(wants_help) || arguments.peek().is_some_and(wants_help) {
            return Ok(Self::Help);
        }
        match command.as_deref() {
            Some("test") => Ok(Self::Test(selection(arguments)?)),
            Some("with") => {
                let program: Vec<String> = arguments.collect();
                if program.is_empty() {
                    bail!("with which command?");
                }
                Ok(Self::With(program))
            }
            Some("setup") => nothing_more(arguments).map(|()| Self::Setup),
            Some("tidy") => nothing_more(arguments).map(|()| Self::Tidy),
            other => bail!("there is no command {:?}", other.unwrap_or_default()),
        }
    }
}

fn selection(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Selection> {
    let (mut fast, mut name) = (None, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--fast" => fast = Some(()),
            "--filter" => name = Some(arguments.next().context("--filter needs a name")?),
            other => bail!("test does not know {other:?}"),
        }
    }
    Ok(match (fast, name) {
        (None, None) => Selection::Everything,
        (Some(()), None) => Selection::Fast,
        (None, Some(name)) => Selection::Named(name),
        (Some(()), Some(name)) => Selection::FastNamed(name),
    })
}

fn nothing_more(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    match arguments.next() {
        None => Ok(()),
        Some(argument) => bail!("this command does not know {argument:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned)).map_err(|e| e.to_string())
    }

    #[test]
    fn every_command_line_means_one_thing() {
        let test = |selection| Ok(Command::Test(selection));
        for (line, expected) in [
            ("", Ok(Command::Help)),
            ("--help", Ok(Command::Help)),
            ("test --help", Ok(Command::Help)),
            ("test", test(Selection::Everything)),
            ("test --fast", test(Selection::Fast)),
            ("test --filter a", test(Selection::Named("a".to_owned()))),
            (
                "test --filter a --fast",
                test(Selection::FastNamed("a".to_owned())),
            ),
            ("tidy", Ok(Command::Tidy)),
            ("setup", Ok(Command::Setup)),
            (
                "with true 1",
                Ok(Command::With(vec!["true".to_owned(), "1".to_owned()])),
            ),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
        for line in [
            "tests",
            "test --slow",
            "test --filter",
            "tidy now",
            "setup 1",
            "with",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_usage_tells_of_every_command() {
        for command in COMMANDS {
            assert!(USAGE.contains(&format!("\n  {command}")), "{command}");
        }
    }
}
