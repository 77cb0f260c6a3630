//! `portcullis config write`: shows what would change, asks, keeps what was there, writes, and says what still
//! leads past the gateway.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::aim::{Aim, Gateway, TokenVariable};
use super::backup::Backups;
use super::machine::Machine;
use super::plan::Plan;
use super::{Scope, Tool, check, show};
use crate::exit::{Exit, failure};
use crate::output::{print, remark};

/// What `config write` takes.
#[derive(Debug, Args)]
pub(in crate::config) struct Write {
    /// What to point at the gateway
    #[arg(required = true, value_enum, value_name = "TOOL")]
    tools: Vec<Tool>,
    #[command(flatten)]
    gateway: Gateway,
    /// Whose configuration [default: user; project where a tool has no other]
    #[arg(long, value_enum)]
    scope: Option<Scope>,
    /// A variable that holds the token when the tool runs, where it expands them
    #[arg(long, value_name = "NAME")]
    token_from_env: Option<TokenVariable>,
    /// Write without asking
    #[arg(short, long)]
    yes: bool,
}

impl Write {
    /// Writes.
    pub(in crate::config) fn run(self) -> anyhow::Result<Exit> {
        let machine = Machine::this()?;
        let aim = Aim::new(&self.gateway, self.token_from_env.clone(), &machine)?;
        for tool in &self.tools {
            self.one(*tool, &aim, &machine)?;
        }
        Ok(Exit::Clean)
    }

    fn one(&self, tool: Tool, aim: &Aim, machine: &Machine) -> anyhow::Result<()> {
        let scope = self.scope.unwrap_or(tool.usual_scope());
        let plan = tool.plan(scope, aim, machine)?;
        if let Some(printed) = &plan.printed {
            print(printed)?;
            return Ok(());
        }
        if plan.changes.is_empty() {
            print(&format!("{tool} is pointed at {} already.\n", aim.simple()))?;
        } else {
            print(&show::plan(&plan))?;
            self.ask(tool)?;
            apply(&plan, tool, scope, machine)?;
            print(&show::remarks(&plan.remarks))?;
        }
        let left = tool.look(aim, machine)?.judged(&tool.to_string(), aim);
        if !left.is_empty() {
            let head = format!("What still leads {tool} past the gateway:\n");
            print(&format!("{head}{}", check::findings(&left)))?;
        }
        Ok(())
    }

    fn ask(&self, tool: Tool) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(failure(
                "nothing was written: there is no terminal to ask on",
                "give --yes when the difference is what you want",
            ));
        }
        eprint!("Write this for {tool}? [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        match matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            true => Ok(()),
            false => Err(failure(
                "nothing was written",
                "run it again to be asked again",
            )),
        }
    }
}

fn apply(plan: &Plan, tool: Tool, scope: Scope, machine: &Machine) -> anyhow::Result<()> {
    let backups = Backups::of(machine)?;
    for change in &plan.changes {
        backups.write(change, tool, scope, machine)?;
        remark(&format!("Wrote {}.", change.path.display()));
    }
    remark(&format!("`portcullis config restore {tool}` undoes it."));
    Ok(())
}
