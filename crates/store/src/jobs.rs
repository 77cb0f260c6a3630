//! The state of jobs that run beside requests: who holds a job until when, when it is due, and how it
//! ended last. A lease is a row and not an open transaction, so that a dead holder's lease runs out and
//! nothing waits for a connection. What jobs do, and how often, is the server's business.

use portcullis_core::time::Timestamp;

use crate::columns::{MaybeMillis, Millis, free_text};
use crate::db::Db;
use crate::error::StoreError;

/// A job as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JobState {
    /// Its name.
    pub name: String,
    /// Who runs it, or ran it last.
    pub holder: Option<String>,
    /// Until when it is the holder's alone; `None` when nobody runs it.
    #[sqlx(try_from = "MaybeMillis")]
    pub leased_until: Option<Timestamp>,
    /// When its last run began.
    #[sqlx(try_from = "MaybeMillis")]
    pub started_at: Option<Timestamp>,
    /// When the last run that came to an end did.
    #[sqlx(try_from = "MaybeMillis")]
    pub ended_at: Option<Timestamp>,
    /// When it is due.
    #[sqlx(try_from = "Millis")]
    pub next_at: Timestamp,
    /// How often it came to an end, well or badly.
    pub runs: i64,
    /// How often it failed since it last went well.
    pub failures: i64,
    /// When it last went well.
    #[sqlx(try_from = "MaybeMillis")]
    pub last_ok_at: Option<Timestamp>,
    /// What it said when it last went well.
    pub last_result: Option<String>,
    /// What it said when it last failed; `None` once it went well again.
    pub last_error: Option<String>,
}

impl JobState {
    /// Whether somebody holds it at `now`.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.leased_until.is_some_and(|until| now < until)
    }

    /// Whether it is due at `now` where it runs every `every` milliseconds. A period that was made
    /// shorter acts at once.
    pub fn is_due(&self, every: i64, now: Timestamp) -> bool {
        let by_period = self.ended_at.map(|ended| ended.plus_millis(every));
        self.next_at <= now || by_period.is_some_and(|due| due <= now)
    }
}

/// A wish to run a job.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'c> {
    /// Which job.
    pub name: &'c str,
    /// Who wants to run it; told apart from every other process, and from its own earlier runs.
    pub holder: &'c str,
    /// How long nobody else may run it unless the lease is renewed, in milliseconds.
    pub lease: i64,
    /// Whether it must be due.
    pub when: When,
}

/// Whether a job must be due to be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It must be, seen from how often it runs, in milliseconds.
    Due {
        /// The period.
        every: i64,
    },
    /// A person wants it now.
    Now,
}

const CLAIM: &str = "INSERT INTO job (name, holder, leased_until, started_at, next_at, runs, failures) \
     VALUES ($1, $2, $3, $4, $4, 0, 0) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
     leased_until = excluded.leased_until, started_at = excluded.started_at \
     WHERE (job.leased_until IS NULL OR job.leased_until <= $4) \
     AND (job.next_at <= $5 OR job.ended_at <= $6) RETURNING name";

/// Takes the lease of a job. Returns whether it was free, and due where it had to be. A job that was
/// never heard of is due.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn claim(db: &Db, claim: Claim<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let (due_before, ended_before) = match claim.when {
        When::Due { every } => (now, now.plus_millis(every.saturating_neg())),
        When::Now => {
            let end_of_time = Timestamp::from_millis(i64::MAX);
            (end_of_time, end_of_time)
        }
    };
    let claimed: Option<String> = alone!(db, executor => {
        sqlx::query_scalar(CLAIM)
            .bind(claim.name)
            .bind(claim.holder)
            .bind(now.plus_millis(claim.lease).as_millis())
            .bind(now.as_millis())
            .bind(due_before.as_millis())
            .bind(ended_before.as_millis())
            .fetch_optional(executor)
            .await
    })?;
    Ok(claimed.is_some())
}

const RENEW: &str = "UPDATE job SET leased_until = $3 WHERE name = $1 AND holder = $2 \
     AND leased_until IS NOT NULL";

/// Keeps a lease for `lease` milliseconds from `now` on. Returns whether it was still the holder's.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn renew(
    db: &Db,
    (name, holder): (&str, &str),
    lease: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let until = now.plus_millis(lease).as_millis();
    let rows = alone!(db, executor => {
        sqlx::query(RENEW)
            .bind(name)
            .bind(holder)
            .bind(until)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

/// How a run ended, and when the next one is due.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it says of itself, or why it failed.
    pub outcome: Result<String, String>,
    /// When it is due again.
    pub next_at: Timestamp,
}

const FINISH_WELL: &str = "UPDATE job SET leased_until = NULL, ended_at = $3, next_at = $4, \
     runs = runs + 1, failures = 0, last_ok_at = $3, last_result = $5, last_error = NULL \
     WHERE name = $1 AND holder = $2 AND leased_until IS NOT NULL";

const FINISH_BADLY: &str = "UPDATE job SET leased_until = NULL, ended_at = $3, next_at = $4, \
     runs = runs + 1, failures = failures + 1, last_error = $5 \
     WHERE name = $1 AND holder = $2 AND leased_until IS NOT NULL";

/// Writes down how a run ended and gives the lease back. Returns whether it was still the holder's:
/// the end of a run that took longer than its lease, and was taken over, is nobody's news.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn finish(
    db: &Db,
    (name, holder): (&str, &str),
    ended: &Ended,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (statement, text) = match &ended.outcome {
        Ok(result) => (FINISH_WELL, result),
        Err(error) => (FINISH_BADLY, error),
    };
    let text = free_text(text);
    let rows = alone!(db, executor => {
        sqlx::query(statement)
            .bind(name)
            .bind(holder)
            .bind(now.as_millis())
            .bind(ended.next_at.as_millis())
            .bind(text)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

const RELEASE: &str = "UPDATE job SET leased_until = NULL WHERE name = $1 AND holder = $2";

/// Gives a lease back without an end, because the process stops; the job stays due.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn release(db: &Db, (name, holder): (&str, &str)) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(RELEASE).bind(name).bind(holder).execute(executor).await.map(drop)
    })?;
    Ok(())
}

const ALL: &str = "SELECT name, holder, leased_until, started_at, ended_at, next_at, runs, failures, \
     last_ok_at, last_result, last_error FROM job ORDER BY name";

/// Every job that ever ran, by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all(db: &Db) -> Result<Vec<JobState>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(ALL).fetch_all(executor).await)?)
}
