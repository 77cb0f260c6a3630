//! Whether the process lives, whether it can do its work, and its figures. Liveness asks nothing else,
//! so that an outage of the database never gets the gateway restarted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use portcullis_core::digest::Sha256;
use portcullis_upstream::breaker::BreakerState;
use serde_json::json;

use crate::app::App;
use crate::sources::Source;

pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Ready when database and blobs answer, and nobody has told the process to stop. An upstream that is down does not make the gateway unready:
/// it goes on with what it has.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let database = app.db.ping().await.map_err(|error| error.to_string());
    let blobs = app
        .blobs
        .exists(&Sha256::of(b"portcullis"))
        .await
        .map(drop)
        .map_err(|error| error.to_string());
    let said = |result: &Result<(), String>| match result {
        Ok(()) => "ok",
        Err(_) => "does not answer",
    };
    for error in [&database, &blobs]
        .into_iter()
        .filter_map(|result| result.as_ref().err())
    {
        tracing::warn!("not ready: {error}");
    }
    let is_leaving = app.leaving.load(Ordering::Acquire);
    let is_ready = database.is_ok() && blobs.is_ok() && !is_leaving;
    let body = json!({
        "ready": is_ready, "leaving": is_leaving, "database": said(&database), "blobs": said(&blobs),
        "upstreams": upstreams(&app),
    });
    let mut body = body;
    if app.is_offline() {
        body["offline"] = json!(true);
    }
    let mut response = Response::new(Body::from(format!("{body}\n")));
    if !is_ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn upstreams(app: &App) -> serde_json::Value {
    let now = tokio::time::Instant::now();
    let states = app
        .sources
        .iter()
        .filter_map(|(name, source)| match &**source {
            Source::Upstream(upstream) => {
                let state = match upstream.source.pages_state(now) {
                    BreakerState::Closed => "asked",
                    BreakerState::Open => "paused",
                    BreakerState::HalfOpen => "tried again",
                };
                Some((name.to_string(), json!(state)))
            }
            Source::Hosted(_) | Source::Folder(_) => None,
        });
    serde_json::Value::Object(states.collect())
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let now = tokio::time::Instant::now();
    for (name, source) in &app.sources {
        if let Source::Upstream(upstream) = &**source {
            let open = upstream.source.pages_state(now) != BreakerState::Closed;
            metrics::gauge!("portcullis_upstream_paused", "source" => name.to_string())
                .set(f64::from(u8::from(open)));
        }
    }
    feeds(&app);
    crate::figures::refresh(&app).await;
    metrics::gauge!("portcullis_page_cache_bytes").set(app.rendered.weighted_size() as f64);
    let mut response = Response::new(Body::from(crate::serve::figures().render()));
    let plain = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// How old each feed is, how much it has, and whether it failed last.
fn feeds(app: &App) {
    let now = app.now();
    for feed in &app.knowledge.feeds.load().states {
        let name = || feed.name.clone();
        if let Some(age) = crate::feeds::age_of(feed) {
            let seconds = now.since(age.as_of) as f64 / 1000.0;
            metrics::gauge!("portcullis_feed_age_seconds", "feed" => name()).set(seconds);
        }
        let records = feed.records as f64;
        metrics::gauge!("portcullis_feed_records", "feed" => name()).set(records);
        let failed = f64::from(u8::from(feed.error.is_some()));
        metrics::gauge!("portcullis_feed_failed", "feed" => name()).set(failed);
    }
}
