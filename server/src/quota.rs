//! Slots of which there are a few, and of which each holder may have only a share: what is scarce
//! is not taken by one client.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A number of slots. Cloning it shares them.
#[derive(Debug)]
pub(crate) struct Quota<K>(Arc<Mutex<State<K>>>);

#[derive(Debug)]
struct State<K> {
    free: usize,
    /// How many slots each holder has. Those without are not listed, so the list is bounded by the
    /// slots.
    held: HashMap<K, usize>,
}

/// One or more slots, counted for some holders. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Slot<K: Eq + Hash> {
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
    /// `slots`: how many there are.
    pub(crate) fn new(slots: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: slots, held: HashMap::new() })))
    }

    /// A slot that counts for each of these holders, with how many each may have. `None`: none is
    /// free, or one of the holders has its share.
    pub(crate) fn take(&self, holders: &[(K, usize)]) -> Option<Slot<K>> {
        self.take_many(1, holders)
    }

    /// As [`Self::take`], with so many slots at once, or none.
    pub(crate) fn take_many(&self, slots: usize, holders: &[(K, usize)]) -> Option<Slot<K>> {
        let mut state = self.state();
        let would_exceed = |(holder, most): &(K, usize)| {
            state.held.get(holder).copied().unwrap_or(0).saturating_add(slots) > *most
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
    fn holder_has_its_share_and_all_together_have_the_slots() {
        let quota = Quota::new(5);
        let take = |holder: &'static str| quota.take(&[(holder, 2)]);
        let (one, two) = (take("ada").expect("a slot"), take("ada").expect("a slot"));
        assert!(take("ada").is_none(), "her share");
        let others = [take("bob"), take("bob"), take("eve")].map(|slot| slot.expect("a slot"));
        assert!(take("eve").is_none(), "there are five");
        drop(one);
        assert!(take("bob").is_none(), "his share");
        assert!(take("eve").is_some() && take("ada").is_some());
        drop((two, others));
        assert!(quota.state().held.is_empty() && quota.state().free == 5);
    }

    #[test]
    fn slots_are_taken_together_or_not_at_all() {
        let quota = Quota::new(10);
        let held = quota.take_many(6, &[("ada", 8)]).expect("slots");
        assert!(quota.take_many(3, &[("ada", 8)]).is_none(), "beyond her share");
        assert!(quota.take_many(5, &[]).is_none(), "more than are free");
        assert!(quota.take_many(2, &[("ada", 8)]).is_some());
        drop(held);
        assert!(quota.take_many(10, &[]).is_some() && quota.state().held.is_empty());
    }

    #[test]
    fn slot_counts_for_all_of_its_holders() {
        let quota = Quota::new(9);
        let held = quota.take(&[("user 1", 1), ("network", 2)]).expect("a slot");
        assert!(quota.take(&[("user 1", 1), ("elsewhere", 2)]).is_none());
        let _second = quota.take(&[("user 2", 1), ("network", 2)]).expect("a slot");
        assert!(quota.take(&[("user 3", 1), ("network", 2)]).is_none());
        drop(held);
        assert!(quota.take(&[("user 1", 1), ("network", 2)]).is_some());
    }
}
