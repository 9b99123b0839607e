//! What the requests of one network may hold of this server at a time, from their heads until the
//! last byte of their responses is written. A client that asks and does not read thus takes what
//! belongs to its own network, and no more.
//!
//! A network is an IPv4 address or the /64 of an IPv6 address. Trusted proxies speak for many
//! clients: of them only the totals count.

use crate::{
    Server,
    layers::{host, trace::is_in},
    quota::{Quota, Slot},
};
use axum::{
    body::HttpBody,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_core::Client;
use std::sync::Arc;

/// Requests of all networks together, and of one.
///
/// A browser has some ten requests under way: one network has room for fifty browsers that all
/// wait.
pub const MAX_REQUESTS: usize = 8192;
/// Of these, the share of one network.
pub const MAX_REQUESTS_PER_NETWORK: usize = 512;
/// Bytes of responses that are in memory as a whole, for all networks together. Files are not:
/// they are shared, and sent in small pieces.
pub const MAX_RESPONSE_BYTES: usize = 128 * 1024 * 1024;
/// Of these, the share of one network.
pub const MAX_RESPONSE_BYTES_PER_NETWORK: usize = 8 * 1024 * 1024;

/// What is held at the moment.
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

/// The part of the budgets that a request has, for as long as a copy of this exists. Stands in the
/// extensions of requests and of responses.
#[derive(Clone)]
pub(crate) struct Admission {
    _slots: Arc<Slot<Vec<u8>>>,
    _bytes: Option<Arc<Slot<Vec<u8>>>>,
}

impl Budgets {
    /// Room for a request. `network`: `None` is a trusted proxy.
    fn admit(&self, network: Option<&[u8]>) -> Option<Admission> {
        let slot = self.requests.take(&holder(network, MAX_REQUESTS_PER_NETWORK))?;
        Some(Admission { _slots: Arc::new(slot), _bytes: None })
    }

    /// Room for its response, too.
    fn charge(
        &self,
        network: Option<&[u8]>,
        admission: Admission,
        bytes: usize,
    ) -> Option<Admission> {
        let slot = self.bytes.take_many(bytes, &holder(network, MAX_RESPONSE_BYTES_PER_NETWORK))?;
        Some(Admission { _bytes: Some(Arc::new(slot)), ..admission })
    }
}

fn holder(network: Option<&[u8]>, most: usize) -> Vec<(Vec<u8>, usize)> {
    network.map(|network| (network.to_vec(), most)).into_iter().collect()
}

/// Refuses a request for which there is no room, and a response. The refusal has no body: a client
/// that does not read it takes nothing.
pub async fn within_budget(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    // An orchestrator may share an address with clients.
    if host::PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<Client>();
    let is_proxy = client
        .and_then(|client| client.address)
        .is_some_and(|address| is_in(&server.trusted_proxies, &address));
    let network = client.filter(|_| !is_proxy).map(Client::network);
    let Some(admission) = server.budgets.admit(network.as_deref()) else { return full() };
    request.extensions_mut().insert(admission.clone());
    let mut response = next.run(request).await;
    let bytes = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    let Some(admission) = server.budgets.charge(network.as_deref(), admission, bytes) else {
        return full();
    };
    response.extensions_mut().insert(admission);
    response
}

fn full() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, HeaderValue::from_static("2"))])
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_at_its_limit_is_refused_and_others_are_not() {
        let budgets = Budgets::default();
        let mut held: Vec<_> = (0..MAX_REQUESTS_PER_NETWORK)
            .map(|_| budgets.admit(Some(b"one")).expect("room"))
            .collect();
        assert!(budgets.admit(Some(b"one")).is_none());
        assert!(budgets.admit(Some(b"two")).is_some());
        held.extend(
            (held.len()..MAX_REQUESTS).map(|_| budgets.admit(None).expect("a proxy has the total")),
        );
        assert!(budgets.admit(None).is_none() && budgets.admit(Some(b"two")).is_none());
        let copy = held.pop();
        let kept = copy.clone();
        drop(copy);
        assert!(budgets.admit(None).is_none(), "a copy holds it");
        drop(kept);
        assert!(budgets.admit(None).is_some(), "room that became free");
    }

    #[test]
    fn bytes_are_held_as_long_as_the_response() {
        let budgets = Budgets::default();
        let charge = |network: Option<&[u8]>, bytes| {
            budgets.admit(network).and_then(|admission| budgets.charge(network, admission, bytes))
        };
        let held = charge(Some(b"one"), MAX_RESPONSE_BYTES_PER_NETWORK).expect("room");
        assert!(charge(Some(b"one"), 1).is_none() && charge(Some(b"one"), 0).is_some());
        assert!(charge(Some(b"two"), MAX_RESPONSE_BYTES_PER_NETWORK).is_some());
        assert!(
            charge(None, MAX_RESPONSE_BYTES - MAX_RESPONSE_BYTES_PER_NETWORK + 1).is_none(),
            "more than all may have"
        );
        drop(held);
        assert!(charge(Some(b"one"), MAX_RESPONSE_BYTES_PER_NETWORK).is_some());
        assert!(charge(None, MAX_RESPONSE_BYTES).is_some());
    }
}
