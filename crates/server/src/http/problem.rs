//! Every error as an answer: the only table of status codes. Bodies are problem documents (RFC 9457);
//! the status line carries the same in one line, since that is what pip, poetry and twine show.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use hyper::ext::ReasonPhrase;
use portcullis_core::explain;
use portcullis_store::Trouble as Ailment;
use portcullis_upstream::{Trouble, UpstreamError};
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::error;

use super::base_url;
use crate::app::App;
use crate::error::FlowError;
use crate::limits::whole_seconds;

/// The media type of problem documents.
const PROBLEM_JSON: &str = "application/problem+json";

/// The status of every error.
fn status(error: &FlowError) -> StatusCode {
    if error.trouble() == Some(Ailment::Full) {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    match error {
        FlowError::Invalid(_) => StatusCode::BAD_REQUEST,
        FlowError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        // Not 502: pip asks again five times then, and does not show why.
        FlowError::Forbidden(_)
        | FlowError::Refused(_)
        | FlowError::Mismatch { .. }
        | FlowError::Unusable { .. }
        | FlowError::Replaced { .. } => StatusCode::FORBIDDEN,
        FlowError::Absent(_) => StatusCode::NOT_FOUND,
        FlowError::ForeignName(_) | FlowError::Conflict(_) => StatusCode::CONFLICT,
        FlowError::UnknownForm(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        FlowError::TooMany(_) | FlowError::TooFast { .. } => StatusCode::TOO_MANY_REQUESTS,
        FlowError::Gone(_) => StatusCode::GONE,
        FlowError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        FlowError::TargetTooLong(_) => StatusCode::URI_TOO_LONG,
        FlowError::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
        FlowError::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
        FlowError::Unreachable {
            error: UpstreamError::Unreachable { .. },
            ..
        }
        | FlowError::SourceFailed { .. }
        | FlowError::Store(_)
        | FlowError::Blob(_)
        | FlowError::Disk(_)
        | FlowError::Job(_)
        | FlowError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        FlowError::Unreachable { .. } => StatusCode::BAD_GATEWAY,
    }
}

/// What the client is told. What broke inside is for the log.
pub(super) fn told(error: &FlowError) -> String {
    match error {
        FlowError::Store(_) | FlowError::Disk(_) | FlowError::Blob(_) => ailing(error).to_owned(),
        FlowError::NoRoom { .. } => {
            "the gateway has no room for this file; tell its operator".to_owned()
        }
        FlowError::SourceFailed { source_name, .. } => format!(
            "source {source_name} does not answer, and no other source may stand in for it; try again"
        ),
        FlowError::Unreachable { source_name, error }
        | FlowError::Unusable { source_name, error } => {
            format!("source {source_name} {}", failing(error))
        }
        other => other.to_string(),
    }
}

/// What is wrong with our own storage, and what to do. Where it is, and what exactly it said, is for the log.
fn ailing(error: &FlowError) -> &'static str {
    match (error.trouble(), error) {
        (Some(Ailment::Full), _) => {
            "the gateway's disk is full: its operator has to make room, and then try again"
        }
        (Some(Ailment::ReadOnly), _) => {
            "the gateway's storage cannot be written to: its operator has to mend that, and then try again"
        }
        (Some(Ailment::Locked), _) => {
            "the gateway's database is held by another program; try again, or tell the gateway's operator"
        }
        (Some(Ailment::Unanswered), FlowError::Blob(_)) => {
            "the gateway's object store does not answer; try again, or tell the gateway's operator"
        }
        (Some(Ailment::Unanswered), _) => {
            "the gateway's database does not answer; try again, or tell the gateway's operator"
        }
        _ => "the gateway's own storage does not answer; try again, or tell its operator",
    }
}

/// What is wrong with a source, without where it is: that is nobody's business but its operator's, who
/// finds it in the log.
fn failing(error: &UpstreamError) -> String {
    match error {
        UpstreamError::Unreachable { trouble, .. } => {
            let trouble = match trouble {
                Trouble::Status(status) => format!("it answers HTTP {status}"),
                Trouble::Timeout(_) | Trouble::TooSlow(_) => "it takes too long".to_owned(),
                Trouble::Broken(_) => "its answer broke off".to_owned(),
                Trouble::Connect(_) | Trouble::Io(_) => "it does not answer".to_owned(),
                Trouble::Paused(_) => "it failed repeatedly and is left alone".to_owned(),
                Trouble::Offline => {
                    return "is not asked: the gateway is offline, and does not have this itself. \
                            Choose something that it has, or try again when it is online"
                        .to_owned();
                }
            };
            format!(
                "cannot be asked now: {trouble}. No other source may stand in for it; try again later"
            )
        }
        UpstreamError::Refused { status, .. } => {
            format!("refuses the gateway's request: HTTP {status}. Tell the gateway's operator")
        }
        UpstreamError::Invalid { .. } => {
            "gave an answer that cannot be used. Tell the gateway's operator".to_owned()
        }
        UpstreamError::Forbidden { .. } => {
            "leads to an address that must not be asked. Tell the gateway's operator".to_owned()
        }
    }
}

/// The answer for an error.
pub fn problem(app: &App, headers: &HeaderMap, error: &FlowError) -> Response {
    let status = status(error);
    if let Some(trouble) = error.trouble() {
        let storage = match error {
            FlowError::Blob(_) => "blobs",
            FlowError::Disk(_) => "disk",
            _ => "database",
        };
        metrics::counter!(
            "portcullis_storage_trouble_total", "storage" => storage, "trouble" => trouble.as_str()
        )
        .increment(1);
    }
    if status.is_server_error() {
        error!("{error}");
    }
    if let FlowError::Refused(refusal) = error {
        let why = app.why_url(&base_url(app, headers), &refusal.decision);
        let body = explain::problem(&refusal.decision, &why, status.as_u16());
        return answer(
            status,
            &explain::reason_phrase(&refusal.decision, &why),
            &body,
        );
    }
    let detail = told(error);
    let title = format!(
        "Portcullis: {}",
        status.canonical_reason().unwrap_or("error")
    );
    let body = json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail,
    });
    let mut response = answer(status, &explain::one_line(&detail), &body);
    if let Some(after) = error.retry_after() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"Portcullis\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn answer(status: StatusCode, reason: &str, body: &Value) -> Response {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes()) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// What is answered where nothing is.
pub(super) async fn no_such_page(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let what = format!(
        "there is nothing at {}; the index is at /simple/",
        uri.path()
    );
    problem(&app, &headers, &FlowError::Absent(what))
}

/// What is answered to a method that an address does not take.
pub(super) async fn wrong_method() -> Response {
    let body = json!({
        "type": "about:blank", "title": "Portcullis: Method Not Allowed", "status": 405,
        "detail": "this address does not take this method",
    });
    answer(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", &body).into_response()
}
