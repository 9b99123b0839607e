//! Reading and rotating sessions in groups: requests that wait at the same time share a statement,
//! and refreshes a commit. See [`crate::batch`].

use crate::{
    Error, LimitedAction, Store, batch,
    batch::{Batcher, Grouped},
    rate_limit::RateLimiter,
    sessions::{
        refresh_token::ParsedRefreshToken,
        store::{GROUP_SIZE, SessionWithUser},
    },
    shared_clock::SharedClock,
};
use countersign_types::{SessionId, Timestamp};
use std::{collections::HashMap, sync::Arc};

/// The queues of reads and rotations.
pub(crate) struct SessionGroups {
    context: Context,
    reads: Batcher<SessionRead>,
    rotations: Batcher<Rotation>,
}

#[derive(Clone)]
struct Context {
    store: Store,
    clock: SharedClock,
    rate_limiter: Arc<RateLimiter>,
}

impl SessionGroups {
    pub(crate) fn new(store: Store, clock: SharedClock, rate_limiter: Arc<RateLimiter>) -> Self {
        // On SQLite one transaction at a time writes, and few connections read.
        let (reads, rotations) = if store.is_sqlite() { (2, 2) } else { (4, 4) };
        let context = Context { store, clock, rate_limiter };
        Self {
            reads: Batcher::new(context.clone(), reads),
            rotations: Batcher::new(context.clone(), rotations),
            context,
        }
    }

    /// Reads a session with its user.
    pub(crate) async fn read(&self, id: SessionId) -> Result<Option<Arc<SessionWithUser>>, Error> {
        if let Some(row) = self.reads.run(SessionRead(id)).await? {
            return Ok(row);
        }
        let Context { store, clock, .. } = &self.context;
        let mut reader = store.read().await?;
        Ok(reader.session_with_user(id, clock.now()).await?.map(Arc::new))
    }

    /// Rotates the session of a refresh token and counts the refresh, if the token is the newest of
    /// an active session. Returns `None` if the session was not rotated: the token is another one,
    /// the user is at the rate limit, or the session must be rotated alone.
    pub(crate) async fn rotate(
        &self,
        presented: ParsedRefreshToken,
    ) -> Result<Option<Rotated>, Error> {
        self.rotations.run(Rotation(presented)).await?.flatten().transpose()
    }
}

/// A read of a session with its user.
struct SessionRead(SessionId);

impl Grouped for SessionRead {
    type Context = Context;
    type Outcome = Option<Arc<SessionWithUser>>;
    const MAX_GROUP: usize = GROUP_SIZE;

    async fn run_group(context: &Context, reads: &[Self]) -> Result<Vec<Self::Outcome>, Error> {
        let mut ids: Vec<_> = reads.iter().map(|read| read.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut reader = context.store.read().await?;
        let rows = by_id(reader.sessions_with_users(&ids, context.clock.now()).await?);
        Ok(reads.iter().map(|read| rows.get(&read.0).cloned()).collect())
    }
}

/// A rotation of the session of a refresh token.
struct Rotation(ParsedRefreshToken);

/// A session after a rotation, and the time of the rotation.
pub(crate) struct Rotated {
    pub(crate) row: Arc<SessionWithUser>,
    pub(crate) at: Timestamp,
}

impl Grouped for Rotation {
    type Context = Context;
    /// `None` if the session was not rotated; see [`SessionGroups::rotate`]. An error of the
    /// transaction that writes is the outcome of its sessions only.
    type Outcome = Option<Result<Rotated, Error>>;
    const MAX_GROUP: usize = GROUP_SIZE;

    async fn run_group(context: &Context, rotations: &[Self]) -> Result<Vec<Self::Outcome>, Error> {
        let presented: Vec<_> = rotations.iter().map(|rotation| rotation.0).collect();
        let mut rotatable = context.rotatable(&presented).await?;
        // A token of an ended session must not use up the limit of its user.
        rotatable.retain(|token| {
            let now = context.clock.now();
            context.rate_limiter.take(LimitedAction::Refresh, token.user, now).is_ok()
        });
        let mut rotated = if rotatable.is_empty() {
            Ok(HashMap::new())
        } else {
            context.rotate(&rotatable).await
        };
        Ok(presented
            .iter()
            .map(|token| match &mut rotated {
                // Of several requests with the same token one gets the row.
                Ok(rotated) => {
                    let generation = rotated.get(&token.session)?.row.session.generation;
                    (generation == token.generation + 1)
                        .then(|| rotated.remove(&token.session).map(Ok))
                        .flatten()
                }
                Err(error) => {
                    rotatable.contains(token).then(|| batch::for_each(error)).flatten().map(Err)
                }
            })
            .collect())
    }
}

impl Context {
    /// Returns those of some tokens that are the newest of an active session, each once.
    async fn rotatable(
        &self,
        presented: &[ParsedRefreshToken],
    ) -> Result<Vec<ParsedRefreshToken>, Error> {
        let mut ids: Vec<_> = presented.iter().map(|token| token.session).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut reader = self.store.read().await?;
        let newest = reader.newest_refresh_tokens(&ids, self.clock.now()).await?;
        Ok(newest.into_iter().filter(|token| presented.contains(token)).collect())
    }

    /// Rotates sessions in one transaction. Returns those that were rotated.
    async fn rotate(
        &self,
        tokens: &[ParsedRefreshToken],
    ) -> Result<HashMap<SessionId, Rotated>, Error> {
        let mut tx = self.store.write().await?;
        // The wait for the connection may have taken time.
        let at = self.clock.now();
        let rotated = tx.session_rotate_group(tokens, at).await?;
        if rotated.is_empty() {
            // Rolled back: a commit that writes nothing would count as proof that writing works.
            return Ok(HashMap::new());
        }
        // Read in the same transaction, so that the claims match the database.
        let rows = tx.sessions_with_users(&rotated, at).await?;
        tx.commit().await?;
        let done = |row: SessionWithUser| (row.session.id, Rotated { row: Arc::new(row), at });
        Ok(rows.into_iter().map(done).collect())
    }
}

fn by_id(rows: Vec<SessionWithUser>) -> HashMap<SessionId, Arc<SessionWithUser>> {
    rows.into_iter().map(|row| (row.session.id, Arc::new(row))).collect()
}
