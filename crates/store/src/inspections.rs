//! What inspections saw, one record for each content. Records are JSON text whose meaning is the server's; that
//! a content is inspected once however many replicas want it is [`crate::claims`]'.

use std::collections::BTreeSet;

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::claims;
use crate::columns::{Hash, MaybeMillis, Millis, Word};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// What an inspection saw that has just ended.
#[derive(Clone, Copy, Debug)]
pub struct NewInspection<'i> {
    /// The digest of what was inspected.
    pub sha256: Sha256,
    /// The revision of the engine that did it.
    pub revision: u32,
    /// Whether all of it was looked at.
    pub complete: bool,
    /// What everything that was seen weighs together.
    pub effect: Effect,
    /// How many observations there are.
    pub findings: usize,
    /// All that was seen, as JSON text.
    pub record: &'i str,
    /// What is inside, packed for comparisons; `None` where it was never read.
    pub contents: Option<&'i [u8]>,
    /// When it is tried again although nothing has changed: set for an inspection that crashed.
    pub again_at: Option<Timestamp>,
}

/// The answer to [`keep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// It is kept.
    Kept,
    /// A later revision, or the same one without crashing, has seen it before; that stays.
    Outdone,
}

const KEEP: &str = "INSERT INTO inspection \
     (sha256, revision, at, complete, effect, record, contents, again_at, generation) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
     ON CONFLICT (sha256) DO UPDATE SET revision = excluded.revision, at = excluded.at, \
     complete = excluded.complete, effect = excluded.effect, record = excluded.record, \
     contents = excluded.contents, again_at = excluded.again_at, generation = excluded.generation \
     WHERE inspection.revision < excluded.revision \
     OR (inspection.revision = excluded.revision \
     AND (excluded.again_at IS NULL OR inspection.again_at IS NOT NULL))";

/// Keeps what an inspection saw, and ends the claim to it. A record of an equal or newer revision takes the
/// place of the one before, except that a crash never takes the place of what the same revision saw.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is kept then.
pub async fn keep(db: &Db, new: &NewInspection<'_>, now: Timestamp) -> Result<Keeping, StoreError> {
    let mut write = db.begin_write().await?;
    let generation = generations::bump(&mut write, Counter::Inspections).await?;
    let rows = within!(&mut write, executor => {
        sqlx::query(KEEP)
            .bind(new.sha256.as_bytes().as_slice())
            .bind(i64::from(new.revision))
            .bind(now.as_millis())
            .bind(new.complete)
            .bind(new.effect.to_string())
            .bind(new.record)
            .bind(new.contents)
            .bind(new.again_at.map(Timestamp::as_millis))
            .bind(generation)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if rows == 0 {
        write.rollback().await?;
        return Ok(Keeping::Outdone);
    }
    finish(write, new, now).await?;
    Ok(Keeping::Kept)
}

async fn finish(
    mut write: Write,
    new: &NewInspection<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    claims::end(&mut write, &new.sha256).await?;
    let payload = json!({
        "sha256": new.sha256, "revision": new.revision, "effect": new.effect,
        "complete": new.complete, "findings": new.findings,
        "record": Sha256::of(new.record.as_bytes()),
    });
    ledger::append(&mut write, Kind::Inspection, &payload, now).await?;
    write.commit().await
}

/// What an inspection saw.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Kept {
    /// The digest of what was inspected.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// The revision of the engine that did it.
    #[sqlx(try_from = "i64")]
    pub revision: u32,
    /// When.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// When it is tried again although nothing has changed.
    #[sqlx(try_from = "MaybeMillis")]
    pub again_at: Option<Timestamp>,
    /// All that was seen, as JSON text.
    pub record: String,
}

macro_rules! kept_columns {
    () => {
        "inspection.sha256, inspection.revision, inspection.at, inspection.again_at, \
         inspection.record"
    };
}

const FIND: &str = concat!(
    "SELECT ",
    kept_columns!(),
    " FROM inspection WHERE sha256 = $1"
);

/// What was seen in this content.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(db: &Db, sha256: &Sha256) -> Result<Option<Kept>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FIND).bind(sha256.as_bytes().as_slice()).fetch_optional(executor).await
    })?)
}

/// How many contents are asked for in one statement.
const CHUNK: usize = 16;

const FIND_MANY: &str = concat!(
    "SELECT ",
    kept_columns!(),
    " FROM inspection WHERE sha256 IN \
     ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
);

/// What was seen in these contents, in no order; those that were never inspected are left out. For the files
/// of a project there is [`of_project`], in one statement.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_many(db: &Db, wanted: &[Sha256]) -> Result<Vec<Kept>, StoreError> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let rows: Vec<Kept> = on!(db, executor => {
            let mut query = sqlx::query_as(FIND_MANY);
            // The last chunk is filled up with its first one: asking twice changes nothing.
            for position in 0..CHUNK {
                let sha256 = chunk.get(position).unwrap_or(&chunk[0]);
                query = query.bind(sha256.as_bytes().as_slice());
            }
            query.fetch_all(executor).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// The contents of a project's files: those from outside, and those published here that are not deleted.
