//! What waits for a reviewer, in the order in which it is best looked at: the riskiest first, among equals
//! the least popular first, then what waits longest and for most people.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::popular::PopularNames;
use portcullis_store::reviews::{self, Filter, State};
use tracing::debug;

use super::judgement;
use super::told::{Popularity, Review};
use crate::app::App;
use crate::error::FlowError;

/// How far downloads are counted: a project with more of them is well known.
const WELL_KNOWN: u32 = 1000;

/// For how long a judgement is shown without judging again, in milliseconds.
const JUDGED_LATELY: i64 = 60_000;

/// How many subjects are judged at once.
const AT_ONCE: usize = 8;

/// How long judging again may keep somebody waiting who wants to see the queue. What is not judged by
/// then is shown as it was.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most open reviews that are put in order.
const MOST: u32 = 2000;

/// The reviews that `filter` lets through. Open ones are judged again before they are shown, since time
/// has passed and facts have changed.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub async fn queue(app: &Arc<App>, filter: &Filter) -> Result<Vec<Review>, FlowError> {
    let is_queue = filter.state == Some(State::Requested);
    let wide = Filter {
        limit: MOST,
        ..filter.clone()
    };
    let found = match is_queue {
        true => {
            let open = reviews::list(&app.db, &wide).await?;
            let _ = tokio::time::timeout(PATIENCE, judge_again(app, &open, JUDGED_LATELY)).await;
            reviews::list(&app.db, &wide).await?
        }
        false => reviews::list(&app.db, filter).await?,
    };
    let mut known: HashMap<ProjectName, Popularity> = HashMap::new();
    let mut listed = Vec::with_capacity(found.len());
    for review in found {
        let popularity = match known.get(&review.project) {
            Some(known) => *known,
            None => {
                let popularity = popularity(app, &review.project).await?;
                known.insert(review.project.clone(), popularity);
                popularity
            }
        };
        listed.push(Review::new(review, popularity));
    }
    if is_queue {
        listed.sort_by_key(place);
        listed.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    }
    Ok(listed)
}

/// The place of a review in the queue.
fn place(review: &Review) -> impl Ord + use<> {
    (
        Reverse(review.risk),
        review.downloads_here,
        Reverse(review.rank.unwrap_or(u32::MAX)),
        review.requested_at,
        Reverse(review.waiting),
        review.id,
    )
}

/// Judges the subjects of reviews again, except those that were judged within the last `lately`
/// milliseconds. A subject whose source cannot be asked stays as it was. Returns how many were judged.
pub async fn judge_again(app: &Arc<App>, open: &[reviews::Review], lately: i64) -> usize {
    let now = app.now();
    let is_due = |review: &reviews::Review| now.since(review.judged_at) >= lately;
    let due: Vec<reviews::Review> = open.iter().filter(|one| is_due(one)).cloned().collect();
    let judged = stream::iter(due).map(|review| judge_one_again(Arc::clone(app), review));
    let judged = judged.buffer_unordered(AT_ONCE);
    judged.fold(0, async |sum, one| sum + one).await
}

async fn judge_one_again(app: Arc<App>, review: reviews::Review) -> usize {
    let judged = async {
        let subject = judgement::look_again(&app, &review).await?;
        judgement::keep(&app, &review, &subject.judgement()).await
    };
    match judged.await {
        Ok(()) => 1,
        Err(error) => {
            debug!(review = review.id, "not judged again: {error}");
            0
        }
    }
}

/// A review as it is told.
pub(super) async fn told(app: &App, review: reviews::Review) -> Result<Review, FlowError> {
    let popularity = popularity(app, &review.project).await?;
    Ok(Review::new(review, popularity))
}

async fn popularity(app: &App, project: &ProjectName) -> Result<Popularity, FlowError> {
    static RANKS: LazyLock<HashMap<ProjectName, u32>> = LazyLock::new(|| {
        let names = PopularNames::embedded();
        let names = names.iter().cloned().zip(1..);
        names.collect()
    });
    let refreshed = app.knowledge.feeds.load().popular.clone();
    let rank = match &refreshed {
        Some(names) => (1..).zip(names.iter()).find(|(_, name)| *name == project),
        None => RANKS
            .get_key_value(project)
            .map(|(name, rank)| (*rank, name)),
    };
    Ok(Popularity {
        rank: rank.map(|(rank, _)| rank),
        downloads: reviews::downloads_up_to(&app.db, project, WELL_KNOWN).await?,
    })
}

/// An open review and who waits for it.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its number.
    pub review: i64,
    /// What was asked for.
    pub requirement: String,
    /// Who asked first.
    pub first: Vec<reviews::AskedBy>,
    /// How many asked beside them.
    pub others: usize,
}

/// How many of those who wait are named, and how many reviews of one project.
const NAMED: usize = 10;
const OF_ONE_PROJECT: u32 = 20;

/// The open reviews of a project in one index, the latest first.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub async fn waiting_for(
    app: &App,
    index: &portcullis_core::index::Index,
    project: &ProjectName,
) -> Result<Vec<Waiting>, FlowError> {
    let filter = Filter {
        state: Some(State::Requested),
        project: Some(project.clone()),
        index: Some(index.name.to_string()),
        limit: OF_ONE_PROJECT,
        ..Filter::default()
    };
    let mut waiting = Vec::new();
    for review in reviews::list(&app.db, &filter).await? {
        let mut first = reviews::askers(&app.db, review.id).await?;
        let others = first.len().saturating_sub(NAMED);
        first.truncate(NAMED);
        waiting.push(Waiting {
            review: review.id,
            requirement: review.requirement(),
            first,
            others,
        });
    }
    Ok(waiting)
}
