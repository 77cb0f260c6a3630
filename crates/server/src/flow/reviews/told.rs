//! What is told of a review, to programs and to those who render it for people. The same shapes come out
//! of the database and over the API.

use portcullis_core::policy::Effect;
use portcullis_core::time::Timestamp;
use portcullis_store::reviews as kept;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
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

impl From<kept::State> for State {
    fn from(state: kept::State) -> Self {
        match state {
            kept::State::Requested => Self::Requested,
            kept::State::Approved => Self::Approved,
            kept::State::Denied => Self::Denied,
            kept::State::Expired => Self::Expired,
            kept::State::Withdrawn => Self::Withdrawn,
            kept::State::Resolved => Self::Resolved,
        }
    }
}

impl From<State> for kept::State {
    fn from(state: State) -> Self {
        match state {
            State::Requested => Self::Requested,
            State::Approved => Self::Approved,
            State::Denied => Self::Denied,
            State::Expired => Self::Expired,
            State::Withdrawn => Self::Withdrawn,
            State::Resolved => Self::Resolved,
        }
    }
}

/// What a decision does to a file, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase", as = Effect)]
#[allow(dead_code, reason = "it describes core's own type for the API")]
pub enum EffectWord {
    /// It passes.
    Allow,
    /// It passes, and the finding is shown.
    Warn,
    /// It waits.
    Hold,
    /// It does not pass.
    Deny,
}

/// A label and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What the value is.
    pub label: String,
    /// The value.
    pub value: String,
}

/// What a rule found, over all the files that are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ReviewFinding)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// The strictest effect that it has on any of the files.
    #[schema(value_type = EffectWord)]
    pub effect: Effect,
    /// `enforced`, `observed`, `excepted` or `waived`; only the first refuses anything.
    pub standing: String,
    /// What was found, one clause.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What can be done without a reviewer.
    pub remedy: String,
    /// The line of the policy that decided.
    pub policy_line: String,
    /// What exactly was found, such as advisory ids. An approval covers these and no others.
    pub about: Vec<String>,
    /// The newest versions that it is about.
    pub versions: Vec<String>,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Whether the rule states a promise that no reviewer can lift.
    pub law: bool,
}

impl From<kept::KeptFinding> for Finding {
    fn from(finding: kept::KeptFinding) -> Self {
        let evidence = finding.evidence.into_iter();
        Self {
            rule: finding.rule,
            effect: finding.effect,
            standing: finding.standing,
            message: finding.message,
            evidence: evidence
                .map(|(label, value)| Evidence { label, value })
                .collect(),
            remedy: finding.remedy,
            policy_line: finding.policy_line,
            about: finding.about,
            versions: finding.versions,
            until: finding.until,
            law: finding.is_law,
        }
    }
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Review {
    /// Its number.
    pub id: i64,
    /// The index that was asked.
    pub index: String,
    /// The project.
    pub project: String,
    /// What was asked for, such as `flask==3.1.3`.
    pub requirement: String,
    /// Where it stands.
    pub state: State,
    /// What happened to it when it was judged last.
    #[schema(value_type = EffectWord)]
    pub effect: Effect,
    /// How much it matters to look at it soon; the higher, the sooner.
    pub risk: i64,
    /// How often the project was downloaded here, counted up to 1,000.
    pub downloads_here: i64,
    /// The project's place among the most popular ones, where it has one.
    pub rank: Option<u32>,
    /// How many people asked.
    pub waiting: i64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Names what is refused and why. A decision that repeats it is refused when something else is found
    /// by then.
    pub seen: String,
    /// When it was asked for first.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// When it was judged last.
    #[schema(value_type = String, format = DateTime)]
    pub judged_at: Timestamp,
    /// Since when the approval does not cover what is found now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub outdated_since: Option<Timestamp>,
    /// When it was decided, or closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// The versions that the decision is about; empty for all.
    pub versions: Option<String>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// From when the decision no longer holds.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The rules that the approval lifts.
    pub lifts: Vec<String>,
}

/// How known a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Popularity {
    /// How often it was downloaded here, counted up to a bound.
    pub downloads: i64,
    /// Its place among the most popular projects.
    pub rank: Option<u32>,
}

