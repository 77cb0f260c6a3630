//! `GET /api/v1/exposure`: who received it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portcullis_core::access::Action;
use portcullis_core::time::Timestamp;
use portcullis_store::exposure::Span;
use serde_json::{Value, json};

use super::Request;
use super::openapi::Problem;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::exposure::{self, NothingMeant, Subject};

/// How many receipts are answered at most.
const MOST: u32 = 10_000;

/// Who received it
///
/// Give a subject, or both ends of a span.
///
/// `?subject=REQUIREMENT|sha256:HEX|ADVISORY&from=TIME&to=TIME&limit=N`. Without a subject, both ends of
/// the time say what is meant.
#[utoipa::path(get, path = "/exposure", tag = "downloads", security(("basic" = []), ("bearer" = [])),
    params(("subject" = String, Query, format = "exposure-subject"),
        ("from" = Option<String>, Query, format = DateTime),
        ("to" = Option<String>, Query, format = DateTime),
        ("limit" = Option<u32>, Query, maximum = 10_000)),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn ask(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = answer(&app, &request).await;
    request.answer(&app, answer)
}

async fn answer(app: &Arc<App>, request: &Request) -> Result<Value, FlowError> {
    request.by_one_who_may(app, Action::Review).await?;
    let from = request.parameter::<Timestamp>("from")?;
    let to = end(request)?;
    let subject = match request.parameter::<Subject>("subject")? {
        Some(subject) => subject,
        None if from.is_some() && to.is_some() => Subject::Everything,
        None => {
            let what = "give a subject (a requirement, sha256:HEX or the id of an advisory), or both \
                        from and to";
            return Err(FlowError::Invalid(what.to_owned()));
        }
    };
    let span = Span {
        from: from.unwrap_or(Timestamp::from_millis(0)),
        to: to.unwrap_or_else(|| app.now().plus_millis(1)),
    };
    let limit = request.limit(200, MOST)? as usize;
    let advisories = app.knowledge.advisories();
    let found = exposure::answer(&app.db, &subject, advisories.as_deref(), (span, limit)).await;
    let found = found.map_err(|error| match error {
        NothingMeant::Store(error) => FlowError::from(error),
        other => FlowError::Absent(other.to_string()),
    })?;
    let mut said = json!({ "subject": subject.to_string(), "from": span.from, "to": span.to });
    if let (Some(said), Value::Object(found)) = (said.as_object_mut(), found.to_json()) {
        said.extend(found);
    }
    Ok(said)
}

/// Where the span ends, exclusive: a date belongs to the span as a whole.
fn end(request: &Request) -> Result<Option<Timestamp>, FlowError> {
    let text = request.parameter::<String>("to")?;
    let is_date = text.is_some_and(|text| text.len() == "2026-03-24".len());
    let whole = if is_date { Timestamp::DAY } else { 0 };
    let to = request.parameter::<Timestamp>("to")?;
    Ok(to.map(|to| to.plus_millis(whole)))
}
