//! `GET /api/v1/why`: what an installer receives for a requirement, and why.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portcullis_core::pypi::requirement::Requirement;
use utoipa::IntoParams;

use super::Request;
use super::openapi::Problem;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::why;

/// What is asked about.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(
    dead_code,
    reason = "it describes the parameters; they are read one by one"
)]
pub(super) struct WhyParameters {
    /// A project and versions of it (PEP 508), such as `flask>=3`.
    #[param(format = "requirement")]
    requirement: String,
    /// The index; the default one where it is absent.
    index: Option<String>,
}

/// Explain what an installer receives
///
/// Where the name is routed, the decision about every file that the requirement could mean, and the version
/// that an installer asking now receives.
#[utoipa::path(get, path = "/why", tag = "decisions", params(WhyParameters),
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn why(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = async {
        request.by_a_reader(&app).await?;
        let index = request.parameter::<String>("index")?;
        let requirement = request.parameter::<Requirement>("requirement")?;
        let missing = || FlowError::Invalid("give a requirement, such as flask>=3".to_owned());
        let requirement = requirement.ok_or_else(missing)?;
        let why = why::why(&app, app.index(index.as_deref())?, &requirement).await?;
        Ok(why.to_json())
    };
    request.answer(&app, answer.await)
}
