//! Budgets of concurrent requests and of buffered response bytes, in total and for each network. A
//! request counts from its header section until the last byte of its response is written. A client
//! that doesn't read its responses uses up the budget of its own network only.
//!
//! A network is a [`countersign_core::Network`]. Trusted proxies forward many clients: only the
//! totals apply to them.

use crate::{
    HttpState,
    client_ip::is_in,
    middleware::{BoxedRequest, host},
};
use axum::{
    body::HttpBody,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use countersign_core::RequestContext;

/// Responds with 503 if there is no capacity for a request or its response. That response has no
/// body, so a client that doesn't read it uses no memory.
pub async fn enforce_budget<F: Future<Output = Response>>(
    server: &HttpState,
    mut request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    // Health checks are exempt: an orchestrator may share its IP address with clients.
    if host::PROBES.contains(&request.uri().path()) {
        return next(request).await;
    }
    let client = request.extensions().get::<RequestContext>();
    let is_proxy = client
        .and_then(|client| client.address)
        .is_some_and(|address| is_in(server.trusted_proxies(), &address));
    let network = client.filter(|_| !is_proxy).map(RequestContext::network);
    let Some(admission) = server.budgets().admit(network) else { return over_budget() };
    request.extensions_mut().insert(admission.clone());
    let mut response = next(request).await;
    let bytes = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    let Some(admission) = server.budgets().charge(network, admission, bytes) else {
        return over_budget();
    };
    response.extensions_mut().insert(admission);
    response
}

fn over_budget() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, HeaderValue::from_static("2"))])
        .into_response()
}
