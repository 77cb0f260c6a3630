//! Decisions that were shown or acted on, with their evidence. One that is made again as it was is
//! not recorded again. Deciding is `core::policy`.

use std::collections::{BTreeSet, HashMap};

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::columns::{Hash, MaybeHash, MaybeMillis, Millis, Word};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::ledger;

/// A decision that is shown or acted on.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// Its short name; equal decisions have equal ones.
    pub id: String,
    /// The index that it was made for.
    pub index: String,
    /// The project.
    pub project: ProjectName,
    /// The file, or empty when it is about the whole project.
    pub filename: String,
    /// The version, where it is known.
    pub version: Option<String>,
    /// The digest of the content that was judged, where it was known.
    pub sha256: Option<Sha256>,
    /// What it does.
    pub effect: Effect,
    /// The rule that decided, or empty.
    pub rule: String,
    /// The digest of the policy under which it was made.
    pub policy: Sha256,
    /// The line of the policy that decided.
    pub policy_line: String,
    /// Findings and evidence, as JSON text.
    pub evidence: String,
}

/// A decision that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RecordedDecision {
    /// Its short name.
    pub id: String,
    /// The index that it was made for.
    #[sqlx(rename = "index_name")]
    pub index: String,
    /// The project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// The file, or empty when it is about the whole project.
    pub filename: String,
    /// The version, where it was known.
    pub version: Option<String>,
    /// The digest of the content that was judged, where it was known.
    #[sqlx(try_from = "MaybeHash")]
    pub sha256: Option<Sha256>,
    /// What it did.
    #[sqlx(try_from = "Word")]
    pub effect: Effect,
    /// The rule that decided, or empty.
    pub rule: String,
    /// The digest of the policy under which it was made.
    #[sqlx(try_from = "Hash")]
    pub policy: Sha256,
    /// The line of the policy that decided.
    pub policy_line: String,
    /// Findings and evidence, as JSON text.
    pub evidence: String,
    /// When it was recorded.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// When another decision took its place.
    #[sqlx(try_from = "MaybeMillis")]
    pub superseded_at: Option<Timestamp>,
}

impl NewDecision {
    fn subject(&self) -> Subject {
        (
            self.index.clone(),
            self.project.clone(),
            self.filename.clone(),
        )
    }

    fn is_as(&self, recorded: &RecordedDecision) -> bool {
        self.effect == recorded.effect
            && self.rule == recorded.rule
            && self.policy == recorded.policy
            && self.sha256 == recorded.sha256
    }
}

/// The answer to [`record`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is new, or another one than before.
    New,
    /// It is as it was; this is the id under which it is recorded.
    Unchanged {
        /// The id.
        id: String,
    },
}

macro_rules! decision_columns {
    () => {
        "id, index_name, project, filename, version, sha256, effect, rule, policy, policy_line, \
         evidence, at, superseded_at"
    };
}

/// Records one decision; see [`record_many`].
///
/// # Errors
/// [`StoreError`] when the database fails, or the id was given to another decision before.
pub async fn record(db: &Db, new: &NewDecision, now: Timestamp) -> Result<Recorded, StoreError> {
    let answers = record_many(db, std::slice::from_ref(new), now).await?;
    Ok(answers
        .into_iter()
        .next()
        .expect("one answer for one decision"))
}

/// Records decisions in one transaction and answers for each in their order. When all of them are
/// as they were, that costs a look-up for each project and no transaction.
///
/// # Errors
/// [`StoreError`] when the database fails, or an id was given to another decision before; nothing
/// is recorded then.
pub async fn record_many(
    db: &Db,
    new: &[NewDecision],
    now: Timestamp,
) -> Result<Vec<Recorded>, StoreError> {
    let live = live(db, new).await?;
    let mut answers: Vec<Recorded> = new
        .iter()
        .map(|decision| unchanged(live.get(&decision.subject()), decision))
        .collect();
    if answers.iter().all(|answer| *answer != Recorded::New) {
        return Ok(answers);
    }
    let mut write = db.begin_write().await?;
    for (decision, answer) in new.iter().zip(&mut answers) {
        if *answer == Recorded::New {
            *answer = record_within(&mut write, decision, now).await?;
        }
    }
    write.commit().await?;
    Ok(answers)
}

fn unchanged(live: Option<&RecordedDecision>, new: &NewDecision) -> Recorded {
    match live {
        Some(recorded) if new.is_as(recorded) => Recorded::Unchanged {
            id: recorded.id.clone(),
        },
        _ => Recorded::New,
    }
}

/// The index, project and file that a decision is about.
type Subject = (String, ProjectName, String);

