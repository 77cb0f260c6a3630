//! Deciding: yes or no, with a reason, for some versions and for some time, one case or many at once; and
//! taking back. Who may decide is checked by the door.

use std::sync::Arc;

use portcullis_core::access::Action;
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_core::time::Timestamp;
use portcullis_store::reviews::{self, Approval, Approved, Filter, Settled, State, Terms};
use tracing::info;

use super::told::Review;
use super::{Person, find, in_force, queue, reason_of, request, specifiers_text};
use crate::app::App;
use crate::error::FlowError;
use crate::identity::Caller;

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is let through.
    Approve,
    /// It is not.
    Deny,
}

/// What a reviewer says.
#[derive(Clone, Debug)]
pub struct Word {
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// To which versions; those that were asked for where nothing is said.
    pub versions: Option<VersionSpecifiers>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// The `seen` of the review that the reviewer looked at.
    pub seen: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The review.
    pub review: Review,
    /// How many more reviewers must say yes.
    pub missing: u32,
}

/// Says yes or no to one review.
///
/// # Errors
/// [`FlowError`]: absent, not open, changed since it was seen, or not to be lifted by anybody.
pub async fn decide(
    app: &Arc<App>,
    person: &Person,
    id: i64,
    word: &Word,
) -> Result<Decided, FlowError> {
    let terms = terms(app, person, word)?;
    let outcome = match word.verdict {
        Verdict::Deny => Approved::Settled(reviews::deny(&app.db, id, &terms, app.now()).await?),
        Verdict::Approve => approve(app, id, terms).await?,
    };
    let missing = match outcome {
        Approved::Settled(settled) => {
            settled_or_why(id, settled)?;
            in_force::reload(app).await?;
            0
        }
        Approved::Waits { given, needed } => needed - given,
        Approved::OwnRequest => {
            return Err(FlowError::Forbidden(format!(
                "{} asked for review {id}; two others must approve it",
                person.who
            )));
        }
        Approved::Disagrees { who, specifiers } => {
            let versions = match specifiers.as_str() {
                "" => "all versions".to_owned(),
                versions => format!("versions {versions}"),
            };
            return Err(FlowError::Conflict(format!(
                "{who} approved {versions} of it; approve the same, or deny it"
            )));
        }
    };
    let review = queue::told(app, find(app, id).await?).await?;
    info!(
        review = id,
        project = review.project,
        "review {id} is {}",
        kept_state(&review)
    );
    Ok(Decided { review, missing })
}

fn kept_state(review: &Review) -> State {
    review.state.into()
}

async fn approve(app: &Arc<App>, id: i64, terms: Terms) -> Result<Approved, FlowError> {
    let review = find(app, id).await?;
    let judgement = reviews::Judgement {
        effect: review.effect,
        risk: review.risk,
        findings: review.findings,
    };
    request::can_be_lifted(&judgement)?;
    let approval = Approval {
        terms,
        needed: app.config.approvers.count(),
    };
    Ok(reviews::approve(&app.db, id, &approval, app.now()).await?)
}

fn terms(app: &App, person: &Person, word: &Word) -> Result<Terms, FlowError> {
    if word.until.is_some_and(|until| until <= app.now()) {
        return Err(FlowError::Conflict(
            "the decision would be over before it began: give a later end".to_owned(),
        ));
    }
    Ok(Terms {
        specifiers: word.versions.as_ref().map(specifiers_text),
        expires: word.until,
        reason: reason_of(&word.reason)?.to_owned(),
        who: person.who.clone(),
        seen: word.seen.clone(),
    })
}

fn settled_or_why(id: i64, settled: Settled) -> Result<(), FlowError> {
    match settled {
        Settled::Now(_) => Ok(()),
        Settled::Absent => Err(FlowError::Absent(format!("there is no review {id}"))),
        Settled::NotOpen(state @ (State::Approved | State::Denied)) => Err(FlowError::Conflict(
            format!("review {id} is {state} already; withdraw that first"),
        )),
        Settled::NotOpen(state) => Err(FlowError::Conflict(format!(
            "review {id} is {state}; ask for a new one"
        ))),
        Settled::Changed => Err(FlowError::Conflict(format!(
            "other things are found about review {id} now than when it was looked at; look again"
        ))),
    }
}

