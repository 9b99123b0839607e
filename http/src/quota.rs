//! A quota: a limited number of slots, of which each holder can have only some, so that one client
//! can't use up a scarce resource.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A limited number of slots. Clones share the slots.
#[derive(Debug)]
pub struct Quota<K>(Arc<Mutex<State<K>>>);

#[derive(Debug)]
struct State<K> {
    free: usize,
    /// Number of slots of each holder. Holders without a slot are not listed, so the number of
    /// slots bounds the map.
    held: HashMap<K, usize>,
}

/// One or more slots, counted for some holders. Dropping it releases the slots.
#[derive(Debug)]
pub struct Slot<K: Eq + Hash> {
    quota: Quota<K>,
    slots: usize,
    holders: Vec<K>,
}

impl<K> Clone for Quota<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Quota<K> {
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Quota<K> {
    /// Creates a quota with this number of slots.
    pub fn new(slots: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: slots, held: HashMap::new() })))
    }

    /// Acquires a slot that counts for each of these holders, given with their limits. Returns
    /// `None` if no slot is free or a holder is at its limit.
    pub fn acquire(&self, holders: &[(K, usize)]) -> Option<Slot<K>> {
        self.acquire_many(1, holders)
    }

    /// Like [`Self::acquire`], with several slots, either all of them or none.
    pub fn acquire_many(&self, slots: usize, holders: &[(K, usize)]) -> Option<Slot<K>> {
        let mut state = self.state();
        let would_exceed = |(holder, limit): &(K, usize)| {
            state.held.get(holder).copied().unwrap_or(0).saturating_add(slots) > *limit
        };
        if state.free < slots || holders.iter().any(would_exceed) {
            return None;
        }
        state.free -= slots;
        for (holder, _) in holders {
            *state.held.entry(holder.clone()).or_default() += slots;
        }
        Some(Slot {
            quota: self.clone(),
            slots,
            holders: holders.iter().map(|(holder, _)| holder.clone()).collect(),
        })
    }
}

impl<K: Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut state = self.quota.state();
        state.free += self.slots;
        for holder in &self.holders {
            if let Some(held) = state.held.get_mut(holder) {
                *held -= self.slots;
                if *held == 0 {
                    state.held.remove(holder);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_limits_each_holder_and_the_total() {
        let quota = Quota::new(5);
        let take = |holder: &'static str| quota.acquire(&[(holder, 2)]);
        let (one, two) = (take("ada").expect("a slot"), take("ada").expect("a slot"));
        assert!(take("ada").is_none(), "ada is at her limit");
        let others = [take("bob"), take("bob"), take("eve")].map(|slot| slot.expect("a slot"));
        assert!(take("eve").is_none(), "all five are taken");
        drop(one);
        assert!(take("bob").is_none(), "bob is at his limit");
        assert!(take("eve").is_some() && take("ada").is_some());
        drop((two, others));
        assert!(quota.state().held.is_empty() && quota.state().free == 5);
    }

    #[test]
    fn many_slots_are_acquired_together_or_not_at_all() {
        let quota = Quota::new(10);
        let held = quota.acquire_many(6, &[("ada", 8)]).expect("slots");
        assert!(quota.acquire_many(3, &[("ada", 8)]).is_none(), "beyond her limit");
        assert!(quota.acquire_many(5, &[]).is_none(), "more than are free");
        assert!(quota.acquire_many(2, &[("ada", 8)]).is_some());
        drop(held);
        assert!(quota.acquire_many(10, &[]).is_some() && quota.state().held.is_empty());
    }

    #[test]
    fn slot_counts_for_each_of_its_holders() {
        let quota = Quota::new(9);
        let held = quota.acquire(&[("user 1", 1), ("network", 2)]).expect("a slot");
        assert!(quota.acquire(&[("user 1", 1), ("elsewhere", 2)]).is_none());
        let _second = quota.acquire(&[("user 2", 1), ("network", 2)]).expect("a slot");
        assert!(quota.acquire(&[("user 3", 1), ("network", 2)]).is_none());
        drop(held);
        assert!(quota.acquire(&[("user 1", 1), ("network", 2)]).is_some());
    }
}
