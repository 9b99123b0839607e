//! The usage that [`crate::middleware::budget`] bounds: concurrent requests and buffered response
//! bytes.

use crate::quota::{Quota, Slot};
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
    pub(crate) fn admit(&self, network: Option<&[u8]>) -> Option<Admission> {
        let slot = self.requests.acquire(&holder(network, MAX_REQUESTS_PER_NETWORK))?;
        Some(Admission { _slots: Arc::new(slot), _bytes: None })
    }

    /// Reserves capacity for the response of an admitted request.
    pub(crate) fn charge(
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
