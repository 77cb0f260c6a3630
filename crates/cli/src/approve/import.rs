//! `portcullis approve import`: what lock files and bills of materials approve, shown or done.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::approval::ApprovalOrigin;
use portcullis_core::approval::import::{Latitude, Proposal, Proposed, origin, propose};
use portcullis_core::index::IndexName;
use portcullis_core::pypi::lockfile::{self, LockFormat, LockedFiles, MAX_LOCK_BYTES, Skipped};
use portcullis_store::approvals::{self, Act, NewApproval};
use serde_json::{Value, json};

use super::{print_already, remark_on_policy};
use crate::context::{Opened, now, who};
use crate::exit::{Exit, failure};
use crate::output::{Format, count, paragraph, print, print_json, table, visible};

/// The most lines that are said of what a file does not approve.
const LEFT_OUT_SHOWN: usize = 10;

/// One file, and what it would approve.
pub struct ReadFile {
    origin: ApprovalOrigin,
    format: LockFormat,
    proposal: Proposal,
    skipped: Vec<Skipped>,
}

/// Reads the files; one that cannot be read spoils all.
pub fn read(files: &[PathBuf], latitude: Latitude) -> anyhow::Result<Vec<ReadFile>> {
    files.iter().map(|file| read_one(file, latitude)).collect()
}

fn read_one(file: &Path, latitude: Latitude) -> anyhow::Result<ReadFile> {
    let shown = file.display();
    let opened = std::fs::File::open(file).with_context(|| format!("cannot read {shown}"))?;
    let mut bytes = Vec::new();
    // One byte more than is allowed is enough to be refused.
    let mut bounded = opened.take(MAX_LOCK_BYTES as u64 + 1);
    let read = bounded.read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {shown}"))?;
    let name = file.to_string_lossy();
    let locked: LockedFiles = lockfile::read(&name, &bytes).map_err(|error| {
        failure(
            format!("{shown}: {error}"),
            "give a lock file or bill of materials as its tool wrote it",
        )
    })?;
    Ok(ReadFile {
        origin: origin(locked.format, &name),
        format: locked.format,
        proposal: propose(&locked, latitude),
        skipped: locked.skipped,
    })
}

/// Shows what would be approved.
pub fn preview(files: &[ReadFile], format: Format) -> anyhow::Result<Exit> {
    if format == Format::Json {
        let files: Vec<Value> = files.iter().map(as_json).collect();
        print_json(&json!({ "dry-run": true, "files": files }))?;
        return Ok(Exit::Clean);
    }
    for file in files {
        let number = count(file.proposal.entries.len() as u64, "release");
        print(&format!(
            "{} ({}) would approve {number}:\n\n",
            file.origin, file.format
        ))?;
        let rows = file.proposal.entries.iter().map(|entry| {
            let versions = match entry.specifiers.is_empty() {
                true => "all".to_owned(),
                false => entry.specifiers.to_string(),
            };
            [entry.projects.to_string(), versions, files_text(entry)]
        });
        print(&table(["project", "versions", "files"], rows))?;
        print_left_out(file)?;
    }
    Ok(Exit::Clean)
}

fn files_text(entry: &Proposed) -> String {
    match entry.files.len() {
        0 => "all".to_owned(),
        files => count(files as u64, "file"),
    }
}

fn print_left_out(file: &ReadFile) -> anyhow::Result<()> {
    let unpinned =
        file.proposal.unpinned.iter().map(|project| {
            format!("{project} is left out: the file does not say which version of it")
        });
    let skipped = file.skipped.iter().map(|skipped| {
        let line = skipped.line.map(|line| format!("line {line}: "));
        let (line, what) = (line.unwrap_or_default(), &skipped.what);
        format!("{line}{what} is left out: {}", skipped.reason)
    });
    let left_out: Vec<String> = unpinned.chain(skipped).collect();
    for line in left_out.iter().take(LEFT_OUT_SHOWN) {
        print(paragraph(2, &visible(line)).trim_end())?;
    }
    match left_out.len().saturating_sub(LEFT_OUT_SHOWN) {
        0 => Ok(()),
        more => print(&format!("  and {more} more are left out")),
    }
}

/// Approves what the files name, each file in one transaction.
pub async fn approve(
    opened: &Opened,
    index: &IndexName,
    files: &[ReadFile],
    (reason, format): (Option<&str>, Format),
) -> anyhow::Result<Exit> {
    let by = who();
    let mut done = Vec::new();
    for file in files {
        let otherwise = format!("named by {}", file.origin);
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let act = Act {
            index,
            reason: reason.unwrap_or(&otherwise),
            who: &by,
        };
        let new: Vec<NewApproval> = file
            .proposal
            .entries
            .iter()
            .map(|one| new(one, file))
            .collect();
        let added = approvals::add(&opened.db, act, &new, now()).await?;
        match format {
            Format::Json => {
                let mut shown = as_json(file);
                shown["added"] = added.added.len().into();
                shown["already"] = added.already.into();
                done.push(shown);
            }
            Format::Text => {
                let number = count(added.added.len() as u64, "release");
                print(&format!(
                    "{number} of {} approved for {index} from now on.",
                    file.origin
                ))?;
                print_already(&added)?;
                print_left_out(file)?;
            }
        }
    }
    match format {
        Format::Json => print_json(&json!({ "index": index.as_str(), "files": done }))?,
        Format::Text => remark_on_policy(opened, index)?,
    }
    Ok(Exit::Clean)
}

fn new(proposed: &Proposed, file: &ReadFile) -> NewApproval {
    NewApproval {
        projects: proposed.projects.clone(),
        specifiers: proposed.specifiers.clone(),
        files: proposed.files.clone(),
        origin: file.origin.clone(),
    }
}

fn as_json(file: &ReadFile) -> Value {
    let entries: Vec<Value> = file
        .proposal
        .entries
        .iter()
        .map(|entry| {
            json!({
                "project": entry.projects,
                "versions": entry.specifiers.to_string(),
                "files": entry.files,
            })
        })
        .collect();
    json!({
        "origin": file.origin.to_string(),
        "format": file.format,
        "entries": entries,
        "unpinned": file.proposal.unpinned,
        "skipped": file.skipped,
    })
}