impl Review {
    /// A review as it is kept, of a project as known as `popularity` says.
    pub fn new(review: kept::Review, popularity: Popularity) -> Self {
        let (requirement, seen) = (review.requirement(), review.fingerprint());
        Self {
            id: review.id,
            index: review.index,
            project: review.project.to_string(),
            requirement,
            state: review.state.into(),
            effect: review.effect,
            risk: review.risk,
            downloads_here: popularity.downloads,
            rank: popularity.rank,
            waiting: review.waiting,
            findings: review.findings.into_iter().map(Finding::from).collect(),
            seen,
            requested_at: review.requested_at,
            judged_at: review.judged_at,
            outdated_since: review.outdated_at,
            decided_at: review.decided_at,
            decided_by: review.decided_by,
            versions: review.decided_specifiers,
            reason: review.reason,
            expires_at: review.expires_at,
            lifts: review
                .waives
                .into_iter()
                .map(|waived| waived.rule)
                .collect(),
        }
    }
}

/// Several reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reviews {
    /// What waits in the order in which it is best looked at; everything else the latest first.
    pub reviews: Vec<Review>,
}

/// Somebody who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Waiter {
    /// Who: a token's name, or what is known of somebody without one.
    pub who: String,
    /// What their client says of itself.
    pub client: Option<String>,
    /// Their address.
    pub address: Option<String>,
    /// Why they want it.
    pub reason: String,
    /// What of theirs wants it.
    pub wanted_by: Option<String>,
    /// When they asked last.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<kept::AskedBy> for Waiter {
    fn from(asked: kept::AskedBy) -> Self {
        Self {
            who: asked.who,
            client: asked.client,
            address: asked.address,
            reason: asked.reason,
            wanted_by: asked.wanted_by,
            at: asked.at,
        }
    }
}

/// A reviewer's yes, one of several that are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Vote {
    /// Who.
    pub who: String,
    /// To which versions; empty for all.
    pub versions: String,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Whether it counts: it was given for what is found now.
    pub counts: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What is known to want the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dependent {
    /// The project that depends on it.
    pub project: String,
    /// Its version.
    pub version: String,
    /// How it says so, such as `flask>=3`.
    pub requirement: String,
}

/// Something that was, and what it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// What.
    pub what: String,
    /// Before.
    pub before: Option<String>,
    /// Now.
    pub now: Option<String>,
}

/// How a release differs from the newest one before it that is let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// The release.
    pub version: String,
    /// The one before it.
    pub before: String,
    /// Files that have no counterpart in the release before.
    pub files_added: Vec<String>,
    /// Files of the release before that have no counterpart.
    pub files_removed: Vec<String>,
    /// Dependencies that are new.
    pub dependencies_added: Vec<String>,
    /// Dependencies that are gone.
    pub dependencies_removed: Vec<String>,
    /// What else differs.
    pub changes: Vec<Change>,
}

/// A review with everything that a reviewer looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Case {
    /// The review.
    pub review: Review,
    /// The source that has the project, where one that may be asked has.
    pub source: Option<String>,
    /// The sources that are asked, in their order.
    pub asked: Vec<String>,
    /// Who waits.
    pub waiting: Vec<Waiter>,
    /// Who said yes already, where that takes more than one.
    pub votes: Vec<Vote>,
    /// How many must say yes.
    pub votes_needed: u32,
    /// What is known to depend on the project.
    pub dependents: Vec<Dependent>,
    /// How it differs from the version before.
    pub comparison: Option<Comparison>,
    /// What could not be found out, a sentence each.
    pub not_known: Vec<String>,
}
