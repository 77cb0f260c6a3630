//! Asking for a review and listing what waits. Whoever asks for what is asked for already joins the
//! record.

use portcullis_core::event::Severity;
use portcullis_core::ledger::Kind;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::json;

use super::{AskedBy, KeptFinding, Review, State, Vote, fingerprint, review_columns};
use crate::columns::free_text;
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::events::{self, NewEvent};
use crate::ledger;

/// What was found when the subject of a review was judged.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What happens to it.
    pub effect: Effect,
    /// How much it matters to look at it soon.
    pub risk: i64,
    /// Everything that was found.
    pub findings: Vec<KeptFinding>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// In which index.
    pub index: &'a str,
    /// The project.
    pub project: &'a ProjectName,
    /// Its versions (PEP 440), empty for all. Equal sets must have equal texts.
    pub specifiers: &'a str,
    /// What was found just now.
    pub judgement: &'a Judgement,
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Who.
    pub who: String,
    /// What the client says of itself.
    pub client: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// Why.
    pub reason: String,
    /// What of theirs wants it.
    pub wanted_by: Option<String>,
}

/// Whether asking made anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newness {
    /// There is a new record.
    New,
    /// One more waits for what is on record.
    Joined,
    /// They had asked before, or more people wait than are kept; what they said is kept where there is
    /// room.
    Again,
}

/// The answer to [`ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The record's number.
    pub review: i64,
    /// Whether it is new.
    pub newness: Newness,
}

/// The most people who are kept with one record.
const MOST_ASKERS: i64 = 1000;

const OPEN: &str = "SELECT id FROM review WHERE index_name = $1 AND project = $2 \
     AND specifiers = $3 AND state = 'requested'";

const INSERT: &str = "INSERT INTO review (index_name, project, specifiers, state, effect, risk, \
     findings, requested_at, judged_at, waives) \
     VALUES ($1, $2, $3, 'requested', $4, $5, $6, $7, $7, '[]') RETURNING id";

const HAS_ASKED: &str = "SELECT COUNT(*) FROM review_request WHERE review = $1 AND who = $2";

const HOW_MANY: &str = "SELECT COUNT(*) FROM review_request WHERE review = $1";

const JOIN: &str = "INSERT INTO review_request \
     (review, who, client, address, reason, wanted_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (review, who) DO UPDATE SET client = excluded.client, \
     address = excluded.address, reason = excluded.reason, wanted_by = excluded.wanted_by, \
     at = excluded.at";

/// Asks for a review: makes the record, or joins the one that waits.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is asked then.
pub async fn ask(
    db: &Db,
    ask: &Ask<'_>,
    asker: &Asker,
    now: Timestamp,
) -> Result<Asked, StoreError> {
    let mut write = db.begin_write().await?;
    let open: Option<i64> = within!(&mut write, executor => {
        sqlx::query_scalar(OPEN)
            .bind(ask.index)
            .bind(ask.project.as_str())
            .bind(ask.specifiers)
            .fetch_optional(executor)
            .await
    })?;
    let (review, is_new) = match open {
        Some(review) => (review, None),
        None => (insert(&mut write, ask, now).await?, Some(Newness::New)),
    };
    let joined = join(&mut write, review, asker, now).await?;
    let newness = is_new.unwrap_or(joined);
    if newness != Newness::Again {
        record(&mut write, review, ask, asker, now).await?;
    }
    if newness == Newness::New {
        tell(&mut write, review, ask, asker, now).await?;
    }
    write.commit().await?;
    Ok(Asked { review, newness })
}

async fn insert(write: &mut Write, ask: &Ask<'_>, now: Timestamp) -> Result<i64, StoreError> {
    let findings = as_text(&ask.judgement.findings);
    Ok(within!(write, executor => {
        sqlx::query_scalar(INSERT)
            .bind(ask.index)
            .bind(ask.project.as_str())
            .bind(ask.specifiers)
            .bind(ask.judgement.effect.to_string())
            .bind(ask.judgement.risk)
            .bind(findings)
            .bind(now.as_millis())
            .fetch_one(executor)
            .await
    })?)
}

