//! The usage that [`crate::middleware::budget`] bounds: concurrent requests and buffered response
//! bytes.

use crate::quota::{Quota, Slot};
use countersign_core::Network;
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
    requests: Quota<Network>,
    bytes: Quota<Network>,
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
    _slots: Arc<Slot<Network>>,
    _bytes: Option<Arc<Slot<Network>>>,
}

impl Budgets {
    /// Reserves capacity for a request. `network`: `None` for a trusted proxy.
    pub(crate) fn admit(&self, network: Option<Network>) -> Option<Admission> {
        let slot = self.requests.acquire(holder(network, MAX_REQUESTS_PER_NETWORK).as_slice())?;
        Some(Admission { _slots: Arc::new(slot), _bytes: None })
    }

    /// Reserves capacity for the response of an admitted request.
    pub(crate) fn charge(
        &self,
        network: Option<Network>,
        admission: Admission,
        bytes: usize,
    ) -> Option<Admission> {
        let holder = holder(network, MAX_RESPONSE_BYTES_PER_NETWORK);
        let slot = self.bytes.acquire_many(bytes, holder.as_slice())?;
        Some(Admission { _bytes: Some(Arc::new(slot)), ..admission })
    }
}

fn holder(network: Option<Network>, limit: usize) -> Option<(Network, usize)> {
    network.map(|network| (network, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks() -> (Network, Network) {
        let [one, two] = [1, 2].map(|last| Network::of(Some([192, 0, 2, last].into())));
        (one, two)
    }

    #[test]
    fn network_at_its_limit_is_rejected_and_others_are_not() {
        let (budgets, (one, two)) = (Budgets::default(), networks());
        let mut held: Vec<_> = (0..MAX_REQUESTS_PER_NETWORK)
            .map(|_| budgets.admit(Some(one)).expect("capacity"))
            .collect();
        assert!(budgets.admit(Some(one)).is_none());
        assert!(budgets.admit(Some(two)).is_some());
        held.extend(
            (held.len()..MAX_REQUESTS)
                .map(|_| budgets.admit(None).expect("capacity of all networks")),
        );
        assert!(budgets.admit(None).is_none() && budgets.admit(Some(two)).is_none());
        let copy = held.pop();
        let kept = copy.clone();
        drop(copy);
        assert!(budgets.admit(None).is_none(), "a copy keeps the capacity reserved");
        drop(kept);
        assert!(budgets.admit(None).is_some(), "the capacity is released");
    }

    #[test]
    fn bytes_are_reserved_until_response_is_dropped() {
        let (budgets, (one, two)) = (Budgets::default(), networks());
        let charge = |network: Option<Network>, bytes| {
            budgets.admit(network).and_then(|admission| budgets.charge(network, admission, bytes))
        };
        let held = charge(Some(one), MAX_RESPONSE_BYTES_PER_NETWORK).expect("capacity");
        assert!(charge(Some(one), 1).is_none() && charge(Some(one), 0).is_some());
        assert!(charge(Some(two), MAX_RESPONSE_BYTES_PER_NETWORK).is_some());
        assert!(
            charge(None, MAX_RESPONSE_BYTES - MAX_RESPONSE_BYTES_PER_NETWORK + 1).is_none(),
            "exceeds the total"
        );
        drop(held);
        assert!(charge(Some(one), MAX_RESPONSE_BYTES_PER_NETWORK).is_some());
        assert!(charge(None, MAX_RESPONSE_BYTES).is_some());
    }
}
