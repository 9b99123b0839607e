//! Groups operations that wait at the same time, so that one statement or one commit serves all of
//! them.
//!
//! A group consists of the operations that arrived while the previous group ran, up to a maximum.
//! It starts when that group ends, or at once if none runs. So a group grows with the load, and
//! none waits until it is full.
//!
//! A group that takes longer than [`LATE_AFTER`] is possibly waiting for a lost connection. Another
//! one is started beside it, up to a maximum.

use crate::{
    Error, clock, error_chain,
    store::limits::{LOCK_TIMEOUT, STATEMENT_TIMEOUT},
};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, timeout},
};

/// Maximum number of waiting operations. Further ones are rejected at once.
const MAX_WAITING: usize = 1_024;
/// Time after which a running group is late.
const LATE_AFTER: Duration = Duration::from_millis(50);
/// Maximum time that an operation waits for its outcome: for a connection, and one statement.
const MAX_WAIT: Duration = LOCK_TIMEOUT.saturating_add(STATEMENT_TIMEOUT);
/// Seconds until a rejected client may retry.
const RETRY_AFTER: u32 = 2;

/// A kind of operations that run in groups.
pub(crate) trait Grouped: Sized + Send + 'static {
    /// The database, the clock and whatever else the operations use.
    type Context: Clone + Send + Sync + 'static;
    /// The outcome of one operation.
    type Outcome: Send + 'static;
    /// Maximum number of operations in a group.
    const MAX_GROUP: usize;

    /// Runs some operations. Returns their outcomes in the same order.
    fn run_group(
        context: &Self::Context,
        operations: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, Error>> + Send;
}

/// The queue of the operations of one kind.
pub(crate) struct Batcher<Operation: Grouped> {
    context: Operation::Context,
    max_running: usize,
    queue: Arc<Mutex<Queue<Operation>>>,
}

struct Queue<Operation: Grouped> {
    waiting: Vec<Waiting<Operation>>,
    /// Number of running groups.
    running: usize,
    /// When the last group started.
    last_start: Instant,
}

struct Waiting<Operation: Grouped> {
    operation: Operation,
    sender: oneshot::Sender<Result<Operation::Outcome, Error>>,
}

fn lock<Operation: Grouped>(queue: &Mutex<Queue<Operation>>) -> MutexGuard<'_, Queue<Operation>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Operation: Grouped> Batcher<Operation> {
    /// Creates a queue of which at most `max_running` groups run at the same time, all but one of
    /// them because the others are late.
    pub(crate) fn new(context: Operation::Context, max_running: usize) -> Self {
        let queue = Queue { waiting: Vec::new(), running: 0, last_start: clock::monotonic() };
        Self { context, max_running, queue: Arc::new(Mutex::new(queue)) }
    }

    /// Runs an operation in a group. Returns `None` if the group failed for a reason that may
    /// concern only one of its operations: each then runs alone. If the caller goes away, the group
    /// continues without it.
    pub(crate) async fn run(
        &self,
        operation: Operation,
    ) -> Result<Option<Operation::Outcome>, Error> {
        let (sender, mut outcome) = oneshot::channel();
        {
            let mut queue = lock(&self.queue);
            if queue.waiting.len() >= MAX_WAITING {
                return Err(Error::Overloaded { retry_after: RETRY_AFTER });
            }
            queue.waiting.push(Waiting { operation, sender });
            self.start_worker_if_needed(&mut queue);
        }
        let began = clock::monotonic();
        while began.elapsed() < MAX_WAIT {
            if let Ok(outcome) = timeout(LATE_AFTER, &mut outcome).await {
                return outcome.ok().transpose();
            }
            self.start_worker_if_needed(&mut lock(&self.queue));
        }
        Err(Error::Overloaded { retry_after: RETRY_AFTER })
    }

    /// Starts a worker for the operations that wait, if none is running or all are late.
    fn start_worker_if_needed(&self, queue: &mut Queue<Operation>) {
        let is_newest_late = queue.last_start.elapsed() >= LATE_AFTER;
        let has_capacity = queue.running == 0 || is_newest_late && queue.running < self.max_running;
        if has_capacity && !queue.waiting.is_empty() {
            queue.running += 1;
            queue.last_start = clock::monotonic();
            let worker = Worker { queue: self.queue.clone(), has_ended: false };
            tokio::spawn(worker.run(self.context.clone()));
        }
    }
}

/// Runs groups until nothing waits.
struct Worker<Operation: Grouped> {
    queue: Arc<Mutex<Queue<Operation>>>,
    has_ended: bool,
}

