//! The counters of rate limits: one row for each action and subject. The arithmetic is in
//! [`crate::rate_limit`].

use crate::{
    Error,
    rate_limit::{ATTEMPT_RETENTION, Counter, RateLimit},
    sessions::access_token::CLOCK_SKEW,
    store::{ReadConnection, WriteTransaction, execute, limit, statements, with_connection},
};
use countersign_types::{TimeSpan, Timestamp};

statements! {
    COUNT_ATTEMPT = "INSERT INTO csgn_rate_limits AS l (kind, subject, attempts, next_allowed_at, \
        at) VALUES ($1, $2, 1, $3, $3) ON CONFLICT (kind, subject) DO UPDATE SET attempts = CASE \
        WHEN l.at < $4 THEN 1 ELSE l.attempts + 1 END, at = $3 WHERE l.next_allowed_at <= $3 OR \
        l.next_allowed_at > $5 RETURNING attempts";
    BLOCK_UNTIL = "UPDATE csgn_rate_limits SET next_allowed_at = $3 WHERE kind = $1 AND subject = \
        $2";
    TAKE_TOKEN = "INSERT INTO csgn_rate_limits AS l (kind, subject, attempts, next_allowed_at, at) \
        VALUES ($1, $2, 1, $4, $3) ON CONFLICT (kind, subject) DO UPDATE SET attempts = l.attempts \
        + 1, next_allowed_at = CASE WHEN l.next_allowed_at > $3 AND l.next_allowed_at <= $7 THEN \
        l.next_allowed_at + $5 ELSE $4 END, at = $3 WHERE l.next_allowed_at <= $6 OR \
        l.next_allowed_at > $7 RETURNING next_allowed_at";
    RETURN_TOKENS = "UPDATE csgn_rate_limits SET next_allowed_at = CASE WHEN next_allowed_at - $3 \
        > $4 THEN next_allowed_at - $3 ELSE $4 END WHERE kind = $1 AND subject = $2 AND \
        next_allowed_at > $4";
    UNDO_ATTEMPT = "UPDATE csgn_rate_limits SET attempts = attempts - 1, next_allowed_at = CASE \
        WHEN at = $3 AND next_allowed_at > $3 THEN $3 ELSE next_allowed_at END WHERE kind = $1 AND \
        subject = $2 AND attempts > 0";
    NEXT_ALLOWED_AT = "SELECT next_allowed_at FROM csgn_rate_limits WHERE kind = $1 AND subject = \
        $2";
    RESET = "DELETE FROM csgn_rate_limits WHERE kind = $1 AND subject = $2";
    PRUNE = "DELETE FROM csgn_rate_limits WHERE (kind, subject) IN (SELECT kind, subject FROM \
        csgn_rate_limits WHERE at < $1 AND next_allowed_at < $2 LIMIT $3)";
    COUNT = "SELECT COUNT(*) FROM csgn_rate_limits";
    DROP_OLDEST = "DELETE FROM csgn_rate_limits WHERE (kind, subject) IN (SELECT kind, subject \
        FROM csgn_rate_limits ORDER BY at LIMIT $1)";
}

impl ReadConnection {
    /// Returns when the next attempt is allowed ([`crate::rate_limit::Algorithm::Backoff`]), or
    /// when the bucket is full again.
    pub async fn limit_next_allowed_at(
        &mut self,
        kind: &str,
        subject: &[u8],
    ) -> Result<Option<Timestamp>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(NEXT_ALLOWED_AT)
            .bind(kind)
            .bind(subject)
            .fetch_optional(c)
            .await?))
    }
}

impl ReadConnection {
    /// Returns the number of rows.
    pub async fn limit_count(&mut self) -> Result<u64, Error> {
        let rows: i64 = with_connection!(self, |c| sqlx::query_scalar(COUNT).fetch_one(c).await?);
        Ok(u64::try_from(rows).unwrap_or(0))
    }
}

impl WriteTransaction {
    /// Counts an attempt as failed in advance and sets the delay until the next one. Returns
    /// `false` if none is allowed yet.
    pub(crate) async fn limit_count_attempt(
        &mut self,
        counter: &Counter,
        rate: RateLimit,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (kind, subject) = (counter.action.rule().name, &counter.subject[..]);
        // No delay is longer: such a row was written by a clock that was set back since.
        let implausible = now + rate.period + CLOCK_SKEW;
        let attempts: Option<i64> = with_connection!(self, |c| sqlx::query_scalar(COUNT_ATTEMPT)
            .bind(kind)
            .bind(subject)
            .bind(now)
            .bind(now - ATTEMPT_RETENTION)
            .bind(implausible)
            .fetch_optional(c)
            .await?);
        let Some(attempts) = attempts else { return Ok(false) };
        let free_at = now + rate.backoff(attempts);
        execute!(self, BLOCK_UNTIL, kind, subject, free_at);
        Ok(true)
    }

