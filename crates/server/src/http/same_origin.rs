//! Whether a form was sent from one of our own pages: a browser that carries somebody's credentials must
//! not be made to act by a page from elsewhere. Programs send neither header, and pass.

use http::HeaderMap;
use http::header::ORIGIN;
use url::Url;

use super::base_url;
use crate::app::App;
use crate::error::FlowError;

/// What browsers say of where a request comes from (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// That a request does not come from another site.
///
/// # Errors
/// [`FlowError::Forbidden`] when it does, or when a browser does not say.
pub(super) fn must_be_ours(app: &App, headers: &HeaderMap) -> Result<(), FlowError> {
    let foreign = || {
        Err(FlowError::Forbidden(
            "this form was sent from another site".to_owned(),
        ))
    };
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return match site.as_bytes() {
            b"same-origin" | b"none" => Ok(()),
            _ => foreign(),
        };
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| Url::parse(origin).ok());
    let own = Url::parse(&base_url(app, headers)).ok();
    match (origin, own) {
        // A proxy before us may speak TLS for us, so that only host and port are compared.
        (Some(origin), Some(own)) if is_same_place(&origin, &own) => Ok(()),
        _ => foreign(),
    }
}

fn is_same_place(one: &Url, other: &Url) -> bool {
    one.host().is_some() && one.host() == other.host() && one.port() == other.port()
}
