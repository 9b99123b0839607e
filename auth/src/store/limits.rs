//! How often something was tried lately: one row for each thing that is limited and whom it concerns. The numbers are those of `auth::limit`.

use super::{Reader, Tx, on, statements};
use crate::Error;
use contract::{Span, Timestamp};

statements! {
    TRY = "INSERT INTO limits (kind, subject, tries, free_at, at) VALUES ($1, $2, 1, $3, $3) ON CONFLICT (kind, subject) DO UPDATE SET tries = CASE WHEN limits.at < $4 THEN 1 ELSE limits.tries + 1 END, at = $3 WHERE limits.free_at <= $3 RETURNING tries";
    DELAY = "UPDATE limits SET free_at = $3 WHERE kind = $1 AND subject = $2";
    TAKE = "INSERT INTO limits (kind, subject, tries, free_at, at) VALUES ($1, $2, 1, $4, $3) ON CONFLICT (kind, subject) DO UPDATE SET tries = limits.tries + 1, free_at = CASE WHEN limits.free_at > $3 THEN limits.free_at + $5 ELSE $4 END, at = $3 WHERE limits.free_at <= $6 RETURNING tries";
    FREE_AT = "SELECT free_at FROM limits WHERE kind = $1 AND subject = $2";
    FORGET = "DELETE FROM limits WHERE kind = $1 AND subject = $2";
    PRUNE = "DELETE FROM limits WHERE at < $1 AND free_at < $2";
}

impl Reader {
    /// When the next try is free.
    pub async fn limit_free_at(&mut self, kind: &str, subject: &[u8]) -> Result<Option<Timestamp>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(FREE_AT).bind(kind).bind(subject).fetch_optional(c).await?))
    }
}

impl Tx {
    /// Counts a try, if one is free; they are counted from one again if the last was before `forgotten`. Returns how many there were with this one;
    /// `None`: none is free yet. The row stays locked: [`Tx::limit_delay`] says when the next one is.
    pub async fn limit_try(&mut self, kind: &str, subject: &[u8], now: Timestamp, forgotten: Timestamp) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(TRY).bind(kind).bind(subject).bind(now).bind(forgotten).fetch_optional(c).await?))
    }

    /// No try is free before `free_at`.
    pub async fn limit_delay(&mut self, kind: &str, subject: &[u8], free_at: Timestamp) -> Result<(), Error> {
        on!(self, |c| sqlx::query(DELAY).bind(kind).bind(subject).bind(free_at).execute(c).await.map(drop)?);
        Ok(())
    }

    /// Takes one of `burst`, of which one comes back every `period` (the generic cell rate algorithm). `false`: there is none.
    pub async fn limit_take(&mut self, kind: &str, subject: &[u8], now: Timestamp, period: Span, burst: i64) -> Result<bool, Error> {
        let latest = now + Span(period.0.saturating_mul(burst - 1));
        let taken: Option<i64> =
            on!(self, |c| sqlx::query_scalar(TAKE).bind(kind).bind(subject).bind(now).bind(now + period).bind(period).bind(latest).fetch_optional(c).await?);
        Ok(taken.is_some())
    }

    /// As if nothing had been tried.
    pub async fn limit_forget(&mut self, kind: &str, subject: &[u8]) -> Result<(), Error> {
        on!(self, |c| sqlx::query(FORGET).bind(kind).bind(subject).execute(c).await.map(drop)?);
        Ok(())
    }

    /// Drops what is free again and was not tried since `before`. Returns how many rows.
    pub async fn limit_prune(&mut self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        Ok(on!(self, |c| sqlx::query(PRUNE).bind(before).bind(now).execute(c).await?.rows_affected()))
    }
}
