//! The audit events. They are only added, and deleted when their retention ends.

use crate::{
    Error,
    store::{
        ReadConnection, WriteTransaction, execute, from_row, limit, statements, with_connection,
    },
};
use countersign_types::{EventId, EventKind, Timestamp, UserId};
use uuid::Uuid;

/// An event to be stored.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    pub id: EventId,
    pub at: Timestamp,
    pub kind: EventKind,
    pub outcome: Outcome,
    pub actor: Option<UserId>,
    pub target: Option<UserId>,
    pub session_hash: Option<[u8; 32]>,
    pub address: Option<String>,
    pub device: Option<&'a str>,
    pub request_id: &'a str,
}

/// The outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The action was done.
    Done,
    /// The action was refused.
    Failed,
}

/// An event as its owner sees it.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub id: EventId,
    pub at: Timestamp,
    pub kind: String,
    pub address: Option<String>,
    pub device: Option<String>,
}

from_row!(EventRow { id, at, kind, address, device });

statements! {
    INSERT = "INSERT INTO csgn_audit_events (id, at, kind, outcome, actor_id, target_id, \
        session_hash, address, device, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
        $10)";
    OF_TARGET_BEFORE = "SELECT id, at, kind, CASE WHEN actor_id IS NULL OR actor_id = target_id \
        THEN address END AS address, CASE WHEN actor_id IS NULL OR actor_id = target_id THEN \
        device END AS device FROM csgn_audit_events WHERE target_id = $1 AND id < $2 ORDER BY id \
        DESC LIMIT $3";
    NEWEST = "SELECT at FROM csgn_audit_events ORDER BY id DESC LIMIT 1";
    PRUNE = "DELETE FROM csgn_audit_events WHERE id IN (SELECT id FROM csgn_audit_events WHERE id \
        < $1 ORDER BY id LIMIT $2)";
    DELETE_FOR_USER = "DELETE FROM csgn_audit_events WHERE id IN (SELECT id FROM csgn_audit_events \
        WHERE target_id = $1 AND kind <> 'account_deleted' LIMIT $2)";
    REDACT = "UPDATE csgn_audit_events SET address = NULL, device = NULL, session_hash = NULL \
        WHERE id IN (SELECT id FROM csgn_audit_events WHERE actor_id = $1 AND actor_id <> \
        target_id AND (address IS NOT NULL OR device IS NOT NULL OR session_hash IS NOT NULL) \
        LIMIT $2)";
}

impl ReadConnection {
    /// Returns the events of one user before the event `before`, newest first, at most `limit`. The
    /// address and device of an administrator are not included.
    pub async fn event_list(
        &mut self,
        target: UserId,
        before: EventId,
        limit: i64,
    ) -> Result<Vec<EventRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(OF_TARGET_BEFORE)
            .bind(target)
            .bind(before)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// Returns the time of the newest event.
    pub async fn event_newest(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(NEWEST).fetch_optional(c).await?))
    }
}

impl WriteTransaction {
    /// Deletes events before a time: at most `rows`, oldest first. Returns the number. An event id
    /// begins with its time (RFC 9562, 5.7).
    pub async fn event_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        let millis = before.0.max(0).to_be_bytes();
        let mut id = [0; 16];
        id[..6].copy_from_slice(&millis[2..]);
        Ok(execute!(self, PRUNE, EventId(Uuid::from_bytes(id)), limit(rows)))
    }

    /// Deletes the events of one user, except for the deletion of the account: at most `rows`.
    /// Returns the number.
    pub async fn event_delete_for_user(&mut self, target: UserId, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, DELETE_FOR_USER, target, limit(rows)))
    }

    /// Redacts address, device and session in events by one user about others: at most `rows`.
    /// Returns the number.
    pub async fn event_redact(&mut self, actor: UserId, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, REDACT, actor, limit(rows)))
    }

    /// Inserts an event, in the transaction of the change that it records.
    pub async fn event_insert(&mut self, event: &NewEvent<'_>) -> Result<(), Error> {
        let e = event;
        let outcome = match e.outcome {
            Outcome::Done => "done",
            Outcome::Failed => "refused",
        };
        execute!(
            self,
            INSERT,
            e.id,
            e.at,
            e.kind.as_str(),
            outcome,
            e.actor,
            e.target,
            e.session_hash.as_ref().map(|hash| &hash[..]),
            &e.address,
            e.device,
            e.request_id
        );
        Ok(())
    }
}

/// An event with all columns.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Debug)]
pub struct AuditRow {
    pub at: Timestamp,
    pub kind: String,
    pub outcome: String,
    pub actor_id: Option<UserId>,
    pub target_id: Option<UserId>,
    pub session_hash: Option<Vec<u8>>,
    pub address: Option<String>,
    pub device: Option<String>,
    pub request_id: Option<String>,
}

#[cfg(any(test, feature = "testing"))]
from_row!(AuditRow {
    at,
    kind,
    outcome,
    actor_id,
    target_id,
    session_hash,
    address,
    device,
    request_id
});

#[cfg(any(test, feature = "testing"))]
impl ReadConnection {
    /// Returns all events, oldest first.
    pub async fn event_records(&mut self) -> Result<Vec<AuditRow>, Error> {
        const ALL: &str = "SELECT at, kind, outcome, actor_id, target_id, session_hash, address, \
            device, request_id FROM csgn_audit_events ORDER BY id";
        Ok(with_connection!(self, |c| sqlx::query_as(ALL).fetch_all(c).await?))
    }
}
