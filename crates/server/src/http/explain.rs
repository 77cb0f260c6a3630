//! `/why/{requirement}`: what a refusal's address leads to. Text for people, JSON for programs; the page for
//! browsers has a form that asks for a review, and works without a script.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Form;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_core::index::Index;
use portcullis_core::pypi::requirement::Requirement;
use serde::Deserialize;

use super::landing::escaped;
use super::problem::problem;
use super::{Peer, landing, same_origin};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::reviews::Person;
use crate::flow::reviews::queue::{Waiting, waiting_for};
use crate::flow::reviews::request::{self, Wish};
use crate::flow::why::{self, Detail, Why};
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
        let requirement = parsed(requirement)?;
        let why = why::why(app, index, &requirement).await?;
        let accept = headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or("");
        let (content_type, body) = if accept.contains("application/json") {
            ("application/json", why.to_json().to_string())
        } else if accept.contains("text/html") {
            let page = page(app, index, &requirement, &why).await?;
            ("text/html; charset=utf-8", page)
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

fn parsed(requirement: &str) -> Result<Requirement, FlowError> {
    requirement
        .parse()
        .map_err(|error| FlowError::Invalid(format!("{error}")))
}

/// The page for browsers: the text, who waits, and the form.
async fn page(
    app: &Arc<App>,
    index: &Index,
    requirement: &Requirement,
    why: &Why,
) -> Result<String, FlowError> {
    let title = format!("Why {}", requirement.name);
    let waiting = waiting_for(app, index, &requirement.name).await?;
    let mut more = waiting.iter().map(waiting_html).collect::<String>();
    if let Some(wanted) = why.reviewable() {
        more.push_str(&form_html(&address(app, index, &wanted), &wanted));
    }
    let text = why.to_text(Detail::Brief);
    Ok(landing::document_with(&title, &text, &more))
}

/// The path of the page about a requirement.
fn address(app: &App, index: &Index, requirement: &str) -> String {
    let requirement = utf8_percent_encode(requirement, NON_ALPHANUMERIC);
    match index.name == app.config.default_index {
        true => format!("/why/{requirement}"),
        false => format!("/{}/why/{requirement}", index.name),
    }
}

fn waiting_html(waiting: &Waiting) -> String {
    let mut html = format!(
        "<h2>Review {} of {} waits for a decision</h2>\n<ul>\n",
        waiting.review,
        escaped(&waiting.requirement)
    );
    for asked in &waiting.first {
        let since = asked.at.to_minute();
        let _ = writeln!(html, "<li>{}, {since}</li>", escaped(&asked.who));
    }
    let others = waiting.others;
    if others > 0 {
        let _ = writeln!(html, "<li>and {others} more</li>");
    }
    html.push_str("</ul>\n");
    html
}

fn form_html(address: &str, wanted: &str) -> String {
    format!(
        "<h2>Ask for a review of {wanted}</h2>\n\
         <form method=\"post\" action=\"{address}/review\">\n\
         <p><label>Why do you need it?<br>\n\
         <textarea name=\"reason\" required maxlength=\"1000\" rows=\"3\" cols=\"60\"></textarea>\
         </label></p>\n\
         <p><label>Your name<br>\n<input name=\"name\" maxlength=\"60\" autocomplete=\"name\">\
         </label></p>\n\
         <p><button>Ask for a review</button></p>\n</form>\n",
        wanted = escaped(wanted),
        address = escaped(address),
    )
}

/// The largest form that is read, in bytes.
pub(super) const MAX_FORM: usize = 64 << 10;

/// What the form says.
#[derive(Deserialize)]
pub(super) struct Asking {
    reason: String,
    #[serde(default)]
    name: String,
}

type Filled = Result<Form<Asking>, FormRejection>;

pub(super) async fn default_review(
    State(app): State<Arc<App>>,
    Path(requirement): Path<String>,
    asked: Asked,
    form: Filled,
) -> Response {
    ask(&app, (None, &requirement), asked, form).await
}

pub(super) async fn review(
    State(app): State<Arc<App>>,
    Path((index, requirement)): Path<(String, String)>,
    asked: Asked,
    form: Filled,
) -> Response {
    ask(&app, (Some(&index), &requirement), asked, form).await
}

/// Asks for a review, and leads back to the page, which shows the record.
async fn ask(
    app: &Arc<App>,
    (index, requirement): (Option<&str>, &str),
    (headers, peer): Asked,
    form: Filled,
) -> Response {
    let flow = async {
        same_origin::must_be_ours(app, &headers)?;
        let index = app.index(index)?;
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        let Form(form) = form.map_err(|error| FlowError::Invalid(error.body_text()))?;
        let wish = Wish {
            requirement: parsed(requirement)?,
            reason: form.reason,
            wanted_by: None,
        };
        let person = Person::of(&caller, Some(&form.name));
        request::request(app, &person, index, &wish).await?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let back = HeaderValue::try_from(address(app, index, &wish.requirement.to_string()))
            .expect("what is percent-encoded is visible ASCII");
        response.headers_mut().insert(LOCATION, back);
        Ok(response)
    };
    flow.await
        .unwrap_or_else(|error| problem(app, &headers, &error))
}