impl<Operation: Grouped> Worker<Operation> {
    async fn run(mut self, context: Operation::Context) {
        loop {
            // Tasks that are ready add their operations to the group first.
            yield_now().await;
            let Some(group) = self.next_group() else { return };
            let (operations, senders): (Vec<_>, Vec<_>) = group
                .into_iter()
                .filter(|waiting| !waiting.sender.is_closed())
                .map(|waiting| (waiting.operation, waiting.sender))
                .unzip();
            if operations.is_empty() {
                continue;
            }
            match Operation::run_group(&context, &operations).await {
                Ok(outcomes) => {
                    for (sender, outcome) in senders.into_iter().zip(outcomes) {
                        drop(sender.send(Ok(outcome))); // The caller may have gone away.
                    }
                }
                Err(error) => {
                    for sender in senders {
                        if let Some(error) = for_each(&error) {
                            drop(sender.send(Err(error)));
                        }
                    }
                }
            }
        }
    }

    /// Takes the next group. If nothing waits, this worker has ended: both under one lock, so that
    /// each operation finds a worker.
    fn next_group(&mut self) -> Option<Vec<Waiting<Operation>>> {
        let mut queue = lock(&self.queue);
        if queue.waiting.is_empty() {
            queue.running -= 1;
            self.has_ended = true;
            return None;
        }
        queue.last_start = clock::monotonic();
        let count = queue.waiting.len().min(Operation::MAX_GROUP);
        let rest = queue.waiting.split_off(count);
        Some(mem::replace(&mut queue.waiting, rest))
    }
}

impl<Operation: Grouped> Drop for Worker<Operation> {
    /// After a panic, and at the end of the runtime: those that wait run alone.
    fn drop(&mut self) {
        if !self.has_ended {
            let mut queue = lock(&self.queue);
            queue.running -= 1;
            queue.waiting.clear();
        }
    }
}