/// What is in force about the projects of `new`, one query for each of them.
async fn live(
    db: &Db,
    new: &[NewDecision],
) -> Result<HashMap<Subject, RecordedDecision>, StoreError> {
    let projects: BTreeSet<_> = new.iter().map(|new| (&new.index, &new.project)).collect();
    let mut live = HashMap::new();
    for (index, project) in projects {
        for recorded in latest(db, index, project).await? {
            let filename = recorded.filename.clone();
            live.insert((index.clone(), project.clone(), filename), recorded);
        }
    }
    Ok(live)
}

const LIVE: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decision WHERE index_name = $1 AND project = $2 AND filename = $3 \
     AND superseded_at IS NULL"
);

const SUPERSEDE: &str = "UPDATE decision SET superseded_at = $2 WHERE id = $1";

/// A decision that comes back after another one had taken its place has its old id again.
const INSERT: &str = "INSERT INTO decision \
     (id, index_name, project, filename, version, sha256, effect, rule, policy, policy_line, \
      evidence, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
     ON CONFLICT (id) DO UPDATE SET superseded_at = NULL, at = excluded.at, \
       policy_line = excluded.policy_line, evidence = excluded.evidence \
     WHERE decision.index_name = excluded.index_name AND decision.project = excluded.project \
       AND decision.filename = excluded.filename AND decision.effect = excluded.effect \
       AND decision.rule = excluded.rule AND decision.policy = excluded.policy";

async fn record_within(
    write: &mut Write,
    new: &NewDecision,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let before: Option<RecordedDecision> = within!(&mut *write, executor => {
        sqlx::query_as(LIVE)
            .bind(&new.index)
            .bind(new.project.as_str())
            .bind(&new.filename)
            .fetch_optional(executor)
            .await
    })?;
    let replaces = before.as_ref().map(|recorded| recorded.id.clone());
    let unchanged = unchanged(before.as_ref(), new);
    if unchanged != Recorded::New {
        return Ok(unchanged);
    }
    if let Some(id) = &replaces {
        within!(&mut *write, executor => {
            sqlx::query(SUPERSEDE).bind(id).bind(now.as_millis()).execute(executor).await.map(drop)
        })?;
    }
    if !insert(write, new, now).await? {
        return Err(StoreError::DecisionIdTaken(new.id.clone()));
    }
    let payload = json!({
        "id": new.id, "index": new.index, "project": new.project, "filename": new.filename,
        "sha256": new.sha256, "effect": new.effect, "rule": new.rule, "policy": new.policy,
        "policy_line": new.policy_line, "replaces": replaces,
        "evidence_sha256": Sha256::of(new.evidence.as_bytes()),
    });
    ledger::append(write, Kind::Decision, &payload, now).await?;
    Ok(Recorded::New)
}

/// Whether the row is there; `false` when its id belongs to another decision.
async fn insert(write: &mut Write, new: &NewDecision, now: Timestamp) -> Result<bool, StoreError> {
    let rows = within!(write, executor => {
        sqlx::query(INSERT)
            .bind(&new.id)
            .bind(&new.index)
            .bind(new.project.as_str())
            .bind(&new.filename)
            .bind(new.version.as_deref())
            .bind(new.sha256.as_ref().map(|digest| digest.as_bytes().as_slice()))
            .bind(new.effect.to_string())
            .bind(&new.rule)
            .bind(new.policy.as_bytes().as_slice())
            .bind(&new.policy_line)
            .bind(&new.evidence)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

const GET: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decision WHERE id = $1"
);

/// The decision with this id.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn get(db: &Db, id: &str) -> Result<Option<RecordedDecision>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(GET).bind(id).fetch_optional(executor).await)?)
}

const LATEST: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decision WHERE index_name = $1 AND project = $2 AND superseded_at IS NULL \
     ORDER BY at DESC, filename"
);

/// The decisions in force about a project and its files, the newest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn latest(
    db: &Db,
    index: &str,
    project: &ProjectName,
) -> Result<Vec<RecordedDecision>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(LATEST).bind(index).bind(project.as_str()).fetch_all(executor).await
    })?)
}

const RECENT: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decision WHERE at >= $1 ORDER BY at DESC, id LIMIT $2"
);

/// At most `limit` decisions recorded since `from`, the newest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn recent(
    db: &Db,
    from: Timestamp,
    limit: u32,
) -> Result<Vec<RecordedDecision>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(RECENT)
            .bind(from.as_millis())
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await
    })?)
}

const EXCEPTED: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decision WHERE id > $1 AND evidence LIKE '%\"standing\":\"excepted\"%' \
     ORDER BY id LIMIT $2"
);

/// At most `limit` decisions in which an exception lifted a finding, in the order of their ids, from
/// the one after `after` on; start with an empty `after`. Reads the whole table: for people who tidy
/// their exceptions, not for requests.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn excepted(
    db: &Db,
    after: &str,
    limit: u32,
) -> Result<Vec<RecordedDecision>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(EXCEPTED)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await
    })?)
}
