//! `/api/v1/reviews`: asking for what is refused, the queue, and deciding.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use portcullis_core::access::Action;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_core::time::Timestamp;
use portcullis_store::reviews::{Filter, Newness, State as Kept};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::openapi::Problem;
use super::{Request, created, submitted};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::reviews::decide::{self, Verdict, Which, Word};
use crate::flow::reviews::request::{self, Wish};
use crate::flow::reviews::told::{Case, Review, Reviews, State as Told};
use crate::flow::reviews::{Person, evidence, queue};

/// How many reviews are listed where the request does not say, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 500;

/// What is wanted, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReviewRequest {
    /// The index; the default one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// A project and versions of it (PEP 508), such as `flask==3.1.3`.
    #[schema(format = "requirement", example = "flask==3.1.3")]
    pub requirement: String,
    /// Why. The first KiB is kept.
    #[schema(min_length = 1, pattern = r"\S")]
    pub reason: String,
    /// What wants it: a dependency path, such as `web > flask-login > flask`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_by: Option<String>,
    /// Who asks, where no token says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a reviewer says, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReviewDecision {
    /// Why. It is kept, and shown to those whom it concerns.
    #[schema(min_length = 1, pattern = r"\S")]
    pub reason: String,
    /// The versions (PEP 440), such as `>=3,<4`; those that were asked for where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "version-specifiers", example = ">=3,<4")]
    pub versions: Option<String>,
    /// From when it no longer holds; never where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// The `seen` of the review that was looked at: the decision is refused when other things are found
    /// by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// Why a review is taken back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewWithdrawal {
    /// Why.
    #[schema(min_length = 1, pattern = r"\S")]
    pub reason: String,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReviewVerdict)]
pub enum Said {
    /// It is let through.
    Approve,
    /// It is not.
    Deny,
}

impl From<Said> for Verdict {
    fn from(said: Said) -> Self {
        match said {
            Said::Approve => Self::Approve,
            Said::Deny => Self::Deny,
        }
    }
}

/// Several reviews that are decided alike.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = ReviewDecisions)]
pub struct Together {
    /// Their numbers; all open ones of `project` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 500)]
    pub ids: Option<Vec<i64>>,
    /// The project whose open reviews are meant. Not together with `ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?$")]
    pub project: Option<String>,
    /// Yes or no.
    pub verdict: Said,
    /// What else there is to say.
    pub decision: ReviewDecision,
}

/// What came of a decision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ReviewDecided)]
pub struct Outcome {
    /// The review.
    pub review: Review,
    /// How many more reviewers must say yes before it holds.
    pub missing: u32,
}

/// What came of one of several decisions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ReviewDecidedTogether)]
pub struct OneOutcome {
    /// The review's number.
    pub id: i64,
    /// What came of it; absent where it could not be decided.
    pub decided: Option<Outcome>,
    /// Why it could not be decided.
    pub problem: Option<String>,
}

/// What came of several decisions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ReviewsDecided)]
pub struct Outcomes {
    /// In the order of their numbers.
    pub decided: Vec<OneOutcome>,
}

/// Which reviews are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "it describes the parameters; they are read one by one"
)]
pub(super) struct ListParameters {
    /// In this state.
    state: Option<Told>,
    /// Of this project.
    #[param(pattern = "^[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9])?$")]
    project: Option<String>,
    /// Of this index.
    index: Option<String>,
    /// With a lower number than this one.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// At most so many; 100 where it is absent.
    #[param(minimum = 0, maximum = 500)]
    limit: Option<u32>,
}

