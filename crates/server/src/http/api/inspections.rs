//! `GET /api/v1/inspections/{sha256}`: what the inspection saw in a content.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use portcullis_core::digest::Sha256;
use portcullis_core::inspection::report;
use portcullis_store::holdings;
use serde_json::{Value, json};

use super::Request;
use super::openapi::Problem;
use crate::app::App;
use crate::error::FlowError;
use crate::inspection;

/// Show what the inspection saw in a file
///
/// The findings with their chains, the capability manifest, and which files have this content. Absent where
/// nobody has looked into it.
#[utoipa::path(get, path = "/inspections/{sha256}", tag = "decisions",
    params(("sha256" = String, Path, pattern = "^[0-9a-f]{64}$")),
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(sha256): Path<String>,
    request: Request,
) -> Response {
    let answer = answer(&app, &sha256, &request).await;
    request.answer(&app, answer)
}

async fn answer(app: &Arc<App>, sha256: &str, request: &Request) -> Result<Value, FlowError> {
    request.by_a_reader(app).await?;
    let sha256: Sha256 = sha256
        .parse()
        .map_err(|error| FlowError::Invalid(format!("{error}")))?;
    let absent = || FlowError::Absent(format!("nobody has looked into {sha256}"));
    let inspected = inspection::known(app, &sha256).await?.ok_or_else(absent)?;
    let files = holdings::of_content(&app.db, &sha256).await?;
    let files = files.iter().map(
        |file| json!({ "source": file.source, "project": file.project, "filename": file.filename }),
    );
    let mut answer = report(&inspected);
    answer["files"] = files.collect();
    Ok(answer)
}
