//! Deciding: yes by one reviewer or by two, no by one, taking back, and the ends that come by themselves.
//! Each is in the ledger, each tells the other replicas, and of each an event is told.

use portcullis_core::event::Severity;
use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use serde_json::json;

use super::queue::find_within;
use super::{KeptFinding, Review, State, Vote, Waived};
use crate::columns::free_text;
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::events::{self, NewEvent};
use crate::generations::{self, Counter};
use crate::ledger;

/// What a decision is about, for how long, and why.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The versions (PEP 440), empty for all; those that were asked for where nothing is said.
    pub specifiers: Option<String>,
    /// From when it no longer holds.
    pub expires: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who decides.
    pub who: String,
    /// The fingerprint of the findings that the reviewer saw, where the reviewer says so.
    pub seen: Option<String>,
}

/// A reviewer's yes.
#[derive(Clone, Debug)]
pub struct Approval {
    /// What exactly.
    pub terms: Terms,
    /// How many reviewers must say so. Where it is more than one, none of them may have asked for it.
    pub needed: u32,
}

/// A reviewer's no.
pub type Denial = Terms;

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is decided.
    Now(Box<Review>),
    /// There is no such review.
    Absent,
    /// It does not wait for a decision.
    NotOpen(State),
    /// Other things are found now than what the reviewer saw.
    Changed,
}

/// What came of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// It is decided, or cannot be.
    Settled(Settled),
    /// More reviewers must say so.
    Waits {
        /// How many have.
        given: u32,
        /// How many must.
        needed: u32,
    },
    /// Who asked for it cannot be one of several who approve it.
    OwnRequest,
    /// Another reviewer said yes to other versions.
    Disagrees {
        /// Who.
        who: String,
        /// To which versions.
        specifiers: String,
    },
}

/// The review, when it can be decided on these terms.
async fn open(
    write: &mut Write,
    review: i64,
    seen: Option<&str>,
) -> Result<Result<Review, Settled>, StoreError> {
    let Some(found) = find_within(write, review).await? else {
        return Ok(Err(Settled::Absent));
    };
    if found.state != State::Requested {
        return Ok(Err(Settled::NotOpen(found.state)));
    }
    if seen.is_some_and(|seen| seen != found.fingerprint()) {
        return Ok(Err(Settled::Changed));
    }
    Ok(Ok(found))
}

/// Says yes. It is decided once enough reviewers said the same to the same findings; it ends when the
/// first of their terms ends.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn approve(
    db: &Db,
    review: i64,
    approval: &Approval,
    now: Timestamp,
) -> Result<Approved, StoreError> {
    let mut write = db.begin_write().await?;
    let found = match open(&mut write, review, approval.terms.seen.as_deref()).await? {
        Ok(found) => found,
        Err(settled) => return Ok(Approved::Settled(settled)),
    };
    let terms = match approval.needed {
        0 | 1 => approval.terms.clone(),
        _ => match with_votes(&mut write, &found, approval, now).await? {
            Ok(terms) => terms,
            Err(Approved::Waits { given, needed }) => {
                write.commit().await?;
                return Ok(Approved::Waits { given, needed });
            }
            Err(other) => return Ok(other),
        },
    };
    let waives = waived(&found.findings);
    let decided = settle(&mut write, &found, (State::Approved, &waives), &terms, now).await?;
    write.commit().await?;
    Ok(Approved::Settled(Settled::Now(Box::new(decided))))
}

/// What an approval of these findings lifts.
fn waived(findings: &[KeptFinding]) -> Vec<Waived> {
    let lifted = findings
        .iter()
        .filter(|finding| finding.refuses() && !finding.is_law);
    let one = |finding: &KeptFinding| Waived {
        rule: finding.rule.clone(),
        about: finding.about.clone(),
    };
    lifted.map(one).collect()
}

const HAS_ASKED: &str = "SELECT COUNT(*) FROM review_request WHERE review = $1 AND who = $2";

const VOTES: &str = "SELECT who, specifiers, expires_at, reason, findings, at FROM review_vote \
     WHERE review = $1 AND findings = $2 AND who <> $3 ORDER BY at, who";

const VOTE: &str = "INSERT INTO review_vote \
     (review, who, specifiers, expires_at, reason, findings, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (review, who) DO UPDATE SET \
     specifiers = excluded.specifiers, expires_at = excluded.expires_at, \
     reason = excluded.reason, findings = excluded.findings, at = excluded.at";