/// List reviews
///
/// What waits (`state=requested`) is judged again and comes in the order in which it is best looked at: the
/// riskiest first, among equals the least popular first. Everything else comes the latest first.
#[utoipa::path(get, path = "/reviews", tag = "reviews", params(ListParameters),
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Reviews), (status = "default", response = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = async {
        request.by_a_reader(&app).await?;
        let filter = Filter {
            state: request.parameter::<Kept>("state")?,
            project: request.parameter::<ProjectName>("project")?,
            index: request.parameter::<String>("index")?,
            before: before(&request)?,
            limit: request.limit(USUAL, MOST)?,
        };
        let reviews = queue::queue(&app, &filter).await?;
        Ok(told(&Reviews { reviews }))
    };
    request.answer(&app, answer.await)
}

/// The parameter `before`: no review has the number 0 or a lower one.
fn before(request: &Request) -> Result<i64, FlowError> {
    let before = request.parameter::<i64>("before")?;
    match before {
        Some(..1) => Err(FlowError::Invalid("before: at least 1".to_owned())),
        before => Ok(before.unwrap_or(i64::MAX)),
    }
}

/// Ask for a review
///
/// Whoever may read may ask. There is one record however many people ask: 201 where it is new, 200 where it
/// was there. What is let through today can be asked about, too.
#[utoipa::path(post, path = "/reviews", tag = "reviews", request_body = ReviewRequest,
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 201, body = Review), (status = 200, body = Review),
        (status = "default", response = Problem)))]
pub(super) async fn create(State(app): State<Arc<App>>, request: Request, body: Body) -> Response {
    let asked = async {
        let caller = request.by_a_reader(&app).await?;
        let wanted: ReviewRequest = submitted(&request.headers, body).await?;
        let index = app.index(wanted.index.as_deref())?;
        let person = Person::of(&caller, wanted.name.as_deref());
        let wish = Wish {
            requirement: parsed::<Requirement>("requirement", &wanted.requirement)?,
            reason: wanted.reason,
            wanted_by: wanted.wanted_by,
        };
        request::request(&app, &person, index, &wish).await
    };
    match asked.await {
        Ok(asked) if asked.newness == Newness::New => {
            created(request.answer(&app, Ok(told(&asked.review))))
        }
        Ok(asked) => request.answer(&app, Ok(told(&asked.review))),
        Err(error) => request.answer(&app, Err(error)),
    }
}

/// Show a case
///
/// Everything that a reviewer looks at: what is found now, what depends on it, how it differs from the
/// version before, and who waits. Clients and addresses of those who wait are told to reviewers only.
#[utoipa::path(get, path = "/reviews/{id}", tag = "reviews",
    params(("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Case), (status = "default", response = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let answer = async {
        let caller = request.by_a_reader(&app).await?;
        let mut case = evidence::case(&app, number(&id)?).await?;
        if caller.may(Action::Review).is_err() {
            // Where others work from, and with what, is for reviewers.
            for waiter in &mut case.waiting {
                (waiter.address, waiter.client) = (None, None);
            }
        }
        Ok(told(&case))
    };
    request.answer(&app, Box::pin(answer).await)
}

/// Approve a request
///
/// Lifts what was found, for the versions that are said and for as long as is said. What is found later is
/// not covered. With `four-eyes`, two reviewers who did not ask must say so.
#[utoipa::path(post, path = "/reviews/{id}/approve", tag = "reviews", request_body = ReviewDecision,
    params(("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    security(("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Outcome), (status = "default", response = Problem)))]
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
    body: Body,
) -> Response {
    let answer = decide(&app, (&id, Verdict::Approve), &request, body).await;
    request.answer(&app, answer)
}

/// Deny a request
///
/// Stops the versions that are said, for as long as is said, whatever the rules say.
#[utoipa::path(post, path = "/reviews/{id}/deny", tag = "reviews", request_body = ReviewDecision,
    params(("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    security(("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Outcome), (status = "default", response = Problem)))]
pub(super) async fn deny(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
    body: Body,
) -> Response {
    let answer = decide(&app, (&id, Verdict::Deny), &request, body).await;
    request.answer(&app, answer)
}

