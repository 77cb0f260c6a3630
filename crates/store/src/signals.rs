//! What others measured of projects, until when that counts, and when they were asked last. An import by
//! hand is an act and stands in the ledger; what providers answer in the background does not.

use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::signals::{Signal, SignalKind, Signals};
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::columns::{Millis, Word};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// A measurement to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSignal {
    /// The project.
    pub project: ProjectName,
    /// What was measured.
    pub kind: SignalKind,
    /// The value, kept to three decimal places.
    pub value: f64,
}

/// Who measured, and until when it counts.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'m> {
    /// The provider, as the configuration calls it.
    pub provider: &'m str,
    /// When it was asked.
    pub at: Timestamp,
    /// From when on the measurement no longer counts.
    pub expires: Timestamp,
}

const KEEP: &str = "INSERT INTO signal \
     (project, provider, kind, thousandths, asked_at, expires_at, generation) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (project, provider, kind) DO UPDATE SET thousandths = excluded.thousandths, \
     asked_at = excluded.asked_at, expires_at = excluded.expires_at, \
     generation = excluded.generation";

const ASKED: &str = "INSERT INTO signal_asked (project, provider, asked_at) VALUES ($1, $2, $3) \
     ON CONFLICT (project, provider) DO UPDATE SET asked_at = excluded.asked_at";

async fn keep_within(
    write: &mut Write,
    signals: &[NewSignal],
    measured: Measured<'_>,
) -> Result<(), StoreError> {
    let generation = generations::bump(write, Counter::Releases).await?;
    for signal in signals
        .iter()
        .filter(|signal| signal.kind.admits(signal.value))
    {
        // Values of all kinds stay below 1e15, so that their thousandths fit.
        let thousandths = (signal.value * 1000.0).round() as i64;
        within!(&mut *write, executor => {
            sqlx::query(KEEP)
                .bind(signal.project.as_str())
                .bind(measured.provider)
                .bind(signal.kind.as_str())
                .bind(thousandths)
                .bind(measured.at.as_millis())
                .bind(measured.expires.as_millis())
                .bind(generation)
                .execute(executor)
                .await
                .map(drop)
        })?;
    }
    Ok(())
}

/// Keeps what a provider answered about `asked`, and that it was asked: no answer is one too. What it
/// said before and does not say any more runs out by itself.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn keep(
    db: &Db,
    asked: &[ProjectName],
    signals: &[NewSignal],
    measured: Measured<'_>,
) -> Result<(), StoreError> {
    let mut write = db.begin_write().await?;
    for project in asked {
        within!(&mut write, executor => {
            sqlx::query(ASKED)
                .bind(project.as_str())
                .bind(measured.provider)
                .bind(measured.at.as_millis())
                .execute(executor)
                .await
                .map(drop)
        })?;
    }
    if !signals.is_empty() {
        keep_within(&mut write, signals, measured).await?;
    }
    write.commit().await
}

/// Keeps what somebody brought in a file, and who did. Returns how many measurements that were.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is kept then.
pub async fn import(
    db: &Db,
    signals: &[NewSignal],
    measured: Measured<'_>,
    who: &str,
) -> Result<usize, StoreError> {
    let mut write = db.begin_write().await?;
    keep_within(&mut write, signals, measured).await?;
    let payload = json!({
        "feed": "signals", "provider": measured.provider, "imported": signals.len(), "by": who,
    });
    ledger::append(&mut write, Kind::Feed, &payload, measured.at).await?;
    write.commit().await?;
    Ok(signals.len())
}

/// A measurement in a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownSignal {
    /// The project.
    pub project: ProjectName,
    /// What was measured.
    pub kind: SignalKind,
    /// The measurement.
    pub signal: Signal,
    /// From when on it no longer counts.
    pub expires: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Word")]
    project: ProjectName,
    provider: String,
    kind: String,
    thousandths: i64,
    #[sqlx(try_from = "Millis")]
    asked_at: Timestamp,
    #[sqlx(try_from = "Millis")]
    expires_at: Timestamp,
}

impl Row {
    /// `None` for a kind that this version does not know.
    fn known(self) -> Option<KnownSignal> {
        Some(KnownSignal {
            project: self.project,
            kind: self.kind.parse().ok()?,
            signal: Signal {
                value: self.thousandths as f64 / 1000.0,
                provider: self.provider.into(),
                at: self.asked_at,
            },
            expires: self.expires_at,
        })
    }
}

const OF_PROJECT: &str = "SELECT project, provider, kind, thousandths, asked_at, expires_at \
     FROM signal WHERE project = $1 AND expires_at > $2";

/// What counts of a project at `now`, and when the first of it runs out.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_project(
    db: &Db,
    project: &ProjectName,
    now: Timestamp,
) -> Result<(Signals, Option<Timestamp>), StoreError> {
    let rows: Vec<Row> = on!(db, executor => {
        sqlx::query_as(OF_PROJECT)
            .bind(project.as_str())
            .bind(now.as_millis())
            .fetch_all(executor)
            .await
    })?;
    let mut signals = Signals::default();
    let mut until: Option<Timestamp> = None;
    for known in rows.into_iter().filter_map(Row::known) {
        until = Some(until.map_or(known.expires, |until| until.min(known.expires)));
        signals.add(known.kind, known.signal);
    }
    Ok((signals, until))
}

const LIST: &str = "SELECT project, provider, kind, thousandths, asked_at, expires_at FROM signal \
     WHERE ($1 = '' OR project = $1) ORDER BY project, kind, provider LIMIT $2";

/// What was measured, expired or not, by project; of one project only where `project` names it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(
    db: &Db,
    project: Option<&ProjectName>,
    limit: u32,
) -> Result<Vec<KnownSignal>, StoreError> {
    let rows: Vec<Row> = on!(db, executor => {
        sqlx::query_as(LIST)
            .bind(project.map_or("", ProjectName::as_str))
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await
    })?;
    Ok(rows.into_iter().filter_map(Row::known).collect())
}

/// Which projects are to be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// The provider that is going to be asked.
    pub provider: &'w str,
    /// The source whose projects are in use.
    pub source: &'w str,
    /// Those that were asked before this moment, or never.
    pub asked_before: Timestamp,
    /// How many at most.
    pub limit: u32,
}

const DUE: &str = "SELECT pin.project FROM pin \
     LEFT JOIN signal_asked asked ON asked.project = pin.project AND asked.provider = $1 \
     WHERE pin.source = $2 AND (asked.asked_at IS NULL OR asked.asked_at < $3) \
     GROUP BY pin.project, asked.asked_at \
     ORDER BY COALESCE(asked.asked_at, 0), pin.project LIMIT $4";

/// The projects of a source of which files were fetched, and of which the provider was not asked for a
/// while; those that waited longest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn due(db: &Db, wanted: Wanted<'_>) -> Result<Vec<ProjectName>, StoreError> {
    let names: Vec<String> = on!(db, executor => {
        sqlx::query_scalar(DUE)
            .bind(wanted.provider)
            .bind(wanted.source)
            .bind(wanted.asked_before.as_millis())
            .bind(i64::from(wanted.limit))
            .fetch_all(executor)
            .await
    })?;
    Ok(names
        .iter()
        .filter_map(|name| ProjectName::new(name).ok())
        .collect())
}
