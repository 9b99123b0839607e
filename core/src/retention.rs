//! Retention: deletes expired rows in batches.
//!
//! Each batch is a transaction of its own. Its number of rows adapts to the duration of the batch
//! before. The task sleeps several times as long between batches, so that other writers are hardly
//! delayed. A round ends when nothing is left to delete.
//!
//! Deletion cannot be undone, so a clock that has jumped ahead is not trusted for an hour: a
//! machine may start with a wrong clock and correct it later.

use crate::{
    Auth, Error, RequestContext,
    audit::{AuditEntry, store::Outcome},
    clock::monotonic,
    rate_limit::ATTEMPT_RETENTION,
    store::{WriteTransaction, change_feed::Change},
};
use countersign_types::{EventKind, TimeSpan, Timestamp, UserId};
use std::time::Duration;
use tokio::time::Instant;

/// How long ended sessions are retained, for support and data export.
const ENDED_SESSION_RETENTION: TimeSpan = TimeSpan::days(30);
/// How long audit events are retained.
const AUDIT_RETENTION: TimeSpan = TimeSpan::days(400);
/// How long links are retained after they have expired.
const LINK_RETENTION: TimeSpan = TimeSpan::days(2);
/// How long failed emails are retained, for the operator; and waiting ones, if email is turned off.
const MAIL_RETENTION: TimeSpan = TimeSpan::days(30);
/// How much longer than any token revocations are remembered: a clock that ran ahead and is
/// corrected must not make a revoked token valid again.
pub(crate) const REVOCATION_RETENTION_MARGIN: TimeSpan = TimeSpan::minutes(25 * 60);
/// Maximum number of rate limit rows. Those that were unused for longest are deleted first.
const MAX_LIMIT_ROWS: u64 = 1_000_000;

/// Rows of the first batch, and maximum of any batch.
const INITIAL_BATCH: u64 = 50;
const MAX_BATCH: u64 = 500;
/// Target duration of a batch, including the commit.
const BATCH_TARGET: Duration = Duration::from_millis(10);
/// The pause after a batch, as a multiple of its duration.
const PAUSE_FACTOR: u32 = 4;
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The epoch of deleted accounts: no token has a higher one, so all are revoked.
const MAX_EPOCH: i64 = i64::MAX;

/// Maximum plausible time since the newest stored event.
const PLAUSIBLE_GAP: TimeSpan = TimeSpan::days(30);
/// How long a clock beyond that must run before it is trusted.
const CLOCK_PROBATION: Duration = Duration::from_hours(1);

/// The plausibility check of the clock, for operations that cannot be undone.
#[derive(Debug, Default)]
pub struct ClockCheck {
    /// The newest trusted time, and the monotonic time of that check.
    believed: Option<(Timestamp, Instant)>,
    /// The first time when the clock was too far ahead.
    ahead_since: Option<Instant>,
}

impl ClockCheck {
    /// Checks `now`. `newest` is the time of the newest stored event, needed for the first check
    /// only.
    fn accepts(&mut self, now: Timestamp, newest: Option<Timestamp>) -> bool {
        let at = monotonic();
        let expected = match self.believed {
            Some((time, then)) => {
                time + TimeSpan(
                    i64::try_from(at.duration_since(then).as_millis()).unwrap_or(i64::MAX),
                )
            }
            None => newest.unwrap_or(now),
        };
        let ahead = now.since(expected);
        if ahead > PLAUSIBLE_GAP {
            if self.ahead_since.is_none() {
                tracing::warn!(
                    days = ahead.0 / TimeSpan::days(1).0,
                    "retention paused: clock implausible"
                );
            }
            if at.duration_since(*self.ahead_since.get_or_insert(at)) < CLOCK_PROBATION {
                self.believed.get_or_insert((expected, at));
                return false;
            }
        }
        self.ahead_since = None;
        self.believed = Some((now, at));
        true
    }
}