async fn decide(
    app: &Arc<App>,
    (id, verdict): (&str, Verdict),
    request: &Request,
    body: Body,
) -> Result<Value, FlowError> {
    let caller = request.by_one_who_may(app, Action::Review).await?;
    let decision: ReviewDecision = submitted(&request.headers, body).await?;
    let person = Person::of(&caller, None);
    let word = word(verdict, decision)?;
    let decided = decide::decide(app, &person, number(id)?, &word).await?;
    Ok(told(&outcome(decided)))
}

fn outcome(decided: decide::Decided) -> Outcome {
    Outcome {
        review: decided.review,
        missing: decided.missing,
    }
}

fn word(verdict: Verdict, decision: ReviewDecision) -> Result<Word, FlowError> {
    let versions = decision.versions.as_deref();
    Ok(Word {
        verdict,
        reason: decision.reason,
        versions: versions
            .map(|text| parsed::<VersionSpecifiers>("versions", text))
            .transpose()?,
        until: decision.until,
        seen: decision.seen,
    })
}

/// Take a review back
///
/// A request that waits, or a decision that holds. Reviewers may, and the only one who asked, while nobody
/// has decided.
#[utoipa::path(post, path = "/reviews/{id}/withdraw", tag = "reviews",
    request_body = ReviewWithdrawal,
    params(("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    security(("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Review), (status = "default", response = Problem)))]
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
    body: Body,
) -> Response {
    let answer = async {
        let caller = request.by_somebody(&app).await?;
        let person = Person::of(&caller, None);
        let id = number(&id)?;
        decide::may_withdraw(&app, &caller, &person, id).await?;
        let withdrawal: ReviewWithdrawal = submitted(&request.headers, body).await?;
        let review = decide::withdraw(&app, &person, id, &withdrawal.reason).await?;
        Ok(told(&review))
    };
    request.answer(&app, answer.await)
}

/// Decide several reviews
///
/// Each by itself: what cannot be decided does not keep the others from being decided.
#[utoipa::path(post, path = "/reviews/decide", tag = "reviews", request_body = Together,
    security(("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Outcomes), (status = "default", response = Problem)))]
pub(super) async fn decide_together(
    State(app): State<Arc<App>>,
    request: Request,
    body: Body,
) -> Response {
    let answer = async {
        let caller = request.by_one_who_may(&app, Action::Review).await?;
        let together: Together = submitted(&request.headers, body).await?;
        let which = match (together.ids, together.project) {
            (Some(numbers), None) => Which::Numbers(numbers),
            (None, Some(project)) => Which::OpenOf(parsed("project", &project)?),
            (Some(_), Some(_)) | (None, None) => {
                let what = "give either ids or project: one of them says which reviews are meant";
                return Err(FlowError::Conflict(what.to_owned()));
            }
        };
        let person = Person::of(&caller, None);
        let word = word(together.verdict.into(), together.decision)?;
        let outcomes = decide::decide_all(&app, &person, &which, &word).await?;
        let decided = outcomes.into_iter().map(|(id, decided)| one(id, decided));
        Ok(told(&Outcomes {
            decided: decided.collect(),
        }))
    };
    request.answer(&app, answer.await)
}

fn one(id: i64, decided: Result<decide::Decided, FlowError>) -> OneOutcome {
    match decided {
        Ok(decided) => OneOutcome {
            id,
            decided: Some(outcome(decided)),
            problem: None,
        },
        Err(error) => OneOutcome {
            id,
            decided: None,
            problem: Some(evidence::plainly(&error)),
        },
    }
}

fn told(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("what is told is plain data with texts as keys")
}

/// The number of a review in an address.
fn number(text: &str) -> Result<i64, FlowError> {
    let shown: String = text.chars().take(40).collect();
    text.parse()
        .map_err(|_| FlowError::Absent(format!("there is no review {shown:?}")))
}

fn parsed<T>(what: &str, text: &str) -> Result<T, FlowError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error| FlowError::Invalid(format!("{what}: {error}")))
}
