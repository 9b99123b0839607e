//! The queue of hash jobs: two bounded queues by priority, and quotas.
//!
//! Jobs of known devices go first, but after four of them one of an anonymous client is taken, so
//! that neither queue can starve the other.

use super::job::{HashJob, HashOutcome};
use crate::{Error, priority::Priority};
use std::{
    collections::{HashMap, VecDeque},
    iter,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

/// How many jobs of known devices are taken before one of an anonymous client.
const MAX_KNOWN_DEVICE_STREAK: u32 = 4;

/// A reserved slot in the queue. It is released when the job starts.
pub struct QueueSlot {
    queue: Arc<HashQueue>,
    priority: Priority,
    quotas: Vec<Quota>,
}

/// A limit for the slots of one client, so that no client can occupy the whole queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The client: a network, a device or a user.
    pub key: Vec<u8>,
    /// Maximum number of slots.
    pub limit: usize,
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        self.queue.release(self.priority, &self.quotas);
    }
}

pub(super) struct QueuedJob {
    pub(super) slot: QueueSlot,
    pub(super) job: HashJob,
    /// Notified when the job starts. If the receiver is dropped, the job is skipped.
    pub(super) started: oneshot::Sender<()>,
    pub(super) done: oneshot::Sender<Result<HashOutcome, Error>>,
}

/// The queue of all hashing threads.
pub(super) struct HashQueue {
    waiting: Mutex<Waiting>,
    /// Notified for each job, and on close.
    job_available: Condvar,
    /// Capacity of each queue, and the number of reserved slots.
    pub(super) capacity: usize,
    reserved_known_device: AtomicUsize,
    pub(super) reserved_anonymous: AtomicUsize,
    /// The number of slots reserved by each client.
    pub(super) quotas: Mutex<HashMap<(Priority, Vec<u8>), usize>>,
}

#[derive(Default)]
struct Waiting {
    known: VecDeque<QueuedJob>,
    anonymous: VecDeque<QueuedJob>,
    /// The number of jobs of known devices taken since the last one of an anonymous client.
    known_device_streak: u32,
    closed: bool,
}

