//! The revocations that are checked without a database read: sessions and epochs that ended while
//! one of their access tokens could still be valid (the maximum lifetime, a minute, and a day for
//! clocks that ran ahead). Memory is bounded by one entry for each.
//!
//! The node that revokes something records it here before it responds. All other nodes read it from
//! the change feed within a second. A node that has not read the feed for [`MAX_STALENESS`] does
//! not know what is revoked, and rejects requests with an error.

use crate::{
    Error, Store,
    clock::monotonic,
    sessions::access_token::Claims,
    store::change_feed::{Change, FeedEntry},
};
use countersign_types::{SessionId, Timestamp, UserId};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How long revocations are trusted without a successful read of the feed.
pub const MAX_STALENESS: Duration = Duration::from_secs(30);
/// Maximum duration of one read of the feed.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// The revocations that one node knows.
pub struct RevocationList {
    memory: RwLock<State>,
    /// The number of the last entry that was read, and the time of the read.
    last_synced: Mutex<(i64, Instant)>,
    /// Set when the feed announced a change of the signing keys, until they are loaded.
    keys_changed: AtomicBool,
    /// Revocations whose commit failed and may have taken effect, each with its `until`. There is
    /// one entry for each session or user, however often the commit fails.
    uncertain: Mutex<HashMap<Change, Timestamp>>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<SessionId, Timestamp>,
    epochs: HashMap<UserId, (i64, Timestamp)>,
}

impl RevocationList {
    /// Loads all revocations that have not expired.
    pub(crate) async fn load(store: &Store, now: Timestamp) -> Result<Self, Error> {
        let mut reader = store.read().await?;
        let head = reader.feed_head().await?;
        let revocations = Self {
            memory: RwLock::default(),
            last_synced: Mutex::new((head, monotonic())),
            keys_changed: AtomicBool::default(),
            uncertain: Mutex::default(),
        };
        for item in reader.feed_unexpired(head, now).await? {
            revocations.apply(&item);
        }
        Ok(revocations)
    }

    /// Reads new entries of the feed. Every node calls it at least once a second.
    pub(crate) async fn sync(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        loop {
            // The state is at least as new as the start of the query.
            let asked = monotonic();
            let (number, _) = *self.last_synced();
            let (items, head) = timeout(QUERY_TIMEOUT, async {
                let mut reader = store.read().await?;
                // The head is read first: all entries up to it are committed.
                let head = reader.feed_head().await?;
                Ok::<_, Error>((reader.feed_since(number).await?, head))
            })
            .await
            .map_err(|elapsed| Error::Unavailable(elapsed.into()))??;
            // Numbers are consecutive. After a gap, entries may have been pruned, so everything is
            // loaded again.
            let gap = items.first().map_or(head > number, |first| first.number != number + 1);
            let (items, last) = if gap {
                self.keys_changed.store(true, Ordering::SeqCst);
                (
                    timeout(QUERY_TIMEOUT, async {
                        store.read().await?.feed_unexpired(head, now).await
                    })
                    .await
                    .map_err(|elapsed| Error::Unavailable(elapsed.into()))??,
                    head,
                )
            } else {
                let last = items.last().map_or(number, |item| item.number);
                (items, last)
            };
            for item in &items {
                self.apply(item);
            }
            let mut state = self.last_synced();
            *state = (state.0.max(last), asked.max(state.1));
            if gap || items.len() < 1000 {
                return Ok(());
            }
        }
    }

