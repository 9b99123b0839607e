//! Reading and rotating sessions in groups: requests that wait at the same time share a statement,
//! and refreshes a commit. See [`crate::batch`].

use crate::{
    Auth, Error, Store,
    batch::Grouped,
    sessions::store::{GROUP_SIZE, SessionWithUser},
};
use countersign_types::{SessionId, Timestamp};
use std::{collections::HashMap, sync::Arc};

/// A read of a session with its user.
pub(crate) struct SessionRead(SessionId);

impl Grouped for SessionRead {
    type Outcome = Option<Arc<SessionWithUser>>;
    const MAX_GROUP: usize = GROUP_SIZE;

    fn max_running(store: &Store) -> usize {
        if store.is_sqlite() { 2 } else { 4 }
    }

    async fn run_group(auth: &Auth, reads: &[Self]) -> Result<Vec<Self::Outcome>, Error> {
        let mut ids: Vec<_> = reads.iter().map(|read| read.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut reader = auth.store().read().await?;
        let rows = by_id(reader.sessions_with_users(&ids, auth.clock().now()).await?);
        Ok(reads.iter().map(|read| rows.get(&read.0).cloned()).collect())
    }
}

/// A rotation of a session from the generation that was presented.
pub(crate) struct Rotation {
    pub(crate) session: SessionId,
    pub(crate) generation: i64,
}

/// A session after a rotation, and the time of the rotation.
pub(crate) struct Rotated {
    pub(crate) row: Arc<SessionWithUser>,
    pub(crate) at: Timestamp,
}

impl Grouped for Rotation {
    /// `None` if the session was not rotated: another request did so, or it has ended, or another
    /// transaction has locked it.
    type Outcome = Option<Rotated>;
    const MAX_GROUP: usize = GROUP_SIZE;

    fn max_running(store: &Store) -> usize {
        if store.is_sqlite() { 1 } else { 2 }
    }

    async fn run_group(auth: &Auth, rotations: &[Self]) -> Result<Vec<Self::Outcome>, Error> {
        // Of several requests with the same token one rotates.
        let mut presented: Vec<_> =
            rotations.iter().map(|rotation| (rotation.session, rotation.generation)).collect();
        presented.sort_unstable();
        presented.dedup();
        let mut tx = auth.store().write().await?;
        // The wait for the connection may have taken time.
        let at = auth.clock().now();
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

impl Auth {
    /// Reads a session with its user.
    pub(crate) async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<Arc<SessionWithUser>>, Error> {
        if let Some(row) = self.session_reads().run(self, SessionRead(id)).await? {
            return Ok(row);
        }
        let mut reader = self.store().read().await?;
        Ok(reader.session_with_user(id, self.clock().now()).await?.map(Arc::new))
    }
}
