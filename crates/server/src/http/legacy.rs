//! The upload API at `/legacy/`, as twine, uv, poetry, pdm, hatch and flit speak it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use multer::Multipart;

use super::Peer;
use super::problem::problem;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::upload::{self, Uploaded};
use crate::identity::Caller;

pub(super) async fn default_upload(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(&app, None, request).await
}

pub(super) async fn upload(
    State(app): State<Arc<App>>,
    Path(index): Path<String>,
    request: Request,
) -> Response {
    answer(&app, Some(&index), request).await
}

/// The address ends in a slash. 308 keeps method and body.
pub(super) async fn add_slash(uri: Uri) -> Response {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if let Ok(location) = HeaderValue::try_from(format!("./{last}/")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

async fn answer(app: &Arc<App>, index: Option<&str>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let awaits_consent = parts.headers.contains_key(EXPECT);
    let mut stream = body.into_data_stream();
    let mut has_begun = false;
    let result = async {
        let index = app.index(index)?;
        let caller = Caller::of(app, &parts.headers, address).await?;
        app.limits.count_upload(address, &parts.headers)?;
        has_room(app, &parts.headers).await?;
        has_begun = true;
        let form = multipart(&parts.headers, &mut stream)?;
        upload::upload(app, index, &caller, form).await
    }
    .await;
    match result {
        Ok(uploaded) => accepted(uploaded),
        Err(error) => {
            // Who awaits a 100 (Continue) has sent nothing yet, and is not asked to.
            if has_begun || !awaits_consent {
                drain(&mut stream).await;
            }
            problem(app, &parts.headers, &error)
        }
    }
}

/// What a form may have beside its file, in bytes: its fields, and what stands between them.
const FORM: u64 = 40 << 20;

/// What is left free on the disk whatever is published, in bytes: the database needs room too.
const RESERVE: u64 = 64 << 20;

/// That an upload is not larger than what may be published, and that the disk has room for it, as far as
/// that can be told before it is received.
async fn has_room(app: &App, headers: &HeaderMap) -> Result<(), FlowError> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let Some(needed) = length.and_then(|length| length.parse::<u64>().ok()) else {
        return Ok(());
    };
    let most = app.config.limits.upload;
    if needed > most.saturating_add(FORM) {
        return Err(FlowError::TooLarge(most));
    }
    match free_space(app).await {
        Some(free) if free < needed.saturating_add(RESERVE) => {
            Err(FlowError::NoRoom { needed, free })
        }
        // Where it is not known, writing will show it.
        Some(_) | None => Ok(()),
    }
}

/// How many bytes are free where uploads are received.
#[cfg(unix)]
async fn free_space(app: &App) -> Option<u64> {
    let data = app.config.data.clone();
    let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&data));
    let found = asked.await.ok()?.ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
async fn free_space(_: &App) -> Option<u64> {
    None
}

fn multipart<'b>(
    headers: &HeaderMap,
    body: &'b mut BodyDataStream,
) -> Result<Multipart<'b>, FlowError> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
    let boundary = boundary.ok_or_else(|| {
        FlowError::Invalid("an upload is a form of type multipart/form-data".to_owned())
    })?;
    Ok(Multipart::new(body, boundary))
}

/// How much of a refused upload is still read, in bytes.
const DRAINED: usize = 32 << 20;

/// For how long a refused upload is still read.
const DRAINING: Duration = Duration::from_secs(30);

/// Reads on after a refusal: a client that is still sending when the connection closes never sees the
/// answer.
async fn drain(stream: &mut BodyDataStream) {
    let mut drained = 0;
    let reading = async {
        while let Some(Ok(chunk)) = stream.next().await {
            drained += chunk.len();
            if drained > DRAINED {
                return;
            }
        }
    };
    // A client that is slower than that sees its connection end.
    let _ = tokio::time::timeout(DRAINING, reading).await;
}

fn accepted(uploaded: Uploaded) -> Response {
    let text = match uploaded {
        Uploaded::New => "",
        Uploaded::Identical => "This file is here already, with the same content.\n",
    };
    let mut response = Response::new(Body::from(text));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
