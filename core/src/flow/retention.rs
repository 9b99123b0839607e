//! Retention: deletes what is kept no longer, in batches.
//!
//! Each batch is a transaction of its own, bounded in rows, and in time by adapting the rows to how
//! long the batch before took. Between two batches the task sleeps for several times as long, so
//! that other writers hardly notice. A round goes on until nothing is left to delete.
//!
//! What is deleted does not come back, so a clock that has jumped ahead is not trusted for an hour:
//! a machine may start with a wrong clock and set it a moment later.

use super::{Auth, Happened};
use crate::{
    Client, Error,
    limit::ATTEMPT_RETENTION,
    store::{Tx, events::Outcome, feed::News},
    world::monotonic,
};
use countersign_types::{Span, Timestamp, UserId, view::EventKind};
use std::time::Duration;
use tokio::time::Instant;

/// How long ended sessions are retained, for support and data export.
const ENDED_SESSION_RETENTION: Span = Span::days(30);
/// How long audit events are retained.
const AUDIT_RETENTION: Span = Span::days(400);
/// How much longer than any token lives revocations are remembered: a clock that ran ahead and is
/// set right must not make a revoked token valid again.
pub(super) const REVOCATION_RETENTION_MARGIN: Span = Span::minutes(25 * 60);
/// The most counts of rate limits that are kept. Beyond, those that were unused for longest go
/// first.
const MAX_LIMIT_ROWS: u64 = 1_000_000;

/// Rows of the first batch, and of any batch.
const INITIAL_BATCH: u64 = 50;
const MAX_BATCH: u64 = 500;
/// Time that a batch is meant to take, commit included.
const BATCH_TARGET: Duration = Duration::from_millis(10);
/// The pause after a batch, as a multiple of the time that it took.
const PAUSE_FACTOR: u32 = 4;
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// No token has a higher epoch: all that was issued to a deleted account is refused.
const AFTER_ALL: i64 = i64::MAX;

/// By how much time may have passed since the last sign of life.
const PLAUSIBLE_GAP: Span = Span::days(30);
/// How long a clock that shows more must have done so before it is believed.
const CLOCK_PROBATION: Duration = Duration::from_hours(1);

/// Whether the clock can be believed by what is deleted because of it.
#[derive(Debug, Default)]
pub struct ClockCheck {
    /// The newest time that was believed, and when that was.
    believed: Option<(Timestamp, Instant)>,
    /// When the clock was first seen too far ahead.
    ahead_since: Option<Instant>,
}

