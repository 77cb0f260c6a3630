//! `POST /api/v1/advisories`: all that is known against some projects, in one answer and in the form in which
//! `portcullis audit` keeps advisories. Comparing versions is left to whoever asks.
//!
//! While no advisories are loaded, no question is answered: an empty answer would say that all is well.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use portcullis_core::advisory::TableHead;
use portcullis_core::fact::Fact;
use portcullis_core::pypi::name::ProjectName;
use serde::Deserialize;
use utoipa::ToSchema;

use super::openapi::Problem;
use super::{Request, submitted_up_to};
use crate::app::App;
use crate::config::FeedKind;
use crate::error::FlowError;
use crate::feeds::{Advisories, FeedsKnown};
use crate::http::problem::problem;

/// The largest question, in bytes.
const LONGEST: usize = 2 << 20;

/// The most projects in one question.
const MOST_PROJECTS: usize = 20_000;

/// Projects that are asked about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AdvisoriesRequest {
    /// The projects.
    #[schema(max_items = 20_000, value_type = Vec<ProjectText>)]
    projects: Vec<String>,
}

/// The name of a project.
#[derive(ToSchema)]
#[schema(value_type = String, format = "project-name", example = "flask")]
#[allow(dead_code, reason = "it describes the names, which are parsed")]
struct ProjectText(String);

/// Ask what is known against projects
///
/// The answer is a table of advisories in lines, as `portcullis audit` keeps one: its form, a head as JSON, and for
/// each of the projects against which something is known its name, a space, and its records with the known exploits
/// and EPSS scores as JSON.
#[utoipa::path(post, path = "/advisories", tag = "advisories", request_body = AdvisoriesRequest,
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = "default", response = Problem)))]
pub(super) async fn ask(State(app): State<Arc<App>>, request: Request, body: Body) -> Response {
    match table(&app, &request, body).await {
        Ok(table) => {
            let mut response = Response::new(Body::from(table));
            let fields = response.headers_mut();
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            fields.insert(CONTENT_TYPE, text);
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => problem(&app, &request.headers, &error),
    }
}

async fn table(app: &Arc<App>, request: &Request, body: Body) -> Result<Vec<u8>, FlowError> {
    request.by_a_reader(app).await?;
    let asked: AdvisoriesRequest = submitted_up_to(LONGEST, &request.headers, body).await?;
    if asked.projects.len() > MOST_PROJECTS {
        let what = format!("at most {MOST_PROJECTS} projects in one question");
        return Err(FlowError::Invalid(what));
    }
    let projects: Result<Vec<ProjectName>, FlowError> =
        asked.projects.iter().enumerate().map(read).collect();
    let projects = projects?;
    let feeds = app.knowledge.feeds.load_full();
    let known = match feeds.advisories() {
        Fact::Known(known) => known,
        Fact::Unknown(why) => {
            let what = format!("{why}, so that nothing can be said about vulnerabilities");
            return Err(FlowError::Job(what));
        }
    };
    let head = head(&feeds, &known);
    let writing = tokio::task::spawn_blocking(move || {
        let is_partly_read = |id: &str| known.is_partly_read(id);
        known.index.to_table(&projects, head, is_partly_read)
    });
    writing.await.map_err(|_| FlowError::Stopping)
}

/// Reads a name, of which the error tells the position (0-based).
fn read((position, name): (usize, &String)) -> Result<ProjectName, FlowError> {
    let invalid = |error| FlowError::Invalid(format!("projects[{position}]: {error}"));
    ProjectName::new(name).map_err(invalid)
}

/// What is said of the advisories as a whole.
fn head(feeds: &FeedsKnown, known: &Advisories) -> TableHead {
    let states = feeds.states.iter();
    let osv = states.filter(|feed| feed.kind == FeedKind::Osv.as_str());
    let skipped = osv.clone().map(|feed| usize::try_from(feed.skipped));
    let complaints = osv.flat_map(|feed| feed.complaints.lines());
    let mut head = TableHead::new("a gateway", feeds.advisories_as_of(), known.set.len());
    head.unreadable = skipped.map(Result::unwrap_or_default).sum();
    head.complaints = complaints.map(str::to_owned).collect();
    head
}
