//! The counts of rate limits: one row for each action and subject. The numbers are those of
//! `countersign_core::limit`.

use super::{Reader, Tx, limit, on, statements};
use crate::{
    Error,
    limit::{ATTEMPT_RETENTION, Counter, RateLimit},
    token::SKEW,
};
use countersign_types::{Span, Timestamp};

statements! {
    ATTEMPT = "INSERT INTO limits (kind, subject, tries, free_at, at) VALUES ($1, $2, 1, $3, $3) ON CONFLICT (kind, subject) DO UPDATE SET tries = CASE WHEN limits.at < $4 THEN 1 ELSE limits.tries + 1 END, at = $3 WHERE limits.free_at <= $3 OR limits.free_at > $5 RETURNING tries";
    DELAY = "UPDATE limits SET free_at = $3 WHERE kind = $1 AND subject = $2";
    TAKE = "INSERT INTO limits (kind, subject, tries, free_at, at) VALUES ($1, $2, 1, $4, $3) ON CONFLICT (kind, subject) DO UPDATE SET tries = limits.tries + 1, free_at = CASE WHEN limits.free_at > $3 AND limits.free_at <= $7 THEN limits.free_at + $5 ELSE $4 END, at = $3 WHERE limits.free_at <= $6 OR limits.free_at > $7 RETURNING free_at";
    GIVE_BACK = "UPDATE limits SET free_at = CASE WHEN free_at - $3 > $4 THEN free_at - $3 ELSE $4 END WHERE kind = $1 AND subject = $2 AND free_at > $4";
    GIVE_BACK_ATTEMPT = "UPDATE limits SET tries = tries - 1, free_at = CASE WHEN at = $3 AND free_at > $3 THEN $3 ELSE free_at END WHERE kind = $1 AND subject = $2 AND tries > 0";
    FREE_AT = "SELECT free_at FROM limits WHERE kind = $1 AND subject = $2";
    RESET = "DELETE FROM limits WHERE kind = $1 AND subject = $2";
    PRUNE = "DELETE FROM limits WHERE (kind, subject) IN (SELECT kind, subject FROM limits WHERE at < $1 AND free_at < $2 LIMIT $3)";
    COUNT = "SELECT COUNT(*) FROM limits";
    DROP_OLDEST = "DELETE FROM limits WHERE (kind, subject) IN (SELECT kind, subject FROM limits ORDER BY at LIMIT $1)";
}

impl Reader {
    /// When the next attempt is free ([`crate::limit::Algorithm::Backoff`]), or until when the
    /// bucket is in use.
    pub async fn limit_free_at(
        &mut self,
        kind: &str,
        subject: &[u8],
    ) -> Result<Option<Timestamp>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(FREE_AT)
            .bind(kind)
            .bind(subject)
            .fetch_optional(c)
            .await?))
    }
}

impl Reader {
    /// How many rows there are.
    pub async fn limit_count(&mut self) -> Result<u64, Error> {
        let rows: i64 = on!(self, |c| sqlx::query_scalar(COUNT).fetch_one(c).await?);
        Ok(u64::try_from(rows).unwrap_or(0))
    }
}

impl Tx {
    /// Counts a failed attempt in advance and sets the delay until the next one. `false`: none is
    /// allowed yet.
    pub(crate) async fn limit_attempt(
        &mut self,
        counter: &Counter,
        rate: RateLimit,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (kind, subject) = (counter.action.rule().name, &counter.subject[..]);
        // No delay is longer: such a row was written by a clock that has been set back since.
        let implausible = now + rate.period + SKEW;
        let attempts: Option<i64> = on!(self, |c| sqlx::query_scalar(ATTEMPT)
            .bind(kind)
            .bind(subject)
            .bind(now)
            .bind(now - ATTEMPT_RETENTION)
            .bind(implausible)
            .fetch_optional(c)
            .await?);
        let Some(attempts) = attempts else { return Ok(false) };
        let free_at = now + rate.backoff(attempts);
        on!(self, |c| sqlx::query(DELAY)
            .bind(kind)
            .bind(subject)
            .bind(free_at)
            .execute(c)
            .await
            .map(drop)?);
        Ok(true)
    }

    /// Takes back an attempt that [`Tx::limit_attempt`] counted at `at`, because its password was
    /// not found wrong. The delay that it caused ends, unless there was another attempt since.
    pub(crate) async fn limit_give_back_attempt(
        &mut self,
        counter: &Counter,
        at: Timestamp,
    ) -> Result<(), Error> {
        on!(self, |c| sqlx::query(GIVE_BACK_ATTEMPT)
            .bind(counter.action.rule().name)
            .bind(&counter.subject)
            .bind(at)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Takes one from a bucket ([`RateLimit::take`] says how). Returns until when the bucket is in
    /// use from now on, or `None` if it is empty.
    pub(crate) async fn limit_take(
        &mut self,
        counter: &Counter,
        rate: RateLimit,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(TAKE)
            .bind(counter.action.rule().name)
            .bind(&counter.subject)
            .bind(now)
            .bind(now + rate.period)
            .bind(rate.period)
            .bind(rate.latest(now))
            .bind(rate.implausible(now))
            .fetch_optional(c)
            .await?))
    }

