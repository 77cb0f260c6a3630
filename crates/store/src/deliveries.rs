//! Who has been told of which event: an outbox. What is to be delivered is written down before it is
//! sent, so that nothing is lost when a process dies; what was delivered is written down afterwards, so
//! that a receiver may hear of the same event twice and never not at all.

use portcullis_core::time::Timestamp;

use crate::columns::{MaybeMillis, Millis, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::events::{self, Event, Filter};

/// How many events are looked at for a sink in one transaction.
const BATCH: u32 = 200;

/// What is known of a receiver of events.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SinkState {
    /// Its name in the configuration.
    pub name: String,
    /// The number of the last event that was looked at for it.
    pub place: i64,
    /// Since when it hears of events. What came before is not told.
    #[sqlx(try_from = "Millis")]
    pub since: Timestamp,
    /// When it asked not to be told any more; `None` while it is told.
    #[sqlx(try_from = "MaybeMillis")]
    pub stopped_at: Option<Timestamp>,
    /// What it said then.
    pub stopped_why: Option<String>,
}

const SINK: &str = "SELECT name, place, since, stopped_at, stopped_why FROM sink WHERE name = $1";

/// A receiver, if it was heard of.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn sink(db: &Db, name: &str) -> Result<Option<SinkState>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(SINK).bind(name).fetch_optional(executor).await)?)
}

const ADD_SINK: &str = "INSERT INTO sink (name, place, since) \
     SELECT $1, COALESCE(MAX(id), 0), $2 FROM event WHERE 1 = 1 ON CONFLICT (name) DO NOTHING";

async fn add_sink(write: &mut Write, name: &str, now: Timestamp) -> Result<(), StoreError> {
    within!(write, executor => {
        sqlx::query(ADD_SINK)
            .bind(name)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const ADD: &str = "INSERT INTO delivery (event, sink, since, attempts, next_at) \
     VALUES ($1, $2, $3, 0, $3) ON CONFLICT (sink, event) DO NOTHING";

const MOVE: &str = "UPDATE sink SET place = $2 WHERE name = $1 AND place < $2";

/// Looks at the events that came since the last look and writes down those that the sink `name` wants.
/// A sink that was never heard of hears of what comes from now on. One that asked to be left alone
/// keeps its place.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn plan(
    db: &Db,
    name: &str,
    wants: impl Fn(&Event) -> bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(state) = sink(db, name).await? else {
        let mut write = db.begin_write().await?;
        add_sink(&mut write, name, now).await?;
        return write.commit().await;
    };
    if state.stopped_at.is_some() {
        return Ok(());
    }
    let mut place = state.place;
    loop {
        let new = events::after(db, place, &Filter::latest(BATCH)).await?;
        let Some(last) = new.last() else {
            return Ok(());
        };
        place = last.id;
        let mut write = db.begin_write().await?;
        for event in new.iter().filter(|event| wants(event)) {
            within!(&mut write, executor => {
                sqlx::query(ADD)
                    .bind(event.id)
                    .bind(name)
                    .bind(now.as_millis())
                    .execute(executor)
                    .await
                    .map(drop)
            })?;
        }
        within!(&mut write, executor => {
            sqlx::query(MOVE).bind(name).bind(place).execute(executor).await.map(drop)
        })?;
        write.commit().await?;
    }
}

/// An event that is to be delivered.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Due {
    /// The event.
    #[sqlx(flatten)]
    pub event: Event,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was first to be delivered.
    #[sqlx(try_from = "Millis")]
    pub since: Timestamp,
}

const DUE: &str = "SELECT event.id, event.at, event.kind, event.severity, event.subject, \
     event.sentence, event.detail, event.fingerprint, delivery.attempts, delivery.since \
     FROM delivery JOIN event ON event.id = delivery.event \
     WHERE delivery.sink = $1 AND delivery.next_at <= $2 \
     ORDER BY delivery.next_at, delivery.event LIMIT $3";

/// At most `limit` deliveries to `sink` that are due, the one that waits longest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn due(db: &Db, sink: &str, limit: u32, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(DUE)
            .bind(sink)
            .bind(now.as_millis())
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await
    })?)
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It arrived.
    Delivered,
    /// It did not, and is tried again.
    Failed {
        /// Why.
        error: String,
        /// When it is tried again; `None` when it is given up.
        again_at: Option<Timestamp>,
    },
}

const DELIVERED: &str = "UPDATE delivery SET attempts = attempts + 1, next_at = NULL, \
     delivered_at = $3, last_error = NULL WHERE sink = $1 AND event = $2";

const FAILED: &str = "UPDATE delivery SET attempts = attempts + 1, next_at = $3, last_error = $4 \
     WHERE sink = $1 AND event = $2";

/// Writes down how an attempt to deliver ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn settle(
    db: &Db,
    (sink, event): (&str, i64),
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), StoreError> {
    alone!(db, executor => {
        let query = match attempt {
            Attempt::Delivered => {
                sqlx::query(DELIVERED).bind(sink).bind(event).bind(now.as_millis())
            }
            Attempt::Failed { error, again_at } => sqlx::query(FAILED)
                .bind(sink)
                .bind(event)
                .bind(again_at.map(Timestamp::as_millis))
                .bind(free_text(error)),
        };
        query.execute(executor).await.map(drop)
    })?;
    Ok(())
}

const STOP: &str = "UPDATE sink SET stopped_at = $2, stopped_why = $3 WHERE name = $1";

/// Leaves a sink alone, because it asked for that. What is due stays due.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn stop(db: &Db, name: &str, why: &str, now: Timestamp) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(STOP)
            .bind(name)
            .bind(now.as_millis())
            .bind(free_text(why))
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const RESUME: &str = "UPDATE sink SET stopped_at = NULL, stopped_why = NULL WHERE name = $1 \
     AND stopped_at IS NOT NULL";

/// Tells a sink again that asked to be left alone. Returns whether it was.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn resume(db: &Db, name: &str) -> Result<bool, StoreError> {
    let rows = alone!(db, executor => {
        sqlx::query(RESUME).bind(name).execute(executor).await.map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

/// A delivery, for people.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// The event's number.
    pub event: i64,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// To whom.
    pub sink: String,
    /// When it was first to be delivered.
    #[sqlx(try_from = "Millis")]
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried again.
    #[sqlx(try_from = "MaybeMillis")]
    pub next_at: Option<Timestamp>,
    /// When it arrived.
    #[sqlx(try_from = "MaybeMillis")]
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl Delivery {
    /// Whether nobody tries any more although it did not arrive.
    pub fn is_given_up(&self) -> bool {
        self.next_at.is_none() && self.delivered_at.is_none()
    }
}

const LIST: &str = "SELECT delivery.event, event.kind, event.subject, delivery.sink, delivery.since, \
     delivery.attempts, delivery.next_at, delivery.delivered_at, delivery.last_error \
     FROM delivery JOIN event ON event.id = delivery.event \
     ORDER BY CASE WHEN delivery.delivered_at IS NULL THEN 0 ELSE 1 END, \
     delivery.event DESC, delivery.sink LIMIT $1";

/// At most `limit` deliveries: those that have not arrived first, the latest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(db: &Db, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(LIST).bind(i64::from(limit)).fetch_all(executor).await
    })?)
}

const SINKS: &str = "SELECT name, place, since, stopped_at, stopped_why FROM sink ORDER BY name";

/// Every sink that was heard of, by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn sinks(db: &Db) -> Result<Vec<SinkState>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(SINKS).fetch_all(executor).await)?)
}
