//! Approvals: what an index may serve that serves only what was approved. A row is never deleted: taking an
//! approval back is written beside it. What an approval covers is decided in `core::approval`.

use std::collections::BTreeSet;

use portcullis_core::approval::{ApprovalOrigin, Approved};
use portcullis_core::digest::Sha256;
use portcullis_core::index::IndexName;
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::NamePattern;
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::columns::{Digests, MaybeMillis, Millis, Word, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// An approval, in force or in the past.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Recorded {
    /// Its number.
    pub id: i64,
    /// The index in which it holds.
    #[sqlx(rename = "index_name", try_from = "Word")]
    pub index: IndexName,
    /// The projects.
    #[sqlx(rename = "pattern", try_from = "Word")]
    pub projects: NamePattern,
    /// The versions; empty for all.
    #[sqlx(try_from = "Word")]
    pub specifiers: VersionSpecifiers,
    /// The SHA-256 of the files; empty for every file of the versions. In order.
    #[sqlx(try_from = "Digests")]
    pub files: Vec<Sha256>,
    /// Why.
    pub reason: String,
    /// How it came to be approved.
    #[sqlx(try_from = "Word")]
    pub origin: ApprovalOrigin,
    /// Who approved it.
    pub who: String,
    /// Since when.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// When it was taken back.
    #[sqlx(try_from = "MaybeMillis")]
    pub removed_at: Option<Timestamp>,
    /// Who took it back.
    pub removed_by: Option<String>,
}

impl Recorded {
    /// As the rule looks at it.
    pub fn approved(&self) -> Approved {
        Approved {
            id: self.id,
            projects: self.projects.clone(),
            versions: (!self.specifiers.is_empty()).then(|| self.specifiers.clone()),
            files: self.files.clone(),
            origin: self.origin.clone(),
            reason: self.reason.as_str().into(),
        }
    }
}

/// One entry that is about to be approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// The projects.
    pub projects: NamePattern,
    /// The versions; empty for all.
    pub specifiers: VersionSpecifiers,
    /// The SHA-256 of the files; empty for every file of the versions.
    pub files: BTreeSet<Sha256>,
    /// How it came to be approved.
    pub origin: ApprovalOrigin,
}

/// What approving was done for.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// The index.
    pub index: &'a IndexName,
    /// Why.
    pub reason: &'a str,
    /// Who does it.
    pub who: &'a str,
}

/// What approving came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// What is approved from now on.
    pub added: Vec<Recorded>,
    /// How many entries were approved before, in the same words.
    pub already: usize,
}

macro_rules! approval_columns {
    () => {
        "id, index_name, pattern, specifiers, files, reason, origin, who, at, removed_at, removed_by"
    };
}

const OF_INDEX: &str = concat!(
    "SELECT ",
    approval_columns!(),
    " FROM approval WHERE index_name = $1 AND removed_at IS NULL ORDER BY id"
);

/// Approves all of `new` in one transaction. What is approved already in the same words is left alone and
/// keeps its reason.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing has changed then.
pub async fn add(
    db: &Db,
    act: Act<'_>,
    new: &[NewApproval],
    now: Timestamp,
) -> Result<Added, StoreError> {
    let mut write = db.begin_write().await?;
    let before: Vec<Recorded> = within!(&mut write, executor => {
        sqlx::query_as(OF_INDEX).bind(act.index.as_str()).fetch_all(executor).await
    })?;
    let key = |projects: &NamePattern, specifiers: &VersionSpecifiers, files: Vec<Sha256>| {
        (projects.to_string(), specifiers.to_string(), files)
    };
    let mut known: BTreeSet<_> = before
        .into_iter()
        .map(|one| key(&one.projects, &one.specifiers, one.files))
        .collect();
    let mut answer = Added::default();
    for one in new {
        let files = one.files.iter().copied().collect();
        match known.insert(key(&one.projects, &one.specifiers, files)) {
            true => answer.added.push(insert(&mut write, act, one, now).await?),
            false => answer.already += 1,
        }
    }
    if answer.added.is_empty() {
        write.rollback().await?;
        return Ok(answer);
    }
    generations::bump(&mut write, Counter::Approvals).await?;
    write.commit().await?;
    Ok(answer)
}