/// Which reviews are decided together.
#[derive(Clone, Debug)]
pub enum Which {
    /// These.
    Numbers(Vec<i64>),
    /// Every open one of this project.
    OpenOf(portcullis_core::pypi::name::ProjectName),
}

/// The most reviews that are decided together.
pub const MOST_TOGETHER: usize = 500;

/// Says the same to several reviews, each by itself: what cannot be decided does not keep the others from
/// being decided.
///
/// # Errors
/// [`FlowError`] when nothing is meant, too much is, or the database fails.
pub async fn decide_all(
    app: &Arc<App>,
    person: &Person,
    which: &Which,
    word: &Word,
) -> Result<Vec<(i64, Result<Decided, FlowError>)>, FlowError> {
    let mut numbers = match which {
        Which::Numbers(numbers) => numbers.clone(),
        Which::OpenOf(project) => {
            let filter = Filter {
                state: Some(State::Requested),
                project: Some(project.clone()),
                limit: u32::try_from(MOST_TOGETHER).unwrap_or(u32::MAX),
                ..Filter::default()
            };
            let open = reviews::list(&app.db, &filter).await?;
            if open.is_empty() {
                return Err(FlowError::Absent(format!("no review of {project} is open")));
            }
            open.iter().map(|review| review.id).collect()
        }
    };
    if numbers.len() > MOST_TOGETHER {
        let message = format!("at most {MOST_TOGETHER} reviews can be decided together");
        return Err(FlowError::Invalid(message));
    }
    numbers.sort_unstable();
    numbers.dedup();
    let mut outcomes = Vec::with_capacity(numbers.len());
    for id in numbers {
        outcomes.push((id, decide(app, person, id, word).await));
    }
    Ok(outcomes)
}

/// That the caller may take back a review: reviewers may, and those who asked while it is open and nobody
/// else waits for it.
///
/// # Errors
/// [`FlowError::Forbidden`] and [`FlowError::Unauthenticated`].
pub async fn may_withdraw(
    app: &App,
    caller: &Caller,
    person: &Person,
    id: i64,
) -> Result<(), FlowError> {
    let review = find(app, id).await?;
    let askers = reviews::askers(&app.db, id).await?;
    let is_theirs = matches!(&askers[..], [only] if only.who == person.who);
    match caller.token.is_some() && review.state == State::Requested && is_theirs {
        true => Ok(()),
        false => caller.may(Action::Review),
    }
}

/// Takes back a request that waits, or a decision that holds.
///
/// # Errors
/// [`FlowError`]: absent, or over already.
pub async fn withdraw(
    app: &Arc<App>,
    person: &Person,
    id: i64,
    reason: &str,
) -> Result<Review, FlowError> {
    let reason = reason_of(reason)?;
    let settled = reviews::withdraw(&app.db, id, (&person.who, reason), app.now()).await?;
    settled_or_why(id, settled)?;
    in_force::reload(app).await?;
    queue::told(app, find(app, id).await?).await
}

/// Marks what is over, judges again what is open or approved, and closes what nothing refuses any more.
/// Says what came of it.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub async fn tend(app: &Arc<App>) -> Result<String, FlowError> {
    let expired = reviews::expire_due(&app.db, app.now()).await?;
    let mut judged = 0;
    for state in [State::Requested, State::Approved] {
        let filter = Filter {
            state: Some(state),
            limit: u32::try_from(i32::MAX).unwrap_or(u32::MAX),
            ..Filter::default()
        };
        let found = reviews::list(&app.db, &filter).await?;
        judged += queue::judge_again(app, &found, 0).await;
    }
    if expired > 0 {
        in_force::reload(app).await?;
    }
    Ok(format!("{judged} judged again, {expired} over"))
}
