//! Where reviews are: in the database beside us, or behind the API of a gateway. Both answer alike.

use std::sync::Arc;

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_server::App;
use portcullis_server::error::FlowError;
use portcullis_server::flow::reviews::decide::{self, Verdict, Which, Word};
use portcullis_server::flow::reviews::request::{self, Wish};
use portcullis_server::flow::reviews::told::{Case, Review, Reviews, State};
use portcullis_server::flow::reviews::{Person, evidence, queue};
use portcullis_server::http::api::reviews::{
    OneOutcome, Outcome, Outcomes, ReviewDecision, ReviewRequest, ReviewWithdrawal, Said, Together,
};
use portcullis_store::reviews::Filter;
use url::Url;

use crate::context::{Place, who};
use crate::exit::{Exit, failure};
use crate::gateway::{Client, Remedies};
use crate::output::remark;

/// Where reviews are.
pub(super) enum Desk {
    /// In the database beside us.
    Here(Arc<App>),
    /// Behind the API of a gateway.
    There(Client),
}

/// What to do about what a gateway says of reviews.
const REMEDIES: Remedies = Remedies {
    forbidden: "use a token with the scope review",
    absent: "see `portcullis review list --state all`",
    conflict: "see `portcullis review show ID`",
    unavailable: "see what the gateway's operator says",
};

/// What is listed.
pub(super) struct Listing {
    pub(super) state: Option<State>,
    pub(super) project: Option<ProjectName>,
    pub(super) index: Option<String>,
    pub(super) limit: u32,
}

/// A source could not be asked, so that nobody knows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Undecided(String);

/// The exit of a command that a source out of reach kept from its end.
pub(super) fn or_undecided(exit: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    match exit {
        Err(error) if error.is::<Undecided>() => {
            remark(&format!(
                "portcullis: {error}\n  what to do: try again when it answers"
            ));
            Ok(Exit::Undecided)
        }
        exit => exit,
    }
}

/// An error of the flows with what to do about it.
fn explained(error: &FlowError) -> anyhow::Error {
    let remedy = match error {
        FlowError::Unreachable { .. } | FlowError::SourceFailed { .. } => {
            return Undecided(error.to_string()).into();
        }
        FlowError::Absent(_) => {
            "see `portcullis review list --state all`, or `portcullis why NAME`"
        }
        FlowError::Invalid(_) => "correct what was given",
        FlowError::Conflict(_) => "see `portcullis review show ID`",
        FlowError::Forbidden(_) | FlowError::TooMany(_) => "ask somebody else to decide",
        _ => "see the server's log",
    };
    failure(error.to_string(), remedy)
}

impl Desk {
    pub(super) async fn open(place: &Place, gateway: Option<Url>) -> anyhow::Result<Self> {
        match gateway {
            Some(url) => Ok(Self::There(Client::new(url)?.remedies(REMEDIES))),
            None => Ok(Self::Here(place.gateway().await?)),
        }
    }

    pub(super) async fn close(&self) {
        if let Self::Here(app) = self {
            app.db.close().await;
        }
    }

    /// Asks for a review.
    pub(super) async fn request(&self, asked: ReviewRequest) -> anyhow::Result<Review> {
        match self {
            Self::There(remote) => remote.post("reviews", &asked).await,
            Self::Here(app) => {
                let index = app.index(asked.index.as_deref());
                let index = index.map_err(|error| {
                    let known: Vec<&str> = app.indexes.keys().map(|name| name.as_str()).collect();
                    failure(
                        error.to_string(),
                        format!("use one of: {}", known.join(", ")),
                    )
                })?;
                let requirement: Requirement = asked.requirement.parse()?;
                let wish = Wish {
                    requirement,
                    reason: asked.reason,
                    wanted_by: asked.wanted_by,
                };
                let person = Person::here(who());
                let asked = request::request(app, &person, index, &wish).await;
                Ok(asked.map_err(|error| explained(&error))?.review)
            }
        }
    }

    /// Lists.
    pub(super) async fn list(&self, listing: &Listing) -> anyhow::Result<Reviews> {
        match self {
            Self::There(remote) => {
                let state = listing.state.map(serde_json::to_value).transpose()?;
                let state = state.as_ref().and_then(|state| state.as_str());
                let limit = listing.limit.to_string();
                let parameters = [
                    ("state", state),
                    ("project", listing.project.as_ref().map(ProjectName::as_str)),
                    ("index", listing.index.as_deref()),
                    ("limit", Some(limit.as_str())),
                ];
                remote.get("reviews", &parameters).await
            }
            Self::Here(app) => {
                let filter = Filter {
                    state: listing.state.map(Into::into),
                    project: listing.project.clone(),
                    index: listing.index.clone(),
                    limit: listing.limit,
                    ..Filter::default()
                };
                let reviews = queue::queue(app, &filter).await;
                let reviews = reviews.map_err(|error| explained(&error))?;
                Ok(Reviews { reviews })
            }
        }
    }

    /// Shows one case.
    pub(super) async fn show(&self, id: i64) -> anyhow::Result<Case> {
        match self {
            Self::There(remote) => remote.get(&format!("reviews/{id}"), &[]).await,
            Self::Here(app) => {
                let case = evidence::case(app, id).await;
                case.map_err(|error| explained(&error))
            }
        }
    }

    /// Says the same to several reviews.
    pub(super) async fn decide(&self, together: Together) -> anyhow::Result<Outcomes> {
        match self {
            Self::There(remote) => remote.post("reviews/decide", &together).await,
            Self::Here(app) => {
                let which = which(&together)?;
                let word = word(together.verdict.into(), together.decision)?;
                let person = Person::here(who());
                let decided = decide::decide_all(app, &person, &which, &word).await;
                let decided = decided.map_err(|error| explained(&error))?.into_iter();
                Ok(Outcomes {
                    decided: decided.map(|(id, outcome)| one(id, outcome)).collect(),
                })
            }
        }
    }

    /// Takes one review back.
    pub(super) async fn withdraw(&self, id: i64, reason: String) -> anyhow::Result<Review> {
        match self {
            Self::There(remote) => {
                let path = format!("reviews/{id}/withdraw");
                remote.post(&path, &ReviewWithdrawal { reason }).await
            }
            Self::Here(app) => {
                let withdrawn = decide::withdraw(app, &Person::here(who()), id, &reason).await;
                withdrawn.map_err(|error| explained(&error))
            }
        }
    }
}

fn which(together: &Together) -> anyhow::Result<Which> {
    Ok(match (&together.ids, &together.project) {
        (Some(ids), _) => Which::Numbers(ids.clone()),
        (None, Some(project)) => Which::OpenOf(project.parse()?),
        (None, None) => Which::Numbers(Vec::new()),
    })
}

fn word(verdict: Verdict, decision: ReviewDecision) -> anyhow::Result<Word> {
    let versions = decision.versions.map(|versions| versions.parse());
    Ok(Word {
        verdict,
        reason: decision.reason,
        versions: versions.transpose()?,
        until: decision.until,
        seen: decision.seen,
    })
}

fn one(id: i64, outcome: Result<decide::Decided, FlowError>) -> OneOutcome {
    let (decided, problem) = match outcome {
        Ok(decided) => {
            let outcome = Outcome {
                review: decided.review,
                missing: decided.missing,
            };
            (Some(outcome), None)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    OneOutcome {
        id,
        decided,
        problem,
    }
}

/// What a verdict is called over the API.
pub(super) fn said(verdict: Verdict) -> Said {
    match verdict {
        Verdict::Approve => Said::Approve,
        Verdict::Deny => Said::Deny,
    }
}