/// Returns the error of a group for one of its operations; `None` if the reason may concern only
/// one of them.
pub(crate) fn for_each(error: &Error) -> Option<Error> {
    match error {
        Error::Overloaded { retry_after } => Some(Error::Overloaded { retry_after: *retry_after }),
        Error::Unavailable(cause) if !error.is_conflict() => {
            Some(Error::Unavailable(error_chain(&**cause).into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, future::join_all};
    use std::future::Future;
    use tokio::{sync::Semaphore, time::advance};

    const FAILS: u32 = 100;
    const UNAVAILABLE: u32 = 101;
    const PANICS: u32 = 102;

    /// An operation that waits for a permit of the test.
    struct Job(u32);

    #[derive(Clone)]
    struct Gate {
        permits: Arc<Semaphore>,
        groups: Arc<Mutex<Vec<Vec<u32>>>>,
    }

    impl Grouped for Job {
        type Context = Gate;
        type Outcome = u32;
        const MAX_GROUP: usize = 4;

        async fn run_group(gate: &Gate, jobs: &[Self]) -> Result<Vec<u32>, Error> {
            let numbers: Vec<_> = jobs.iter().map(|job| job.0).collect();
            gate.groups.lock().expect("a lock").push(numbers.clone());
            gate.permits.acquire().await.expect("open").forget();
            assert!(!numbers.contains(&PANICS), "a test makes this group panic");
            if numbers.contains(&FAILS) {
                return Err(Error::internal("one of them"));
            }
            if numbers.contains(&UNAVAILABLE) {
                return Err(Error::Unavailable("all of them".into()));
            }
            Ok(numbers.into_iter().map(|number| number * 10).collect())
        }
    }

    /// Lets a worker run until its group waits for a permit.
    async fn start_worker() {
        for _ in 0..2 {
            yield_now().await;
        }
    }

    struct Test {
        batcher: Batcher<Job>,
        gate: Gate,
    }

    impl Test {
        fn new() -> Self {
            Self::with_max_running(1)
        }

        fn with_max_running(max_running: usize) -> Self {
            let gate = Gate { permits: Arc::new(Semaphore::new(0)), groups: Arc::default() };
            Self { batcher: Batcher::new(gate.clone(), max_running), gate }
        }

        /// Begins an operation. It waits until permits are added.
        async fn begin(
            &self,
            number: u32,
        ) -> impl Future<Output = Result<Option<u32>, Error>> + Unpin {
            let mut outcome = Box::pin(self.batcher.run(Job(number)));
            assert!((&mut outcome).now_or_never().is_none(), "{number} waits");
            start_worker().await;
            outcome
        }

        /// Returns the number of groups after some time in which none of these has an outcome.
        async fn groups_after(
            &self,
            duration: Duration,
            waiting: &mut [impl Future<Output = Result<Option<u32>, Error>> + Unpin],
        ) -> usize {
            advance(duration).await;
            for outcome in waiting {
                assert!(outcome.now_or_never().is_none());
            }
            start_worker().await;
            self.groups().len()
        }

        fn groups(&self) -> Vec<Vec<u32>> {
            self.gate.groups.lock().expect("a lock").clone()
        }
    }

    #[tokio::test]
    async fn operations_that_wait_run_together_and_get_their_own_outcomes() {
        let test = Test::new();
        let mut started = Vec::new();
        for number in 0..7 {
            started.push(test.begin(number).await);
        }
        assert_eq!(test.groups(), [[0]]);
        test.gate.permits.add_permits(3);
        for (number, outcome) in (0..7).zip(join_all(started).await) {
            assert_eq!(outcome.expect("done"), Some(number * 10));
        }
        assert_eq!(test.groups(), [vec![0], vec![1, 2, 3, 4], vec![5, 6]]);
    }

    #[tokio::test(start_paused = true)]
    async fn late_group_does_not_hold_up_others_up_to_the_maximum() {
        let test = Test::with_max_running(2);
        let first = test.begin(0).await;
        let mut started = Vec::new();
        for number in 1..=5 {
            started.push(test.begin(number).await);
        }
        // The second group is full, and starts later than the last operation began to wait.
        advance(LATE_AFTER / 2).await;
        test.gate.permits.add_permits(1);
        assert_eq!(first.await.expect("done"), Some(0));
        start_worker().await;
        assert_eq!(test.groups(), [vec![0], vec![1, 2, 3, 4]]);
        assert_eq!(test.groups_after(LATE_AFTER / 2, &mut started).await, 2, "not late yet");
        assert_eq!(test.groups_after(LATE_AFTER, &mut started).await, 3);
        started.push(test.begin(6).await);
        assert_eq!(test.groups_after(LATE_AFTER, &mut started).await, 3, "the maximum");
        test.gate.permits.add_permits(3);
        assert!(join_all(started).await.iter().all(|outcome| matches!(outcome, Ok(Some(_)))));
        assert_eq!(test.groups()[2..], [[5], [6]]);
    }

    #[tokio::test]
    async fn cancelled_operations_are_not_run() {
        let test = Test::new();
        let first = test.begin(0).await;
        let (kept, cancelled) = (test.begin(1).await, test.begin(2).await);
        drop(cancelled);
        test.gate.permits.add_permits(2);
        assert_eq!(first.await.expect("done"), Some(0));
        assert_eq!(kept.await.expect("done"), Some(10));
        // A group in which all are cancelled.
        let running = test.begin(3).await;
        drop(test.begin(4).await);
        drop(test.begin(5).await);
        test.gate.permits.add_permits(1);
        assert_eq!(running.await.expect("done"), Some(30));
        let next = test.begin(6).await;
        test.gate.permits.add_permits(1);
        assert_eq!(next.await.expect("done"), Some(60));
        assert_eq!(test.groups(), [[0], [1], [3], [6]]);
    }

    #[tokio::test]
    async fn failed_group_dissolves_unless_the_reason_concerns_all() {
        let test = Test::new();
        let first = test.begin(0).await;
        let (one, other) = (test.begin(FAILS).await, test.begin(1).await);
        test.gate.permits.add_permits(2);
        assert!(first.await.is_ok());
        assert_eq!((one.await.expect("alone"), other.await.expect("alone")), (None, None));
        let first = test.begin(2).await;
        let (one, other) = (test.begin(UNAVAILABLE).await, test.begin(3).await);
        test.gate.permits.add_permits(2);
        assert!(first.await.is_ok());
        for outcome in [one.await, other.await] {
            assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn operations_run_alone_after_a_panic_and_later_ones_in_groups() {
        let test = Test::new();
        let (panicking, waiting) = (test.begin(PANICS).await, test.begin(1).await);
        test.gate.permits.add_permits(1);
        assert_eq!((panicking.await.expect("alone"), waiting.await.expect("alone")), (None, None));
        let next = test.begin(2).await;
        test.gate.permits.add_permits(1);
        assert_eq!(next.await.expect("done"), Some(20));
    }

    #[tokio::test]
    async fn full_queue_rejects_operations_at_once() {
        let test = Test::new();
        let mut started = vec![test.begin(0).await];
        for _ in 0..MAX_WAITING {
            started.push(test.begin(1).await);
        }
        let rejected = test.batcher.run(Job(1)).now_or_never().expect("at once");
        assert!(matches!(rejected, Err(Error::Overloaded { .. })), "{rejected:?}");
        test.gate.permits.add_permits(MAX_WAITING);
        assert!(join_all(started).await.iter().all(|outcome| matches!(outcome, Ok(Some(_)))));
    }
}
