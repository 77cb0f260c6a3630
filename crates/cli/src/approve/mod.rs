//! `portcullis approve`: what an index may serve that serves only what was approved.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portcullis_core::approval::import::Latitude;
use portcullis_core::approval::{Approvable, ApprovalOrigin};
use portcullis_core::index::IndexName;
use portcullis_core::policy::Mode;
use portcullis_server::policies::Policies;
use portcullis_store::approvals::{self, Act, Added, NewApproval, Which};

use crate::context::{Absence, Opened, Place, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::output::{Format, count, print};

mod import;
mod list;

/// The rule that asks for approvals.
const RULE: &str = "not-approved";

/// Approve projects, for indexes that serve only what was approved
///
/// Approvals count where a policy enforces the rule `not-approved`. What an approved project wants to
/// have installed with it is not approved by that: import the lock file that names it all.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis approve add flask~=3.1 --index main --reason 'web shop'"
)]
pub struct Approve {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Approve projects or some of their versions
    #[command(
        after_help = "Example:\n  portcullis approve add flask~=3.1 'acme-*' --reason 'web shop'"
    )]
    Add {
        /// Projects, prefixes such as acme-*, or requirements such as 'flask>=3,<4'
        #[arg(required = true, value_name = "REQUIREMENT")]
        wanted: Vec<Approvable>,
        /// The index [default: the default index]
        #[arg(long, value_name = "NAME")]
        index: Option<String>,
        /// Why, for those who review the list
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Approve what lock files and bills of materials name
    ///
    /// Reads pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, pinned requirements,
    /// CycloneDX JSON and SPDX 2 JSON. Where a file gives SHA-256 digests, exactly those files are
    /// approved.
    #[command(after_help = "Example:\n  portcullis approve import uv.lock --dry-run")]
    Import {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The index [default: the default index]
        #[arg(long, value_name = "NAME")]
        index: Option<String>,
        /// Why [default: the names of the files]
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Which versions: exact (the locked ones), compatible (up to the next that may break) or
        /// any
        #[arg(long, value_name = "WHICH", default_value = "exact")]
        versions: Latitude,
        /// Only show what would be approved
        #[arg(long)]
        dry_run: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// List what is approved
    #[command(after_help = "Example:\n  portcullis approve list --index main --format json")]
    List {
        /// Only this index
        #[arg(long, value_name = "NAME")]
        index: Option<String>,
        /// What was taken back, too
        #[arg(long)]
        all: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take approvals back
    #[command(after_help = "Example:\n  portcullis approve remove --origin lock:uv.lock")]
    Remove {
        /// The numbers as `portcullis approve list` shows them
        #[arg(value_name = "NUMBER", required_unless_present = "origin")]
        numbers: Vec<i64>,
        /// Everything that came about so, for example lock:uv.lock
        #[arg(long, value_name = "ORIGIN", conflicts_with = "numbers")]
        origin: Option<ApprovalOrigin>,
        /// The index for --origin [default: the default index]
        #[arg(long, value_name = "NAME", requires = "origin")]
        index: Option<String>,
    },
}

impl Approve {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        let absence = match &self.verb {
            Verb::Add { .. } | Verb::Import { .. } => Absence::Prepared,
            Verb::List { .. } | Verb::Remove { .. } => Absence::Refused,
        };
        wait_for(async {
            let opened = self.place.database(absence).await?;
            let exit = self.verb.run(&opened).await;
            opened.db.close().await;
            exit
        })
    }
}

impl Verb {
    async fn run(self, opened: &Opened) -> anyhow::Result<Exit> {
        match self {
            Self::Add {
                wanted,
                index,
                reason,
            } => {
                let index = index_named(opened, index.as_deref())?;
                add(opened, &index, wanted, &reason).await
            }
            Self::Import {
                files,
                index,
                reason,
                versions,
                dry_run,
                format,
            } => {
                let index = index_named(opened, index.as_deref())?;
                let read = import::read(&files, versions)?;
                match dry_run {
                    true => import::preview(&read, format),
                    false => {
                        import::approve(opened, &index, &read, (reason.as_deref(), format)).await
                    }
                }
            }
            Self::List { index, all, format } => {
                let index = index
                    .map(|index| index_named(opened, Some(&index)))
                    .transpose()?;
                list::list(opened, index.as_ref(), (all, format)).await
            }
            Self::Remove {
                numbers,
                origin,
                index,
            } => {
                let which = match origin {
                    Some(origin) => {
                        vec![Which::Origin(
                            index_named(opened, index.as_deref())?,
                            origin,
                        )]
                    }
                    None => numbers.into_iter().map(Which::Number).collect(),
                };
                remove(opened, &which).await
            }
        }
    }
}

/// The index of this name, or the default one.
fn index_named(opened: &Opened, name: Option<&str>) -> anyhow::Result<IndexName> {
    let config = &opened.config;
    let Some(name) = name else {
        return Ok(config.default_index.clone());
    };
    let found = name.parse().ok();
    found
        .filter(|name: &IndexName| config.indexes.contains_key(name))
        .ok_or_else(|| {
            let known: Vec<&str> = config.indexes.keys().map(IndexName::as_str).collect();
            failure(
                format!("there is no index {name:?}"),
                format!("use one of: {}", known.join(", ")),
            )
        })
}

async fn add(
    opened: &Opened,
    index: &IndexName,
    wanted: Vec<Approvable>,
    reason: &str,
) -> anyhow::Result<Exit> {
    if reason.trim().is_empty() {
        return Err(failure(
            "an approval needs a reason",
            "say with --reason what those who review the list should know",
        ));
    }
    let new = wanted.into_iter().map(|wanted| NewApproval {
        projects: wanted.projects,
        specifiers: wanted.specifiers,
        files: std::collections::BTreeSet::new(),
        origin: ApprovalOrigin::Typed,
    });
    let new: Vec<NewApproval> = new.collect();
    let by = who();
    let act = Act {
        index,
        reason: reason.trim(),
        who: &by,
    };
    let added = approvals::add(&opened.db, act, &new, now()).await?;
    for one in &added.added {
        print(&format!(
            "{} is approved for {index} from now on ({}).",
            list::subject(one),
            one.id
        ))?;
    }
    print_already(&added)?;
    remark_on_policy(opened, index)?;
    Ok(Exit::Clean)
}

fn print_already(added: &Added) -> anyhow::Result<()> {
    match added.already {
        0 => Ok(()),
        1 => print("1 entry was approved before and keeps its reason."),
        already => print(&format!(
            "{already} entries were approved before and keep their reasons."
        )),
    }
}

/// Says so when nothing asks for approvals.
fn remark_on_policy(opened: &Opened, index: &IndexName) -> anyhow::Result<()> {
    let Ok(policies) = Policies::load(&opened.config) else {
        return Ok(());
    };
    let policy = policies.of(index);
    let mode = policy.and_then(|policy| {
        let mut rules = policy.rules().iter();
        rules.find(|rule| rule.id == RULE).map(|rule| rule.mode)
    });
    match mode {
        Some(Mode::Enforce) => Ok(()),
        Some(Mode::Observe) => print(&format!(
            "The policy of {index} only observes {RULE}: nothing is refused for want of approval."
        )),
        Some(Mode::Off) | None => print(&format!(
            "The policy of {index} does not ask for approvals yet: write [rules.{RULE}] into it."
        )),
    }
}

async fn remove(opened: &Opened, which: &[Which]) -> anyhow::Result<Exit> {
    for one in which {
        let removed = approvals::remove(&opened.db, one, &who(), now()).await?;
        match (one, &removed[..]) {
            (Which::Number(id), []) => {
                return Err(failure(
                    format!("no approval has the number {id}"),
                    "see `portcullis approve list`",
                ));
            }
            (Which::Origin(index, origin), []) => {
                return Err(failure(
                    format!("nothing is approved for {index} through {origin}"),
                    "see `portcullis approve list`",
                ));
            }
            (_, [one]) => print(&format!(
                "{} is no longer approved for {} through {} ({}).",
                list::subject(one),
                one.index,
                one.origin,
                one.id
            ))?,
            (Which::Number(_) | Which::Origin(..), all) => print(&format!(
                "{} taken back.",
                count(all.len() as u64, "approval")
            ))?,
        }
    }
    Ok(Exit::Clean)
}