/// Adds a vote to those of others, and gives the terms that all of them together make.
async fn with_votes(
    write: &mut Write,
    review: &Review,
    approval: &Approval,
    now: Timestamp,
) -> Result<Result<Terms, Approved>, StoreError> {
    let who = free_text(&approval.terms.who);
    let has_asked: i64 = within!(&mut *write, executor => {
        sqlx::query_scalar(HAS_ASKED).bind(review.id).bind(&who).fetch_one(executor).await
    })?;
    if has_asked > 0 {
        return Ok(Err(Approved::OwnRequest));
    }
    let others: Vec<Vote> = within!(&mut *write, executor => {
        sqlx::query_as(VOTES)
            .bind(review.id)
            .bind(review.fingerprint())
            .bind(&who)
            .fetch_all(executor)
            .await
    })?;
    let wanted = approval
        .terms
        .specifiers
        .as_deref()
        .unwrap_or(&review.specifiers);
    if let Some(other) = others.iter().find(|other| other.specifiers != wanted) {
        let (who, specifiers) = (other.who.clone(), other.specifiers.clone());
        return Ok(Err(Approved::Disagrees { who, specifiers }));
    }
    vote(write, review, &approval.terms, now).await?;
    let given = u32::try_from(others.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let needed = approval.needed;
    if given < needed {
        return Ok(Err(Approved::Waits { given, needed }));
    }
    let names = others.iter().map(|other| other.who.as_str());
    let names: Vec<&str> = names.chain([who.as_str()]).collect();
    let ends = others.iter().filter_map(|other| other.expires_at);
    Ok(Ok(Terms {
        who: names.join(" and "),
        expires: ends.chain(approval.terms.expires).min(),
        ..approval.terms.clone()
    }))
}

async fn vote(
    write: &mut Write,
    review: &Review,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), StoreError> {
    let specifiers = terms.specifiers.as_deref().unwrap_or(&review.specifiers);
    let (who, reason) = (free_text(&terms.who), free_text(&terms.reason));
    within!(&mut *write, executor => {
        sqlx::query(VOTE)
            .bind(review.id)
            .bind(&who)
            .bind(specifiers)
            .bind(terms.expires.map(Timestamp::as_millis))
            .bind(&reason)
            .bind(review.fingerprint())
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    let payload = json!({
        "act": "vote", "review": review.id, "who": who, "reason": reason,
        "specifiers": specifiers, "expires": terms.expires, "findings": review.fingerprint(),
    });
    ledger::append(write, Kind::Review, &payload, now).await?;
    Ok(())
}

/// Says no.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn deny(
    db: &Db,
    review: i64,
    denial: &Denial,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut write = db.begin_write().await?;
    let found = match open(&mut write, review, denial.seen.as_deref()).await? {
        Ok(found) => found,
        Err(settled) => return Ok(settled),
    };
    let decided = settle(&mut write, &found, (State::Denied, &[]), denial, now).await?;
    write.commit().await?;
    Ok(Settled::Now(Box::new(decided)))
}

const SETTLE: &str = "UPDATE review SET state = $2, decided_at = $3, decided_by = $4, \
     decided_specifiers = $5, reason = $6, expires_at = $7, waives = $8 WHERE id = $1";

async fn settle(
    write: &mut Write,
    review: &Review,
    (state, waives): (State, &[Waived]),
    terms: &Terms,
    now: Timestamp,
) -> Result<Review, StoreError> {
    let specifiers = terms.specifiers.as_deref().unwrap_or(&review.specifiers);
    let (who, reason) = (free_text(&terms.who), free_text(&terms.reason));
    let waives_text = serde_json::to_string(waives).expect("rules and ids are plain data");
    within!(&mut *write, executor => {
        sqlx::query(SETTLE)
            .bind(review.id)
            .bind(state.as_str())
            .bind(now.as_millis())
            .bind(&who)
            .bind(specifiers)
            .bind(&reason)
            .bind(terms.expires.map(Timestamp::as_millis))
            .bind(waives_text)
            .execute(executor)
            .await
            .map(drop)
    })?;
    let act = match state {
        State::Approved => "approve",
        _ => "deny",
    };
    let payload = json!({
        "act": act, "review": review.id, "index": review.index, "project": review.project,
        "specifiers": specifiers, "who": who, "reason": reason, "expires": terms.expires,
        "findings": review.fingerprint(),
    });
    ledger::append(write, Kind::Review, &payload, now).await?;
    for waived in waives {
        let payload = json!({
            "act": "give", "review": review.id, "index": review.index,
            "project": review.project, "specifiers": specifiers, "rule": waived.rule,
            "about": waived.about, "owner": who, "expires": terms.expires,
        });
        ledger::append(write, Kind::Waiver, &payload, now).await?;
    }
    told(write, review.id, now).await
}

const CLOSE: &str = "UPDATE review SET state = $2, decided_at = $3, decided_by = $4, reason = $5 \
     WHERE id = $1 AND state = $6";

/// How a review ends without a reviewer's yes or no.
#[derive(Clone, Copy)]
enum End<'a> {
    /// What a reviewer said was for a time. Who said it, when and why stays on record.
    Expired,
    /// Somebody closes it.
    Closed {
        state: State,
        who: &'a str,
        reason: &'a str,
    },
}

/// Ends a review. Returns it as it is then; `None` where somebody else was quicker.
async fn close(
    write: &mut Write,
    review: &Review,
    end: End<'_>,
    now: Timestamp,
) -> Result<Option<Review>, StoreError> {
    let (state, at, who, reason) = match end {
        End::Expired => (
            State::Expired,
            review.decided_at.unwrap_or(now),
            review.decided_by.clone().unwrap_or_default(),
            review.reason.clone().unwrap_or_default(),
        ),
        End::Closed { state, who, reason } => (state, now, free_text(who), free_text(reason)),
    };
    let closed = within!(&mut *write, executor => {
        sqlx::query(CLOSE)
            .bind(review.id)
            .bind(state.as_str())
            .bind(at.as_millis())
            .bind(&who)
            .bind(&reason)
            .bind(review.state.as_str())
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if closed == 0 {
        return Ok(None);
    }
    let payload = json!({
        "act": state.as_str(), "review": review.id, "project": review.project,
        "was": review.state.as_str(), "who": who, "reason": reason,
    });
    ledger::append(write, Kind::Review, &payload, now).await?;
    for waived in &review.waives {
        let payload = json!({
            "act": "end", "review": review.id, "rule": waived.rule, "project": review.project,
        });
        ledger::append(write, Kind::Waiver, &payload, now).await?;
    }
    told(write, review.id, now).await.map(Some)
}

/// Tells the other replicas, and people.
async fn told(write: &mut Write, review: i64, now: Timestamp) -> Result<Review, StoreError> {
    generations::bump(write, Counter::Reviews).await?;
    let review = find_within(write, review).await?;
    let review = review.ok_or(sqlx::Error::RowNotFound)?;
    let subject = review.requirement();
    let who = review.decided_by.as_deref().unwrap_or("nobody");
    let sentence = match review.state {
        State::Approved | State::Denied => format!("{who} {} {subject}", review.state),
        other => format!("the review of {subject} is {other}"),
    };
    let detail = json!({
        "review": review.id, "index": review.index, "state": review.state.as_str(),
        "reason": review.reason, "expires": review.expires_at,
        "versions": review.decided_specifiers,
    });
    let event = NewEvent::new("review.decided", Severity::Notice, subject, sentence);
    let event = event
        .detail(detail)
        .once_per(format!("{} {}", review.id, review.state));
    events::insert(write, &event, now).await?;
    Ok(review)
}

/// Takes back a request that waits, or a decision that holds.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn withdraw(
    db: &Db,
    review: i64,
    (who, reason): (&str, &str),
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut write = db.begin_write().await?;
    let Some(found) = find_within(&mut write, review).await? else {
        return Ok(Settled::Absent);
    };
    if !matches!(
        found.state,
        State::Requested | State::Approved | State::Denied
    ) {
        return Ok(Settled::NotOpen(found.state));
    }
    let end = End::Closed {
        state: State::Withdrawn,
        who,
        reason,
    };
    let closed = close(&mut write, &found, end, now).await?;
    write.commit().await?;
    Ok(closed.map_or(Settled::NotOpen(found.state), |closed| {
        Settled::Now(Box::new(closed))
    }))
}

/// Closes a request since nothing refuses its subject any more; `reason` says why.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn resolve(
    db: &Db,
    review: &Review,
    reason: &str,
    now: Timestamp,
) -> Result<Option<Review>, StoreError> {
    let mut write = db.begin_write().await?;
    let end = End::Closed {
        state: State::Resolved,
        who: "portcullis",
        reason,
    };
    let closed = close(&mut write, review, end, now).await?;
    write.commit().await?;
    Ok(closed)
}

const DUE: &str = "SELECT id FROM review WHERE state IN ('approved', 'denied') \
     AND expires_at <= $1 ORDER BY id";

/// Marks the decisions whose time is over at `now`; judging left them out from that moment on. Returns
/// how many.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn expire_due(db: &Db, now: Timestamp) -> Result<usize, StoreError> {
    let due: Vec<i64> = on!(db, executor => {
        sqlx::query_scalar(DUE).bind(now.as_millis()).fetch_all(executor).await
    })?;
    let mut expired = 0;
    for review in due {
        let mut write = db.begin_write().await?;
        let Some(found) = find_within(&mut write, review).await? else {
            continue;
        };
        let was_open = matches!(found.state, State::Approved | State::Denied);
        if was_open
            && close(&mut write, &found, End::Expired, now)
                .await?
                .is_some()
        {
            expired += 1;
        }
        write.commit().await?;
    }
    Ok(expired)
}
