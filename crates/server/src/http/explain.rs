//! `/why/{requirement}`: what a refusal's address leads to. Text for people, JSON for programs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use portcullis_core::pypi::requirement::Requirement;

use super::problem::problem;
use super::{Peer, landing};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::why::{self, Detail};
use crate::identity::Caller;

type Asked = (HeaderMap, Option<axum::Extension<Peer>>);

pub(super) async fn default_why(
    State(app): State<Arc<App>>,
    Path(requirement): Path<String>,
    asked: Asked,
) -> Response {
    answer(&app, None, &requirement, asked).await
}

pub(super) async fn why(
    State(app): State<Arc<App>>,
    Path((index, requirement)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    answer(&app, Some(&index), &requirement, asked).await
}

async fn answer(
    app: &Arc<App>,
    index: Option<&str>,
    requirement: &str,
    (headers, peer): Asked,
) -> Response {
    let flow = async {
        let index = app.index(index)?;
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        let requirement: Requirement = requirement
            .parse()
            .map_err(|error| FlowError::Invalid(format!("{error}")))?;
        let why = why::why(app, index, &requirement).await?;
        let accept = headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or("");
        let (content_type, body) = if accept.contains("application/json") {
            ("application/json", why.to_json().to_string())
        } else if accept.contains("text/html") {
            let title = format!("Why {}", requirement.name);
            (
                "text/html; charset=utf-8",
                landing::document(&title, &why.to_text(Detail::Brief)),
            )
        } else {
            ("text/plain; charset=utf-8", why.to_text(Detail::Brief))
        };
        let mut response = Response::new(Body::from(body));
        let fields = response.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    };
    flow.await
        .unwrap_or_else(|error| problem(app, &headers, &error))
}
