//! Budgets of concurrent requests and of buffered response bytes, in total and for each network. A
//! request counts from its header section until the last byte of its response is written. A client
//! that doesn't read its responses uses up the budget of its own network only.
//!
//! A network is an IPv4 address or the /64 of an IPv6 address. Trusted proxies forward many
//! clients: only the totals apply to them.

use crate::{
    HttpState,
    client_ip::is_in,
    middleware::host,
    quota::{Quota, Slot},
};
use axum::{
    body::HttpBody,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_core::RequestContext;
use std::sync::Arc;

/// Maximum number of concurrent requests.
///
/// A browser has about ten concurrent requests: one network has room for fifty waiting browsers.
pub const MAX_REQUESTS: usize = 8192;
/// Maximum for one network.
pub const MAX_REQUESTS_PER_NETWORK: usize = 512;
/// Maximum total size of buffered responses in bytes. Files don't count: they share their memory
/// and are sent in small chunks.
pub const MAX_RESPONSE_BYTES: usize = 128 * 1024 * 1024;
/// Maximum for one network.
pub const MAX_RESPONSE_BYTES_PER_NETWORK: usize = 8 * 1024 * 1024;

/// The current usage.
#[derive(Clone)]
pub(crate) struct Budgets {
    requests: Quota<Vec<u8>>,
    bytes: Quota<Vec<u8>>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { requests: Quota::new(MAX_REQUESTS), bytes: Quota::new(MAX_RESPONSE_BYTES) }
    }
}

/// The usage of one request, for as long as a copy of this value exists. It is in the extensions of
/// the request and of the response.
#[derive(Clone)]
pub struct Admission {
    _slots: Arc<Slot<Vec<u8>>>,
    _bytes: Option<Arc<Slot<Vec<u8>>>>,
}

impl Budgets {
    /// Reserves capacity for a request. `network`: `None` for a trusted proxy.
    fn admit(&self, network: Option<&[u8]>) -> Option<Admission> {
        let slot = self.requests.acquire(&holder(network, MAX_REQUESTS_PER_NETWORK))?;
        Some(Admission { _slots: Arc::new(slot), _bytes: None })
    }

    /// Reserves capacity for the response of an admitted request.
    fn charge(
        &self,
        network: Option<&[u8]>,
        admission: Admission,
        bytes: usize,
    ) -> Option<Admission> {
        let slot =
            self.bytes.acquire_many(bytes, &holder(network, MAX_RESPONSE_BYTES_PER_NETWORK))?;
        Some(Admission { _bytes: Some(Arc::new(slot)), ..admission })
    }
}

fn holder(network: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, usize)> {
    network.map(|network| (network.to_vec(), limit)).into_iter().collect()
}

/// Responds with 503 if there is no capacity for a request or its response. That response has no
/// body, so a client that doesn't read it uses no memory.
pub async fn enforce_budget(
    State(server): State<HttpState>,
    mut request: Request,
    next: Next,
) -> Response {
    // Health checks are exempt: an orchestrator may share its IP address with clients.
    if host::PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<RequestContext>();
    let is_proxy = client
        .and_then(|client| client.address)
        .is_some_and(|address| is_in(server.trusted_proxies(), &address));
    let network = client.filter(|_| !is_proxy).map(RequestContext::ip_prefix);
    let Some(admission) = server.budgets().admit(network.as_deref()) else { return over_budget() };
    request.extensions_mut().insert(admission.clone());
    let mut response = next.run(request).await;
    let bytes = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    let Some(admission) = server.budgets().charge(network.as_deref(), admission, bytes) else {
        return over_budget();
    };
    response.extensions_mut().insert(admission);
    response
}

fn over_budget() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, HeaderValue::from_static("2"))])
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_at_its_limit_is_rejected_and_others_are_not() {
        let budgets = Budgets::default();
        let mut held: Vec<_> = (0..MAX_REQUESTS_PER_NETWORK)
            .map(|_| budgets.admit(Some(b"one")).expect("capacity"))
            .collect();
        assert!(budgets.admit(Some(b"one")).is_none());
        assert!(budgets.admit(Some(b"two")).is_some());
        held.extend(
            (held.len()..MAX_REQUESTS)
                .map(|_| budgets.admit(None).expect("capacity of all networks")),
        );
        assert!(budgets.admit(None).is_none() && budgets.admit(Some(b"two")).is_none());
        let copy = held.pop();
        let kept = copy.clone();
        drop(copy);
        assert!(budgets.admit(None).is_none(), "a copy keeps the capacity reserved");
        drop(kept);
        assert!(budgets.admit(None).is_some(), "the capacity is released");
    }

    #[test]
    fn bytes_are_reserved_until_response_is_dropped() {
        let budgets = Budgets::default();
        let charge = |network: Option<&[u8]>, bytes| {
            budgets.admit(network).and_then(|admission| budgets.charge(network, admission, bytes))
        };
        let held = charge(Some(b"one"), MAX_RESPONSE_BYTES_PER_NETWORK).expect("capacity");
        assert!(charge(Some(b"one"), 1).is_none() && charge(Some(b"one"), 0).is_some());
        assert!(charge(Some(b"two"), MAX_RESPONSE_BYTES_PER_NETWORK).is_some());
        assert!(
            charge(None, MAX_RESPONSE_BYTES - MAX_RESPONSE_BYTES_PER_NETWORK + 1).is_none(),
            "exceeds the total"
        );
        drop(held);
        assert!(charge(Some(b"one"), MAX_RESPONSE_BYTES_PER_NETWORK).is_some());
        assert!(charge(None, MAX_RESPONSE_BYTES).is_some());
    }
}
