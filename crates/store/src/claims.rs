//! Claims: who does what at the moment, so that it is done once however many replicas want it. What is claimed
//! is named by a digest, of a content or of the words that say what it is; what a claim is for is the claimant's.

use portcullis_core::digest::Sha256;
use portcullis_core::time::Timestamp;

use crate::db::{Db, Write};
use crate::error::StoreError;

const CLAIM: &str = "INSERT INTO claim (subject, holder, until) VALUES ($1, $2, $3) \
     ON CONFLICT (subject) DO UPDATE SET holder = excluded.holder, until = excluded.until \
     WHERE claim.until <= $4 OR claim.holder = excluded.holder RETURNING holder";

/// Claims `subject` for `holder` until `until`, or renews that. Returns whether it was free: a claim of
/// somebody else that has run out, because they died, does not count.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn claim(
    db: &Db,
    (subject, holder): (&Sha256, &str),
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let claimed: Option<String> = alone!(db, executor => {
        sqlx::query_scalar(CLAIM)
            .bind(subject.as_bytes().as_slice())
            .bind(holder)
            .bind(until.as_millis())
            .bind(now.as_millis())
            .fetch_optional(executor)
            .await
    })?;
    Ok(claimed.is_some())
}

const END: &str = "DELETE FROM claim WHERE subject = $1";

/// Ends a claim, whosoever it is, together with what was done.
pub(crate) async fn end(write: &mut Write, subject: &Sha256) -> Result<(), StoreError> {
    within!(write, executor => {
        sqlx::query(END)
            .bind(subject.as_bytes().as_slice())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const RELEASE: &str = "DELETE FROM claim WHERE subject = $1 AND holder = $2";

/// Gives a claim back. One that somebody else has taken over stays theirs.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn release(db: &Db, (subject, holder): (&Sha256, &str)) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(RELEASE)
            .bind(subject.as_bytes().as_slice())
            .bind(holder)
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const RELEASE_ALL: &str = "DELETE FROM claim WHERE holder = $1";

/// Gives every claim of a holder back that stops.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn release_all(db: &Db, holder: &str) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(RELEASE_ALL).bind(holder).execute(executor).await.map(drop)
    })?;
    Ok(())
}

const CLAIMED: &str = "SELECT holder FROM claim WHERE subject = $1 AND until > $2";

/// Whether somebody has claimed this at `now`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_claimed(db: &Db, subject: &Sha256, now: Timestamp) -> Result<bool, StoreError> {
    let holder: Option<String> = on!(db, executor => {
        sqlx::query_scalar(CLAIMED)
            .bind(subject.as_bytes().as_slice())
            .bind(now.as_millis())
            .fetch_optional(executor)
            .await
    })?;
    Ok(holder.is_some())
}