    /// Undoes an attempt that [`WriteTransaction::limit_count_attempt`] counted at `at`, because
    /// its password was not verified. Its delay ends, unless there was another attempt since.
    pub(crate) async fn limit_undo_attempt(
        &mut self,
        counter: &Counter,
        at: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, UNDO_ATTEMPT, counter.action.rule().name, &counter.subject, at);
        Ok(())
    }

    /// Takes a token from a bucket, like [`RateLimit::take`]. Returns when the bucket is full
    /// again, or `None` if it is empty.
    pub(crate) async fn limit_take_token(
        &mut self,
        counter: &Counter,
        rate: RateLimit,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(TAKE_TOKEN)
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

    /// Returns tokens to a bucket, up to its capacity.
    pub(crate) async fn limit_return_tokens(
        &mut self,
        counter: &Counter,
        amount: TimeSpan,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, RETURN_TOKENS, counter.action.rule().name, &counter.subject, amount, now);
        Ok(())
    }

    /// Resets a counter.
    pub(crate) async fn limit_reset(&mut self, counter: &Counter) -> Result<(), Error> {
        execute!(self, RESET, counter.action.rule().name, &counter.subject);
        Ok(())
    }

    /// Deletes counters without a current delay that were not used since `before`: at most `rows`.
    /// Returns the number.
    pub async fn limit_prune(
        &mut self,
        before: Timestamp,
        now: Timestamp,
        rows: u64,
    ) -> Result<u64, Error> {
        Ok(execute!(self, PRUNE, before, now, limit(rows)))
    }

    /// Deletes the counters that were unused for longest: at most `rows`. Returns the number.
    pub async fn limit_drop_oldest(&mut self, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, DROP_OLDEST, limit(rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LimitedAction, test_on_each_database, testing::TestStore};

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    test_on_each_database! {
        async fn undone_attempts_never_count_below_zero(context: TestStore) {
            let counter = Counter { action: LimitedAction::AccountPassword, subject: vec![1] };
            let rate = counter.action.rule().default;
            let mut tx = context.store.write().await.expect("a transaction");
            tx.limit_undo_attempt(&counter, NOW).await.expect("nothing to undo");
            assert!(tx.limit_count_attempt(&counter, rate, NOW).await.expect("counted"));
            for _ in 0..3 {
                tx.limit_undo_attempt(&counter, NOW).await.expect("given back");
            }
            for attempt in 1..=5 {
                assert!(
                    tx.limit_count_attempt(&counter, rate, NOW).await.expect("counted"),
                    "{attempt}"
                );
            }
            assert!(
                !tx.limit_count_attempt(&counter, rate, NOW).await.expect("refused"),
                "the \
                sixth"
            );
        }

        async fn undo_keeps_delay_of_later_attempt(context: TestStore) {
            let counter = Counter { action: LimitedAction::AccountPassword, subject: vec![1] };
            let rate = counter.action.rule().default;
            let mut tx = context.store.write().await.expect("a transaction");
            for attempt in 0..5 {
                assert!(
                    tx.limit_count_attempt(&counter, rate, NOW + TimeSpan(attempt))
                        .await
                        .expect("counted")
                );
            }
            let until = Some(NOW + TimeSpan(4) + TimeSpan::seconds(1));
            tx.limit_undo_attempt(&counter, NOW).await.expect("given back");
            assert_eq!(
                tx.limit_next_allowed_at("password_of_account", &[1]).await.expect(
                    "a \
                time"
                ),
                until
            );
            tx.limit_undo_attempt(&counter, NOW + TimeSpan(4)).await.expect("given back");
            assert_eq!(
                tx.limit_next_allowed_at("password_of_account", &[1]).await.expect(
                    "a \
                time"
                ),
                Some(NOW + TimeSpan(4))
            );
        }

        async fn returned_tokens_never_exceed_bucket_capacity(context: TestStore) {
            let counter = Counter { action: LimitedAction::NetworkPassword, subject: vec![1] };
            let rate = counter.action.rule().default;
            let mut tx = context.store.write().await.expect("a transaction");
            let full_at = tx.limit_take_token(&counter, rate, NOW).await.expect("taken");
            assert_eq!(full_at, Some(NOW + rate.period));
            for _ in 0..3 {
                tx.limit_return_tokens(&counter, rate.period, NOW).await.expect("given back");
            }
            assert_eq!(
                tx.limit_next_allowed_at("password_by_address", &[1]).await.expect(
                    "a \
                time"
                ),
                Some(NOW)
            );
            for _ in 0..rate.burst {
                assert!(tx.limit_take_token(&counter, rate, NOW).await.expect("taken").is_some());
            }
            assert_eq!(tx.limit_take_token(&counter, rate, NOW).await.expect("refused"), None);
        }
    }
}
