//! `GET /api/v1/statistics`: what was asked for and what came of it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use portcullis_core::access::Action;
use portcullis_core::time::Timestamp;
use portcullis_store::statistics::By;
use serde_json::Value;

use super::Request;
use super::openapi::Problem;
use crate::app::App;
use crate::error::FlowError;
use crate::statistics::{Inquiry, Order};

/// How many rows are answered at most.
const MOST: u32 = 10_000;

/// What was asked for, and what came of it
///
/// `?by=rule|name|client|day|token|index&from=TIME&to=TIME&index=NAME&refused=true&limit=N`; the last
/// 30 days where nothing else is said.
#[utoipa::path(get, path = "/statistics", tag = "downloads", security(("basic" = []), ("bearer" = [])),
    params(("by" = Option<String>, Query, pattern = "^(rule|name|client|day|token|index)$"),
        ("from" = Option<String>, Query, format = DateTime),
        ("to" = Option<String>, Query, format = DateTime), ("index" = Option<String>, Query),
        ("refused" = Option<bool>, Query), ("limit" = Option<u32>, Query, maximum = 10_000)),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn totals(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = answer(&app, &request).await;
    request.answer(&app, answer)
}

async fn answer(app: &Arc<App>, request: &Request) -> Result<Value, FlowError> {
    request.by_one_who_may(app, Action::Review).await?;
    let refused = request.parameter::<bool>("refused")?.unwrap_or(false);
    let inquiry = Inquiry {
        by: request.parameter::<By>("by")?.unwrap_or(By::Rule),
        from: request.parameter::<Timestamp>("from")?,
        to: request.parameter::<Timestamp>("to")?,
        index: request.parameter::<String>("index")?,
        order: match refused {
            true => Order::RefusedOnly,
            false => Order::All,
        },
        limit: request.limit(100, MOST)?,
    };
    let report = inquiry.answer(&app.db, app.now()).await?;
    Ok(report.to_json())
}
