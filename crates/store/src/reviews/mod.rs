//! Reviews: what people ask to be let through or stopped, and what reviewers said. One record for each
//! subject, however many ask. Asking and listing is in `queue`, deciding in `decide`. What a finding
//! means is decided in `core::policy`; nothing is judged here.

use std::fmt;
use std::str::FromStr;

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::canonical;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::columns::{MaybeMillis, Millis, UnknownWord, Word};

mod queue;
mod decide;
mod dependents;

pub use decide::{
    Approval, Approved, Denial, Settled, Terms, approve, deny, expire_due, resolve, withdraw,
};
pub use dependents::{Dependent, published_here_with, seen_metadata};
pub use queue::{
    Ask, Asked, Asker, Filter, Judgement, Newness, ask, askers, downloads_up_to, find, in_force,
    keep_judgement, list, open_asked_by, votes,
};

/// Where a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits for a reviewer.
    Requested,
    /// A reviewer let it through.
    Approved,
    /// A reviewer said no.
    Denied,
    /// What a reviewer said was for a time, and the time is over.
    Expired,
    /// It was taken back.
    Withdrawn,
    /// It closed by itself, since nothing refuses it any more.
    Resolved,
}

impl State {
    /// Every state, in the order of a review's life.
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
        Self::Resolved,
    ];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownState(text.chars().take(80).collect()))
    }
}

/// The text is not the state of a review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a state (requested, approved, denied, expired, withdrawn, resolved)")]
pub struct UnknownState(pub String);

/// What a rule found about the subject of a review, over all the files that are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeptFinding {
    /// The rule.
    pub rule: String,
    /// The strictest effect that the policy gives it on any of the files.
    pub effect: Effect,
    /// `enforced`, `observed`, `excepted` or `waived`; only the first refuses anything.
    pub standing: String,
    /// What was found, one clause.
    pub message: String,
    /// What it rests on, in pairs of a label and a value.
    pub evidence: Vec<(String, String)>,
    /// What can be done without a reviewer.
    pub remedy: String,
    /// The line of the policy that decided.
    pub policy_line: String,
    /// What exactly was found, such as advisory ids.
    pub about: Vec<String>,
    /// The versions that it is about, the newest first, as far as they are told.
    pub versions: Vec<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Whether the rule states a promise that no reviewer can lift.
    pub is_law: bool,
}

impl KeptFinding {
    /// Whether it keeps the subject from being let through.
    pub fn refuses(&self) -> bool {
        self.effect >= Effect::Hold && self.standing == "enforced"
    }
}

/// What an approval lifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// The rule.
    pub rule: String,
    /// What it had found.
    pub about: Vec<String>,
}

/// The findings of a review as JSON.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
struct Json(String);

impl TryFrom<Json> for Vec<KeptFinding> {
    type Error = serde_json::Error;

    fn try_from(column: Json) -> Result<Self, Self::Error> {
        serde_json::from_str(&column.0)
    }
}

impl TryFrom<Json> for Vec<Waived> {
    type Error = serde_json::Error;

    fn try_from(column: Json) -> Result<Self, Self::Error> {
        serde_json::from_str(&column.0)
    }
}

impl TryFrom<Word> for State {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse().map_err(|UnknownState(text)| UnknownWord {
            what: "the state of a review",
            text,
        })
    }
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Review {
    /// Its number.
    pub id: i64,
    /// The index that was asked.
    #[sqlx(rename = "index_name")]
    pub index: String,
    /// The project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// The versions that were asked for (PEP 440), empty for all.
    pub specifiers: String,
    /// Where it stands.
    #[sqlx(try_from = "Word")]
    pub state: State,
    /// What happened to the subject when it was judged last.
    #[sqlx(try_from = "Word")]
    pub effect: Effect,
    /// How much it matters to look at it soon; the higher, the sooner.
    pub risk: i64,
    /// What was found when it was judged last.
    #[sqlx(try_from = "Json")]
    pub findings: Vec<KeptFinding>,
    /// When it was asked for first.
    #[sqlx(try_from = "Millis")]
    pub requested_at: Timestamp,
    /// When it was judged last.
    #[sqlx(try_from = "Millis")]
    pub judged_at: Timestamp,
    /// Since when an approval does not cover what is found now.
    #[sqlx(try_from = "MaybeMillis")]
    pub outdated_at: Option<Timestamp>,
    /// When it was decided, or closed.
    #[sqlx(try_from = "MaybeMillis")]
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// The versions that the decision is about, empty for all.
    pub decided_specifiers: Option<String>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// From when the decision no longer holds.
    #[sqlx(try_from = "MaybeMillis")]
    pub expires_at: Option<Timestamp>,
    /// What an approval lifts.
    #[sqlx(try_from = "Json")]
    pub waives: Vec<Waived>,
    /// How many people asked.
    pub waiting: i64,
}

impl Review {
    /// What is refused and why, in one short text: two reviews of a subject with the same one show the
    /// same thing to a reviewer.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.findings)
    }

    /// The requirement that was asked for, such as `flask==3.1.3`.
    pub fn requirement(&self) -> String {
        format!("{}{}", self.project, self.specifiers)
    }

    /// Whether what was decided holds at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Approved | State::Denied)
            && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// See [`Review::fingerprint`].
pub fn fingerprint(findings: &[KeptFinding]) -> String {
    let refusing = findings.iter().filter(|finding| finding.refuses());
    let mut about: Vec<_> = refusing
        .map(|finding| canonical(&json!([finding.rule, finding.effect, finding.about])))
        .collect();
    about.sort_unstable();
    Sha256::of(about.join("\n").as_bytes()).to_hex()[..16].to_owned()
}

/// Somebody who asked.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AskedBy {
    /// Who: a token's name, or what is known of somebody without one.
    pub who: String,
    /// What the client says of itself.
    pub client: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// Why they want it.
    pub reason: String,
    /// What of theirs wants it: a dependency path.
    pub wanted_by: Option<String>,
    /// When they asked last.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

/// A reviewer's yes, one of several that are needed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Vote {
    /// Who.
    pub who: String,
    /// To which versions, empty for all.
    pub specifiers: String,
    /// Until when.
    #[sqlx(try_from = "MaybeMillis")]
    pub expires_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// The fingerprint of the findings that it was given for.
    pub findings: String,
    /// When.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

macro_rules! review_columns {
    () => {
        "id, index_name, project, specifiers, state, effect, risk, findings, requested_at, \
         judged_at, outdated_at, decided_at, decided_by, decided_specifiers, reason, expires_at, \
         waives, (SELECT COUNT(*) FROM review_request WHERE review_request.review = review.id) \
         AS waiting"
    };
}
use review_columns;