async fn join(
    write: &mut Write,
    review: i64,
    asker: &Asker,
    now: Timestamp,
) -> Result<Newness, StoreError> {
    let who = free_text(&asker.who);
    let has_asked: i64 = within!(&mut *write, executor => {
        sqlx::query_scalar(HAS_ASKED).bind(review).bind(&who).fetch_one(executor).await
    })?;
    let how_many: i64 = within!(&mut *write, executor => {
        sqlx::query_scalar(HOW_MANY).bind(review).fetch_one(executor).await
    })?;
    if has_asked == 0 && how_many >= MOST_ASKERS {
        return Ok(Newness::Again);
    }
    let tidy = |text: &Option<String>| text.as_deref().map(free_text);
    within!(write, executor => {
        sqlx::query(JOIN)
            .bind(review)
            .bind(who)
            .bind(tidy(&asker.client))
            .bind(tidy(&asker.address))
            .bind(free_text(&asker.reason))
            .bind(tidy(&asker.wanted_by))
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(match has_asked {
        0 => Newness::Joined,
        _ => Newness::Again,
    })
}

async fn record(
    write: &mut Write,
    review: i64,
    ask: &Ask<'_>,
    asker: &Asker,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = json!({
        "act": "ask", "review": review, "index": ask.index, "project": ask.project,
        "specifiers": ask.specifiers, "who": free_text(&asker.who),
        "reason": free_text(&asker.reason), "effect": ask.judgement.effect,
    });
    ledger::append(write, Kind::Review, &payload, now).await?;
    Ok(())
}

async fn tell(
    write: &mut Write,
    review: i64,
    ask: &Ask<'_>,
    asker: &Asker,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = format!("{}{}", ask.project, ask.specifiers);
    let sentence = format!("{} asks for a review of {subject}", asker.who);
    let detail =
        json!({ "review": review, "index": ask.index, "reason": free_text(&asker.reason) });
    let event = NewEvent::new("review.requested", Severity::Notice, subject, sentence);
    let event = event.detail(detail).once_per(review.to_string());
    events::insert(write, &event, now).await?;
    Ok(())
}

/// Findings as they are kept.
fn as_text(findings: &[KeptFinding]) -> String {
    serde_json::to_string(findings).expect("findings are plain data")
}

const KEEP: &str = "UPDATE review SET effect = $2, risk = $3, findings = $4, judged_at = $5, \
     outdated_at = $6 WHERE id = $1 AND state IN ('requested', 'approved')";

/// Keeps what was found when the subject of a review was judged again. An approval that does not cover it
/// is outdated from then on.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn keep_judgement(
    db: &Db,
    review: &Review,
    judgement: &Judgement,
    now: Timestamp,
) -> Result<(), StoreError> {
    let refuses = judgement.findings.iter().any(KeptFinding::refuses);
    let outdated_at = match review.state {
        State::Approved if refuses => Some(review.outdated_at.unwrap_or(now)),
        _ => None,
    };
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(KEEP)
            .bind(review.id)
            .bind(judgement.effect.to_string())
            .bind(judgement.risk)
            .bind(as_text(&judgement.findings))
            .bind(now.as_millis())
            .bind(outdated_at.map(Timestamp::as_millis))
            .execute(executor)
            .await
            .map(drop)
    })?;
    let found = fingerprint(&judgement.findings);
    if found != review.fingerprint() {
        let payload = json!({
            "act": "judge", "review": review.id, "effect": judgement.effect,
            "findings": found, "before": review.fingerprint(),
        });
        ledger::append(&mut write, Kind::Review, &payload, now).await?;
    }
    write.commit().await
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            state: None,
            project: None,
            index: None,
            before: i64::MAX,
            limit: 100,
        }
    }
}

/// Which reviews are asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// In this state.
    pub state: Option<State>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Of this index.
    pub index: Option<String>,
    /// With a lower number than this one.
    pub before: i64,
    /// At most so many.
    pub limit: u32,
}

const LIST: &str = concat!(
    "SELECT ",
    review_columns!(),
    " FROM review WHERE id < $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR project = $3) \
     AND ($4 = '' OR index_name = $4) ORDER BY id DESC LIMIT $5"
);

/// The reviews that a filter lets through, the latest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(db: &Db, filter: &Filter) -> Result<Vec<Review>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(LIST)
            .bind(filter.before)
            .bind(filter.state.map_or("", State::as_str))
            .bind(filter.project.as_ref().map_or("", ProjectName::as_str))
            .bind(filter.index.as_deref().unwrap_or_default())
            .bind(i64::from(filter.limit))
            .fetch_all(executor)
            .await
    })?)
}

const FIND: &str = concat!("SELECT ", review_columns!(), " FROM review WHERE id = $1");

/// One review.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(db: &Db, review: i64) -> Result<Option<Review>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FIND).bind(review).fetch_optional(executor).await
    })?)
}

pub(super) async fn find_within(
    write: &mut Write,
    review: i64,
) -> Result<Option<Review>, StoreError> {
    Ok(within!(write, executor => {
        sqlx::query_as(FIND).bind(review).fetch_optional(executor).await
    })?)
}

const IN_FORCE: &str = concat!(
    "SELECT ",
    review_columns!(),
    " FROM review WHERE state IN ('approved', 'denied') \
     AND (expires_at IS NULL OR expires_at > $1) ORDER BY id"
);

/// The reviews whose decision holds at `now`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn in_force(db: &Db, now: Timestamp) -> Result<Vec<Review>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(IN_FORCE).bind(now.as_millis()).fetch_all(executor).await
    })?)
}

const ASKERS: &str = "SELECT who, client, address, reason, wanted_by, at FROM review_request \
     WHERE review = $1 ORDER BY at, who";

/// Who asked for a review, the first first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn askers(db: &Db, review: i64) -> Result<Vec<AskedBy>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(ASKERS).bind(review).fetch_all(executor).await
    })?)
}

const VOTES: &str = "SELECT who, specifiers, expires_at, reason, findings, at FROM review_vote \
     WHERE review = $1 ORDER BY at, who";

/// Who said yes to a review, the first first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn votes(db: &Db, review: i64) -> Result<Vec<Vote>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(VOTES).bind(review).fetch_all(executor).await
    })?)
}

const OPEN_ASKED_BY: &str = "SELECT COUNT(*) FROM review_request JOIN review \
     ON review.id = review_request.review WHERE review_request.who = $1 \
     AND review.state = 'requested'";

/// For how many open reviews somebody waits.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn open_asked_by(db: &Db, who: &str) -> Result<i64, StoreError> {
    let who = free_text(who);
    Ok(on!(db, executor => {
        sqlx::query_scalar(OPEN_ASKED_BY).bind(who).fetch_one(executor).await
    })?)
}

const DOWNLOADS: &str = "SELECT COUNT(*) FROM \
     (SELECT id FROM download WHERE project = $1 LIMIT $2) AS counted";

/// How often a project was downloaded here, counted up to `most`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn downloads_up_to(db: &Db, project: &ProjectName, most: u32) -> Result<i64, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_scalar(DOWNLOADS)
            .bind(project.as_str())
            .bind(i64::from(most))
            .fetch_one(executor)
            .await
    })?)
}