    fn last_synced(&self) -> MutexGuard<'_, (i64, Instant)> {
        self.last_synced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, item: &FeedEntry) {
        if let Some(change) = &item.change {
            self.record(change, item.until);
        }
    }

    /// Records a revocation until `until`, on the node that made it and for entries of the feed.
    pub(crate) fn record(&self, change: &Change, until: Timestamp) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::SessionRevoked(id) => {
                let kept = memory.sessions.entry(*id).or_insert(until);
                *kept = until.max(*kept);
            }
            Change::EpochRaised(id, epoch) => {
                let kept = memory.epochs.entry(*id).or_insert((*epoch, until));
                *kept = ((*epoch).max(kept.0), until.max(kept.1));
            }
            Change::KeysChanged => self.keys_changed.store(true, Ordering::SeqCst),
        }
    }

    /// Like [`RevocationList::record`], for a commit that failed and may have taken effect.
    /// [`RevocationList::reconcile`] checks it later.
    pub(crate) fn record_uncertain(&self, change: &Change, until: Timestamp) {
        self.record(change, until);
        self.uncertain().insert(change.clone(), until);
    }

    fn uncertain(&self) -> MutexGuard<'_, HashMap<Change, Timestamp>> {
        self.uncertain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks whether failed commits took effect, and removes revocations that did not. Otherwise
    /// valid sessions would stay rejected.
    pub(crate) async fn reconcile(&self, store: &Store) -> Result<(), Error> {
        loop {
            let next =
                self.uncertain().iter().next().map(|(change, until)| (change.clone(), *until));
            let Some((change, until)) = next else { return Ok(()) };
            let mut reader = store.read().await?;
            let happened = match &change {
                // The time matters for the account only, which is not used.
                Change::SessionRevoked(id) => reader
                    .session_with_user(*id, until)
                    .await?
                    .is_none_or(|row| row.session.revoked_at.is_some()),
                Change::EpochRaised(id, epoch) => {
                    reader.user_by_id(*id).await?.is_none_or(|user| user.epoch >= *epoch)
                }
                Change::KeysChanged => true,
            };
            // It stays if it was recorded again meanwhile.
            self.uncertain().retain(|doubt, noted| *doubt != change || *noted != until);
            if !happened {
                self.undo(&change, until);
            }
        }
    }

    /// Removes a revocation, unless it was recorded again.
    fn undo(&self, change: &Change, until: Timestamp) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::SessionRevoked(id) if memory.sessions.get(id) == Some(&until) => {
                memory.sessions.remove(id);
            }
            // An earlier epoch is in the feed and is loaded at the next start, but not known here.
            // It was one less, except for deleted accounts.
            Change::EpochRaised(id, i64::MAX)
                if memory.epochs.get(id) == Some(&(i64::MAX, until)) =>
            {
                memory.epochs.remove(id);
            }
            Change::EpochRaised(id, epoch) if memory.epochs.get(id) == Some(&(*epoch, until)) => {
                memory.epochs.insert(*id, (*epoch - 1, until));
            }
            _ => {}
        }
    }

    /// Whether a token that is otherwise valid has been revoked.
    #[must_use]
    pub fn is_revoked(&self, claims: &Claims) -> bool {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.sessions.contains_key(&claims.sid)
            || memory.epochs.get(&claims.sub).is_some_and(|(epoch, _)| claims.epoch < *epoch)
    }

    pub(crate) fn keys_changed(&self) -> bool {
        self.keys_changed.load(Ordering::SeqCst)
    }

    pub(crate) fn mark_keys_loaded(&self) {
        self.keys_changed.store(false, Ordering::SeqCst);
    }

    /// Whether the feed was not read for longer than [`MAX_STALENESS`].
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.last_synced().1.elapsed() > MAX_STALENESS
    }

    /// Removes entries that no valid token can match.
    pub(crate) fn prune(&self, now: Timestamp) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.sessions.retain(|_, until| *until > now);
        memory.epochs.retain(|_, (_, until)| *until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Auth, AuthConfig, Clock, HashingConfig, Policy, RandomSource, RequestContext, ServerSecret,
        sessions::access_token, test_on_each_database, testing::TestDatabase,
    };
    use countersign_types::{TimeSpan, forms::SignUpForm};
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    /// A user who has just signed up, and the claims of the access token.
    struct TestContext {
        store: Store,
        claims: Claims,
        _database: TestDatabase,
    }

    impl TestContext {
        async fn on(database: TestDatabase) -> Self {
            let store = Store::open(&database.url).await.expect("a database");
            let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
            let (policy, hashing) = (
                Policy::new("https://countersign.example"),
                HashingConfig {
                    memory_kib: 64,
                    iterations: 1,
                    parallelism: 1,
                    threads: 1,
                    queue_capacity: 64,
                },
            );
            let parts = AuthConfig {
                store: store.clone(),
                clock: Clock::manual(NOW),
                random: RandomSource::System,
                secret,
                policy,
                hashing,
                mail: None,
            };
            let auth = Auth::start(parts).await.expect("a start");
            let form = SignUpForm {
                email: "ada@example.com".into(),
                password: "correct horse battery".into(),
                ..SignUpForm::default()
            };
            let issued = auth
                .sign_up(&RequestContext::default(), &form, None)
                .await
                .expect("a sign-up")
                .tokens()
                .expect("tokens");
            let claims = access_token::verify(
                auth.keys(),
                auth.token_cache(),
                &auth.policy().issuer,
                &issued.access.token,
                NOW,
            )
            .expect("a token");
            let claims = Claims::clone(&claims);
            Self { store, claims, _database: database }
        }

        /// Whether a token is rejected while the outcome is uncertain, and after reconciliation.
        /// `synced`: the feed has brought the same change meanwhile.
        async fn rejections(&self, claims: &Claims, change: &Change, synced: bool) -> [bool; 2] {
            let (revocations, until) = (
                RevocationList::load(&self.store, NOW).await.expect("loaded"),
                NOW + TimeSpan::minutes(61),
            );
            assert!(!revocations.is_revoked(claims));
            revocations.record_uncertain(change, until);
            let before = revocations.is_revoked(claims);
            if synced {
                revocations.record(change, until + TimeSpan(1));
            }
            revocations.reconcile(&self.store).await.expect("settled");
            [before, revocations.is_revoked(claims)]
        }
    }

    test_on_each_database! {
        async fn failed_revocation_is_undone_unless_recorded_again(context: TestContext) {
            let claims = &context.claims;
            for change in [
                Change::SessionRevoked(claims.sid),
                Change::EpochRaised(claims.sub, 1),
                Change::EpochRaised(claims.sub, i64::MAX),
            ] {
                assert_eq!(
                    context.rejections(claims, &change, false).await,
                    [true, false],
                    "{change:?}"
                );
                let rejections = context.rejections(claims, &change, true).await;
                assert_eq!(rejections, [true, true], "{change:?}");
            }
        }

        async fn committed_revocation_stays(context: TestContext) {
            let claims = &context.claims;
            let mut tx = context.store.write().await.expect("a transaction");
            tx.user_raise_epoch(claims.sub).await.expect("raised");
            tx.session_revoke(claims.sid, "ended", NOW).await.expect("ended");
            tx.commit().await.expect("a commit");
            // As after the deletion of an account.
            let gone =
                &Claims { sub: UserId(Uuid::nil()), sid: SessionId(Uuid::nil()), ..claims.clone() };
            for (claims, change) in [
                (claims, Change::SessionRevoked(claims.sid)),
                (claims, Change::EpochRaised(claims.sub, 1)),
                (gone, Change::SessionRevoked(gone.sid)),
                (gone, Change::EpochRaised(gone.sub, i64::MAX)),
            ] {
                let rejections = context.rejections(claims, &change, false).await;
                assert_eq!(rejections, [true, true], "{change:?}");
            }
        }
    }
}
