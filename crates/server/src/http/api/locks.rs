//! `/api/v1/locks`: what teams have locked. A build puts its lock on record with the token that it reads
//! with.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use portcullis_core::access::Action;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::lockfile::{self, MAX_LOCK_BYTES};
use portcullis_store::locks::{self, InvalidLockName, Lock, LockName, NewLock};
use serde_json::{Value, json};

use super::openapi::Problem;
use super::{Request, whole};
use crate::app::App;
use crate::error::FlowError;

/// List what teams have locked
#[utoipa::path(get, path = "/locks", tag = "locks", security(("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = async {
        request.by_one_who_may(&app, Action::Read).await?;
        let locks = locks::list(&app.db).await?;
        let locks: Vec<Value> = locks.iter().map(as_json).collect();
        Ok(json!({ "locks": locks }))
    };
    request.answer(&app, answer.await)
}

/// A lock on record.
pub fn as_json(lock: &Lock) -> Value {
    json!({
        "name": lock.name,
        "format": lock.format,
        "sha256": lock.digest,
        "entries": lock.entries,
        "skipped": lock.skipped,
        "token": lock.token,
        "by": lock.who,
        "at": lock.at,
    })
}

/// A lock file or bill of materials, as it is.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = "lock-file")]
#[allow(dead_code, reason = "it describes the body, which is read as bytes")]
struct LockFile(String);

/// Put a lock on record
///
/// The body is the file as it is; `?filename=` helps where its content does not say what it is.
#[utoipa::path(put, path = "/locks/{name}", tag = "locks", security(("basic" = []), ("bearer" = [])),
    params(("name" = String, Path, format = "lock-name"), ("filename" = Option<String>, Query)),
    request_body(content = LockFile, content_type = "application/octet-stream"),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
    body: Body,
) -> Response {
    let answer = put_on_record(&app, &name, &request, body).await;
    request.answer(&app, answer)
}

async fn put_on_record(
    app: &Arc<App>,
    name: &str,
    request: &Request,
    body: Body,
) -> Result<Value, FlowError> {
    let caller = request.by_one_who_may(app, Action::Read).await?;
    let name = lock_name(name)?;
    let filename = request.parameter::<String>("filename")?;
    let bytes = whole(body, MAX_LOCK_BYTES).await?;
    let digest = Sha256::of(&bytes);
    // Reading the largest lock takes long enough to hold up others.
    let reading = tokio::task::spawn_blocking(move || {
        lockfile::read(filename.as_deref().unwrap_or_default(), &bytes)
    });
    let files = reading.await.map_err(|_| FlowError::Stopping)?;
    let files = files.map_err(|error| FlowError::Invalid(error.to_string()))?;
    let token = caller.token_name();
    let new = NewLock {
        name: &name,
        files: &files,
        digest,
        token: token.as_deref(),
        who: token.as_deref().unwrap_or("unknown"),
    };
    locks::put(&app.db, &new, app.now()).await?;
    Ok(json!({
        "name": name,
        "format": files.format.as_str(),
        "entries": files.entries.len(),
        "skipped": files.skipped,
    }))
}

/// Take a lock off the record
#[utoipa::path(delete, path = "/locks/{name}", tag = "locks", security(("basic" = []), ("bearer" = [])),
    params(("name" = String, Path, format = "lock-name")),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let answer = async {
        let caller = request.by_one_who_may(&app, Action::Read).await?;
        let name = lock_name(&name)?;
        let who = caller.token_name().unwrap_or_default();
        match locks::remove(&app.db, &name, &who, app.now()).await? {
            true => Ok(json!({ "name": name, "removed": true })),
            false => Err(FlowError::Absent(format!("there is no lock {name}"))),
        }
    };
    request.answer(&app, answer.await)
}

fn lock_name(text: &str) -> Result<LockName, FlowError> {
    text.parse()
        .map_err(|error: InvalidLockName| FlowError::Invalid(error.to_string()))
}
