//! The last use of sessions, and the refresh token generations that are known to have reached their
//! clients. Both are kept in memory and written in batches, at most a second late, so that an
//! authenticated read never writes.

use crate::{Error, Store, store::retries::Retries};
use countersign_types::{SessionId, TimeSpan, Timestamp};
use futures::stream::{self, TryStreamExt};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Maximum error of "last used" in the database.
pub(crate) const LAST_SEEN_GRANULARITY: TimeSpan = TimeSpan::minutes(1);
/// How long an unused entry is kept. All but the last seconds of "last used" are written by then.
const ENTRY_TTL: TimeSpan = TimeSpan::minutes(5);
/// Maximum number of Postgres connections that write activity.
const MAX_CONCURRENT_WRITES: usize = 4;

#[derive(Clone, Copy, Default)]
struct Entry {
    generation: i64,
    at: i64,
    written_generation: i64,
    written_at: i64,
}

impl Entry {
    const fn is_dirty(self) -> bool {
        self.generation > self.written_generation
            || self.at - self.written_at >= LAST_SEEN_GRANULARITY.0
    }
}

#[derive(Default)]
pub(crate) struct ActivityTracker(Mutex<HashMap<SessionId, Entry>>);

impl ActivityTracker {
    fn entries(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the use of a credential of this generation.
    pub(crate) fn mark(&self, session: SessionId, generation: i64, now: Timestamp) {
        let mut entries = self.entries();
        let entry = entries.entry(session).or_default();
        entry.generation = entry.generation.max(generation);
        entry.at = entry.at.max(now.0);
    }

    /// The generation that is known to this node, whether written or not.
    pub(crate) fn confirmed_generation(&self, session: SessionId) -> i64 {
        self.entries().get(&session).map_or(0, |entry| entry.generation)
    }

    /// The last use that this node has seen, if it was recent.
    pub(crate) fn last_seen(&self, session: SessionId) -> Option<Timestamp> {
        self.entries().get(&session).map(|entry| Timestamp(entry.at))
    }

    /// Writes new entries to the database.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        let dirty: Vec<(SessionId, Entry)> = {
            let mut entries = self.entries();
            // An entry from a clock that ran ahead and was corrected: its last use was now at the
            // latest.
            entries.values_mut().for_each(|entry| entry.at = entry.at.min(now.0));
            entries.retain(|_, entry| entry.is_dirty() || now.0 - entry.at < ENTRY_TTL.0);
            let mut dirty: Vec<_> = entries
                .iter()
                .filter(|(_, entry)| entry.is_dirty())
                .map(|(id, entry)| (*id, *entry))
                .collect();
            // A fixed order prevents deadlocks between nodes.
            dirty.sort_by_key(|(id, _)| *id);
            dirty
        };
        // SQLite: batches, so that log-ins do not wait long for the writer. Postgres: one
        // transaction for each session, because a concurrent revocation of several sessions locks
        // them in another order, which would deadlock; a few run concurrently, so that a busy
        // second is written within the next one.
        let (part, at_once) =
            if store.kind() == "postgres" { (1, MAX_CONCURRENT_WRITES) } else { (200, 1) };
        let parts = stream::iter(dirty.chunks(part).map(Ok));
        parts.try_for_each_concurrent(at_once, |part| self.write(store, part)).await
    }

    async fn write(&self, store: &Store, part: &[(SessionId, Entry)]) -> Result<(), Error> {
        let mut retries = Retries::default();
        loop {
            let done = Self::write_once(store, part).await;
            if !retries.again(&done) {
                done?;
                break;
            }
        }
        let mut entries = self.entries();
        for (id, written) in part {
            if let Some(entry) = entries.get_mut(id) {
                entry.written_generation = entry.written_generation.max(written.generation);
                entry.written_at = entry.written_at.max(written.at);
            }
        }
        Ok(())
    }

    async fn write_once(store: &Store, part: &[(SessionId, Entry)]) -> Result<(), Error> {
        let mut tx = store.write().await?;
        for (id, entry) in part {
            tx.session_touch(*id, entry.generation, Timestamp(entry.at)).await?;
        }
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{test_on_each_database, testing::TestStore};
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    test_on_each_database! {
        async fn entry_of_fast_clock_expires_in_time(context: TestStore) {
            let (seen, session) = (ActivityTracker::default(), SessionId(Uuid::from_u128(1)));
            seen.mark(session, 1, NOW + TimeSpan::days(1));
            seen.flush(&context.store, NOW).await.expect("written");
            assert_eq!(seen.last_seen(session), Some(NOW));
            seen.flush(&context.store, NOW + ENTRY_TTL).await.expect("written");
            assert_eq!(seen.last_seen(session), None);
        }
    }
}