impl HashQueue {
    /// Creates a queue. `capacity` is that of each priority.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            job_available: Condvar::new(),
            capacity,
            reserved_known_device: AtomicUsize::new(0),
            reserved_anonymous: AtomicUsize::new(0),
            quotas: Mutex::default(),
        }
    }

    /// Reserves a slot. Returns `None` if there is none, or if one of `quotas` is exhausted.
    pub(super) fn reserve(
        self: &Arc<Self>,
        priority: Priority,
        quotas: Vec<Quota>,
    ) -> Option<QueueSlot> {
        if !self.reserve_slot(priority) {
            return None;
        }
        if !self.reserve_quotas(priority, &quotas) {
            self.release(priority, &[]);
            return None;
        }
        Some(QueueSlot { queue: self.clone(), priority, quotas })
    }

    /// Ends the queue: no more jobs are taken.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.job_available.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn reserved(&self, priority: Priority) -> &AtomicUsize {
        match priority {
            Priority::KnownDevice => &self.reserved_known_device,
            Priority::Anonymous => &self.reserved_anonymous,
        }
    }

    /// Reserves one slot, if there is capacity.
    fn reserve_slot(&self, priority: Priority) -> bool {
        let one_more = || {
            self.reserved(priority)
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |reserved| {
                    (reserved < self.capacity).then_some(reserved + 1)
                })
                .is_ok()
        };
        self.retry_after_purge(priority, one_more)
    }

    /// Tries twice, the second time after removing abandoned jobs: they must not use up capacity or
    /// quotas.
    fn retry_after_purge(&self, priority: Priority, reserve: impl Fn() -> bool) -> bool {
        if reserve() {
            return true;
        }
        self.waiting().purge(priority);
        // Also if nothing was removed: a thread may just have removed the jobs itself.
        reserve()
    }

    /// Reserves one slot in each quota, if none is exhausted.
    fn reserve_quotas(&self, priority: Priority, quotas: &[Quota]) -> bool {
        self.retry_after_purge(priority, || self.try_reserve_quotas(priority, quotas))
    }

    fn try_reserve_quotas(&self, priority: Priority, quotas: &[Quota]) -> bool {
        let mut reserved = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        if quotas.iter().any(|quota| {
            reserved
                .get(&(priority, quota.key.clone()))
                .is_some_and(|reserved| *reserved >= quota.limit)
        }) {
            return false;
        }
        for quota in quotas {
            *reserved.entry((priority, quota.key.clone())).or_default() += 1;
        }
        true
    }

    fn release(&self, priority: Priority, quotas: &[Quota]) {
        self.reserved(priority).fetch_sub(1, Ordering::AcqRel);
        let mut reserved = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        for quota in quotas {
            let key = (priority, quota.key.clone());
            if let Some(count) = reserved.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    reserved.remove(&key);
                }
            }
        }
    }

    pub(super) fn push(&self, job: QueuedJob) {
        self.waiting().jobs(job.slot.priority).push_back(job);
        self.job_available.notify_one();
    }

    /// Takes the next job, if there is one.
    pub(super) fn try_pop(&self) -> Option<QueuedJob> {
        let mut waiting = self.waiting();
        if waiting.closed { None } else { waiting.next() }
    }

    /// Waits for the next job. Returns `None` after the queue was closed.
    pub(super) fn pop(&self) -> Option<QueuedJob> {
        let mut waiting = self.waiting();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.next() {
                return Some(job);
            }
            waiting = self.job_available.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl HashQueue {
    pub(super) fn jobs_waiting(&self) -> usize {
        let mut waiting = self.waiting();
        [Priority::KnownDevice, Priority::Anonymous]
            .map(|priority| {
                waiting.jobs(priority).iter().filter(|job| !job.started.is_closed()).count()
            })
            .into_iter()
            .sum()
    }
}

impl Waiting {
    /// The next job that is still awaited.
    fn next(&mut self) -> Option<QueuedJob> {
        let order = if self.known_device_streak < MAX_KNOWN_DEVICE_STREAK {
            [Priority::KnownDevice, Priority::Anonymous]
        } else {
            [Priority::Anonymous, Priority::KnownDevice]
        };
        let job = order.into_iter().find_map(|priority| self.next_with(priority))?;
        self.known_device_streak = match job.slot.priority {
            Priority::KnownDevice => self.known_device_streak.saturating_add(1),
            Priority::Anonymous => 0,
        };
        Some(job)
    }

    fn next_with(&mut self, priority: Priority) -> Option<QueuedJob> {
        let jobs = self.jobs(priority);
        // An abandoned job must not use up the turn of its priority.
        iter::from_fn(|| jobs.pop_front()).find(|job| !job.started.is_closed())
    }

    const fn jobs(&mut self, priority: Priority) -> &mut VecDeque<QueuedJob> {
        match priority {
            Priority::KnownDevice => &mut self.known,
            Priority::Anonymous => &mut self.anonymous,
        }
    }

    /// Removes abandoned jobs.
    fn purge(&mut self, priority: Priority) {
        self.jobs(priority).retain(|job| !job.started.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job, and the receiver that keeps it awaited.
    fn job(
        queue: &Arc<HashQueue>,
        priority: Priority,
        quotas: Vec<Quota>,
    ) -> Option<(QueuedJob, oneshot::Receiver<()>)> {
        let slot = queue.reserve(priority, quotas)?;
        let ((started, start), (done, _)) = (oneshot::channel(), oneshot::channel());
        Some((QueuedJob { slot, job: HashJob::Panic, started, done }, start))
    }

    /// Queues a job.
    fn push(queue: &Arc<HashQueue>, priority: Priority) -> oneshot::Receiver<()> {
        let (job, start) = job(queue, priority, Vec::new()).expect("free capacity");
        queue.push(job);
        start
    }

    #[test]
    fn every_fifth_job_is_anonymous_when_both_queues_are_full() {
        let queue = Arc::new(HashQueue::new(8));
        let mut waiting: Vec<_> = [Priority::Anonymous; 3]
            .into_iter()
            .chain([Priority::KnownDevice; 8])
            .map(|priority| push(&queue, priority))
            .collect();
        let mut order = Vec::new();
        for _ in 0..15 {
            let taken = queue.try_pop().expect("a queued job").slot.priority;
            if taken == Priority::KnownDevice {
                waiting.push(push(&queue, Priority::KnownDevice));
            }
            order.push(taken);
        }
        let anonymous: Vec<_> =
            (0..15).filter(|turn| order[*turn] == Priority::Anonymous).collect();
        assert_eq!(anonymous, [4, 9, 14]);
        let late = push(&queue, Priority::Anonymous);
        assert_eq!(
            queue.try_pop().expect("a queued job").slot.priority,
            Priority::KnownDevice,
            "known devices still go first"
        );
        drop((waiting, late));
    }

    #[test]
    fn abandoned_jobs_use_no_turn_of_their_priority() {
        let queue = Arc::new(HashQueue::new(16));
        for _ in 0..10 {
            drop(push(&queue, Priority::Anonymous));
        }
        let living = push(&queue, Priority::Anonymous);
        let mut known = Vec::new();
        for turn in 0..5 {
            known.push(push(&queue, Priority::KnownDevice));
            let taken = queue.try_pop().expect("a queued job").slot.priority;
            assert_eq!(taken == Priority::Anonymous, turn == 4, "turn {turn}");
        }
        assert_eq!(
            queue.reserved_anonymous.load(Ordering::Acquire),
            0,
            "abandoned jobs have released their slots"
        );
        drop(living);
    }

    #[test]
    fn abandoned_jobs_release_quota_of_their_network() {
        let queue = Arc::new(HashQueue::new(64));
        let network = || vec![Quota { key: b"one network".to_vec(), limit: 16 }];
        for priority in [Priority::Anonymous, Priority::KnownDevice] {
            let mut waited_for = Vec::new();
            for _ in 0..16 {
                let (job, start) = job(&queue, priority, network()).expect("within the quota");
                queue.push(job);
                waited_for.push(start);
            }
            assert!(queue.reserve(priority, network()).is_none(), "all jobs are awaited");
            waited_for.truncate(6);
            let slots: Vec<_> = iter::from_fn(|| queue.reserve(priority, network())).collect();
            assert_eq!(slots.len(), 10, "abandoned jobs are released");
        }
    }
}
