//! The feed: what every node must hear of, in the order in which it was committed.

use super::{Reader, Tx, limit, on, statements};
use crate::Error;
use countersign_types::{SessionId, Timestamp, UserId};

/// One thing to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// This session is over: refuse its access tokens.
    SessionEnded(SessionId),
    /// Refuse this user's access tokens of an epoch below this one.
    EpochRaised(UserId, i64),
    /// The set of signing keys is another one.
    KeysChanged,
}

/// A line of the feed.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Line {
    number: i64,
    kind: String,
    subject: String,
    value: i64,
    until: Timestamp,
}

/// A line of the feed, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Rises with every commit.
    pub number: i64,
    /// What happened; `None` when a newer version wrote something that this one does not know.
    pub news: Option<News>,
    /// After this it may be forgotten.
    pub until: Timestamp,
}

statements! {
    NEXT = "UPDATE feed_head SET head = head + $1 WHERE id = 1 RETURNING head";
    UP = "UPDATE feed_head SET head = head + 1 WHERE id = 1";
    DOWN = "UPDATE feed_head SET head = head - 1 WHERE id = 1";
    HEAD = "SELECT head FROM feed_head WHERE id = 1";
    APPEND = "INSERT INTO feed (number, kind, subject, value, until) VALUES ($1, $2, $3, $4, $5)";
    SINCE = "SELECT number, kind, subject, value, until FROM feed WHERE number > $1 ORDER BY number LIMIT 1000";
    ALIVE = "SELECT number, kind, subject, value, until FROM feed WHERE number <= $1 AND until > $2 ORDER BY number";
    PRUNE = "DELETE FROM feed WHERE number IN (SELECT number FROM feed WHERE until < $1 ORDER BY until LIMIT $2)";
}

impl Reader {
    /// The number of the newest line.
    pub async fn feed_head(&mut self) -> Result<i64, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(HEAD).fetch_one(c).await?))
    }

    /// At most 1,000 lines after `number`, in order.
    pub async fn feed_since(&mut self, number: i64) -> Result<Vec<Item>, Error> {
        let lines: Vec<Line> =
            on!(self, |c| sqlx::query_as(SINCE).bind(number).fetch_all(c).await?);
        Ok(lines.into_iter().map(Item::from).collect())
    }

    /// All lines up to `number` that must still be remembered at `now`: for a node that starts.
    pub async fn feed_alive(&mut self, number: i64, now: Timestamp) -> Result<Vec<Item>, Error> {
        let lines: Vec<Line> =
            on!(self, |c| sqlx::query_as(ALIVE).bind(number).bind(now).fetch_all(c).await?);
        Ok(lines.into_iter().map(Item::from).collect())
    }
}

impl Tx {
    /// The **last** step of a transaction: it takes the next numbers under a row lock that is held
    /// until the commit, so that the order of the numbers is the order of the commits and a
    /// reader can never pass a number that commits later.
    pub async fn feed_append(&mut self, news: &[News], until: Timestamp) -> Result<(), Error> {
        let count = i64::try_from(news.len()).unwrap_or(i64::MAX);
        let head: i64 = on!(self, |c| sqlx::query_scalar(NEXT).bind(count).fetch_one(c).await?);
        for (number, news) in (head - count + 1..).zip(news) {
            let (kind, subject, value) = match news {
                News::SessionEnded(id) => ("session_ended", id.to_string(), 0),
                News::EpochRaised(id, epoch) => ("epoch_raised", id.to_string(), *epoch),
                News::KeysChanged => ("keys_changed", String::new(), 0),
            };
            on!(self, |c| sqlx::query(APPEND)
                .bind(number)
                .bind(kind)
                .bind(subject)
                .bind(value)
                .bind(until)
                .execute(c)
                .await
                .map(drop)?);
        }
        Ok(())
    }

    /// Writes a page without changing anything: to learn whether the database can be written to.
    /// (An update that leaves the bytes as they are is not written by SQLite.)
    pub async fn feed_touch(&mut self) -> Result<(), Error> {
        for sql in [UP, DOWN] {
            on!(self, |c| sqlx::query(sql).execute(c).await.map(drop)?);
        }
        Ok(())
    }

    /// Forgets lines that ended before `now`, at most `rows`. Returns how many.
    pub async fn feed_prune(&mut self, now: Timestamp, rows: u64) -> Result<u64, Error> {
        Ok(on!(self, |c| sqlx::query(PRUNE)
            .bind(now)
            .bind(limit(rows))
            .execute(c)
            .await?
            .rows_affected()))
    }
}

impl From<Line> for Item {
    fn from(line: Line) -> Self {
        let news = match line.kind.as_str() {
            "session_ended" => line.subject.parse().ok().map(News::SessionEnded),
            "epoch_raised" => line.subject.parse().ok().map(|id| News::EpochRaised(id, line.value)),
            "keys_changed" => Some(News::KeysChanged),
            _ => None,
        };
        Self { number: line.number, news, until: line.until }
    }
}
