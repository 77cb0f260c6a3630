//! `GET /api/v1/events`: events in the order in which they came, from where one left off.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portcullis_core::access::Action;
use portcullis_core::event::KindPattern;
use portcullis_core::time::Timestamp;
use portcullis_store::events::{self, Event, Filter};
use serde_json::{Value, json};

use super::Request;
use super::openapi::Problem;
use crate::app::App;
use crate::error::FlowError;

/// How many events are answered at most.
const MOST: u32 = 1000;

/// Events, in the order in which they came
///
/// `?after=ID&limit=N&kind=PATTERN&since=TIME`; `next` in the answer is the `after` of the next request.
#[utoipa::path(get, path = "/events", tag = "events", security(("basic" = []), ("bearer" = [])),
    params(("after" = Option<i64>, Query), ("limit" = Option<u32>, Query, maximum = 1000),
        ("kind" = Option<String>, Query, format = "event-kind"),
        ("since" = Option<String>, Query, format = DateTime)),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = answer(&app, &request).await;
    request.answer(&app, answer)
}

async fn answer(app: &Arc<App>, request: &Request) -> Result<Value, FlowError> {
    request.by_one_who_may(app, Action::Review).await?;
    let after = request.parameter::<i64>("after")?.unwrap_or(0);
    let since = request.parameter::<Timestamp>("since")?;
    let kind = request.parameter::<KindPattern>("kind")?;
    let filter = Filter {
        kind: kind.unwrap_or(KindPattern::All),
        since: since.unwrap_or(Timestamp::from_millis(0)),
        limit: request.limit(100, MOST)?,
    };
    let found = events::after(&app.db, after, &filter).await?;
    let next = found.last().map_or(after, |event| event.id);
    let events: Vec<Value> = found.iter().map(Event::to_json).collect();
    Ok(json!({ "events": events, "next": next }))
}
