//! Events: what people should hear of, in the order in which it came. Each is in the ledger, and each is
//! there once, however often its cause is noticed. Who is told is in `deliveries`.

use std::borrow::Cow;

use portcullis_core::digest::Sha256;
use portcullis_core::event::{KindPattern, Severity, UnknownSeverity};
use portcullis_core::ledger::{Kind, canonical};
use portcullis_core::time::Timestamp;
use serde_json::{Value, json};

use crate::columns::{Hash, Millis, Word, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::ledger;

/// An event that is to be told.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What happened, words joined by a dot, such as `project.quarantined`.
    pub kind: Cow<'static, str>,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, such as `pypi/flask`.
    pub subject: String,
    /// What happened, for people, in a sentence.
    pub sentence: String,
    /// The particulars, for programs.
    pub detail: Value,
    /// What makes it this event and no other: two with the same text are one, and only the first is
    /// told. Where there is none, kind, subject and particulars are.
    pub once_per: Option<String>,
}

impl NewEvent {
    /// An event without particulars.
    pub fn new(
        kind: impl Into<Cow<'static, str>>,
        severity: Severity,
        subject: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            severity,
            subject: subject.into(),
            sentence: sentence.into(),
            detail: json!({}),
            once_per: None,
        }
    }

    /// The same with particulars.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// The same, told once for each `text` and kind.
    #[must_use]
    pub fn once_per(mut self, text: impl Into<String>) -> Self {
        self.once_per = Some(text.into());
        self
    }

    /// The event as if it were kept, for telling of it without keeping it. Its number is 0.
    pub fn as_if_kept(&self, at: Timestamp) -> Event {
        Event {
            id: 0,
            at,
            kind: self.kind.to_string(),
            severity: self.severity,
            subject: free_text(&self.subject),
            sentence: free_text(&self.sentence),
            detail: canonical(&self.detail),
            fingerprint: self.fingerprint(),
        }
    }

    fn fingerprint(&self) -> Sha256 {
        let identity = match &self.once_per {
            Some(text) => json!({ "event": self.kind, "once-per": text }),
            None => json!({ "event": self.kind, "subject": self.subject, "detail": self.detail }),
        };
        Sha256::of(canonical(&identity).as_bytes())
    }
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// Its number. Numbers rise in the order in which events can be seen, with gaps.
    pub id: i64,
    /// When it came.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// How much it matters.
    #[sqlx(try_from = "Word")]
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// What happened, for people.
    pub sentence: String,
    /// The particulars, as JSON text.
    pub detail: String,
    /// What tells it from every other one.
    #[sqlx(try_from = "Hash")]
    pub fingerprint: Sha256,
}

impl Event {
    /// The particulars.
    pub fn detail(&self) -> Value {
        serde_json::from_str(&self.detail).unwrap_or_else(|_| Value::from(self.detail.as_str()))
    }

    /// The event as one JSON object, as programs get it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "severity": self.severity.as_str(),
            "subject": self.subject,
            "sentence": self.sentence,
            "detail": self.detail(),
        })
    }
}

impl TryFrom<Word> for Severity {
    type Error = UnknownSeverity;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

/// Whether an event was news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// It was, and has this number.
    New(i64),
    /// It was told before.
    Known,
}

/// Tells of something.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is told then.
pub async fn emit(db: &Db, event: &NewEvent, now: Timestamp) -> Result<Emitted, StoreError> {
    let mut write = db.begin_write().await?;
    let emitted = emit_within(&mut write, event, now).await?;
    write.commit().await?;
    Ok(emitted)
}

/// Tells of something in the transaction of whatever caused it.
pub(crate) async fn emit_within(
    write: &mut Write,
    event: &NewEvent,
    now: Timestamp,
) -> Result<Emitted, StoreError> {
    let emitted = insert(write, event, now).await?;
    if let Emitted::New(_) = emitted {
        let entry = json!({
            "event": event.kind,
            "severity": event.severity.as_str(),
            "subject": event.subject,
            "detail": event.detail,
        });
        ledger::append(write, Kind::Alert, &entry, now).await?;
    }
    Ok(emitted)
}

const INSERT: &str = "INSERT INTO event \
     (at, kind, severity, subject, sentence, detail, fingerprint) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (fingerprint) DO NOTHING RETURNING id";

/// Keeps an event whose ledger entry is made by the caller.
pub(crate) async fn insert(
    write: &mut Write,
    event: &NewEvent,
    now: Timestamp,
) -> Result<Emitted, StoreError> {
    let fingerprint = event.fingerprint();
    let (subject, sentence) = (free_text(&event.subject), free_text(&event.sentence));
    let detail = canonical(&event.detail);
    let id: Option<i64> = within!(write, executor => {
        sqlx::query_scalar(INSERT)
            .bind(now.as_millis())
            .bind(&*event.kind)
            .bind(event.severity.as_str())
            .bind(subject)
            .bind(sentence)
            .bind(detail)
            .bind(fingerprint.as_bytes().as_slice())
            .fetch_optional(executor)
            .await
    })?;
    Ok(id.map_or(Emitted::Known, Emitted::New))
}

/// Which events are asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Their kinds.
    pub kind: KindPattern,
    /// From this moment on.
    pub since: Timestamp,
    /// At most so many.
    pub limit: u32,
}

impl Filter {
    /// The latest `limit` of all kinds.
    pub fn latest(limit: u32) -> Self {
        Self {
            kind: KindPattern::All,
            since: Timestamp::from_millis(0),
            limit,
        }
    }

    /// The pattern as two texts: the kind itself, and what it begins with.
    fn texts(&self) -> (Option<&str>, &str) {
        match &self.kind {
            KindPattern::All => (None, ""),
            KindPattern::Under(prefix) => (None, prefix),
            KindPattern::Exact(kind) => (Some(kind), ""),
        }
    }
}

const AFTER: &str = "SELECT id, at, kind, severity, subject, sentence, detail, fingerprint FROM event \
     WHERE id > $1 AND at >= $2 AND ($3 IS NULL OR kind = $3) \
     AND SUBSTR(kind, 1, LENGTH($4)) = $4 ORDER BY id LIMIT $5";

/// The events that came after the one numbered `after`, in their order. Meant to be asked again with
/// the last number that was seen.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn after(db: &Db, after: i64, filter: &Filter) -> Result<Vec<Event>, StoreError> {
    let (exact, prefix) = filter.texts();
    Ok(on!(db, executor => {
        sqlx::query_as(AFTER)
            .bind(after)
            .bind(filter.since.as_millis())
            .bind(exact)
            .bind(prefix)
            .bind(i64::from(filter.limit))
            .fetch_all(executor)
            .await
    })?)
}

const LATEST: &str = "SELECT id, at, kind, severity, subject, sentence, detail, fingerprint FROM event \
     WHERE at >= $1 AND ($2 IS NULL OR kind = $2) \
     AND SUBSTR(kind, 1, LENGTH($3)) = $3 ORDER BY id DESC LIMIT $4";

/// The events that came last, the latest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn latest(db: &Db, filter: &Filter) -> Result<Vec<Event>, StoreError> {
    let (exact, prefix) = filter.texts();
    Ok(on!(db, executor => {
        sqlx::query_as(LATEST)
            .bind(filter.since.as_millis())
            .bind(exact)
            .bind(prefix)
            .bind(i64::from(filter.limit))
            .fetch_all(executor)
            .await
    })?)
}
