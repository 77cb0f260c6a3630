//! Quarantines: which releases nobody receives any more, since when, and how it ended. What being in
//! quarantine means is `core::quarantine` and the rule `quarantined`.

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_core::quarantine::Quarantine;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::columns::{MaybeHash, MaybeMillis, Millis, Word, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// A quarantine, in force or in the past.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Recorded {
    /// Its number.
    pub id: i64,
    /// The project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// The versions; empty for all.
    #[sqlx(try_from = "Word")]
    pub specifiers: VersionSpecifiers,
    /// Only the files with this content.
    #[sqlx(try_from = "MaybeHash")]
    pub sha256: Option<Sha256>,
    /// Why.
    pub reason: String,
    /// Who began it.
    pub who: String,
    /// Since when.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// When it was released.
    #[sqlx(try_from = "MaybeMillis")]
    pub released_at: Option<Timestamp>,
    /// Who released it.
    pub released_by: Option<String>,
    /// Why it was released.
    pub release_reason: Option<String>,
}

impl Recorded {
    /// As rules look at it.
    pub fn quarantine(&self) -> Quarantine {
        Quarantine {
            id: self.id,
            project: self.project.clone(),
            specifiers: self.specifiers.clone(),
            sha256: self.sha256,
            reason: self.reason.as_str().into(),
            since: self.at,
        }
    }
}

/// A quarantine that is about to begin.
#[derive(Clone, Debug)]
pub struct NewQuarantine {
    /// The project.
    pub project: ProjectName,
    /// The versions; empty for all.
    pub specifiers: VersionSpecifiers,
    /// Only the files with this content.
    pub sha256: Option<Sha256>,
    /// Why, for those who are refused.
    pub reason: String,
    /// Who begins it.
    pub who: String,
}

/// The answer to [`begin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is in force from now on.
    Now(Recorded),
    /// The same was in force before, and keeps its reason.
    Already(Recorded),
}

macro_rules! quarantine_columns {
    () => {
        "id, project, specifiers, sha256, reason, who, at, released_at, released_by, \
         release_reason"
    };
}

const OF_PROJECT: &str = concat!(
    "SELECT ",
    quarantine_columns!(),
    " FROM quarantine WHERE project = $1 AND released_at IS NULL ORDER BY id"
);

const BEGIN: &str = concat!(
    "INSERT INTO quarantine (project, specifiers, sha256, reason, who, at) \
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING ",
    quarantine_columns!()
);

/// Begins a quarantine, for every index and on every replica.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing has changed then.
pub async fn begin(db: &Db, new: &NewQuarantine, now: Timestamp) -> Result<Begun, StoreError> {
    let mut write = db.begin_write().await?;
    let of_project: Vec<Recorded> = within!(&mut write, executor => {
        sqlx::query_as(OF_PROJECT).bind(new.project.as_str()).fetch_all(executor).await
    })?;
    let is_same = |one: &Recorded| one.specifiers == new.specifiers && one.sha256 == new.sha256;
    if let Some(same) = of_project.into_iter().find(is_same) {
        write.rollback().await?;
        return Ok(Begun::Already(same));
    }
    let recorded: Recorded = within!(&mut write, executor => {
        sqlx::query_as(BEGIN)
            .bind(new.project.as_str())
            .bind(new.specifiers.to_string())
            .bind(new.sha256.as_ref().map(|sha256| sha256.as_bytes().as_slice()))
            .bind(free_text(&new.reason))
            .bind(free_text(&new.who))
            .bind(now.as_millis())
            .fetch_one(executor)
            .await
    })?;
    let payload = json!({
        "act": "begin", "id": recorded.id, "project": recorded.project,
        "specifiers": recorded.specifiers.to_string(), "sha256": recorded.sha256,
        "reason": recorded.reason, "who": recorded.who,
    });
    finish(write, &payload, now).await?;
    Ok(Begun::Now(recorded))
}

const RELEASE: &str = concat!(
    "UPDATE quarantine SET released_at = $2, released_by = $3, release_reason = $4 \
     WHERE id = $1 AND released_at IS NULL RETURNING ",
    quarantine_columns!()
);

/// Ends a quarantine: everything is as it would have been without it. `None` when none with this number
/// is in force.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing has changed then.
pub async fn release(
    db: &Db,
    id: i64,
    [who, reason]: [&str; 2],
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    let (who, reason) = (free_text(who), free_text(reason));
    let mut write = db.begin_write().await?;
    let released: Option<Recorded> = within!(&mut write, executor => {
        sqlx::query_as(RELEASE)
            .bind(id)
            .bind(now.as_millis())
            .bind(&who)
            .bind(&reason)
            .fetch_optional(executor)
            .await
    })?;
    if released.is_none() {
        write.rollback().await?;
        return Ok(None);
    }
    let payload = json!({"act": "release", "id": id, "who": who, "reason": reason});
    finish(write, &payload, now).await?;
    Ok(released)
}

async fn finish(
    mut write: Write,
    payload: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    ledger::append(&mut write, Kind::Quarantine, payload, now).await?;
    generations::bump(&mut write, Counter::Quarantine).await?;
    write.commit().await
}

const IN_FORCE: &str = concat!(
    "SELECT ",
    quarantine_columns!(),
    " FROM quarantine WHERE released_at IS NULL ORDER BY id"
);

/// What is in quarantine now, the oldest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn in_force(db: &Db) -> Result<Vec<Recorded>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(IN_FORCE).fetch_all(executor).await)?)
}

const EVER: &str = concat!(
    "SELECT ",
    quarantine_columns!(),
    " FROM quarantine ORDER BY id"
);

/// What is or was ever in quarantine, the oldest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn ever(db: &Db) -> Result<Vec<Recorded>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(EVER).fetch_all(executor).await)?)
}
