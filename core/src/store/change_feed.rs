//! The change feed: what every node must apply, in commit order.

use crate::{
    Error,
    store::{
        ReadConnection, WriteTransaction, execute, from_row, limit, statements, with_connection,
    },
};
use countersign_types::{SessionId, Timestamp, UserId};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The session was revoked: reject its access tokens.
    SessionRevoked(SessionId),
    /// Reject the user's access tokens of a lower epoch.
    EpochRaised(UserId, i64),
    /// The signing keys changed.
    KeysChanged,
}

/// A row of the feed.
#[derive(Clone, Debug)]
struct FeedRow {
    number: i64,
    kind: String,
    subject: String,
    value: i64,
    until: Timestamp,
}

from_row!(FeedRow { number, kind, subject, value, until });

/// A parsed row of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// The sequence number, in commit order and without gaps.
    pub number: i64,
    /// The change; `None` if it is of an unknown kind, written by a newer version.
    pub change: Option<Change>,
    /// The entry may be deleted after this time.
    pub until: Timestamp,
}

statements! {
    NEXT = "UPDATE csgn_change_feed_head SET head = head + $1 WHERE id = 1 RETURNING head";
    UP = "UPDATE csgn_change_feed_head SET head = head + 1 WHERE id = 1";
    DOWN = "UPDATE csgn_change_feed_head SET head = head - 1 WHERE id = 1";
    HEAD = "SELECT head FROM csgn_change_feed_head WHERE id = 1";
    APPEND = "INSERT INTO csgn_change_feed (number, kind, subject, value, until) VALUES ($1, $2, \
        $3, $4, $5)";
    SINCE = "SELECT number, kind, subject, value, until FROM csgn_change_feed WHERE number > $1 \
        ORDER BY number LIMIT 1000";
    UNEXPIRED = "SELECT number, kind, subject, value, until FROM csgn_change_feed WHERE number <= \
        $1 AND until > $2 ORDER BY number";
    PRUNE = "DELETE FROM csgn_change_feed WHERE number IN (SELECT number FROM csgn_change_feed \
        WHERE until < $1 ORDER BY until LIMIT $2)";
}

impl ReadConnection {
    /// Returns the number of the newest entry.
    pub async fn feed_head(&mut self) -> Result<i64, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(HEAD).fetch_one(c).await?))
    }

    /// Returns at most 1,000 entries after `number`, in order.
    pub async fn feed_since(&mut self, number: i64) -> Result<Vec<FeedEntry>, Error> {
        let lines: Vec<FeedRow> =
            with_connection!(self, |c| sqlx::query_as(SINCE).bind(number).fetch_all(c).await?);
        Ok(lines.into_iter().map(FeedEntry::from).collect())
    }

    /// Returns all entries up to `number` that have not expired at `now`, for a node that starts.
    pub async fn feed_unexpired(
        &mut self,
        number: i64,
        now: Timestamp,
    ) -> Result<Vec<FeedEntry>, Error> {
        let lines: Vec<FeedRow> = with_connection!(self, |c| sqlx::query_as(UNEXPIRED)
            .bind(number)
            .bind(now)
            .fetch_all(c)
            .await?);
        Ok(lines.into_iter().map(FeedEntry::from).collect())
    }
}

impl WriteTransaction {
    /// Appends changes, as the **last** step of a transaction: the numbers are taken under a row
    /// lock that is held until the commit, so that numbers are in commit order and a reader can't
    /// skip an entry that commits later.
    pub async fn feed_append(&mut self, changes: &[Change], until: Timestamp) -> Result<(), Error> {
        let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
        let head: i64 =
            with_connection!(self, |c| sqlx::query_scalar(NEXT).bind(count).fetch_one(c).await?);
        for (number, change) in (head - count + 1..).zip(changes) {
            let (kind, subject, value) = match change {
                Change::SessionRevoked(id) => ("session_revoked", id.to_string(), 0),
                Change::EpochRaised(id, epoch) => ("epoch_raised", id.to_string(), *epoch),
                Change::KeysChanged => ("keys_changed", String::new(), 0),
            };
            execute!(self, APPEND, number, kind, subject, value, until);
        }
        Ok(())
    }

    /// Writes a page without changing anything, to test whether the database can be written to.
    /// SQLite does not write an update that leaves the bytes unchanged.
    pub async fn feed_touch(&mut self) -> Result<(), Error> {
        for sql in [UP, DOWN] {
            execute!(self, sql);
        }
        Ok(())
    }

    /// Deletes entries that expired before `now`, at most `rows`. Returns the number.
    pub async fn feed_prune(&mut self, now: Timestamp, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, PRUNE, now, limit(rows)))
    }
}

impl From<FeedRow> for FeedEntry {
    fn from(line: FeedRow) -> Self {
        let change = match line.kind.as_str() {
            "session_revoked" => line.subject.parse().ok().map(Change::SessionRevoked),
            "epoch_raised" => {
                line.subject.parse().ok().map(|id| Change::EpochRaised(id, line.value))
            }
            "keys_changed" => Some(Change::KeysChanged),
            _ => None,
        };
        Self { number: line.number, change, until: line.until }
    }
}
