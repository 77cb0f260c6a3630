//! The simple repository API (PEP 503, 691): the list of projects and each project's page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use portcullis_core::index::Index;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::negotiate::{Encoding, Format, encoding, negotiate};
use portcullis_core::pypi::simple::ProjectList;
use portcullis_core::pypi::{simple_html, simple_json};
use portcullis_store::statistics::Door;
use serde::Deserialize;
use tracing::Instrument as _;

use super::Peer;
use super::problem::problem;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::{project_list, simple_page};
use crate::identity::Caller;
use crate::rendered::{Rendered, Validity};
use crate::source_page::Freshness;
use crate::statistics::{Asked as Counting, Verdict, installer};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Parameters {
    format: Option<String>,
}

type Asked = (
    Uri,
    HeaderMap,
    Query<Parameters>,
    Option<axum::Extension<Peer>>,
);

pub(super) async fn default_page(
    State(app): State<Arc<App>>,
    Path(project): Path<String>,
    asked: Asked,
) -> Response {
    answer_page(&app, None, &project, asked).await
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Path((index, project)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    answer_page(&app, Some(&index), &project, asked).await
}

pub(super) async fn default_list(State(app): State<Arc<App>>, asked: Asked) -> Response {
    answer_list(&app, None, asked).await
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Path(index): Path<String>,
    asked: Asked,
) -> Response {
    answer_list(&app, Some(&index), asked).await
}

/// A page's address ends in a slash. The address is relative, so that it holds behind any prefix, and
/// begins with a dot, so that a name with a colon in it is not taken for another host's address.
pub(super) async fn add_slash(uri: Uri) -> Response {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    redirect(&format!("./{last}/"), &uri)
}

/// The answer to a request for a project's page that is in memory, true, and may be sent as it is. `None` for
/// everything else, which is routed; whatever is told, counted or waited for is told there.
pub(super) fn at_hand(app: &Arc<App>, request: &Request<Body>) -> Option<Response> {
    if request.method() != Method::GET || request.uri().query().is_some() {
        return None;
    }
    let (index, project) = page_of(request.uri().path())?;
    let index = app.index(index).ok()?;
    let headers = request.headers();
    Caller::at_hand(app, headers)?.may_read(app).ok()?;
    let name = ProjectName::new(project).ok()?;
    if name.as_str() != project {
        return None;
    }
    let format = negotiate(text(headers, ACCEPT), None).ok()?;
    let page = simple_page::at_hand(app, index, name, format)?;
    if page.refused.is_some() {
        return None;
    }
    let coding = coding_of(&page, headers);
    let body = match is_known(&page, headers) {
        true => None,
        false => Some(page.bytes_at_hand(coding)?.clone()),
    };
    Some(response(&page, (format, coding), body))
}

/// The index, where it is named, and the project in the path of a project's page.
fn page_of(path: &str) -> Option<(Option<&str>, &str)> {
    let (before, project) = path.strip_suffix('/')?.rsplit_once('/')?;
    let index = before.strip_suffix("/simple")?;
    if index.is_empty() {
        return Some((None, project));
    }
    let index = index.strip_prefix('/')?;
    (!index.contains('/')).then_some((Some(index), project))
}

async fn answer_page(
    app: &Arc<App>,
    index: Option<&str>,
    project: &str,
    (uri, headers, parameters, peer): Asked,
) -> Response {
    let flow = async {
        let index = app.index(index)?;
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        let name =
            ProjectName::new(project).map_err(|error| FlowError::Absent(error.to_string()))?;
        if name.as_str() != project {
            return Ok(redirect(&format!("../{name}/"), &uri));
        }
        let format = format_of(&headers, &parameters)?;
        let page = match simple_page::page(app, index, &name, format).await {
            Ok(page) => page,
            Err(error) => {
                if let FlowError::Absent(_) = error {
                    count(app, (index, &name), &Verdict::absent(), &caller);
                }
                return Err(error);
            }
        };
        if let Some(refused) = &page.refused {
            count(app, (index, &name), refused, &caller);
        }
        Ok(send(&page, format, &headers).await)
    };
    match flow.await {
        Ok(response) => response,
        Err(error) => {
            let span = tracing::info_span!("page", project);
            async { problem(app, &headers, &error) }
                .instrument(span)
                .await
        }
    }
}

/// Counts a page on which there is nothing to install.
fn count(app: &App, (index, project): (&Index, &ProjectName), verdict: &Verdict, caller: &Caller) {
    let asked = Counting {
        index: index.name.as_str(),
        project: project.as_str(),
        outcome: verdict.outcome,
        rule: &verdict.rule,
        door: Door::Page,
        installer: installer(caller.user_agent.as_ref()),
        token: caller.token.as_ref().map_or("", |token| &token.name),
    };
    app.statistics.count(&asked, app.now());
}

async fn answer_list(
    app: &Arc<App>,
    index: Option<&str>,
    (_, headers, parameters, peer): Asked,
) -> Response {
    let flow = async {
        let index = app.index(index)?;
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        let format = format_of(&headers, &parameters)?;
        let projects = project_list::projects(app, index).await?;
        let list = ProjectList {
            projects,
            meta_extra: Vec::new(),
            skipped: 0,
        };
        let bytes = match format {
            Format::Json => simple_json::render_list(&list),
            Format::Html | Format::LegacyHtml => simple_html::render_list(&list).into_bytes(),
        };
        let valid = Validity {
            epoch: app.epoch(),
            changes_at: None,
            freshness: Freshness::forever(),
        };
        Ok(send(&Arc::new(Rendered::new(bytes, valid)), format, &headers).await)
    };
    flow.await
        .unwrap_or_else(|error| problem(app, &headers, &error))
}

fn format_of(headers: &HeaderMap, parameters: &Query<Parameters>) -> Result<Format, FlowError> {
    let accept = headers
        .get(ACCEPT)
        .map(|accept| accept.to_str().unwrap_or(""));
    negotiate(accept, parameters.format.as_deref())
        .map_err(|error| FlowError::NotAcceptable(error.to_string()))
}

/// Leads from `uri` to another address, with the same query.
fn redirect(to: &str, uri: &Uri) -> Response {
    let location = match uri.query() {
        Some(query) => format!("{to}?{query}"),
        None => to.to_owned(),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Since when the source could not confirm what the page says.
const STALE_SINCE: HeaderName = HeaderName::from_static("x-portcullis-stale-since");

async fn send(page: &Arc<Rendered>, format: Format, headers: &HeaderMap) -> Response {
    let coding = coding_of(page, headers);
    let body = match is_known(page, headers) {
        true => None,
        false => Some(page.bytes(coding).await),
    };
    response(page, (format, coding), body)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn coding_of(page: &Rendered, headers: &HeaderMap) -> Encoding {
    page.encoding(encoding(text(headers, ACCEPT_ENCODING)))
}

/// Whether the client has the page already.
fn is_known(page: &Rendered, headers: &HeaderMap) -> bool {
    text(headers, IF_NONE_MATCH).is_some_and(|tags| page.is_known(tags))
}

/// The answer with a page's bytes; without, the client has them already.
fn response(
    page: &Rendered,
    (format, coding): (Format, Encoding),
    body: Option<Bytes>,
) -> Response {
    let known = body.is_none();
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    let fields = response.headers_mut();
    fields.reserve(8);
    fields.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    fields.insert(ETAG, page.etag(coding).clone());
    if let Some(since) = page.valid.freshness.stale_since
        && let Ok(since) = HeaderValue::try_from(since.to_string())
    {
        fields.insert(STALE_SINCE, since);
    }
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    fields.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    if let Some(coding) = content_coding(coding) {
        fields.insert(CONTENT_ENCODING, coding);
    }
    response
}

fn content_coding(coding: Encoding) -> Option<HeaderValue> {
    coding.content_encoding().map(HeaderValue::from_static)
}
