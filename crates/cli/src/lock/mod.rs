//! `portcullis lock`: what teams have locked, put on record, so that on a bad day it is known who is
//! about to install what nobody has fetched yet; and what a lock names, held against what there is.

mod verify;
mod fetched;
mod normalize;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::lockfile::{self, LockedFiles};
use portcullis_server::http::api::locks::as_json;
use portcullis_store::locks::{self, LockName, NewLock};
use serde_json::{Value, json};

use crate::context::{Absence, Opened, Place, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::output::{Format, count, paragraph, print, print_json, table};

/// Put on record what teams have locked, verify it, and make its addresses portable
///
/// Builds can do the same with a token that may read:
/// curl -T uv.lock -u "__token__:$TOKEN" https://…/api/v1/locks/payments/build
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis lock register payments/build uv.lock")]
pub struct Locks {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Put a lock on record, in the place of what it was before
    ///
    /// Reads pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, pinned requirements,
    /// CycloneDX JSON and SPDX 2 JSON.
    #[command(
        after_help = "Example:\n  portcullis lock register payments/build uv.lock --token ci"
    )]
    Register {
        /// The name of the lock, such as payments/build
        #[arg(value_name = "NAME")]
        name: LockName,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The token with which builds from this lock download; else they are known by the name
        /// that they give as user, such as payments-build-4412
        #[arg(long, value_name = "NAME")]
        token: Option<String>,
    },
    /// List the locks on record
    #[command(after_help = "Example:\n  portcullis lock list --format json")]
    List {
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a lock off the record
    #[command(after_help = "Example:\n  portcullis lock remove payments/build")]
    Remove {
        /// The name of the lock as `portcullis lock list` shows it
        #[arg(value_name = "NAME")]
        name: LockName,
    },
    /// Hold every file that a lock names against the index and against what was received here
    ///
    /// A gateway is asked what its page lists and which bytes it first received under each name; where
    /// there is none, the index of pip and uv is asked what it lists. Exits with 1 when a file differs
    /// or is missing, and with 3 when one could not be compared.
    #[command(after_help = "Example:\n  portcullis lock verify uv.lock --download")]
    Verify(verify::Verify),
    /// Turn the addresses of a gateway in a lock into those of the index behind it, and back
    ///
    /// Nothing but addresses is touched, and there and back is the same file. The change is shown, and
    /// made as a whole or not at all.
    #[command(
        after_help = "Examples:\n  portcullis lock normalize uv.lock --check\n  \
                      portcullis lock normalize uv.lock --gateway http://gateway.example"
    )]
    Normalize(normalize::Normalize),
}

impl Locks {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let verb = match self.verb {
                Verb::Verify(verify) => return verify.run(&self.place).await,
                Verb::Normalize(normalize) => return normalize.run(&self.place).await,
                verb => verb,
            };
            let opened = self.place.database(Absence::Refused).await?;
            let exit = match verb {
                Verb::Verify(_) | Verb::Normalize(_) => Ok(Exit::Clean),
                Verb::Register { name, file, token } => {
                    register(&opened, &name, &file, token.as_deref()).await
                }
                Verb::List { format } => list(&opened, format).await,
                Verb::Remove { name } => remove(&opened, &name).await,
            };
            opened.db.close().await;
            exit
        })
    }
}

async fn register(
    opened: &Opened,
    name: &LockName,
    file: &std::path::Path,
    token: Option<&str>,
) -> anyhow::Result<Exit> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let files = lockfile::read(&file.to_string_lossy(), &bytes);
    let files = files.map_err(|error| {
        failure(
            format!("{shown}: {error}"),
            "give a lock file as its tool wrote it",
        )
    })?;
    let by = who();
    let new = NewLock {
        name,
        files: &files,
        digest: Sha256::of(&bytes),
        token,
        who: &by,
    };
    locks::put(&opened.db, &new, now()).await?;
    print(&format!(
        "{name} is on record: {} of {}.",
        count(files.entries.len() as u64, "release"),
        files.format
    ))?;
    print_skipped(&files)?;
    Ok(Exit::Clean)
}

/// The most lines that are said of what is no release of an index.
const SKIPPED_SHOWN: usize = 10;

fn print_skipped(files: &LockedFiles) -> anyhow::Result<()> {
    for skipped in files.skipped.iter().take(SKIPPED_SHOWN) {
        let line = skipped.line.map(|line| format!("line {line}: "));
        let (line, what) = (line.unwrap_or_default(), &skipped.what);
        print(paragraph(2, &format!("{line}{what} is left out: {}", skipped.reason)).trim_end())?;
    }
    let more = files.skipped.len().saturating_sub(SKIPPED_SHOWN);
    if more > 0 {
        print(&format!("  and {more} more are left out"))?;
    }
    Ok(())
}

async fn list(opened: &Opened, format: Format) -> anyhow::Result<Exit> {
    let listed = locks::list(&opened.db).await?;
    match format {
        Format::Json => {
            let locks: Vec<Value> = listed.iter().map(as_json).collect();
            print_json(&json!({ "locks": locks }))?;
        }
        Format::Text if listed.is_empty() => {
            print("No locks are on record. See `portcullis lock register --help`.")?;
        }
        Format::Text => {
            let rows = listed.iter().map(|lock| {
                [
                    lock.name.to_string(),
                    lock.format.clone(),
                    lock.entries.to_string(),
                    lock.at.to_minute(),
                    lock.who.clone(),
                ]
            });
            print(&table(["lock", "from", "releases", "since", "by"], rows))?;
        }
    }
    Ok(Exit::Clean)
}

async fn remove(opened: &Opened, name: &LockName) -> anyhow::Result<Exit> {
    match locks::remove(&opened.db, name, &who(), now()).await? {
        true => print(&format!("{name} is no longer on record."))?,
        false => {
            return Err(failure(
                format!("there is no lock {name}"),
                "see `portcullis lock list`",
            ));
        }
    }
    Ok(Exit::Clean)
}
