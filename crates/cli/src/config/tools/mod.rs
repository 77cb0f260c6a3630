//! `portcullis config write|check|restore TOOL`: pointing installers and publishers at the gateway, saying
//! whether they ask it, and undoing it. One file a tool says where it looks and what leads it elsewhere; what
//! writes, asks and undoes knows no tool.

mod aim;
mod machine;
mod plan;

mod ini;
mod lines;
mod toml_text;

mod conda;
mod docker;
mod pdm;
mod pip;
mod pipeline;
mod pipenv;
mod poetry;
mod twine;
mod uv;

mod backup;
mod check;
mod restore;
mod show;
mod write;

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::aim::Aim;
use self::machine::Machine;
use self::pipeline::Service;
use self::plan::{Look, Plan};
use crate::exit::failure;

pub(super) use self::aim::Gateway;
pub(super) use self::check::check;
pub(super) use self::restore::Restore;
pub(super) use self::write::Write;

/// A program that asks an index, or a service that runs such programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tool {
    Pip,
    Uv,
    Poetry,
    Pdm,
    Pipenv,
    Twine,
    Conda,
    Docker,
    #[value(name = "github")]
    GitHub,
    #[value(name = "gitlab")]
    GitLab,
}

/// Whose configuration is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    /// The user's own
    User,
    /// The project's in this folder
    Project,
    /// The virtual environment's
    Site,
    /// The machine's, for all users
    System,
    /// Variables, which are printed instead of written
    Environment,
}

impl Tool {
    /// The scope that is meant where none is named.
    const fn usual_scope(self) -> Scope {
        match self {
            Self::Pip | Self::Uv | Self::Pdm | Self::Twine | Self::Conda => Scope::User,
            Self::Poetry | Self::Pipenv | Self::Docker | Self::GitHub | Self::GitLab => {
                Scope::Project
            }
        }
    }

    /// What pointing it at the gateway would do.
    fn plan(self, scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
        match self {
            Self::Pip => pip::plan(scope, aim, machine),
            Self::Uv => uv::plan(scope, aim, machine),
            Self::Poetry => poetry::plan(scope, aim, machine),
            Self::Pdm => pdm::plan(scope, aim, machine),
            Self::Pipenv => pipenv::plan(scope, aim, machine),
            Self::Twine => twine::plan(scope, aim, machine),
            Self::Conda => conda::plan(scope, aim, machine),
            Self::Docker => docker::plan(scope, aim, machine),
            Self::GitHub => pipeline::plan(Service::GitHub, scope, aim, machine),
            Self::GitLab => pipeline::plan(Service::GitLab, scope, aim, machine),
        }
    }

    /// What it would ask as things are.
    fn look(self, aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
        match self {
            Self::Pip => pip::look(aim, machine),
            Self::Uv => uv::look(aim, machine),
            Self::Poetry => poetry::look(aim, machine),
            Self::Pdm => pdm::look(aim, machine),
            Self::Pipenv => pipenv::look(aim, machine),
            Self::Twine => twine::look(aim, machine),
            Self::Conda => conda::look(aim, machine),
            Self::Docker => docker::look(aim, machine),
            Self::GitHub => pipeline::look(Service::GitHub, aim, machine),
            Self::GitLab => pipeline::look(Service::GitLab, aim, machine),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Pipenv => "pipenv",
            Self::Twine => "twine",
            Self::Conda => "conda",
            Self::Docker => "docker",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        })
    }
}

/// That a tool has nothing in a scope.
fn no_scope(why: impl AsRef<str>, instead: &str) -> anyhow::Error {
    failure(why, instead)
}

/// Lines for a shell that set variables and take others away.
fn exports(set: &[(&str, String)], unset: &[&str]) -> String {
    let mut lines = String::new();
    for (name, value) in set {
        let value = value.replace('\'', "'\\''");
        lines.push_str(&format!("export {name}='{value}'\n"));
    }
    if !unset.is_empty() {
        lines.push_str(&format!("unset {}\n", unset.join(" ")));
    }
    lines
}

#[cfg(test)]
mod tests;
