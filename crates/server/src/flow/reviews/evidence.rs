//! One case with everything that a reviewer looks at. What cannot be found out now is said, and keeps
//! nobody from deciding.

use std::sync::Arc;

use portcullis_store::reviews::{self, State};

use super::told::{Case, Vote, Waiter};
use super::{compare, dependents, find, judgement, queue};
use crate::app::App;
use crate::error::FlowError;

/// The case of one review, judged again now when it is open or approved.
///
/// # Errors
/// [`FlowError`]: absent, or the database fails.
pub async fn case(app: &Arc<App>, id: i64) -> Result<Case, FlowError> {
    let review = find(app, id).await?;
    let mut not_known = Vec::new();
    let subject = match review.state {
        State::Requested | State::Approved => match judgement::look_again(app, &review).await {
            Ok(subject) => Some(subject),
            Err(error @ FlowError::Store(_)) => return Err(error),
            Err(error) => {
                not_known.push(format!("what is found now: {}", plainly(&error)));
                None
            }
        },
        State::Denied | State::Expired | State::Withdrawn | State::Resolved => None,
    };
    if let Some(subject) = &subject {
        judgement::keep(app, &review, &subject.judgement()).await?;
    }
    let comparison = match &subject {
        Some(subject) => compare::with_the_one_before(app, subject, &mut not_known).await,
        None => None,
    };
    let dependents = dependents::dependents(app, &review.project, &mut not_known).await?;
    let review = find(app, id).await?;
    let votes = reviews::votes(&app.db, id).await?;
    let facts = subject.as_ref().map(|subject| &subject.gathered);
    let origin = facts.and_then(|gathered| gathered.facts.origin.as_ref());
    let asked = facts.iter().flat_map(|gathered| &gathered.route.ask);
    let now = review.fingerprint();
    Ok(Case {
        source: origin.map(|origin| origin.source.to_string()),
        asked: asked.map(|source| source.name.to_string()).collect(),
        waiting: reviews::askers(&app.db, id)
            .await?
            .into_iter()
            .map(Waiter::from)
            .collect(),
        votes: votes
            .into_iter()
            .map(|vote| told_vote(vote, &now))
            .collect(),
        votes_needed: app.config.approvers.count(),
        dependents,
        comparison,
        not_known,
        review: queue::told(app, review).await?,
    })
}

fn told_vote(vote: reviews::Vote, now: &str) -> Vote {
    Vote {
        counts: vote.findings == now,
        who: vote.who,
        versions: vote.specifiers,
        until: vote.expires_at,
        reason: vote.reason,
        at: vote.at,
    }
}

/// An error without the addresses that are the operator's business.
pub fn plainly(error: &FlowError) -> String {
    match error {
        FlowError::Unreachable { source_name, .. }
        | FlowError::Unusable { source_name, .. }
        | FlowError::SourceFailed { source_name, .. } => {
            format!("source {source_name} cannot be asked now")
        }
        FlowError::Disk(_) | FlowError::Blob(_) | FlowError::Store(_) => {
            "the gateway's own storage does not answer".to_owned()
        }
        other => other.to_string(),
    }
}
