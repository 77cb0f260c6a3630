//! The HTTP door: parsing requests, rendering answers. What an answer is, is decided in the flows; what
//! status it has, in `problem`.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::HeaderMap;
use ::http::header::HOST;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;

pub mod user_agent;
pub mod ranges;
pub mod problem;
mod context;
mod client_address;
pub(crate) mod front;
mod simple;
mod files;
mod legacy;
mod project_json;
mod namespaces;
mod explain;
mod same_origin;
mod health;
mod landing;
mod osv;
pub mod api;

/// The address of the client, put into each request before it is routed: the other end of the connection, or
/// for whom a trusted proxy asks; then the port is 0.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    // Pages are apart: their hot path is a few comparisons, and a span for each would cost more.
    let pages = Router::new()
        .route("/simple/", get(simple::default_list))
        .route("/simple", get(simple::add_slash))
        .route("/simple/{project}/", get(simple::default_page))
        .route("/simple/{project}", get(simple::add_slash))
        .route("/{index}/simple/", get(simple::list))
        .route("/{index}/simple", get(simple::add_slash))
        .route("/{index}/simple/{project}/", get(simple::page))
        .route("/{index}/simple/{project}", get(simple::add_slash));
    let form_limit = DefaultBodyLimit::max(explain::MAX_FORM);
    let rest = Router::new()
        .route("/", get(landing::landing))
        .route("/files/{project}/{filename}", get(files::default_file))
        .route("/{index}/files/{project}/{filename}", get(files::file))
        .route("/legacy/", post(legacy::default_upload))
        .route("/legacy", post(legacy::add_slash))
        .route("/{index}/legacy/", post(legacy::upload))
        .route("/{index}/legacy", post(legacy::add_slash))
        .route("/pypi/{project}/json", get(project_json::default_project))
        .route(
            "/pypi/{project}/{version}/json",
            get(project_json::default_release),
        )
        .route("/{index}/pypi/{project}/json", get(project_json::project))
        .route(
            "/{index}/pypi/{project}/{version}/json",
            get(project_json::release),
        )
        .route("/namespaces", get(namespaces::all))
        .route("/namespace/{namespace}", get(namespaces::one))
        .route("/why/{requirement}", get(explain::default_why))
        .route("/{index}/why/{requirement}", get(explain::why))
        .route(
            "/why/{requirement}/review",
            post(explain::default_review).layer(form_limit),
        )
        .route(
            "/{index}/why/{requirement}/review",
            post(explain::review).layer(form_limit),
        )
        .nest("/api/v1", api::router())
        .nest("/osv", osv::router())
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(axum::middleware::from_fn(context::with_request_id));
    let live = Router::new().route("/livez", get(health::live));
    let without_id = pages
        .merge(live)
        .method_not_allowed_fallback(problem::wrong_method);
    // Uploads count their own bytes, since their limit is configured and far above any default.
    without_id
        .merge(rest)
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

/// The address under which the client reached us, without a final slash.
pub(crate) fn base_url(app: &App, headers: &HeaderMap) -> String {
    if let Some(url) = &app.config.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_host = |host: &&str| {
        host.len() <= 255
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
    };
    let listen = app.config.listen.to_string();
    let scheme = match app.config.front.tls {
        Some(_) => "https",
        None => "http",
    };
    format!("{scheme}://{}", host.filter(is_host).unwrap_or(&listen))
}