impl ClockCheck {
    /// Judges `now`. `newest`: when the newest thing happened that is stored, asked for at first
    /// only.
    fn accepts(&mut self, now: Timestamp, newest: Option<Timestamp>) -> bool {
        let at = monotonic();
        let expected = match self.believed {
            Some((time, then)) => {
                time + Span(i64::try_from(at.duration_since(then).as_millis()).unwrap_or(i64::MAX))
            }
            None => newest.unwrap_or(now),
        };
        let ahead = now.since(expected);
        if ahead > PLAUSIBLE_GAP {
            if self.ahead_since.is_none() {
                tracing::warn!(
                    days = ahead.0 / Span::days(1).0,
                    "nothing is deleted for an hour: the clock is far ahead of what happened last"
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

/// What is deleted, in batches.
#[derive(Clone, Copy, Debug)]
enum Batch {
    /// Lines of the feed that ended before.
    Feed(Timestamp),
    /// Sessions that ended before.
    Sessions(Timestamp),
    /// Counts of rate limits that were used last before, and are free again at.
    Limits(Timestamp, Timestamp),
    /// The counts of rate limits that were unused for longest.
    OldestLimits,
    /// Audit events that happened before.
    Events(Timestamp),
    /// From where a user acted on others.
    EventsBy(UserId),
    /// What happened to a user.
    EventsOf(UserId),
    /// The sessions of a user that were revoked.
    SessionsOf(UserId),
}

impl Batch {
    /// Deletes at most `rows` of each kind. Returns how many.
    async fn delete(self, tx: &mut Tx, rows: u64) -> Result<u64, Error> {
        match self {
            Self::Feed(before) => tx.feed_prune(before, rows).await,
            Self::Sessions(before) => tx.session_prune(before, rows).await,
            Self::Limits(before, now) => tx.limit_prune(before, now, rows).await,
            Self::OldestLimits => tx.limit_drop_oldest(rows).await,
            Self::Events(before) => tx.event_prune(before, rows).await,
            Self::EventsBy(user) => tx.event_blur(user, rows).await,
            Self::EventsOf(user) => tx.event_forget(user, rows).await,
            Self::SessionsOf(user) => tx.session_forget_revoked(user, rows).await,
        }
    }
}

impl Auth {
    /// Deletes all that is kept no longer, until nothing is left to delete.
    pub async fn retain(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.revocations.forget(now - REVOCATION_RETENTION_MARGIN);
        let mut failed = None;
        // What fails does not keep the others.
        for expired in [
            Batch::Feed(now - REVOCATION_RETENTION_MARGIN),
            Batch::Sessions(now - ENDED_SESSION_RETENTION),
            Batch::Limits(now - ATTEMPT_RETENTION, now),
            Batch::Events(now - AUDIT_RETENTION),
        ] {
            failed = self.in_batches(expired, u64::MAX).await.err().or(failed);
        }
        failed = self.bound_limits(MAX_LIMIT_ROWS).await.err().or(failed);
        failed = self.delete_accounts(now).await.err().or(failed);
        failed.map_or(Ok(()), Err)
    }

    /// [`Self::retain`], if the clock can be believed.
    pub async fn retain_by_checked_clock(&self, check: &mut ClockCheck) -> Result<(), Error> {
        let newest = match check.believed {
            Some(_) => None,
            None => self.store.read().await?.event_newest().await?,
        };
        if check.accepts(self.clock.now(), newest) { self.retain().await } else { Ok(()) }
    }

    /// Deletes the counts of rate limits that were unused for longest, so that at most `most` are
    /// left.
    pub async fn bound_limits(&self, most: u64) -> Result<(), Error> {
        let excess = self.store.read().await?.limit_count().await?.saturating_sub(most);
        if excess == 0 { Ok(()) } else { self.in_batches(Batch::OldestLimits, excess).await }
    }

    /// Deletes at most `most` rows, until a batch finds fewer than it may delete.
    async fn in_batches(&self, batch: Batch, most: u64) -> Result<(), Error> {
        let (mut rows, mut left) = (INITIAL_BATCH, most);
        loop {
            let asked = rows.min(left);
            let mut tx = self.store.write().await?;
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

    /// Deletes the accounts whose time has come, each with its sessions and all that was recorded
    /// of it but the fact. Their tokens are refused at once.
    async fn delete_accounts(&self, now: Timestamp) -> Result<(), Error> {
        let mut failed = None;
        let mut after = None;
        loop {
            let due = self.store.read().await?.users_to_be_deleted(now, after).await?;
            let Some(last) = due.last() else { return failed.map_or(Ok(()), Err) };
            after = Some(*last);
            for (_, user) in due {
                // One that cannot be deleted does not keep the others.
                failed = self.delete_account(user, now).await.err().or(failed);
            }
        }
    }

    /// Cut off in between, it goes on where it was in the next round: the account goes last.
    async fn delete_account(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        for batch in [Batch::EventsBy(user), Batch::EventsOf(user), Batch::SessionsOf(user)] {
            self.in_batches(batch, u64::MAX).await?;
        }
        let mut tx = self.store.write().await?;
        // Kept at the last moment, or another node was quicker.
        if tx.user_delete(user, now).await? {
            // What was recorded since.
            tx.event_forget(user, MAX_BATCH).await?;
            let happened = Happened {
                kind: EventKind::Deleted,
                outcome: Outcome::Done,
                actor: None,
                target: Some(user),
                session: None,
            };
            self.record(&mut tx, &Client::default(), now, happened).await?;
            self.commit_with(tx, &[News::EpochRaised(user, AFTER_ALL)], now).await?;
        }
        Ok(())
    }
}

/// Half as many rows after a batch that took too long, twice as many after a quick one.
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
    async fn clock_far_ahead_is_believed_after_an_hour_and_not_after_a_log_in() {
        let (start, gap) = (Timestamp(0), Span(PLAUSIBLE_GAP.0 + 1));
        let mut check = ClockCheck::default();
        assert!(!check.accepts(start + gap, Some(start)));
        // What happens meanwhile has the same wrong time.
        tokio::time::advance(CLOCK_PROBATION / 2).await;
        assert!(!check.accepts(start + gap + Span::minutes(30), Some(start + gap)));
        tokio::time::advance(CLOCK_PROBATION / 2).await;
        assert!(check.accepts(start + gap + Span::minutes(60), None));
    }

    #[tokio::test(start_paused = true)]
    async fn clock_that_goes_with_time_or_is_set_right_is_believed() {
        let start = Timestamp(0);
        let mut check = ClockCheck::default();
        assert!(check.accepts(start, None), "nothing has happened yet");
        tokio::time::advance(Duration::from_hours(24 * 60)).await;
        assert!(check.accepts(start + Span::days(60), None));
        assert!(!check.accepts(start + Span::days(60_000), None), "it jumps while the server runs");
        assert!(check.accepts(start + Span::days(60), None));
    }

    #[test]
    fn batch_adapts_to_the_time_it_takes_within_its_bounds() {
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
