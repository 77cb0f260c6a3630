//! What is done with every request before it is routed: for whom it comes, whether its address is sane,
//! whether its client has asked too often, and whether its answer is at hand. Probes of load balancers are never turned away.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderValue, Request, Version};

use super::Peer;
use super::client_address::client_address;
use super::problem::problem;
use super::simple;
use crate::app::App;
use crate::error::FlowError;

/// The longest address of a request, in bytes. Names of projects and files are far shorter.
const MAX_TARGET: usize = 8 * 1024;

/// Prepares a request for the routes.
///
/// # Errors
/// The answer for a request that does not get that far.
#[expect(clippy::result_large_err, reason = "the answer is what it is about")]
pub(crate) fn admit(
    app: &App,
    request: &mut Request<Body>,
    peer: SocketAddr,
) -> Result<(), Response> {
    host_of_its_own(request);
    let client = client_address(&app.config.front.proxies, peer.ip(), request.headers());
    // The port of a client behind a proxy is not known.
    let client = match client == peer.ip().to_canonical() {
        true => SocketAddr::new(client, peer.port()),
        false => SocketAddr::new(client, 0),
    };
    request.extensions_mut().insert(Peer(client));
    let target = request.uri().path_and_query();
    let checked = match target.is_some_and(|target| target.as_str().len() > MAX_TARGET) {
        true => Err(FlowError::TargetTooLong(MAX_TARGET)),
        false if matches!(request.uri().path(), "/livez" | "/readyz") => Ok(()),
        false => app.limits.count_request(client.ip(), request.headers()),
    };
    checked.map_err(|error| problem(app, request.headers(), &error))
}

/// The answer to what is asked most by far, a page that is in memory, which is cheaper than to route it.
pub(crate) fn at_hand(app: &Arc<App>, request: &Request<Body>) -> Option<Response> {
    simple::at_hand(app, request)
}

/// HTTP/2 says in `:authority` what HTTP/1.1 says in `Host`, where everything that answers looks for it.
fn host_of_its_own(request: &mut Request<Body>) {
    if request.version() != Version::HTTP_2 {
        return;
    }
    let Some(authority) = request.uri().authority() else {
        return;
    };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(HOST, host);
    }
}
