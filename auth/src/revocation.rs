//! What is refused at once, without asking the database: the sessions and epochs that ended within the longest life of an access token.
//!
//! The node that ends something applies it here before it answers. Every node hears of it from the feed, within a second. A node that has
//! not heard from the feed for [`DEAF_AFTER`] does not know what is revoked, and says so instead of guessing.

use crate::{
    Error, Store,
    store::feed::{Item, News},
    token::Claims,
    world::monotonic,
};
use contract::{SessionId, Timestamp, UserId};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How long a node trusts its memory without having heard from the feed.
pub const DEAF_AFTER: Duration = Duration::from_secs(30);

/// The memory of one node.
pub struct Revocations {
    memory: RwLock<Memory>,
    /// The number of the last line that was read, and when.
    heard: Mutex<(i64, Instant)>,
    /// The feed has said that the signing keys are others, and they have not been read yet. (They are read at the start.)
    keys_changed: AtomicBool,
}

#[derive(Default)]
struct Memory {
    sessions: HashMap<SessionId, Timestamp>,
    epochs: HashMap<UserId, (i64, Timestamp)>,
}

impl Revocations {
    /// Reads everything that must still be remembered.
    pub(crate) async fn load(store: &Store, now: Timestamp) -> Result<Self, Error> {
        let mut reader = store.read().await?;
        let head = reader.feed_head().await?;
        let revocations = Self { memory: RwLock::default(), heard: Mutex::new((head, monotonic())), keys_changed: AtomicBool::default() };
        for item in reader.feed_alive(head, now).await? {
            revocations.apply(&item);
        }
        revocations.keys_were_read();
        Ok(revocations)
    }

    /// Reads what is new. Called by every node at least once a second.
    pub(crate) async fn catch_up(&self, store: &Store) -> Result<(), Error> {
        loop {
            let (number, _) = *self.heard();
            let items = store.read().await?.feed_since(number).await?;
            for item in &items {
                self.apply(item);
            }
            let last = items.last().map_or(number, |item| item.number);
            let mut state = self.heard();
            *state = (state.0.max(last), monotonic());
            if items.len() < 1000 {
                return Ok(());
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, (i64, Instant)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, item: &Item) {
        if let Some(news) = &item.news {
            self.note(news, item.until);
        }
    }

    /// Remembers until `until`. Called by the node that does it, and for what the feed says.
    pub(crate) fn note(&self, news: &News, until: Timestamp) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::SessionEnded(id) => {
                let kept = memory.sessions.entry(*id).or_insert(until);
                *kept = until.max(*kept);
            }
            News::EpochRaised(id, epoch) => {
                let kept = memory.epochs.entry(*id).or_insert((*epoch, until));
                *kept = ((*epoch).max(kept.0), until.max(kept.1));
            }
            News::KeysChanged => self.keys_changed.store(true, Ordering::SeqCst),
        }
    }

    /// Whether a token that is otherwise valid has been revoked.
    #[must_use]
    pub fn refuses(&self, claims: &Claims) -> bool {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.sessions.contains_key(&claims.sid) || memory.epochs.get(&claims.sub).is_some_and(|(epoch, _)| claims.epoch < *epoch)
    }

    pub(crate) fn keys_changed(&self) -> bool {
        self.keys_changed.load(Ordering::SeqCst)
    }

    pub(crate) fn keys_were_read(&self) {
        self.keys_changed.store(false, Ordering::SeqCst);
    }

    /// Whether this node has not heard from the feed for too long.
    #[must_use]
    pub fn is_deaf(&self) -> bool {
        self.heard().1.elapsed() > DEAF_AFTER
    }

    /// Drops what no living token can be about.
    pub(crate) fn forget(&self, now: Timestamp) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.sessions.retain(|_, until| *until > now);
        memory.epochs.retain(|_, (_, until)| *until > now);
    }
}
