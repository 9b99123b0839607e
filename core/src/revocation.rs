//! What is refused at once, without asking the database: the sessions and epochs that ended while
//! an access token of theirs could be alive (the longest life, a minute, and a day more for clocks
//! that run ahead and are set right). So much and no more is in memory: one entry for each.
//!
//! The node that ends something applies it here before it answers. Every node hears of it from the
//! feed, within a second. A node that has not heard from the feed for [`DEAF_AFTER`] does not know
//! what is revoked, and says so instead of guessing.

use crate::{
    Error, Store,
    store::feed::{Item, News},
    token::Claims,
    world::monotonic,
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

/// How long a node trusts its memory without having heard from the feed.
pub const DEAF_AFTER: Duration = Duration::from_secs(30);
/// The database answers within this time, or it is asked again.
const ANSWER: Duration = Duration::from_secs(5);

/// The memory of one node.
pub struct Revocations {
    memory: RwLock<Memory>,
    /// The number of the last line that was read, and when.
    heard: Mutex<(i64, Instant)>,
    /// The feed has said that the signing keys are others, and they have not been read yet.
    keys_changed: AtomicBool,
    /// What was noted although its commit failed and may have happened all the same, each with its
    /// `until`. One entry for each session or user, however often the commit fails.
    doubts: Mutex<HashMap<News, Timestamp>>,
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
        let revocations = Self {
            memory: RwLock::default(),
            heard: Mutex::new((head, monotonic())),
            keys_changed: AtomicBool::default(),
            doubts: Mutex::default(),
        };
        for item in reader.feed_alive(head, now).await? {
            revocations.apply(&item);
        }
        Ok(revocations)
    }

    /// Reads what is new. Called by every node at least once a second.
    pub(crate) async fn catch_up(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        loop {
            // What the database knows now, however long it takes to say so.
            let asked = monotonic();
            let (number, _) = *self.heard();
            let (items, head) = timeout(ANSWER, async {
                let mut reader = store.read().await?;
                // In this order: whatever has a number up to this one is committed.
                let head = reader.feed_head().await?;
                Ok::<_, Error>((reader.feed_since(number).await?, head))
            })
            .await
            .map_err(|elapsed| Error::Unavailable(elapsed.into()))??;
            // Numbers have no gaps. What this node has slept through may have been pruned: then it
            // learns everything anew.
            let gap = items.first().map_or(head > number, |first| first.number != number + 1);
            let (items, last) = if gap {
                self.keys_changed.store(true, Ordering::SeqCst);
                (
                    timeout(ANSWER, async { store.read().await?.feed_alive(head, now).await })
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
            let mut state = self.heard();
            *state = (state.0.max(last), asked.max(state.1));
            if gap || items.len() < 1000 {
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

    /// As [`Revocations::note`], of a commit that failed and may have happened all the same. To be
    /// settled when the database answers again.
    pub(crate) fn note_in_doubt(&self, news: &News, until: Timestamp) {
        self.note(news, until);
        self.doubts().insert(news.clone(), until);
    }

    fn doubts(&self) -> MutexGuard<'_, HashMap<News, Timestamp>> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks what has become of the commits that failed, and takes back what did not happen: or
    /// whoever it was about would be kept out.
    pub(crate) async fn settle(&self, store: &Store) -> Result<(), Error> {
        loop {
            let next = self.doubts().iter().next().map(|(news, until)| (news.clone(), *until));
            let Some((news, until)) = next else { return Ok(()) };
            let mut reader = store.read().await?;
            let happened = match &news {
                News::SessionEnded(id) => reader
                    .session_with_user(*id)
                    .await?
                    .is_none_or(|row| row.session.revoked_at.is_some()),
                News::EpochRaised(id, epoch) => {
                    reader.user_by_id(*id).await?.is_none_or(|user| user.epoch >= *epoch)
                }
                News::KeysChanged => true,
            };
            // Unless it was noted once more meanwhile.
            self.doubts().retain(|doubt, noted| *doubt != news || *noted != until);
            if !happened {
                self.take_back(&news, until);
            }
        }
    }

    /// Unless it has been noted again since.
    fn take_back(&self, news: &News, until: Timestamp) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::SessionEnded(id) if memory.sessions.get(id) == Some(&until) => {
                memory.sessions.remove(id);
            }
            // What an earlier one said is in the feed, and read with the next start; what it was is
            // not known here any more. It was one less, but where the account was to be
            // gone.
            News::EpochRaised(id, i64::MAX)
                if memory.epochs.get(id) == Some(&(i64::MAX, until)) =>
            {
                memory.epochs.remove(id);
            }
            News::EpochRaised(id, epoch) if memory.epochs.get(id) == Some(&(*epoch, until)) => {
                memory.epochs.insert(*id, (*epoch - 1, until));
            }
            _ => {}
        }
    }

    /// Whether a token that is otherwise valid has been revoked.
    #[must_use]
    pub fn refuses(&self, claims: &Claims) -> bool {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.sessions.contains_key(&claims.sid)
            || memory.epochs.get(&claims.sub).is_some_and(|(epoch, _)| claims.epoch < *epoch)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Auth, Client, Clock, Entropy, Hashing, Policy, ServerSecret, flow::Parts, on_both,
        testing::FreshDatabase, token,
    };
    use countersign_types::{Span, form::SignUp};
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    /// Somebody who has just signed up, and what their access token says.
    struct World {
        store: Store,
        claims: Claims,
        _database: FreshDatabase,
    }

    impl World {
        async fn on(database: FreshDatabase) -> Self {
            let store = Store::open(&database.url).await.expect("a database");
            let secret = ServerSecret::generate(&Entropy::System).expect("randomness");
            let (policy, hashing) = (
                Policy::new("https://countersign.example"),
                Hashing { m: 64, t: 1, p: 1, threads: 1, queue: 64 },
            );
            let parts = Parts {
                store: store.clone(),
                clock: Clock::manual(NOW),
                entropy: Entropy::System,
                secret,
                policy,
                hashing,
            };
            let auth = Auth::start(parts).await.expect("a start");
            let form = SignUp {
                email: "ada@example.com".into(),
                password: "correct horse battery".into(),
                ..SignUp::default()
            };
            let (_, issued) =
                auth.sign_up(&Client::default(), &form, None).await.expect("a sign-up");
            let claims = token::verify(
                &auth.keys,
                &auth.verified,
                &auth.policy.issuer,
                &issued.access.token,
                NOW,
            )
            .expect("a token");
            Self { store, claims, _database: database }
        }

        /// Whether a token is refused while it is in doubt whether the news happened, and when that
        /// was settled. `heard`: the feed brought it meanwhile.
        async fn refused(&self, claims: &Claims, news: &News, heard: bool) -> [bool; 2] {
            let (revocations, until) = (
                Revocations::load(&self.store, NOW).await.expect("loaded"),
                NOW + Span::minutes(61),
            );
            assert!(!revocations.refuses(claims));
            revocations.note_in_doubt(news, until);
            let before = revocations.refuses(claims);
            if heard {
                revocations.note(news, until + Span(1));
            }
            revocations.settle(&self.store).await.expect("settled");
            [before, revocations.refuses(claims)]
        }
    }

    on_both! {
        async fn what_did_not_happen_is_taken_back_unless_it_was_heard_again(world: World) {
            let claims = &world.claims;
            for news in [News::SessionEnded(claims.sid), News::EpochRaised(claims.sub, 1), News::EpochRaised(claims.sub, i64::MAX)] {
                assert_eq!(world.refused(claims, &news, false).await, [true, false], "{news:?}");
                assert_eq!(world.refused(claims, &news, true).await, [true, true], "{news:?}");
            }
        }

        async fn what_did_happen_stays(world: World) {
            let claims = &world.claims;
            let mut tx = world.store.write().await.expect("a transaction");
            tx.user_raise_epoch(claims.sub).await.expect("raised");
            tx.session_revoke(claims.sid, "ended", NOW).await.expect("ended");
            tx.commit().await.expect("a commit");
            // As after an account was deleted.
            let gone = &Claims { sub: UserId(Uuid::nil()), sid: SessionId(Uuid::nil()), ..claims.clone() };
            for (claims, news) in [
                (claims, News::SessionEnded(claims.sid)),
                (claims, News::EpochRaised(claims.sub, 1)),
                (gone, News::SessionEnded(gone.sid)),
                (gone, News::EpochRaised(gone.sub, i64::MAX)),
            ] {
                assert_eq!(world.refused(claims, &news, false).await, [true, true], "{news:?}");
            }
        }
    }
}