/// A kind of rows to delete in batches.
#[derive(Clone, Copy, Debug)]
enum Batch {
    /// Feed entries that expired before.
    Feed(Timestamp),
    /// Sessions that ended before.
    Sessions(Timestamp),
    /// Rate limit rows that were last used before the first time, and allow an action at the
    /// second.
    Limits(Timestamp, Timestamp),
    /// The rate limit rows that were unused for longest.
    OldestLimits,
    /// One-time links that expired before.
    Links(Timestamp),
    /// Sign-ups and log-ins that waited for the verification of an address until before.
    Pending(Timestamp),
    /// Emails in the outbox that were created before.
    Mail(Timestamp),
    /// Audit events before.
    Events(Timestamp),
    /// The address and device in audit events about other users.
    EventsBy(UserId),
    /// The audit events about a user.
    EventsOf(UserId),
    /// The revoked sessions of a user.
    SessionsOf(UserId),
}

impl Batch {
    /// Deletes at most `rows` of each kind. Returns the number.
    async fn delete(self, tx: &mut WriteTransaction, rows: u64) -> Result<u64, Error> {
        match self {
            Self::Feed(before) => tx.feed_prune(before, rows).await,
            Self::Sessions(before) => tx.session_prune(before, rows).await,
            Self::Limits(before, now) => tx.limit_prune(before, now, rows).await,
            Self::OldestLimits => tx.limit_drop_oldest(rows).await,
            Self::Links(before) => tx.link_prune(before, rows).await,
            Self::Pending(before) => tx.pending_prune(before, rows).await,
            Self::Mail(before) => tx.outbox_prune(before, rows).await,
            Self::Events(before) => tx.event_prune(before, rows).await,
            Self::EventsBy(user) => tx.event_redact(user, rows).await,
            Self::EventsOf(user) => tx.event_delete_for_user(user, rows).await,
            Self::SessionsOf(user) => tx.session_delete_revoked(user, rows).await,
        }
    }
}

impl Auth {
    /// Deletes all expired rows.
    pub async fn run_retention(&self) -> Result<(), Error> {
        let now = self.clock().now();
        self.revocations().prune(now - REVOCATION_RETENTION_MARGIN);
        let mut failed = None;
        // A failure does not prevent the others.
        for expired in [
            Batch::Feed(now - REVOCATION_RETENTION_MARGIN),
            Batch::Sessions(now - ENDED_SESSION_RETENTION),
            Batch::Limits(now - ATTEMPT_RETENTION, now),
            Batch::Links(now - LINK_RETENTION),
            Batch::Pending(now),
            Batch::Mail(now - MAIL_RETENTION),
            Batch::Events(now - AUDIT_RETENTION),
        ] {
            failed = self.in_batches(expired, u64::MAX).await.err().or(failed);
        }
        failed = self.trim_rate_limits(MAX_LIMIT_ROWS).await.err().or(failed);
        failed = self.delete_due_accounts(now).await.err().or(failed);
        failed.map_or(Ok(()), Err)
    }

    /// Runs [`Self::run_retention`] if the clock is plausible.
    pub async fn run_retention_if_clock_plausible(
        &self,
        check: &mut ClockCheck,
    ) -> Result<(), Error> {
        let newest = match check.believed {
            Some(_) => None,
            None => self.store().read().await?.event_newest().await?,
        };
        if check.accepts(self.clock().now(), newest) { self.run_retention().await } else { Ok(()) }
    }

    /// Deletes the rate limit rows that were unused for longest, so that at most `most` are left.
    pub async fn trim_rate_limits(&self, most: u64) -> Result<(), Error> {
        let excess = self.store().read().await?.limit_count().await?.saturating_sub(most);
        if excess == 0 { Ok(()) } else { self.in_batches(Batch::OldestLimits, excess).await }
    }

    /// Deletes at most `most` rows, until a batch finds fewer than its limit.
    async fn in_batches(&self, batch: Batch, most: u64) -> Result<(), Error> {
        let (mut rows, mut left) = (INITIAL_BATCH, most);
        loop {
            let asked = rows.min(left);
            let mut tx = self.store().write().await?;
            let began = monotonic();
            let deleted = batch.delete(&mut tx, asked).await?;
            tx.commit().await?;
            let took = began.elapsed();
            left = left.saturating_sub(deleted);
            if deleted < asked || left == 0 {
                return Ok(());
            }
            rows = next_batch(rows, took);
            tokio::time::sleep((took * PAUSE_FACTOR).min(MAX_PAUSE)).await;
        }
    }

