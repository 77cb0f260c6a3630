//! Feeds as they were loaded last: where from, which blob holds the snapshot, how old it is, and what
//! went wrong since. Fetching and reading feeds is not done here, and what their records mean is
//! `core`'s business.

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::alerts;
use crate::columns::{MaybeHash, MaybeMillis, free_text, to_column};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// A feed as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// What kind of feed, such as `osv`.
    pub kind: String,
    /// Where it was loaded from last: a URL without credentials, or a path.
    pub origin: String,
    /// The digest of the blob that holds its snapshot; `None` while it was never loaded.
    #[sqlx(try_from = "MaybeHash")]
    pub sha256: Option<Sha256>,
    /// The size of that blob in bytes.
    pub size: i64,
    /// How many records the snapshot holds.
    pub records: i64,
    /// How many records could not be read and were left out.
    pub skipped: i64,
    /// What was wrong with the first of those, one a line.
    pub complaints: String,
    /// When its newest record was modified, as the record says.
    #[sqlx(try_from = "MaybeMillis")]
    pub newest: Option<Timestamp>,
    /// The `ETag` of what was loaded.
    pub etag: Option<String>,
    /// The `Last-Modified` of what was loaded.
    pub last_modified: Option<String>,
    /// When the snapshot was made.
    #[sqlx(try_from = "MaybeMillis")]
    pub loaded_at: Option<Timestamp>,
    /// When its origin last confirmed that the snapshot is all that there is.
    #[sqlx(try_from = "MaybeMillis")]
    pub checked_at: Option<Timestamp>,
    /// How often loading failed since it last went well.
    pub failures: i64,
    /// Why it failed last; `None` once it went well again.
    pub error: Option<String>,
    /// When it failed last.
    #[sqlx(try_from = "MaybeMillis")]
    pub error_at: Option<Timestamp>,
}

/// A snapshot that was just made, and is in the blobs already.
#[derive(Clone, Debug)]
pub struct LoadedFeed {
    /// The feed's name.
    pub name: String,
    /// What kind of feed.
    pub kind: String,
    /// Where it was loaded from, without credentials.
    pub origin: String,
    /// The digest of the blob that holds the snapshot.
    pub sha256: Sha256,
    /// The size of that blob in bytes.
    pub size: u64,
    /// How many records it holds.
    pub records: u64,
    /// How many records were left out.
    pub skipped: u64,
    /// What was wrong with the first of those, one a line.
    pub complaints: String,
    /// When the newest record was modified.
    pub newest: Option<Timestamp>,
    /// What to recognise the origin's document by: `ETag` and `Last-Modified`.
    pub validators: (Option<String>, Option<String>),
}

macro_rules! feed_columns {
    () => {
        "name, kind, origin, sha256, size, records, skipped, complaints, newest, etag, \
         last_modified, loaded_at, checked_at, failures, error, error_at"
    };
}

const ALL: &str = concat!("SELECT ", feed_columns!(), " FROM feed ORDER BY name");

/// Every feed that was ever tried, by name.
///
/// # Errors
/// [`StoreError`] when the database fails, or a row does not hold a feed.
pub async fn all(db: &Db) -> Result<Vec<Feed>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(ALL).fetch_all(executor).await)?)
}

const FIND: &str = concat!("SELECT ", feed_columns!(), " FROM feed WHERE name = $1");

/// One feed; `None` when it was never tried.
///
/// # Errors
/// [`StoreError`] when the database fails, or the row does not hold a feed.
pub async fn find(db: &Db, name: &str) -> Result<Option<Feed>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FIND).bind(name).fetch_optional(executor).await
    })?)
}

const KEEP: &str = "INSERT INTO feed \
     (name, kind, origin, sha256, size, records, skipped, complaints, newest, etag, last_modified, \
      loaded_at, checked_at, failures, error, error_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 0, NULL, NULL) \
     ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, origin = excluded.origin, \
     sha256 = excluded.sha256, size = excluded.size, records = excluded.records, \
     skipped = excluded.skipped, complaints = excluded.complaints, newest = excluded.newest, \
     etag = excluded.etag, last_modified = excluded.last_modified, loaded_at = excluded.loaded_at, \
     checked_at = excluded.checked_at, failures = 0, error = NULL, error_at = NULL";

