//! Yanking, unyanking and deleting what was published here. A deleted file's row stays as a
//! tombstone, and the name of a deleted project stays owned: deleting opens nothing to others.

use std::str::FromStr;

use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;
use serde_json::{Value, json};

use super::{HostedFile, file_columns, touch};
use crate::columns::free_text;
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::ledger;

/// Which files of a project are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The file with this name.
    File(&'a str),
    /// Every file of this version, in any spelling of it.
    Release(&'a Version),
    /// Every file.
    Project,
}

impl Target<'_> {
    fn means(&self, file: &HostedFile) -> bool {
        match self {
            Self::File(filename) => file.filename == *filename,
            Self::Release(version) => {
                Version::from_str(&file.version).is_ok_and(|found| found == **version)
            }
            Self::Project => true,
        }
    }
}

/// What somebody does to which files.
#[derive(Clone, Copy, Debug)]
pub struct Withdrawal<'a> {
    /// The hosted source.
    pub source: &'a str,
    /// The project.
    pub project: &'a ProjectName,
    /// Which of its files.
    pub target: Target<'a>,
    /// Who does it.
    pub who: &'a str,
}

const LIVE: &str = concat!(
    "SELECT ",
    file_columns!(),
    " FROM file WHERE source = $1 AND project = $2 AND deleted_at IS NULL ORDER BY id"
);

async fn meant(
    write: &mut Write,
    withdrawal: &Withdrawal<'_>,
) -> Result<Vec<HostedFile>, StoreError> {
    let mut files: Vec<HostedFile> = within!(write, executor => {
        sqlx::query_as(LIVE)
            .bind(withdrawal.source)
            .bind(withdrawal.project.as_str())
            .fetch_all(executor)
            .await
    })?;
    files.retain(|file| withdrawal.target.means(file));
    Ok(files)
}

const MARK: &str = "UPDATE file SET yanked = $3, yanked_reason = $4 \
     WHERE source = $1 AND filename = $2";

async fn mark(write: &mut Write, file: &HostedFile, marker: &Yanked) -> Result<(), StoreError> {
    let reason = match marker {
        Yanked::Because(reason) => Some(&**reason),
        Yanked::Yes | Yanked::No => None,
    };
    within!(write, executor => {
        sqlx::query(MARK)
            .bind(&file.source)
            .bind(&file.filename)
            .bind(*marker != Yanked::No)
            .bind(reason)
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

fn filenames(files: &[HostedFile]) -> Value {
    files.iter().map(|file| file.filename.as_str()).collect()
}

/// Yanks files (PEP 592) with a reason, which may be empty; one that is yanked already gets the new
/// reason. Returns the files that were meant, as they were before.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is yanked then.
pub async fn yank(
    db: &Db,
    withdrawal: &Withdrawal<'_>,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<HostedFile>, StoreError> {
    let reason = free_text(reason);
    let mut write = db.begin_write().await?;
    let files = meant(&mut write, withdrawal).await?;
    let payload = json!({
        "source": withdrawal.source, "project": withdrawal.project, "files": filenames(&files),
        "reason": reason, "who": free_text(withdrawal.who),
    });
    let marker = match reason.as_str() {
        "" => Yanked::Yes,
        reason => Yanked::Because(reason.into()),
    };
    for file in &files {
        mark(&mut write, file, &marker).await?;
    }
    if !files.is_empty() {
        finish(write, withdrawal, (Kind::Yank, payload), now).await?;
    }
    Ok(files)
}

/// Takes a yank back. Returns the files that were yanked, as they were before.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing changes then.
pub async fn unyank(
    db: &Db,
    withdrawal: &Withdrawal<'_>,
    now: Timestamp,
) -> Result<Vec<HostedFile>, StoreError> {
    let mut write = db.begin_write().await?;
    let mut files = meant(&mut write, withdrawal).await?;
    files.retain(|file| file.yanked);
    for file in &files {
        mark(&mut write, file, &Yanked::No).await?;
    }
    let payload = json!({
        "source": withdrawal.source, "project": withdrawal.project, "files": filenames(&files),
        "who": free_text(withdrawal.who),
    });
    if !files.is_empty() {
        finish(write, withdrawal, (Kind::Unyank, payload), now).await?;
    }
    Ok(files)
}

const DELETE_FILE: &str = "UPDATE file SET deleted_at = $3 WHERE source = $1 AND filename = $2";

const DELETE_PROJECT: &str = "UPDATE project SET deleted_at = $3 \
     WHERE source = $1 AND name = $2 AND deleted_at IS NULL";

/// Deletes files, or a project with all its files. Returns the files that are gone; their bytes are
/// still in the vault, and may be needed by others (see [`crate::references`]).
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is deleted then.
pub async fn delete(
    db: &Db,
    withdrawal: &Withdrawal<'_>,
    now: Timestamp,
) -> Result<Vec<HostedFile>, StoreError> {
    let Withdrawal {
        source,
        project,
        target,
        who,
    } = *withdrawal;
    let mut write = db.begin_write().await?;
    let files = meant(&mut write, withdrawal).await?;
    for file in &files {
        set_deleted(&mut write, DELETE_FILE, (source, &file.filename), now).await?;
    }
    let mut whole_project = false;
    if target == Target::Project {
        let row = (source, project.as_str());
        whole_project = set_deleted(&mut write, DELETE_PROJECT, row, now).await?;
    }
    if files.is_empty() && !whole_project {
        return Ok(files);
    }
    let digests: Vec<Value> = files
        .iter()
        .map(|file| json!({"filename": file.filename, "sha256": file.sha256}))
        .collect();
    let payload = json!({
        "source": source, "project": project, "whole_project": whole_project,
        "files": digests, "who": free_text(who),
    });
    finish(write, withdrawal, (Kind::Deletion, payload), now).await?;
    Ok(files)
}

async fn set_deleted(
    write: &mut Write,
    statement: &'static str,
    (source, name): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(write, executor => {
        sqlx::query(statement)
            .bind(source)
            .bind(name)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

async fn finish(
    mut write: Write,
    withdrawal: &Withdrawal<'_>,
    (kind, payload): (Kind, Value),
    now: Timestamp,
) -> Result<(), StoreError> {
    ledger::append(&mut write, kind, &payload, now).await?;
    touch(&mut write, withdrawal.source, withdrawal.project).await?;
    write.commit().await
}
