//! `portcullis backup` and `restore`: the embedded database and the blobs, while the server runs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_store::backup::{self, BackupError, Manifest};
use portcullis_store::blobs::Blobs;
use serde_json::json;

use crate::context::{Absence, Place, now, wait_for};
use crate::exit::{Exit, failure};
use crate::output::{Format, bytes, count, print, print_json};

/// Take a backup while the server runs, or verify one
///
/// It holds the database and every file. portcullis.toml and the policies are not part of it.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  portcullis backup verify /backup/2026-11-21\n  \
                  portcullis backup /backup/2026-11-21"
)]
pub struct Backup {
    #[command(flatten)]
    place: Place,
    /// A directory that does not exist or is empty
    #[arg(value_name = "DIR", required = true)]
    dir: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Verify that everything a backup lists is there and unaltered
    ///
    /// Exits with 1 when it is not.
    #[command(after_help = "Example:\n  portcullis backup verify /backup/2026-11-21")]
    Verify {
        /// The backup
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Bring a backup back into a new data directory
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis restore /backup/2026-11-21 --data ./restored")]
pub struct Restore {
    /// The backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// A data directory that does not exist or is empty
    #[arg(long, value_name = "NEWDIR")]
    data: PathBuf,
}

impl Backup {
    /// Takes or verifies a backup.
    pub fn run(self) -> anyhow::Result<Exit> {
        match (self.verb, self.dir) {
            (Some(Verb::Verify { dir, format }), _) => verify(&dir, format),
            (None, Some(dir)) => wait_for(take(self.place, dir, self.format)),
            (None, None) => Err(failure(
                "a backup needs a directory",
                "see `portcullis backup --help`",
            )),
        }
    }
}

impl Restore {
    /// Brings a backup back.
    pub fn run(self) -> anyhow::Result<Exit> {
        let progress = spinner("verifying and copying");
        let restored = backup::restore(&self.dir, &self.data);
        progress.finish_and_clear();
        let manifest = restored.map_err(with_remedy)?;
        print(&format!(
            "Restored {} of {} from {} into {}.\nNext:  portcullis serve --data {}",
            count(manifest.files.len() as u64, "file"),
            bytes(size(&manifest)),
            manifest.created_at.to_minute(),
            self.data.display(),
            self.data.display(),
        ))?;
        Ok(Exit::Clean)
    }
}

async fn take(place: Place, dir: PathBuf, format: Format) -> anyhow::Result<Exit> {
    let opened = place.database(Absence::Refused).await?;
    let config = &opened.config;
    let blobs = Blobs::connect(&config.blobs, &config.data, std::env::vars_os())?;
    let progress = spinner("copying the database and every file");
    let taken = backup::backup(&opened.db, &blobs, &dir, now()).await;
    progress.finish_and_clear();
    let manifest = taken.map_err(with_remedy)?;
    opened.db.close().await;
    match format {
        Format::Json => print_json(&as_json(&dir, &manifest))?,
        Format::Text => print(&format!(
            "Backed up {} of {} into {}.\nKeep portcullis.toml and the policies beside it: they \
             are not part of it.",
            count(manifest.files.len() as u64, "file"),
            bytes(size(&manifest)),
            dir.display()
        ))?,
    }
    Ok(Exit::Clean)
}

fn verify(dir: &Path, format: Format) -> anyhow::Result<Exit> {
    if !dir.is_dir() {
        return Err(failure(
            format!("there is no directory {}", dir.display()),
            "name one that `portcullis backup` has written",
        ));
    }
    let progress = spinner("reading the backup");
    let verified = backup::verify_backup(dir);
    progress.finish_and_clear();
    match verified {
        Ok(manifest) => {
            match format {
                Format::Json => {
                    let mut value = as_json(dir, &manifest);
                    value["intact"] = json!(true);
                    print_json(&value)?;
                }
                Format::Text => print(&format!(
                    "{} is intact: {} of {}, taken {}.",
                    dir.display(),
                    count(manifest.files.len() as u64, "file"),
                    bytes(size(&manifest)),
                    manifest.created_at.to_minute()
                ))?,
            }
            Ok(Exit::Clean)
        }
        Err(error @ (BackupError::Mismatch { .. } | BackupError::NoBackup { .. })) => {
            match format {
                Format::Json => print_json(&json!({
                    "backup": dir, "intact": false, "what": error.to_string(),
                }))?,
                Format::Text => print(&format!("{} cannot be relied on: {error}.", dir.display()))?,
            }
            Ok(Exit::Findings)
        }
        Err(BackupError::Io { path, source }) if source.kind() == ErrorKind::NotFound => {
            not_intact(dir, &format!("{} is missing", path.display()), format)
        }
        Err(error) => Err(error.into()),
    }
}

fn not_intact(dir: &Path, what: &str, format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Json => print_json(&json!({ "backup": dir, "intact": false, "what": what }))?,
        Format::Text => print(&format!("{} cannot be relied on: {what}.", dir.display()))?,
    }
    Ok(Exit::Findings)
}

fn with_remedy(error: BackupError) -> anyhow::Error {
    let remedy = match &error {
        BackupError::NotEmpty(_) => "name a directory that does not exist yet",
        BackupError::NoBackup { .. } => {
            "name a directory that `portcullis backup` has finished; its manifest is written last"
        }
        BackupError::Mismatch { .. } => "use another backup: this one was altered or cut off",
        _ => return error.into(),
    };
    failure(error.to_string(), remedy)
}

fn size(manifest: &Manifest) -> u64 {
    manifest.files.iter().map(|file| file.size).sum()
}

fn as_json(dir: &Path, manifest: &Manifest) -> serde_json::Value {
    json!({
        "backup": dir,
        "created-at": manifest.created_at,
        "files": manifest.files.len(),
        "bytes": size(manifest),
    })
}

/// Shows that something is going on, on a terminal only.
fn spinner(what: &'static str) -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
        progress.set_style(style);
    }
    progress.set_message(what);
    progress.enable_steady_tick(Duration::from_millis(120));
    progress
}