/// Puts a new snapshot in force. The ledger's entry binds its digest and the time of its newest
/// record, so that the age that is shown later is vouched for.
///
/// # Errors
/// [`StoreError`] when the database fails; the snapshot before stays in force.
pub async fn keep(db: &Db, feed: &LoadedFeed, who: &str, now: Timestamp) -> Result<(), StoreError> {
    let (size, records) = (to_column(feed.size)?, to_column(feed.records)?);
    let skipped = to_column(feed.skipped)?;
    let (etag, last_modified) = &feed.validators;
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(KEEP)
            .bind(&feed.name)
            .bind(&feed.kind)
            .bind(free_text(&feed.origin))
            .bind(feed.sha256.as_bytes().as_slice())
            .bind(size)
            .bind(records)
            .bind(skipped)
            .bind(free_text(&feed.complaints))
            .bind(feed.newest.map(Timestamp::as_millis))
            .bind(etag.as_deref().map(free_text))
            .bind(last_modified.as_deref().map(free_text))
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    let payload = json!({
        "act": "load", "feed": feed.name, "kind": feed.kind, "origin": free_text(&feed.origin),
        "sha256": feed.sha256, "records": feed.records, "skipped": feed.skipped,
        "newest": feed.newest, "who": free_text(who),
    });
    ledger::append(&mut write, Kind::Feed, &payload, now).await?;
    finish(write).await
}

const CONFIRM: &str = "UPDATE feed SET checked_at = $2, failures = 0, error = NULL, \
     error_at = NULL, etag = COALESCE($3, etag), last_modified = COALESCE($4, last_modified) \
     WHERE name = $1";

/// Notes that the feed's origin has nothing else than what is kept, and what to recognise that by from
/// now on where it said something new. The ledger has no entry for it, since nothing has changed.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn confirm(
    db: &Db,
    name: &str,
    (etag, last_modified): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(CONFIRM)
            .bind(name)
            .bind(now.as_millis())
            .bind(etag.map(free_text))
            .bind(last_modified.map(free_text))
            .execute(executor)
            .await
            .map(drop)
    })?;
    finish(write).await
}

/// An attempt that came to nothing.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'f> {
    /// The feed's name.
    pub name: &'f str,
    /// What kind of feed.
    pub kind: &'f str,
    /// Where it was to be loaded from, without credentials.
    pub origin: &'f str,
    /// Why it was not.
    pub error: &'f str,
    /// Whether a person should look at it.
    pub alert: Option<&'f str>,
}

const FAIL: &str = "INSERT INTO feed \
     (name, kind, origin, size, records, skipped, complaints, failures, error, error_at) \
     VALUES ($1, $2, $3, 0, 0, 0, '', 1, $4, $5) \
     ON CONFLICT (name) DO UPDATE SET failures = feed.failures + 1, error = excluded.error, \
     error_at = excluded.error_at";

/// Notes why a feed could not be loaded, and raises an alert of the kind that is named. The snapshot
/// before stays in force.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn fail(db: &Db, failed: Failed<'_>, now: Timestamp) -> Result<(), StoreError> {
    let error = free_text(failed.error);
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(FAIL)
            .bind(failed.name)
            .bind(failed.kind)
            .bind(free_text(failed.origin))
            .bind(&error)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    if let Some(alert) = failed.alert {
        let detail = json!({"error": error, "origin": free_text(failed.origin)});
        alerts::raise_within(&mut write, alert, failed.name, &detail, now).await?;
    }
    finish(write).await
}

const FORGET: &str = "DELETE FROM feed WHERE name = $1";

/// Forgets a feed and all that it said. Returns whether there was one. Its blob is the caller's to
/// delete, by [`crate::references::delete_unneeded`].
///
/// # Errors
/// [`StoreError`] when the database fails; the feed stays then.
pub async fn forget(db: &Db, name: &str, who: &str, now: Timestamp) -> Result<bool, StoreError> {
    let mut write = db.begin_write().await?;
    let forgotten = within!(&mut write, executor => {
        sqlx::query(FORGET).bind(name).execute(executor).await.map(|done| done.rows_affected())
    })?;
    if forgotten == 0 {
        write.rollback().await?;
        return Ok(false);
    }
    let payload = json!({"act": "forget", "feed": name, "who": free_text(who)});
    ledger::append(&mut write, Kind::Feed, &payload, now).await?;
    finish(write).await?;
    Ok(true)
}

async fn finish(mut write: Write) -> Result<(), StoreError> {
    generations::bump(&mut write, Counter::Feeds).await?;
    write.commit().await
}
