//! Pins: the first verified digest of every file from outside. A file once seen keeps its bytes;
//! another digest under the same name is an alert with both digests as evidence.

use std::collections::HashMap;

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::{Value, json};

use crate::columns::{Hash, Millis, to_column};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::{alerts, ledger};

/// The kind of the alert that a changed digest raises.
pub const CHANGED_HASH: &str = "changed-hash";

/// The first verified digest of a file.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Pinned {
    /// The file name, verbatim.
    pub filename: String,
    /// The digest of its content.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// Its size in bytes.
    #[sqlx(try_from = "i64")]
    pub size: u64,
    /// When it was first verified.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

/// A file whose content was just verified.
#[derive(Clone, Debug)]
pub struct NewPin {
    /// The file name, verbatim.
    pub filename: String,
    /// The digest of its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// The answer to a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The file was never seen before, and keeps these bytes from now on.
    First,
    /// It has the bytes that it always had.
    Same,
    /// It had other bytes when it was first seen. An alert is raised.
    Differs {
        /// The digest that it had first.
        first: Sha256,
    },
}

/// Pins one file; see [`pin_many`].
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is pinned then.
pub async fn pin(
    db: &Db,
    source: &str,
    project: &ProjectName,
    new: &NewPin,
    now: Timestamp,
) -> Result<Pin, StoreError> {
    let answers = pin_many(db, source, project, std::slice::from_ref(new), now).await?;
    Ok(answers.into_iter().next().expect("one answer for one pin"))
}

/// Pins files of a project, all in one transaction, and answers for each in their order. Files that
/// have the bytes they always had cost one look-up and no transaction.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is pinned then.
pub async fn pin_many(
    db: &Db,
    source: &str,
    project: &ProjectName,
    new: &[NewPin],
    now: Timestamp,
) -> Result<Vec<Pin>, StoreError> {
    if all_same(db, source, project, new).await? {
        return Ok(vec![Pin::Same; new.len()]);
    }
    let mut write = db.begin_write().await?;
    let mut answers = Vec::with_capacity(new.len());
    for pin in new {
        answers.push(pin_within(&mut write, (source, project), pin, now).await?);
    }
    let first: Vec<Value> = new
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| **answer == Pin::First)
        .map(|(pin, _)| json!({"filename": pin.filename, "sha256": pin.sha256, "size": pin.size}))
        .collect();
    if !first.is_empty() {
        let payload = json!({"source": source, "project": project, "files": first});
        ledger::append(&mut write, Kind::Pin, &payload, now).await?;
        generations::bump(&mut write, Counter::Pins).await?;
    }
    write.commit().await?;
    Ok(answers)
}

async fn all_same(
    db: &Db,
    source: &str,
    project: &ProjectName,
    new: &[NewPin],
) -> Result<bool, StoreError> {
    let pinned = match new {
        [one] => Vec::from_iter(find(db, source, project, &one.filename).await?),
        _ => pins(db, source, project).await?,
    };
    let pinned: HashMap<&str, Sha256> = pinned
        .iter()
        .map(|pin| (pin.filename.as_str(), pin.sha256))
        .collect();
    Ok(new
        .iter()
        .all(|pin| pinned.get(pin.filename.as_str()) == Some(&pin.sha256)))
}

const INSERT: &str = "INSERT INTO pin (source, project, filename, sha256, size, at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source, project, filename) DO NOTHING";

async fn pin_within(
    write: &mut Write,
    (source, project): (&str, &ProjectName),
    new: &NewPin,
    now: Timestamp,
) -> Result<Pin, StoreError> {
    let size = to_column(new.size)?;
    let inserted = within!(&mut *write, executor => {
        sqlx::query(INSERT)
            .bind(source)
            .bind(project.as_str())
            .bind(&new.filename)
            .bind(new.sha256.as_bytes().as_slice())
            .bind(size)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if inserted == 1 {
        return Ok(Pin::First);
    }
    let first: Pinned = within!(&mut *write, executor => {
        sqlx::query_as(FIND)
            .bind(source)
            .bind(project.as_str())
            .bind(&new.filename)
            .fetch_one(executor)
            .await
    })?;
    if first.sha256 == new.sha256 {
        return Ok(Pin::Same);
    }
    let subject = format!("{source}/{project}/{}", new.filename);
    let detail = json!({
        "source": source, "project": project, "filename": new.filename,
        "first": {"sha256": first.sha256, "size": first.size, "at": first.at},
        "now": {"sha256": new.sha256, "size": new.size},
    });
    alerts::raise_within(write, CHANGED_HASH, &subject, &detail, now).await?;
    Ok(Pin::Differs {
        first: first.sha256,
    })
}

const FIND: &str = "SELECT filename, sha256, size, at FROM pin \
     WHERE source = $1 AND project = $2 AND filename = $3";

/// The pin of one file.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(
    db: &Db,
    source: &str,
    project: &ProjectName,
    filename: &str,
) -> Result<Option<Pinned>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FIND)
            .bind(source)
            .bind(project.as_str())
            .bind(filename)
            .fetch_optional(executor)
            .await
    })?)
}

const PINS: &str = "SELECT filename, sha256, size, at FROM pin \
     WHERE source = $1 AND project = $2 ORDER BY filename";

/// The pins of a project, sorted by file name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn pins(db: &Db, source: &str, project: &ProjectName) -> Result<Vec<Pinned>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(PINS).bind(source).bind(project.as_str()).fetch_all(executor).await
    })?)
}
