//! Alerts: what a person should look at, with its evidence. One that comes again is counted, and
//! not recorded again, so that a hostile source cannot fill the ledger.

use portcullis_core::digest::Sha256;
use portcullis_core::event::Severity;
use portcullis_core::ledger::{Kind, canonical};
use portcullis_core::time::Timestamp;
use serde_json::{Value, json};

use crate::columns::Millis;
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::events::{self, NewEvent};
use crate::ledger;

/// An alert and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// What kind of alert, such as `changed-hash`.
    pub kind: String,
    /// What it is about, such as `pypi/flask/flask-3.0.0.tar.gz`.
    pub subject: String,
    /// The evidence, as JSON text.
    pub detail: String,
    /// When it came first.
    #[sqlx(try_from = "Millis")]
    pub first_at: Timestamp,
    /// When it came last.
    #[sqlx(try_from = "Millis")]
    pub last_at: Timestamp,
    /// How often it came.
    pub times: i64,
}

const RAISE: &str = "INSERT INTO alert \
     (kind, subject, detail, fingerprint, first_at, last_at, times) \
     VALUES ($1, $2, $3, $4, $5, $5, 1) \
     ON CONFLICT (fingerprint) DO UPDATE SET last_at = excluded.last_at, times = alert.times + 1 \
     RETURNING times";

/// Raises an alert in the transaction of whatever found its cause.
pub(crate) async fn raise_within(
    write: &mut Write,
    kind: &str,
    subject: &str,
    detail: &Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let entry = json!({"alert": kind, "subject": subject, "detail": detail});
    let fingerprint = Sha256::of(canonical(&entry).as_bytes());
    let detail = canonical(detail);
    let times: i64 = within!(&mut *write, executor => {
        sqlx::query_scalar(RAISE)
            .bind(kind)
            .bind(subject)
            .bind(&detail)
            .bind(fingerprint.as_bytes().as_slice())
            .bind(now.as_millis())
            .fetch_one(executor)
            .await
    })?;
    if times == 1 {
        ledger::append(write, Kind::Alert, &entry, now).await?;
        let event = event(kind, subject, &entry["detail"]);
        events::insert(write, &event, now).await?;
    }
    Ok(())
}

/// The event that tells of an alert. The ledger entry is the alert's own.
fn event(kind: &str, subject: &str, detail: &Value) -> NewEvent {
    let (severity, sentence) = match kind {
        "changed-hash" => (
            Severity::Critical,
            format!("{subject} has another digest than when it was first seen."),
        ),
        "wrong-bytes" => (
            Severity::Warning,
            format!("{subject} arrived with other bytes than its page announces."),
        ),
        other => (Severity::Warning, format!("Alert {other}: {subject}.")),
    };
    NewEvent::new(format!("alert.{kind}"), severity, subject, sentence).detail(detail.clone())
}

/// Raises an alert of `kind` about `subject`, with `detail` as evidence.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn raise(
    db: &Db,
    kind: &str,
    subject: &str,
    detail: &Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut write = db.begin_write().await?;
    raise_within(&mut write, kind, subject, detail, now).await?;
    write.commit().await
}

const LIST: &str = "SELECT id, kind, subject, detail, first_at, last_at, times FROM alert \
     ORDER BY last_at DESC, id DESC LIMIT $1";

/// The `limit` alerts that came last, the latest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(db: &Db, limit: u32) -> Result<Vec<Alert>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(LIST).bind(i64::from(limit)).fetch_all(executor).await
    })?)
}
