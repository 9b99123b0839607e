//! The audit events. They are only ever added.

use super::{Reader, Tx, on, statements};
use crate::Error;
use contract::{EventId, Timestamp, UserId, view::EventKind};

/// An event as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
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

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// An event as its owner sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct EventRow {
    pub id: EventId,
    pub at: Timestamp,
    pub kind: String,
    pub address: Option<String>,
    pub device: Option<String>,
}

statements! {
    INSERT = "INSERT INTO events (id, at, kind, outcome, actor_id, target_id, session_hash, address, device, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    OF_TARGET_BEFORE = "SELECT id, at, kind, address, device FROM events WHERE target_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
}

impl Reader {
    /// What happened to one user before the event `before`, newest first, at most `limit`.
    pub async fn event_list(&mut self, target: UserId, before: EventId, limit: i64) -> Result<Vec<EventRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(OF_TARGET_BEFORE).bind(target).bind(before).bind(limit).fetch_all(c).await?))
    }
}

impl Tx {
    /// In the transaction of the change that it tells of.
    pub async fn event_insert(&mut self, event: &NewEvent<'_>) -> Result<(), Error> {
        let e = event;
        let outcome = match e.outcome {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        };
        on!(self, |c| sqlx::query(INSERT)
            .bind(e.id)
            .bind(e.at)
            .bind(e.kind.as_str())
            .bind(outcome)
            .bind(e.actor)
            .bind(e.target)
            .bind(e.session_hash.as_ref().map(|hash| &hash[..]))
            .bind(&e.address)
            .bind(e.device)
            .bind(e.request_id)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }
}