const INSERT: &str = concat!(
    "INSERT INTO approval (index_name, pattern, specifiers, files, reason, origin, who, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ",
    approval_columns!()
);

async fn insert(
    write: &mut Write,
    act: Act<'_>,
    new: &NewApproval,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let files: Vec<u8> = new.files.iter().flat_map(|file| *file.as_bytes()).collect();
    let recorded: Recorded = within!(&mut *write, executor => {
        sqlx::query_as(INSERT)
            .bind(act.index.as_str())
            .bind(new.projects.to_string())
            .bind(new.specifiers.to_string())
            .bind(&files)
            .bind(free_text(act.reason))
            .bind(free_text(&new.origin.to_string()))
            .bind(free_text(act.who))
            .bind(now.as_millis())
            .fetch_one(executor)
            .await
    })?;
    let payload = json!({
        "act": "approve", "id": recorded.id, "index": recorded.index.as_str(),
        "projects": recorded.projects, "specifiers": recorded.specifiers.to_string(),
        "files": recorded.files, "reason": recorded.reason,
        "origin": recorded.origin.to_string(), "who": recorded.who,
    });
    ledger::append(write, Kind::Approval, &payload, now).await?;
    Ok(recorded)
}

/// Which approvals are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one with this number.
    Number(i64),
    /// All of one index that came about in one way, for example from one lock file.
    Origin(IndexName, ApprovalOrigin),
}

const REMOVE_NUMBER: &str = concat!(
    "UPDATE approval SET removed_at = $2, removed_by = $3 \
     WHERE id = $1 AND removed_at IS NULL RETURNING ",
    approval_columns!()
);

const REMOVE_ORIGIN: &str = concat!(
    "UPDATE approval SET removed_at = $3, removed_by = $4 \
     WHERE index_name = $1 AND origin = $2 AND removed_at IS NULL RETURNING ",
    approval_columns!()
);

/// Takes approvals back. What is given back is what was in force until now; nothing when nothing was.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing has changed then.
pub async fn remove(
    db: &Db,
    which: &Which,
    who: &str,
    now: Timestamp,
) -> Result<Vec<Recorded>, StoreError> {
    let who = free_text(who);
    let mut write = db.begin_write().await?;
    let removed: Vec<Recorded> = match which {
        Which::Number(id) => within!(&mut write, executor => {
            sqlx::query_as(REMOVE_NUMBER)
                .bind(id)
                .bind(now.as_millis())
                .bind(&who)
                .fetch_all(executor)
                .await
        })?,
        Which::Origin(index, origin) => within!(&mut write, executor => {
            sqlx::query_as(REMOVE_ORIGIN)
                .bind(index.as_str())
                .bind(origin.to_string())
                .bind(now.as_millis())
                .bind(&who)
                .fetch_all(executor)
                .await
        })?,
    };
    if removed.is_empty() {
        write.rollback().await?;
        return Ok(removed);
    }
    for one in &removed {
        let payload = json!({"act": "remove", "id": one.id, "who": who});
        ledger::append(&mut write, Kind::Approval, &payload, now).await?;
    }
    generations::bump(&mut write, Counter::Approvals).await?;
    write.commit().await?;
    Ok(removed)
}

const IN_FORCE: &str = concat!(
    "SELECT ",
    approval_columns!(),
    " FROM approval WHERE removed_at IS NULL ORDER BY index_name, pattern, id"
);

/// What is approved now, by index and project.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn in_force(db: &Db) -> Result<Vec<Recorded>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(IN_FORCE).fetch_all(executor).await)?)
}

const EVER: &str = concat!(
    "SELECT ",
    approval_columns!(),
    " FROM approval ORDER BY index_name, pattern, id"
);

/// What is or was ever approved, by index and project.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn ever(db: &Db) -> Result<Vec<Recorded>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(EVER).fetch_all(executor).await)?)
}
