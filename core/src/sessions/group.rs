//! Reading and rotating sessions in groups: requests that wait at the same time share a statement,
//! and refreshes a commit. See [`crate::batch`].

use crate::{
    Error, Store,
    batch::{Batcher, Grouped},
    sessions::store::{GROUP_SIZE, SessionWithUser},
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
}

impl SessionGroups {
    pub(crate) fn new(store: Store, clock: SharedClock) -> Self {
        // On SQLite one transaction at a time writes.
        let (reads, rotations) = if store.is_sqlite() { (2, 1) } else { (4, 2) };
        let context = Context { store, clock };
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
        let Context { store, clock } = &self.context;
        let mut reader = store.read().await?;
        Ok(reader.session_with_user(id, clock.now()).await?.map(Arc::new))
    }

    /// Rotates a session from the generation that was presented. Returns `None` if it was not
    /// rotated: another request did so, or it has ended, or it must be rotated alone.
    pub(crate) async fn rotate(
        &self,
        session: SessionId,
        generation: i64,
    ) -> Result<Option<Rotated>, Error> {
        Ok(self.rotations.run(Rotation { session, generation }).await?.flatten())
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

/// A rotation of a session from the generation that was presented.
struct Rotation {
    session: SessionId,
    generation: i64,
}

/// A session after a rotation, and the time of the rotation.
pub(crate) struct Rotated {
    pub(crate) row: Arc<SessionWithUser>,
    pub(crate) at: Timestamp,
}

impl Grouped for Rotation {
    type Context = Context;
    /// `None` if the session was not rotated: another request did so, or it has ended, or another
    /// transaction has locked it.
    type Outcome = Option<Rotated>;
    const MAX_GROUP: usize = GROUP_SIZE;

    async fn run_group(context: &Context, rotations: &[Self]) -> Result<Vec<Self::Outcome>, Error> {
        // Of several requests with the same token one rotates.
        let mut presented: Vec<_> =
            rotations.iter().map(|rotation| (rotation.session, rotation.generation)).collect();
        presented.sort_unstable();
        presented.dedup();
        let mut tx = context.store.write().await?;
        // The wait for the connection may have taken time.
        let at = context.clock.now();
        let rotated = tx.session_rotate_group(&presented, at).await?;
        // Read in the same transaction, so that the claims match the database.
        let mut rows = match &*rotated {
            [] => HashMap::new(),
            rotated => by_id(tx.sessions_with_users(rotated, at).await?),
        };
        tx.commit().await?;
        Ok(rotations
            .iter()
            .map(|rotation| {
                let row = rows.get(&rotation.session)?;
                // Of two generations of one session only the newest was rotated.
                let is_rotated = row.session.generation == rotation.generation + 1;
                let row = is_rotated.then(|| rows.remove(&rotation.session)).flatten()?;
                Some(Rotated { row, at })
            })
            .collect())
    }
}

fn by_id(rows: Vec<SessionWithUser>) -> HashMap<SessionId, Arc<SessionWithUser>> {
    rows.into_iter().map(|row| (row.session.id, Arc::new(row))).collect()
}