macro_rules! files_of_project {
    () => {
        "(SELECT filename, sha256 FROM pin WHERE source = $1 AND project = $2 \
         UNION SELECT filename, sha256 FROM file \
         WHERE source = $1 AND project = $2 AND deleted_at IS NULL) listed"
    };
}

const OF_PROJECT: &str = concat!(
    "SELECT ",
    kept_columns!(),
    " FROM inspection WHERE sha256 IN (SELECT listed.sha256 FROM ",
    files_of_project!(),
    ")"
);

/// What was seen in the files of a project, in no order.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_project(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Vec<Kept>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(OF_PROJECT).bind(source).bind(project.as_str()).fetch_all(executor).await
    })?)
}

/// A file of a project whose content was inspected.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct InspectedFile {
    /// Its name, verbatim.
    pub filename: String,
    /// The digest of its content.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// The revision of the engine that inspected it.
    #[sqlx(try_from = "i64")]
    pub revision: u32,
    /// Whether all of it was looked at.
    pub complete: bool,
    /// What everything that was seen weighs together.
    #[sqlx(try_from = "Word")]
    pub effect: Effect,
}

const FILES_OF_PROJECT: &str = concat!(
    "SELECT listed.filename, inspection.sha256, inspection.revision, inspection.complete, \
     inspection.effect FROM inspection JOIN ",
    files_of_project!(),
    " ON listed.sha256 = inspection.sha256 ORDER BY listed.filename"
);

/// The files of a project that were inspected, by name, without what was seen in them: what a new file may
/// be compared with.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn files_of_project(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Vec<InspectedFile>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FILES_OF_PROJECT)
            .bind(source)
            .bind(project.as_str())
            .fetch_all(executor)
            .await
    })?)
}

const CONTENTS: &str = "SELECT contents FROM inspection WHERE sha256 = $1";

/// What is inside this content, as it was packed; `None` where it was not inspected, or not to the point
/// where that is known.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn contents(db: &Db, sha256: &Sha256) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<Option<Vec<u8>>> = on!(db, executor => {
        sqlx::query_scalar(CONTENTS)
            .bind(sha256.as_bytes().as_slice())
            .fetch_optional(executor)
            .await
    })?;
    Ok(found.flatten())
}

/// Which records are no longer good enough.
#[derive(Clone, Copy, Debug)]
pub struct Outdated {
    /// The present revision of the engine.
    pub revision: u32,
    /// The present: crashes are tried again when their time has come.
    pub now: Timestamp,
    /// Only contents after this one, so that a run gets past those that cannot be had any more.
    pub after: Option<Sha256>,
    /// At most so many.
    pub limit: u32,
}

const OUTDATED: &str = "SELECT sha256 FROM inspection \
     WHERE (revision < $1 OR again_at <= $2) AND sha256 > $3 ORDER BY sha256 LIMIT $4";

/// Contents that an older revision saw, or whose inspection crashed and is to be tried again, in the order
/// of their digests.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn outdated(db: &Db, wanted: Outdated) -> Result<Vec<Sha256>, StoreError> {
    let after = wanted
        .after
        .as_ref()
        .map_or(&[][..], |after| after.as_bytes());
    let rows: Vec<(Vec<u8>,)> = on!(db, executor => {
        sqlx::query_as(OUTDATED)
            .bind(i64::from(wanted.revision))
            .bind(wanted.now.as_millis())
            .bind(after)
            .bind(i64::from(wanted.limit))
            .fetch_all(executor)
            .await
    })?;
    rows.iter().map(|(row,)| digest(row)).collect()
}

fn digest(column: &[u8]) -> Result<Sha256, StoreError> {
    Sha256::from_slice(column).map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}

/// What was inspected since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The contents.
    pub contents: Vec<Sha256>,
    /// The projects that have a file with one of them.
    pub projects: BTreeSet<ProjectName>,
}

const CHANGED: &str = "SELECT sha256 FROM inspection WHERE generation > $1";

const CHANGED_PROJECTS: &str = "SELECT pin.project FROM pin JOIN inspection \
     ON inspection.sha256 = pin.sha256 WHERE inspection.generation > $1 \
     UNION SELECT file.project FROM file JOIN inspection \
     ON inspection.sha256 = file.sha256 WHERE inspection.generation > $1";

/// What was inspected after the counter [`Counter::Inspections`] stood at `generation`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn changed_since(db: &Db, generation: i64) -> Result<Changed, StoreError> {
    let rows: Vec<(Vec<u8>,)> = on!(db, executor => {
        sqlx::query_as(CHANGED).bind(generation).fetch_all(executor).await
    })?;
    let contents = rows.iter().map(|(row,)| digest(row));
    let names: Vec<String> = on!(db, executor => {
        sqlx::query_scalar(CHANGED_PROJECTS).bind(generation).fetch_all(executor).await
    })?;
    let projects = names.iter().filter_map(|name| ProjectName::new(name).ok());
    Ok(Changed {
        contents: contents.collect::<Result<_, _>>()?,
        projects: projects.collect(),
    })
}
