//! The audit log: who did what to which account, when and from where.

mod list;
pub(crate) mod store;

use crate::{
    Auth, Error, RequestContext,
    audit::store::{NewEvent, Outcome},
    server_secret::sha256,
    store::WriteTransaction,
};
use countersign_types::{EventId, EventKind, SessionId, Timestamp, UserId};

impl Auth {
    /// Adds an audit event to a transaction.
    pub(crate) async fn audit(
        &self,
        tx: &mut WriteTransaction,
        context: &RequestContext,
        now: Timestamp,
        entry: AuditEntry,
    ) -> Result<(), Error> {
        tx.event_insert(&NewEvent {
            id: EventId(self.new_id(now)?),
            at: now,
            kind: entry.kind,
            outcome: entry.outcome,
            actor: entry.actor,
            target: entry.target,
            session_hash: entry.session.map(|id| sha256(id.0.as_bytes())),
            address: context.address.map(|address| address.to_string()),
            device: context.device.as_deref(),
            request_id: &context.request_id,
        })
        .await
    }
}

/// An audit event to be recorded.
#[derive(Clone, Copy)]
pub(crate) struct AuditEntry {
    pub(crate) kind: EventKind,
    pub(crate) outcome: Outcome,
    pub(crate) actor: Option<UserId>,
    pub(crate) target: Option<UserId>,
    pub(crate) session: Option<SessionId>,
}

impl AuditEntry {
    /// A user changed their own account.
    pub(crate) const fn by_user(kind: EventKind, user: UserId, session: SessionId) -> Self {
        Self {
            kind,
            outcome: Outcome::Done,
            actor: Some(user),
            target: Some(user),
            session: Some(session),
        }
    }

    /// The owner of an account acted with an email that was sent to its address. `session` is the
    /// one that the email is about.
    pub(crate) const fn by_owner(
        kind: EventKind,
        user: UserId,
        session: Option<SessionId>,
    ) -> Self {
        Self { kind, outcome: Outcome::Done, actor: Some(user), target: Some(user), session }
    }

    /// An unauthenticated attempt failed.
    pub(crate) const fn failed(
        kind: EventKind,
        target: Option<UserId>,
        session: Option<SessionId>,
    ) -> Self {
        Self { kind, outcome: Outcome::Failed, actor: None, target, session }
    }
}
