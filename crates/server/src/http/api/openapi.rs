//! The OpenAPI document of the API (OpenAPI 3.1), derived from the handlers and the types that they take
//! and give: a route is in the document because it is in the router, and the other way round.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use serde::Serialize;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi, ToResponse, ToSchema};

use super::{answer, routes};

/// A problem document (RFC 9457): what went wrong, and for refusals by policy the decision.
#[derive(Debug, Serialize, ToSchema, ToResponse)]
#[response(
    description = "What went wrong (RFC 9457)",
    content_type = "application/problem+json"
)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "it describes what `http/problem.rs` writes")]
pub(super) struct Problem {
    /// What kind of problem it is: `about:blank`, or the address that explains a refusal.
    r#type: String,
    /// What happened, in a few words.
    title: String,
    /// The HTTP status, again.
    status: u16,
    /// What happened and what to do, in sentences.
    detail: String,
    /// The decision's id, where the policy refused.
    decision: Option<String>,
    /// What the decision does.
    effect: Option<String>,
    /// The rule that decided.
    rule: Option<String>,
    /// The line of the policy that decided.
    #[serde(rename = "policy-line")]
    policy_line: Option<String>,
    /// When it ends by itself.
    until: Option<String>,
    /// What can be done now.
    remedy: Option<String>,
    /// The address that explains it.
    why: Option<String>,
}

/// What the document says of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portcullis",
        description = "Decisions about Python packages, reviews, and who received what. Errors are \
                       problem documents (RFC 9457). Keys are in kebab-case, times are RFC 3339 in UTC.",
    ),
    servers((url = "/api/v1")),
    components(responses(Problem)),
    paths(super::locks::put, super::locks::remove),
    modifiers(&Credentials),
)]
pub(super) struct Base;

/// Both ways to show a token.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        for (name, scheme, what) in [
            (
                "basic",
                HttpAuthScheme::Basic,
                "Any user name, and a token as the password.",
            ),
            ("bearer", HttpAuthScheme::Bearer, "A token."),
        ] {
            let mut http = Http::new(scheme);
            http.description = Some(what.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(http));
        }
    }
}

/// The whole document.
pub fn document() -> Document {
    routes().split_for_parts().1
}

/// The OpenAPI document
///
/// This document. It tells nothing of any package, and needs no token.
#[utoipa::path(get, path = "/openapi.json", tag = "api", security(()),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn show() -> Response {
    answer(Body::from(DOCUMENT.as_str()))
}

/// The document as text: those who look for a gateway ask for it before they ask anything else.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::to_value(document()).expect("the document is plain data");
    format!("{document}\n")
});
