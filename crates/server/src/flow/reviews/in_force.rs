//! What reviewers said and what still holds of it, loaded into memory where judging finds it.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::index::IndexName;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::ruling::Ruling;
use portcullis_core::time::Timestamp;
use portcullis_core::waiver::Waiver;
use portcullis_store::Db;
use portcullis_store::reviews::{self, Review, State};

use super::kept_specifiers;
use crate::app::App;
use crate::error::FlowError;
use crate::knowledge::Knowledge;

/// Loads what reviewers said again, and makes pages be rendered anew.
///
/// # Errors
/// See [`load`].
pub async fn reload(app: &App) -> Result<(), FlowError> {
    load(&app.knowledge, &app.db, app.now()).await?;
    app.next_epoch();
    Ok(())
}

/// Loads the waivers and rulings that are in force at `now`.
///
/// # Errors
/// [`FlowError`] when the database fails, or holds what cannot be read; what was in force stays so.
pub async fn load(knowledge: &Knowledge, db: &Db, now: Timestamp) -> Result<(), FlowError> {
    let mut waivers: HashMap<ProjectName, Vec<Arc<Waiver>>> = HashMap::new();
    let mut rulings: HashMap<ProjectName, Vec<Arc<Ruling>>> = HashMap::new();
    for review in reviews::in_force(db, now).await? {
        let project = review.project.clone();
        match review.state {
            State::Approved => waivers.entry(project).or_default().extend(given(&review)?),
            State::Denied => rulings.entry(project).or_default().push(ruling(&review)?),
            State::Requested | State::Expired | State::Withdrawn | State::Resolved => {}
        }
    }
    knowledge.waivers.store(Arc::new(waivers));
    knowledge.rulings.store(Arc::new(rulings));
    Ok(())
}

fn given(review: &Review) -> Result<Vec<Arc<Waiver>>, FlowError> {
    let terms = Terms::of(review)?;
    let one = |waived: &reviews::Waived| {
        Arc::new(Waiver {
            review: review.id,
            index: Some(terms.index.clone()),
            project: review.project.clone(),
            versions: terms.versions.clone(),
            rule: waived.rule.clone().into(),
            about: waived.about.clone(),
            reason: Arc::clone(&terms.reason),
            owner: Arc::clone(&terms.owner),
            expires: review.expires_at,
        })
    };
    Ok(review.waives.iter().map(one).collect())
}

fn ruling(review: &Review) -> Result<Arc<Ruling>, FlowError> {
    let terms = Terms::of(review)?;
    Ok(Arc::new(Ruling {
        review: review.id,
        index: Some(terms.index),
        versions: terms.versions,
        reason: terms.reason,
        owner: terms.owner,
        expires: review.expires_at,
    }))
}

struct Terms {
    index: IndexName,
    versions: Option<portcullis_core::pypi::version::VersionSpecifiers>,
    reason: Arc<str>,
    owner: Arc<str>,
}

impl Terms {
    fn of(review: &Review) -> Result<Self, FlowError> {
        let index = review.index.parse();
        let index =
            index.map_err(|error| FlowError::Job(format!("review {}: {error}", review.id)))?;
        let versions = review.decided_specifiers.as_deref();
        Ok(Self {
            index,
            versions: kept_specifiers(versions.unwrap_or(&review.specifiers))?,
            reason: review.reason.as_deref().unwrap_or_default().into(),
            owner: review.decided_by.as_deref().unwrap_or_default().into(),
        })
    }
}
