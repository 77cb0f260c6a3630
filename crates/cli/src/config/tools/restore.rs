//! `portcullis config restore`: gives files the bytes back that they had before `config write`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::aim::{Aim, Gateway};
use super::backup::{Backup, Backups, digest, replace};
use super::machine::{Found, Machine};
use super::plan::Readers;
use super::{Scope, Tool};
use crate::exit::{Exit, failure};
use crate::output::print;

/// What `config restore` takes.
#[derive(Debug, Args)]
pub(in crate::config) struct Restore {
    /// For what writing is undone
    #[arg(required = true, value_enum, value_name = "TOOL")]
    tools: Vec<Tool>,
    /// Whose configuration [default: the one that `write` takes]
    #[arg(long, value_enum)]
    scope: Option<Scope>,
    /// Restore files that were changed since; what they hold is kept
    #[arg(long)]
    force: bool,
}

/// Whether changes of others are in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Respected,
    Replaced,
}

/// The backups of one file, the oldest first, each with where it is kept.
type Stack = Vec<(PathBuf, Backup)>;

impl Restore {
    /// Restores.
    pub(in crate::config) fn run(self) -> anyhow::Result<Exit> {
        let machine = Machine::this()?;
        let backups = Backups::of(&machine)?;
        let mut files: BTreeMap<PathBuf, Stack> = BTreeMap::new();
        for (kept_in, backup) in backups.all()? {
            let stack = files.entry(backup.path.clone()).or_default();
            stack.push((kept_in, backup));
        }
        let meant: Vec<(Tool, Scope)> = self
            .tools
            .iter()
            .map(|tool| (*tool, self.scope.unwrap_or(tool.usual_scope())))
            .collect();
        let places: Vec<_> = meant
            .iter()
            .map(|(tool, scope)| (*tool, *scope, paths(*tool, *scope, &machine)))
            .collect();
        let is_meant = |backup: &Backup| {
            places.iter().any(|(tool, scope, paths)| {
                let is_here = match paths {
                    Some(paths) => paths.contains(&backup.path),
                    None => backup.folder == machine.folder,
                };
                backup.tool == *tool && backup.scope == *scope && is_here
            })
        };
        files.retain(|_, stack| stack.iter().any(|(_, backup)| is_meant(backup)));
        if files.is_empty() {
            return Err(failure(
                "there is nothing to restore: nothing was written here for this tool and scope",
                "give the --scope that was written, in the folder where it was",
            ));
        }
        let changed = match self.force {
            true => Changed::Replaced,
            false => Changed::Respected,
        };
        // Nothing is restored unless everything can be.
        let undone = files
            .iter()
            .map(|(path, stack)| undo(path, stack, is_meant, changed));
        let undone: Vec<Undone<'_>> = undone.collect::<anyhow::Result<_>>()?;
        for one in undone {
            one.apply(&backups)?;
        }
        Ok(Exit::Clean)
    }
}

/// The files that a tool has in a scope here; `None` where that cannot be told any more.
fn paths(tool: Tool, scope: Scope, machine: &Machine) -> Option<Vec<PathBuf>> {
    let nowhere = Gateway {
        gateway: Some("http://gateway.invalid".to_owned()),
        index: None,
    };
    let aim = Aim::new(&nowhere, None, machine).ok()?;
    let plan = tool.plan(scope, &aim, machine).ok()?;
    Some(plan.changes.into_iter().map(|change| change.path).collect())
}

/// A file that is to be restored.
struct Undone<'stack> {
    path: &'stack Path,
    /// What it holds now, where that is to be kept.
    now: Option<String>,
    /// The backups that are used up, the oldest first.
    used: &'stack [(PathBuf, Backup)],
}

fn undo<'stack>(
    path: &'stack Path,
    stack: &'stack Stack,
    is_meant: impl Fn(&Backup) -> bool,
    changed: Changed,
) -> anyhow::Result<Undone<'stack>> {
    let shown = path.display();
    let last = stack.last().map(|(_, backup)| backup);
    let Some(last) = last.filter(|last| is_meant(last)) else {
        let other = last.map(|last| last.tool.to_string()).unwrap_or_default();
        return Err(failure(
            format!("{shown} was written for {other} since"),
            format!("restore {other} first, or both at once"),
        ));
    };
    let now = Found::read(path.to_owned())?.text;
    let is_same = now.as_deref().map(digest).as_ref() == Some(&last.after_sha256);
    if !is_same && changed == Changed::Respected {
        return Err(failure(
            format!("{shown} was changed since it was written; nothing was restored"),
            "take the lines out yourself, or give --force: what it holds now is kept then",
        ));
    }
    // Back to where somebody else has changed it in between.
    let mut start = stack.len() - 1;
    while start > 0 {
        let (earlier, later) = (&stack[start - 1].1, &stack[start].1);
        let follows = Some(&earlier.after_sha256) == later.before_sha256.as_ref();
        if !follows || !is_meant(earlier) {
            break;
        }
        start -= 1;
    }
    Ok(Undone {
        path,
        now: now.filter(|_| !is_same),
        used: &stack[start..],
    })
}

impl Undone<'_> {
    fn apply(self, backups: &Backups) -> anyhow::Result<()> {
        let shown = self.path.display();
        if let Some(now) = &self.now {
            let kept_in = backups.keep_beside(self.path, now)?;
            print(&format!(
                "What {shown} held is kept in {}.\n",
                kept_in.display()
            ))?;
        }
        let Some((_, oldest)) = self.used.first() else {
            return Ok(());
        };
        match &oldest.before {
            Some(before) => {
                replace(self.path, before, Readers::Owner)?;
                print(&format!("{shown} is as it was.\n"))?;
            }
            None => {
                if self.path.exists() {
                    std::fs::remove_file(self.path)?;
                }
                // Folders that others use by now stay.
                for folder in oldest.made.iter().rev() {
                    let _ = std::fs::remove_dir(folder);
                }
                print(&format!("{shown} is gone, as it was.\n"))?;
            }
        }
        for (kept_in, _) in self.used.iter().rev() {
            std::fs::remove_file(kept_in)?;
        }
        Ok(())
    }
}
