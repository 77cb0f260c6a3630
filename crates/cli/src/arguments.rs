//! The command line as a whole: which nouns there are. What each of them takes is in its own file.

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::{
    advisories, alerts, approve, audit, backup, check, config, doctor, documents, events, exposure,
    gc, init, inspect_worker, jobs, ledger, lock, mirror, names, offline, policy, purge,
    quarantine, review, rules, sbom, scan, serve, signals, stats, token, why, withdraw,
};

const EXIT_CODES: &str = "Exit codes: 0 clean, 1 findings, 2 usage or error, 3 could not decide

Example:
  portcullis serve";

/// One safe front door for Python packages
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    propagate_version = true,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = EXIT_CODES
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Init(init::Init),
    Config(config::Configuration),
    Token(token::Tokens),
    Names(names::Names),
    Why(why::Why),
    Scan(scan::Scan),
    Check(check::Check),
    Review(review::Reviews),
    Exposure(exposure::Exposure),
    Quarantine(quarantine::Quarantine),
    Approve(approve::Approve),
    Lock(lock::Locks),
    Audit(audit::AuditCommand),
    Sbom(sbom::Sbom),
    Purge(purge::Purge),
    Yank(withdraw::Yank),
    Unyank(withdraw::Unyank),
    Delete(withdraw::Delete),
    Ledger(ledger::Ledger),
    Alerts(alerts::Alerts),
    Signals(signals::SignalCommands),
    Advisories(advisories::Advisories),
    Jobs(jobs::Jobs),
    Events(events::Events),
    Stats(stats::Stats),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Rules(rules::Rules),
    Policy(policy::Policies),
    Gc(gc::Gc),
    Mirror(mirror::Mirrors),
    Offline(offline::Offline),
    Doctor(doctor::Doctor),
    Completions(documents::Completions),
    Man(documents::Man),
    InspectWorker(inspect_worker::InspectWorker),
}

impl Arguments {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Init(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Token(command) => command.run(),
            Command::Names(command) => command.run(),
            Command::Why(command) => command.run(),
            Command::Scan(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Review(command) => command.run(),
            Command::Exposure(command) => command.run(),
            Command::Quarantine(command) => command.run(),
            Command::Approve(command) => command.run(),
            Command::Lock(command) => command.run(),
            Command::Audit(command) => command.run(),
            Command::Sbom(command) => command.run(),
            Command::Purge(command) => command.run(),
            Command::Yank(command) => command.run(),
            Command::Unyank(command) => command.run(),
            Command::Delete(command) => command.run(),
            Command::Ledger(command) => command.run(),
            Command::Alerts(command) => command.run(),
            Command::Signals(command) => command.run(),
            Command::Advisories(command) => command.run(),
            Command::Jobs(command) => command.run(),
            Command::Events(command) => command.run(),
            Command::Stats(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
            Command::Rules(command) => command.run(),
            Command::Policy(command) => command.run(),
            Command::Gc(command) => command.run(),
            Command::Mirror(command) => command.run(),
            Command::Offline(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
            Command::InspectWorker(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn visit(command: &clap::Command, path: &str, seen: &mut Vec<(String, clap::Command)>) {
        let path = match path {
            "" => command.get_name().to_owned(),
            path => format!("{path} {}", command.get_name()),
        };
        seen.push((path.clone(), command.clone()));
        for sub in command.get_subcommands() {
            visit(sub, &path, seen);
        }
    }

    fn commands() -> Vec<(String, clap::Command)> {
        let mut root = Arguments::command().term_width(80);
        root.build();
        let mut seen = Vec::new();
        visit(&root, "", &mut seen);
        seen
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_is_as_it_was() {
        for (path, command) in commands() {
            let help = command.term_width(80).render_long_help().to_string();
            let name = format!("help {path}").replace(' ', "-");
            insta::with_settings!({ omit_expression => true }, {
                insta::assert_snapshot!(name, help);
            });
        }
    }

    #[test]
    fn every_help_ends_in_an_example_and_fits_80_columns() {
        for (path, command) in commands() {
            let help = command.term_width(80).render_long_help().to_string();
            let last = help.trim_end().lines().last().unwrap_or_default();
            assert!(last.starts_with("  portcullis "), "{path}: {last:?}");
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{path}: {line}");
            }
        }
    }

    #[test]
    fn every_example_can_be_parsed() {
        for (path, mut command) in commands() {
            let help = command.render_long_help().to_string();
            let examples = help.split("Example").nth(1).unwrap_or_default();
            for line in examples
                .lines()
                .filter(|line| line.starts_with("  portcullis "))
            {
                let line = line.split(['>', '|', '#']).next().unwrap_or_default();
                let words = split(line);
                let parsed = Arguments::try_parse_from(&words);
                assert!(parsed.is_ok(), "{path}: {line}: {:?}", parsed.err());
            }
        }
    }

    /// Splits as a shell does, as far as examples need it.
    fn split(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (position, part) in line.split('\'').enumerate() {
            match position % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push(part.to_owned()),
            }
        }
        words
    }
}