    /// Gives back to a bucket what was taken and turned out not to count. It is never more than
    /// full.
    pub(crate) async fn limit_give_back(
        &mut self,
        counter: &Counter,
        amount: Span,
        now: Timestamp,
    ) -> Result<(), Error> {
        on!(self, |c| sqlx::query(GIVE_BACK)
            .bind(counter.action.rule().name)
            .bind(&counter.subject)
            .bind(amount)
            .bind(now)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Starts a count anew.
    pub(crate) async fn limit_reset(&mut self, counter: &Counter) -> Result<(), Error> {
        on!(self, |c| sqlx::query(RESET)
            .bind(counter.action.rule().name)
            .bind(&counter.subject)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Drops what is free again and was not tried since `before`: at most `rows`. Returns how many.
    pub async fn limit_prune(
        &mut self,
        before: Timestamp,
        now: Timestamp,
        rows: u64,
    ) -> Result<u64, Error> {
        Ok(on!(self, |c| sqlx::query(PRUNE)
            .bind(before)
            .bind(now)
            .bind(limit(rows))
            .execute(c)
            .await?
            .rows_affected()))
    }

    /// Drops the rows that were unused for longest: at most `rows`. Returns how many.
    pub async fn limit_drop_oldest(&mut self, rows: u64) -> Result<u64, Error> {
        Ok(on!(self, |c| sqlx::query(DROP_OLDEST)
            .bind(limit(rows))
            .execute(c)
            .await?
            .rows_affected()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LimitedAction, on_both, testing::StoreWorld};

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    on_both! {
        async fn attempts_given_back_never_count_below_zero(world: StoreWorld) {
            let counter = Counter { action: LimitedAction::AccountPassword, subject: vec![1] };
            let rate = counter.action.rule().default;
            let mut tx = world.store.write().await.expect("a transaction");
            tx.limit_give_back_attempt(&counter, NOW).await.expect("there is nothing to give back");
            assert!(tx.limit_attempt(&counter, rate, NOW).await.expect("counted"));
            for _ in 0..3 {
                tx.limit_give_back_attempt(&counter, NOW).await.expect("given back");
            }
            for attempt in 1..=5 {
                assert!(tx.limit_attempt(&counter, rate, NOW).await.expect("counted"), "{attempt}");
            }
            assert!(!tx.limit_attempt(&counter, rate, NOW).await.expect("refused"), "the sixth");
        }

        async fn delay_of_a_later_attempt_stays(world: StoreWorld) {
            let counter = Counter { action: LimitedAction::AccountPassword, subject: vec![1] };
            let rate = counter.action.rule().default;
            let mut tx = world.store.write().await.expect("a transaction");
            for attempt in 0..5 {
                assert!(tx.limit_attempt(&counter, rate, NOW + Span(attempt)).await.expect("counted"));
            }
            let until = Some(NOW + Span(4) + Span::seconds(1));
            tx.limit_give_back_attempt(&counter, NOW).await.expect("given back");
            assert_eq!(tx.limit_free_at("password_of_account", &[1]).await.expect("a time"), until);
            tx.limit_give_back_attempt(&counter, NOW + Span(4)).await.expect("given back");
            assert_eq!(tx.limit_free_at("password_of_account", &[1]).await.expect("a time"), Some(NOW + Span(4)));
        }

        async fn bucket_is_never_given_back_more_than_it_holds(world: StoreWorld) {
            let counter = Counter { action: LimitedAction::NetworkPassword, subject: vec![1] };
            let rate = counter.action.rule().default;
            let mut tx = world.store.write().await.expect("a transaction");
            let full_at = tx.limit_take(&counter, rate, NOW).await.expect("taken");
            assert_eq!(full_at, Some(NOW + rate.period));
            for _ in 0..3 {
                tx.limit_give_back(&counter, rate.period, NOW).await.expect("given back");
            }
            assert_eq!(tx.limit_free_at("password_by_address", &[1]).await.expect("a time"), Some(NOW));
            for _ in 0..rate.burst {
                assert!(tx.limit_take(&counter, rate, NOW).await.expect("taken").is_some());
            }
            assert_eq!(tx.limit_take(&counter, rate, NOW).await.expect("refused"), None);
        }
    }
}
