//! Asking for a review: judged at once, and one record however many people ask.

use std::sync::Arc;

use portcullis_core::index::Index;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_store::reviews::{self, Ask, Asker, Judgement, Newness};
use tracing::info;

use super::told::Review;
use super::{Person, find, judgement, queue, reason_of, specifiers_text};
use crate::app::App;
use crate::error::FlowError;

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What.
    pub requirement: Requirement,
    /// Why.
    pub reason: String,
    /// What of theirs wants it: a dependency path.
    pub wanted_by: Option<String>,
}

/// The record that a wish led to.
#[derive(Clone, Debug)]
pub struct Requested {
    /// The record.
    pub review: Review,
    /// Whether it is new.
    pub newness: Newness,
}

/// For how many open reviews one person may wait.
const MOST_OPEN: i64 = 100;

/// Asks for a review of what `wish` means in `index`. It can be asked for what is let through today, too:
/// a reviewer may say no.
///
/// # Errors
/// [`FlowError`]: nothing is meant, no reviewer could say yes, a source cannot be asked, or the person
/// waits for too much already.
pub async fn request(
    app: &Arc<App>,
    person: &Person,
    index: &Index,
    wish: &Wish,
) -> Result<Requested, FlowError> {
    let reason = reason_of(&wish.reason)?;
    let specifiers = specifiers_text(&wish.requirement.specifiers);
    let meant = (!specifiers.is_empty()).then_some(&wish.requirement.specifiers);
    let project = &wish.requirement.name;
    let subject = judgement::look(app, index, project, meant).await?;
    let judgement = subject.judgement();
    can_be_lifted(&judgement)?;
    if reviews::open_asked_by(&app.db, &person.who).await? >= MOST_OPEN {
        return Err(FlowError::TooMany(format!(
            "{} waits for {MOST_OPEN} reviews already; withdraw some, or wait for their decisions",
            person.who
        )));
    }
    let ask = Ask {
        index: index.name.as_str(),
        project,
        specifiers: &specifiers,
        judgement: &judgement,
    };
    let asker = Asker {
        who: person.who.clone(),
        client: person.client.clone(),
        address: person.address.clone(),
        reason: reason.to_owned(),
        wanted_by: wish
            .wanted_by
            .clone()
            .filter(|path| !path.trim().is_empty()),
    };
    let asked = reviews::ask(&app.db, &ask, &asker, app.now()).await?;
    if asked.newness == Newness::New {
        info!(%project, review = asked.review, "{} asks for a review of {}", person.who, wish.requirement);
    }
    let review = find(app, asked.review).await?;
    Ok(Requested {
        review: queue::told(app, review).await?,
        newness: asked.newness,
    })
}

/// That a reviewer's yes would lift something of what refuses it, where anything does.
pub(super) fn can_be_lifted(judgement: &Judgement) -> Result<(), FlowError> {
    let mut refusing = judgement
        .findings
        .iter()
        .filter(|finding| finding.refuses())
        .peekable();
    let Some(first) = refusing.peek().copied() else {
        return Ok(());
    };
    match refusing.all(|finding| finding.is_law) {
        true => Err(FlowError::Conflict(format!(
            "{} states a promise that no reviewer can lift: {}. What to do: {}",
            first.rule, first.message, first.remedy
        ))),
        false => Ok(()),
    }
}