    /// Deletes the accounts whose grace period has ended, with their sessions and audit events.
    /// Only the event of the deletion is kept. Their tokens are revoked at once.
    async fn delete_due_accounts(&self, now: Timestamp) -> Result<(), Error> {
        let mut failed = None;
        let mut after = None;
        loop {
            let due = self.store().read().await?.users_due_for_deletion(now, after).await?;
            let Some(last) = due.last() else { return failed.map_or(Ok(()), Err) };
            after = Some(*last);
            for (_, user) in due {
                // A failure does not prevent the others.
                failed = self.delete_account(user, now).await.err().or(failed);
            }
        }
    }

    /// Deletes an account. The row goes last, so that an interrupted deletion continues in the next
    /// round.
    async fn delete_account(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        for batch in [Batch::EventsBy(user), Batch::EventsOf(user), Batch::SessionsOf(user)] {
            self.in_batches(batch, u64::MAX).await?;
        }
        let mut tx = self.store().write().await?;
        // The deletion was cancelled meanwhile, or another node was faster.
        if tx.user_delete(user, now).await? {
            tx.link_delete_for_user(user).await?;
            tx.pending_delete_for_user(user).await?;
            // Events that were recorded meanwhile.
            tx.event_delete_for_user(user, MAX_BATCH).await?;
            let entry = AuditEntry {
                kind: EventKind::AccountDeleted,
                outcome: Outcome::Done,
                actor: None,
                target: Some(user),
                session: None,
            };
            self.audit(&mut tx, &RequestContext::default(), now, entry).await?;
            self.commit_and_publish(tx, &[Change::EpochRaised(user, MAX_EPOCH)], now).await?;
        }
        Ok(())
    }
}

/// Halves the rows after a slow batch and doubles them after a fast one.
fn next_batch(rows: u64, took: Duration) -> u64 {
    if took > BATCH_TARGET {
        (rows / 2).max(1)
    } else if took < BATCH_TARGET / 2 {
        (rows * 2).min(MAX_BATCH)
    } else {
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn clock_far_ahead_is_trusted_after_one_hour() {
        let (start, gap) = (Timestamp(0), TimeSpan(PLAUSIBLE_GAP.0 + 1));
        let mut check = ClockCheck::default();
        assert!(!check.accepts(start + gap, Some(start)));
        // Events of the meantime have the same wrong time.
        tokio::time::advance(CLOCK_PROBATION / 2).await;
        assert!(!check.accepts(start + gap + TimeSpan::minutes(30), Some(start + gap)));
        tokio::time::advance(CLOCK_PROBATION / 2).await;
        assert!(check.accepts(start + gap + TimeSpan::minutes(60), None));
    }

    #[tokio::test(start_paused = true)]
    async fn clock_that_advances_or_is_corrected_is_trusted() {
        let start = Timestamp(0);
        let mut check = ClockCheck::default();
        assert!(check.accepts(start, None), "no event is stored yet");
        tokio::time::advance(Duration::from_hours(24 * 60)).await;
        assert!(check.accepts(start + TimeSpan::days(60), None));
        assert!(
            !check.accepts(start + TimeSpan::days(60_000), None),
            "a jump while the server runs"
        );
        assert!(check.accepts(start + TimeSpan::days(60), None));
    }

    #[test]
    fn batch_size_adapts_to_duration_within_bounds() {
        let (slow, quick) = (Duration::from_millis(11), Duration::from_millis(1));
        assert_eq!(
            [
                (50, slow),
                (1, slow),
                (50, quick),
                (400, quick),
                (MAX_BATCH, quick),
                (50, BATCH_TARGET)
            ]
            .map(|(rows, took)| next_batch(rows, took)),
            [25, 1, 100, MAX_BATCH, MAX_BATCH, 50]
        );
    }
}
