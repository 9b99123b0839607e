//! Which sessions were in use, and which generation of their refresh token is known to have
//! arrived. Kept in memory and written in batches, at most a second late, so that a protected read
//! never writes.

use crate::{Error, Store, flow::Retries};
use countersign_types::{SessionId, Span, Timestamp};
use futures::stream::{self, TryStreamExt};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// "Last used" may be so much out of date in the database.
pub(crate) const COARSE: Span = Span::minutes(1);
/// After so long without use an entry is dropped: it knows nothing that was not written but some
/// seconds of "last used".
const FORGET: Span = Span::minutes(5);
/// Of the connections to Postgres so many write who was seen, at most.
const WRITERS: usize = 4;

#[derive(Clone, Copy, Default)]
struct Entry {
    generation: i64,
    at: i64,
    written_generation: i64,
    written_at: i64,
}

impl Entry {
    const fn is_unwritten(self) -> bool {
        self.generation > self.written_generation || self.at - self.written_at >= COARSE.0
    }
}

#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<SessionId, Entry>>);

impl Seen {
    fn entries(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A credential of this generation was used.
    pub(crate) fn mark(&self, session: SessionId, generation: i64, now: Timestamp) {
        let mut entries = self.entries();
        let entry = entries.entry(session).or_default();
        entry.generation = entry.generation.max(generation);
        entry.at = entry.at.max(now.0);
    }

    /// What this node knows beyond what it has written.
    pub(crate) fn confirmed(&self, session: SessionId) -> i64 {
        self.entries().get(&session).map_or(0, |entry| entry.generation)
    }

    /// When this node has seen the session last, if that was lately.
    pub(crate) fn last(&self, session: SessionId) -> Option<Timestamp> {
        self.entries().get(&session).map(|entry| Timestamp(entry.at))
    }

    /// Writes what is new.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        let unwritten: Vec<(SessionId, Entry)> = {
            let mut entries = self.entries();
            // A clock that was ahead and has been set right: what it marked was used now at the
            // latest.
            entries.values_mut().for_each(|entry| entry.at = entry.at.min(now.0));
            entries.retain(|_, entry| entry.is_unwritten() || now.0 - entry.at < FORGET.0);
            let mut unwritten: Vec<_> = entries
                .iter()
                .filter(|(_, entry)| entry.is_unwritten())
                .map(|(id, entry)| (*id, *entry))
                .collect();
            // In one order, so that two nodes that flush do not wait for each other for ever.
            unwritten.sort_by_key(|(id, _)| *id);
            unwritten
        };
        // On SQLite in parts, so that nobody who wants to log in waits long for the one writer. On
        // Postgres each by itself: whoever ends several sessions of a person at this moment
        // locks them in another order, and the two would wait for each other for ever. But a few at
        // the same time, so that a busy second is written within the next one.
        let (part, at_once) = if store.kind() == "postgres" { (1, WRITERS) } else { (200, 1) };
        let parts = stream::iter(unwritten.chunks(part).map(Ok));
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
            tx.session_seen(*id, entry.generation, Timestamp(entry.at)).await?;
        }
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{on_both, testing::StoreWorld};
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    on_both! {
        async fn entry_of_a_fast_clock_is_forgotten_in_time(world: StoreWorld) {
            let (seen, session) = (Seen::default(), SessionId(Uuid::from_u128(1)));
            seen.mark(session, 1, NOW + Span::days(1));
            seen.flush(&world.store, NOW).await.expect("written");
            assert_eq!(seen.last(session), Some(NOW));
            seen.flush(&world.store, NOW + FORGET).await.expect("written");
            assert_eq!(seen.last(session), None);
        }
    }
}
