//! `portcullis policy`: trying a policy before it takes effect, and keeping what is expected of it true.

use clap::{Args, Subcommand};

mod dry_run;
mod test;

use crate::exit::Exit;

/// Try a policy on what was asked for, or run what is expected of it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis policy dry-run new-policy.toml --last 30d",
    subcommand_required = true
)]
pub struct Policies {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    DryRun(dry_run::DryRun),
    Test(test::Test),
}

impl Policies {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::DryRun(command) => command.run(),
            Command::Test(command) => command.run(),
        }
    }
}

/// Reads a policy file.
pub fn read(path: &std::path::Path) -> anyhow::Result<portcullis_core::policy::Policy> {
    use anyhow::Context as _;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the policy {}", path.display()))?;
    let name = path.display().to_string();
    Ok(portcullis_core::policy::Policy::parse(&name, &text)?)
}
