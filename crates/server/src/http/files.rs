//! Files and their metadata: GET and HEAD, ranges, validators. Bodies are never compressed: installers
//! ask for them as they are, and their hashes are of what they are.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use portcullis_core::digest::Sha256;
use portcullis_core::index::Index;
use portcullis_core::pypi::name::ProjectName;
use portcullis_store::statistics::Door;

use super::Peer;
use super::problem::problem;
use super::ranges::Part;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::download::{self, Candidate};
use crate::flow::metadata;
use crate::identity::Caller;
use crate::statistics::Asked as Counting;

type Asked = (Method, HeaderMap, Option<axum::Extension<Peer>>);

/// Files never change, but whether one may be had does; so caches ask again each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

pub(super) async fn default_file(
    State(app): State<Arc<App>>,
    Path((project, filename)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    answer(&app, None, (&project, &filename), asked).await
}

pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path((index, project, filename)): Path<(String, String, String)>,
    asked: Asked,
) -> Response {
    answer(&app, Some(&index), (&project, &filename), asked).await
}

async fn answer(
    app: &Arc<App>,
    index: Option<&str>,
    path: (&str, &str),
    (method, headers, peer): Asked,
) -> Response {
    let flow = async {
        let index = app.index(index)?;
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        let served = serve(app, index, path, &caller, (&method, &headers)).await;
        if let Err(FlowError::Refused(refusal)) = &served {
            let door = match path.1.ends_with(".metadata") {
                true => Door::Metadata,
                false => Door::File,
            };
            let asked = Counting::decided(&refusal.decision, door, &caller);
            app.statistics.count(&asked, app.now());
        }
        served
    };
    flow.await
        .unwrap_or_else(|error| problem(app, &headers, &error.about_a_file()))
}

async fn serve(
    app: &Arc<App>,
    index: &Index,
    (project, filename): (&str, &str),
    caller: &Caller,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Response, FlowError> {
    let name = ProjectName::new(project).map_err(|error| FlowError::Absent(error.to_string()))?;
    if let Some(wheel) = filename.strip_suffix(".metadata") {
        let candidate = download::candidate(app, index, &name, wheel).await?;
        return send_metadata(app, &candidate, headers).await;
    }
    let candidate = download::candidate(app, index, &name, filename).await?;
    match *method {
        Method::HEAD => head(app, &candidate).await,
        _ => send_file(app, &candidate, caller, headers).await,
    }
}

async fn send_metadata(
    app: &Arc<App>,
    candidate: &Candidate,
    headers: &HeaderMap,
) -> Result<Response, FlowError> {
    let (sha256, bytes) = metadata::metadata(app, candidate).await?;
    let etag = etag_of(sha256);
    let mut response = match is_known(headers, &etag) {
        true => not_modified(),
        false => Response::new(Body::from(bytes)),
    };
    let fields = response.headers_mut();
    common(fields, Some(&etag));
    fields.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(response)
}

/// What a GET would say, without fetching the file for it.
async fn head(app: &Arc<App>, candidate: &Candidate) -> Result<Response, FlowError> {
    let known = candidate.file.size.zip(candidate.file.sha256());
    let (size, sha256) = match known {
        Some((size, sha256)) => (size, Some(sha256)),
        None => {
            let served = download::serve(app, candidate).await?;
            (served.size(), served.sha256())
        }
    };
    let mut response = Response::new(Body::empty());
    let fields = response.headers_mut();
    common(fields, sha256.map(etag_of).as_deref());
    fields.insert(CONTENT_TYPE, content_type(&candidate.file.filename));
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    fields.insert(CONTENT_LENGTH, HeaderValue::from(size));
    Ok(response)
}

async fn send_file(
    app: &Arc<App>,
    candidate: &Candidate,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Response, FlowError> {
    let served = download::serve(app, candidate).await?;
    let etag = served.sha256().map(etag_of);
    let size = served.size();
    if let Some(etag) = etag.as_deref().filter(|etag| is_known(headers, etag)) {
        let mut response = not_modified();
        common(response.headers_mut(), Some(etag));
        return Ok(response);
    }
    let part = Part::asked(headers, size, etag.as_deref().unwrap_or_default());
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Range { start, end } => (StatusCode::PARTIAL_CONTENT, start..end),
        Part::Unsatisfiable => return Ok(unsatisfiable(size)),
    };
    let body = served
        .into_body(app, candidate, caller, range.clone())
        .await?;
    if range.start == 0 {
        let asked = Counting::decided(&candidate.decision, Door::File, caller);
        app.statistics.count(&asked, app.now());
    }
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    common(fields, etag.as_deref());
    fields.insert(CONTENT_TYPE, content_type(&candidate.file.filename));
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    fields.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        if let Ok(content_range) = HeaderValue::try_from(content_range) {
            fields.insert(CONTENT_RANGE, content_range);
        }
    }
    Ok(response)
}

fn etag_of(sha256: Sha256) -> String {
    format!("\"{sha256}\"")
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    tags.is_some_and(|tags| {
        tags.split(',')
            .map(str::trim)
            .any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag || tag == "*")
    })
}

fn not_modified() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

fn unsatisfiable(size: u64) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    if let Ok(content_range) = HeaderValue::try_from(format!("bytes */{size}")) {
        response.headers_mut().insert(CONTENT_RANGE, content_range);
    }
    response
}

fn common(fields: &mut HeaderMap, etag: Option<&str>) {
    fields.insert(CACHE_CONTROL, REVALIDATE);
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Some(Ok(etag)) = etag.map(HeaderValue::from_str) {
        fields.insert(ETAG, etag);
    }
}

fn content_type(filename: &str) -> HeaderValue {
    let ending = filename.rsplit('.').next().unwrap_or_default();
    HeaderValue::from_static(match ending {
        "whl" | "zip" | "egg" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "bz2" => "application/x-bzip2",
        "json" => "application/json",
        _ => "application/octet-stream",
    })
}
