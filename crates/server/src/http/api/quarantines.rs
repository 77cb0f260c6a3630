//! `/api/v1/quarantines`: taking releases from everybody, and giving them back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use portcullis_core::access::Action;
use portcullis_core::digest::Sha256;
use portcullis_store::quarantines;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openapi::Problem;
use super::{Request, created, whole};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::quarantine::{self, Named, Order, Standing, Tell};

/// The largest order, in bytes.
const MAX_ORDER: usize = 64 << 10;

/// The body of a `POST`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuarantineOrder)]
struct Asking {
    #[schema(format = "requirement")]
    requirement: String,
    #[schema(min_length = 1, pattern = r"\S")]
    reason: String,
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    sha256: Option<Sha256>,
    #[serde(default)]
    tell: bool,
}

/// List what is in quarantine
///
/// `?all=true` lists those that were released, too.
#[utoipa::path(get, path = "/quarantines", tag = "quarantines", security(("basic" = []), ("bearer" = [])),
    params(("all" = Option<bool>, Query)),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = async {
        request.by_one_who_may(&app, Action::Review).await?;
        let listed = match request.parameter::<bool>("all")? {
            Some(true) => quarantines::ever(&app.db).await?,
            Some(false) | None => quarantines::in_force(&app.db).await?,
        };
        let listed: Vec<Value> = listed.iter().map(quarantine::to_json).collect();
        Ok(json!({ "quarantines": listed }))
    };
    request.answer(&app, answer.await)
}

/// Take releases from everybody, at once
#[utoipa::path(post, path = "/quarantines", tag = "quarantines", security(("basic" = []), ("bearer" = [])), request_body = Asking,
    responses((status = 201, body = Object), (status = "default", response = Problem)))]
pub(super) async fn begin(State(app): State<Arc<App>>, request: Request, body: Body) -> Response {
    let answer = begun(&app, &request, body).await;
    created(request.answer(&app, answer))
}

async fn begun(app: &Arc<App>, request: &Request, body: Body) -> Result<Value, FlowError> {
    let caller = request.by_one_who_may(app, Action::Review).await?;
    let bytes = whole(body, MAX_ORDER).await?;
    let asking: Asking = serde_json::from_slice(&bytes)
        .map_err(|error| FlowError::Invalid(format!("the body: {error}")))?;
    let requirement = asking.requirement.parse();
    let order = Order {
        requirement: requirement
            .map_err(|error| FlowError::Invalid(format!("requirement: {error}")))?,
        sha256: asking.sha256,
        reason: asking.reason,
        who: caller.token_name().unwrap_or_default(),
        tell: match asking.tell {
            true => Tell::Recipients,
            false => Tell::Nobody,
        },
    };
    let begun = quarantine::begin(&app.db, &order, app.now()).await?;
    quarantine::act_at_once(app).await?;
    let told = begun
        .told
        .map(|told| json!({ "message": told.message, "detail": told.detail }));
    Ok(json!({
        "quarantine": quarantine::to_json(&begun.quarantine),
        "new": begun.standing == Standing::New,
        "told": told,
    }))
}

/// Give releases back
///
/// `?reason=TEXT` is needed: the ledger keeps it.
#[utoipa::path(delete, path = "/quarantines/{id}", tag = "quarantines", security(("basic" = []), ("bearer" = [])),
    params(("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64),
        ("reason" = String, Query, min_length = 1, pattern = r"\S")),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let answer = async {
        let caller = request.by_one_who_may(&app, Action::Review).await?;
        let reason = request.parameter::<String>("reason")?.unwrap_or_default();
        let absent = || FlowError::Absent("no quarantine in force has this number".to_owned());
        let named = Named::Number(id.parse().map_err(|_| absent())?);
        let who = caller.token_name().unwrap_or_default();
        let released = quarantine::release(&app.db, &named, [&who, &reason], app.now()).await?;
        quarantine::act_at_once(&app).await?;
        let released = released.first().ok_or_else(absent)?;
        Ok(json!({ "quarantine": quarantine::to_json(released) }))
    };
    request.answer(&app, answer.await)
}
