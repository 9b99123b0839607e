//! Groups operations that wait at the same time, so that one statement or one commit serves all of
//! them.
//!
//! An operation that finds nothing running starts at once, alone. Those that arrive meanwhile run
//! together next. So a group grows with the load, and none waits until it is full.

use crate::{Error, error_chain};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Maximum number of waiting operations. Further ones are rejected at once.
const MAX_WAITING: usize = 1_024;
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
}

struct Waiting<Operation: Grouped> {
    operation: Operation,
    sender: oneshot::Sender<Result<Operation::Outcome, Error>>,
}

fn lock<Operation: Grouped>(queue: &Mutex<Queue<Operation>>) -> MutexGuard<'_, Queue<Operation>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Operation: Grouped> Batcher<Operation> {
    /// Creates a queue of which at most `max_running` groups run at the same time. With more than
    /// one, a connection without a response does not hold up all of them.
    pub(crate) fn new(context: Operation::Context, max_running: usize) -> Self {
        let queue = Queue { waiting: Vec::new(), running: 0 };
        Self { context, max_running, queue: Arc::new(Mutex::new(queue)) }
    }

    /// Runs an operation in a group. Returns `None` if the group failed for a reason that may
    /// concern only one of its operations: each then runs alone. If the caller goes away, the group
    /// continues without it.
    pub(crate) async fn run(
        &self,
        operation: Operation,
    ) -> Result<Option<Operation::Outcome>, Error> {
        let (sender, outcome) = oneshot::channel();
        let is_idle = {
            let mut queue = lock(&self.queue);
            if queue.waiting.len() >= MAX_WAITING {
                return Err(Error::Overloaded { retry_after: RETRY_AFTER });
            }
            queue.waiting.push(Waiting { operation, sender });
            let is_idle = queue.running < self.max_running;
            queue.running += usize::from(is_idle);
            is_idle
        };
        if is_idle {
            let worker = Worker { queue: self.queue.clone(), has_ended: false };
            tokio::spawn(worker.run(self.context.clone()));
        }
        outcome.await.ok().transpose()
    }
}

/// Runs groups until nothing waits.
struct Worker<Operation: Grouped> {
    queue: Arc<Mutex<Queue<Operation>>>,
    has_ended: bool,
}

impl<Operation: Grouped> Worker<Operation> {
    async fn run(mut self, context: Operation::Context) {
        while let Some(group) = self.next_group() {
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
fn for_each(error: &Error) -> Option<Error> {
    match error {
        Error::Overloaded { retry_after } => Some(Error::Overloaded { retry_after: *retry_after }),
        Error::Unavailable(cause) if !error.is_conflict() => {
            Some(Error::Unavailable(error_chain(&**cause).into()))
        }
        _ => None,
    }
}
