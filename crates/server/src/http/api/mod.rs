//! The JSON API under `/api/v1`: one file for each noun. Reading requests and rendering answers, as
//! everywhere in `http`; what is true is asked of the flows.

use std::convert::Infallible;
use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use axum::routing::put;
use futures_util::StreamExt as _;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_core::access::Action;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Peer;
use super::problem::problem;
use crate::app::App;
use crate::error::FlowError;
use crate::identity::Caller;

mod advisories;
mod events;
mod statistics;
mod exposure;
mod inspections;
pub mod locks;
mod quarantines;
pub mod reviews;
mod why;
pub mod judge;
pub mod openapi;

/// All of the API's routes, without their prefix.
pub(super) fn router() -> Router<Arc<App>> {
    routes().split_for_parts().0
}

/// The routes together with what the OpenAPI document says of each.
fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::Base::openapi())
        .routes(routes!(openapi::show))
        .routes(routes!(why::why))
        .routes(routes!(judge::judge))
        .routes(routes!(advisories::ask))
        .routes(routes!(inspections::show))
        .routes(routes!(reviews::list, reviews::create))
        .routes(routes!(reviews::show))
        .routes(routes!(reviews::approve))
        .routes(routes!(reviews::deny))
        .routes(routes!(reviews::withdraw))
        .routes(routes!(reviews::decide_together))
        .routes(routes!(events::list))
        .routes(routes!(statistics::totals))
        .routes(routes!(exposure::ask))
        .routes(routes!(locks::list))
        // Names of locks have slashes, for which OpenAPI has no word; the document knows them as `{name}`.
        .route("/locks/{*name}", put(locks::put).delete(locks::remove))
        .routes(routes!(quarantines::list, quarantines::begin))
        .routes(routes!(quarantines::release))
}

/// A request without its body.
struct Request {
    headers: HeaderMap,
    address: Option<IpAddr>,
    parameters: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Request {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let parameters = url::form_urlencoded::parse(query.as_bytes());
        Ok(Self {
            headers: parts.headers.clone(),
            address: parts.extensions.get::<Peer>().map(|peer| peer.0.ip()),
            parameters: parameters.into_owned().collect(),
        })
    }
}

impl Request {
    /// Who is asking, who must be allowed `action`.
    async fn by_one_who_may(
        &self,
        app: &Arc<App>,
        action: Action<'_>,
    ) -> Result<Caller, FlowError> {
        let caller = Caller::of(app, &self.headers, self.address).await?;
        caller.may(action)?;
        Ok(caller)
    }

    /// Who is asking, who must be allowed to read or to review.
    async fn by_a_reader(&self, app: &Arc<App>) -> Result<Caller, FlowError> {
        let caller = Caller::of(app, &self.headers, self.address).await?;
        if caller.may(Action::Review).is_err() {
            caller.may_read(app)?;
        }
        Ok(caller)
    }

    /// Who is asking, who must show a token; what it allows is the caller's to ask.
    async fn by_somebody(&self, app: &Arc<App>) -> Result<Caller, FlowError> {
        let caller = Caller::of(app, &self.headers, self.address).await?;
        match caller.token {
            Some(_) => Ok(caller),
            None => caller.may(Action::Read).map(|()| caller),
        }
    }

    /// The parameter `key`, the last where there are several.
    fn parameter<T>(&self, key: &str) -> Result<Option<T>, FlowError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let mut found = self.parameters.iter().rev();
        let Some((_, text)) = found.find(|(name, _)| name == key) else {
            return Ok(None);
        };
        let invalid = |error: T::Err| FlowError::Invalid(format!("{key}: {error}"));
        text.parse().map(Some).map_err(invalid)
    }

    /// The parameter `limit`: `usual` where it is absent, and never more than `most`.
    fn limit(&self, usual: u32, most: u32) -> Result<u32, FlowError> {
        let limit = self.parameter::<u32>("limit")?.unwrap_or(usual);
        match limit <= most {
            true => Ok(limit),
            false => Err(FlowError::Invalid(format!("limit: at most {most}"))),
        }
    }

    /// What a flow came to, as JSON.
    fn answer(&self, app: &App, outcome: Result<Value, FlowError>) -> Response {
        let value = match outcome {
            Ok(value) => value,
            Err(error) => return problem(app, &self.headers, &error),
        };
        answer(Body::from(format!("{value}\n")))
    }
}

/// An answer that is JSON.
fn answer(json: Body) -> Response {
    let mut response = Response::new(json);
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same answer, of a request that made something.
fn created(mut response: Response) -> Response {
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::CREATED;
    }
    response
}

/// The whole body of a request, which must not have more than `most` bytes.
pub(super) async fn whole(body: Body, most: usize) -> Result<Vec<u8>, FlowError> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| FlowError::Invalid("the body broke off".to_owned()))?;
        if bytes.len() + chunk.len() > most {
            let what = format!("the body has more than {most} bytes");
            return Err(FlowError::Invalid(what));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The largest body with JSON that is read, in bytes.
const MAX_JSON: usize = 64 << 10;

/// The body of a request, which must be JSON and say so: browsers send other forms across sites without
/// asking first.
async fn submitted<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, FlowError> {
    submitted_up_to(MAX_JSON, headers, body).await
}

/// The same for bodies of at most `most` bytes.
async fn submitted_up_to<T: DeserializeOwned>(
    most: usize,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, FlowError> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    if essence.is_none_or(|essence| !essence.trim().eq_ignore_ascii_case("application/json")) {
        let what = "the body must be JSON, sent with Content-Type: application/json";
        return Err(FlowError::UnknownForm(what.to_owned()));
    }
    let bytes = whole(body, most).await?;
    serde_json::from_slice(&bytes).map_err(|error| FlowError::Invalid(format!("the body: {error}")))
}
