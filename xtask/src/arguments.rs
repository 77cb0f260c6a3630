//! What may be said to `cargo xtask`. Parsed by hand: a command line library would take longer to
//! compile than everything else in here.

use anyhow::{Context as _, bail};

use crate::dist::Profile;

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
  bench [WORK…] [--rounds N] [--against nginx,nginx-cache,peryx,nora] [--json FILE] [--check]
        Measure Portcullis beside nginx and others: W1 to W8 without WORK. bench/README.md says what
        they are. Also `bench growth`, `bench smoke`, and `bench instructions [--update]`, which counts
        instructions and fails when a case costs over 5 % more than the committed baseline.
  benign fetch|measure|pick …
        The benign set of the inspection: bring it through a running Portcullis, inspect it and fail
        when too much is stopped, or choose it anew. `cargo xtask benign fetch -h` says how.
  dist [--profile release|dev]
        Make what is handed out, in target/xtask/dist: wheel, archive, bill of materials, checksums.
  tidy
        Check the tree's own rules.
  fuzz [TARGET] [--minutes N]
        Look for inputs that break a property of crates/properties, guided by coverage; every
        property in turn without TARGET, 10 minutes each without --minutes. Ends at the first break.
  soak [WORK…] [--minutes N]
        Kill, cut off and trouble the program for as long as it is worth; the works are
        replicas, rolling and kills; each in turn without WORK, 10 minutes each without --minutes.
        Needs what test needs.";

/// One parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Test(Selection),
    Setup,
    With(Vec<String>),
    /// What is measured, and how.
    Bench(Vec<String>),
    /// What is handed to the program in `bench/benign`.
    Benign(Vec<String>),
    Dist(Profile),
    Tidy,
    Fuzz(Fuzzing),
    Soak(Soaking),
}

/// Which faults to go on with, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Soaking {
    /// The works; every one where there are none.
    pub(crate) works: Vec<String>,
    /// For each work.
    pub(crate) minutes: u32,
}

/// What to fuzz, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fuzzing {
    /// The property; every one where it is absent.
    pub(crate) target: Option<String>,
    /// For each property.
    pub(crate) minutes: u32,
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
pub(crate) const COMMANDS: [&str; 9] = [
    "test", "setup", "with", "bench", "benign", "dist", "tidy", "fuzz", "soak",
];

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
            Some("bench") => Ok(Self::Bench(arguments.collect())),
            Some("benign") => Ok(Self::Benign(arguments.collect())),
            Some("setup") => nothing_more(arguments).map(|()| Self::Setup),
            Some("dist") => Ok(Self::Dist(profile(arguments)?)),
            Some("tidy") => nothing_more(arguments).map(|()| Self::Tidy),
            Some("fuzz") => Ok(Self::Fuzz(fuzzing(arguments)?)),
            Some("soak") => Ok(Self::Soak(soaking(arguments)?)),
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

fn fuzzing(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Fuzzing> {
    let mut fuzzing = Fuzzing {
        target: None,
        minutes: 10,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minutes" => {
                fuzzing.minutes = minutes(&mut arguments)?;
            }
            target if !target.starts_with('-') && fuzzing.target.is_none() => {
                fuzzing.target = Some(argument);
            }
            other => bail!("fuzz does not know {other:?}"),
        }
    }
    Ok(fuzzing)
}

/// The number behind `--minutes`.
fn minutes(arguments: &mut impl Iterator<Item = String>) -> anyhow::Result<u32> {
    let minutes = arguments.next().context("--minutes needs a number")?;
    let minutes = minutes.parse().ok().filter(|minutes| *minutes > 0);
    minutes.context("--minutes needs a number above 0")
}

fn soaking(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Soaking> {
    let mut soaking = Soaking {
        works: Vec::new(),
        minutes: 10,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minutes" => soaking.minutes = minutes(&mut arguments)?,
            work if !work.starts_with('-') => soaking.works.push(argument),
            other => bail!("soak does not know {other:?}"),
        }
    }
    Ok(soaking)
}

fn profile(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Profile> {
    let mut profile = Profile::Release;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--profile" => {
                profile = match arguments.next().as_deref() {
                    Some("release") => Profile::Release,
                    Some("dev") => Profile::Dev,
                    _ => bail!("--profile needs release or dev"),
                };
            }
            other => bail!("dist does not know {other:?}"),
        }
    }
    Ok(profile)
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
        let fuzz = |target: Option<&str>, minutes| {
            let target = target.map(str::to_owned);
            Ok(Command::Fuzz(Fuzzing { target, minutes }))
        };
        let soak = |works: &[&str], minutes| {
            let works = works.iter().map(|work| (*work).to_owned()).collect();
            Ok(Command::Soak(Soaking { works, minutes }))
        };
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
            ("fuzz", fuzz(None, 10)),
            ("fuzz wheel --minutes 5", fuzz(Some("wheel"), 5)),
            ("soak", soak(&[], 10)),
            ("soak replicas --minutes 2", soak(&["replicas"], 2)),
            ("setup", Ok(Command::Setup)),
            ("dist", Ok(Command::Dist(Profile::Release))),
            ("dist --profile dev", Ok(Command::Dist(Profile::Dev))),
            (
                "bench W1 --check",
                Ok(Command::Bench(vec!["W1".to_owned(), "--check".to_owned()])),
            ),
            (
                "benign fetch -h",
                Ok(Command::Benign(vec!["fetch".to_owned(), "-h".to_owned()])),
            ),
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
            "fuzz a b",
            "fuzz --minutes 0",
            "fuzz --hours 1",
            "soak --minutes",
            "soak --hours 1",
            "with",
            "dist --profile",
            "dist --profile fast",
            "dist wheel",
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
