//! Supervised background work: tasks and threads that are restarted when they panic or end, and the
//! state of each for readiness.
//!
//! The work itself is defined in `background_tasks`, `passwords::hasher` and the crates that
//! depend on this one.

use crate::{Error, RandomSource, clock::monotonic, fail_point::TaskPanic};
use futures::FutureExt;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
};

/// Maximum delay before the first restart. It doubles with each failure.
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);
/// Maximum delay before any restart.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// After a run of this length, the next failure starts with [`INITIAL_BACKOFF`] again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// Starts background work, restarts it after failures, and tracks its state. Clones share the
/// state.
#[derive(Clone, Debug)]
pub struct Supervisor {
    random: RandomSource,
    states: Arc<watch::Sender<BTreeMap<u64, State>>>,
}

/// The state of one task or thread.
#[derive(Debug)]
struct State {
    name: Cow<'static, str>,
    running: bool,
    #[cfg(any(test, feature = "testing"))]
    panic_point: TaskPanic,
}

/// A supervised task. Dropping it aborts the task; [`BackgroundTask::stop`] also waits until it has
/// ended.
#[derive(Debug)]
#[must_use = "dropping it aborts the task"]
pub struct BackgroundTask(JoinHandle<()>);

impl BackgroundTask {
    /// Aborts the task and waits until it has stopped.
    pub async fn stop(mut self) {
        self.0.abort();
        let _aborted: Result<(), JoinError> = (&mut self.0).await;
    }
}

impl Drop for BackgroundTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Supervisor {
    /// Creates a supervisor without work. `random` adds jitter to restarts.
    #[must_use]
    pub fn new(random: RandomSource) -> Self {
        Self { random, states: Arc::new(watch::Sender::default()) }
    }

    /// Spawns a task on the current Tokio runtime. `start` creates the future of each run. A run
    /// that panics or ends is a failure: it is logged, and the next run starts after a backoff.
    /// Errors are handled by the run itself.
    ///
    /// # Panics
    /// Panics outside a Tokio runtime.
    pub fn spawn<F, T>(&self, name: impl Into<Cow<'static, str>>, mut start: F) -> BackgroundTask
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let work = self.register(name.into());
        BackgroundTask(tokio::spawn(async move {
            let mut backoff = Backoff::default();
            loop {
                let began = monotonic();
                let run = async {
                    tokio::select! {
                        () = start() => {}
                        () = work.panic_point.triggered() => {}
                    }
                };
                let failure = match AssertUnwindSafe(run).catch_unwind().await {
                    Ok(()) => Failure::Ended,
                    Err(_) => Failure::Panicked,
                };
                let delay =
                    work.failed(failure, backoff.next(began.elapsed(), &work.supervisor.random));
                tokio::time::sleep(delay).await;
                work.panic_point.cleared().await;
                work.set_running(true);
            }
        }))
    }

    /// Spawns a thread. `run` is called again after a panic and a backoff. When it returns, the
    /// thread ends and is no longer counted.
    pub fn spawn_thread(
        &self,
        name: impl Into<Cow<'static, str>>,
        mut run: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        let name = name.into();
        let work = self.register(name.clone());
        thread::Builder::new().name(name.into_owned()).spawn(move || {
            let mut backoff = Backoff::default();
            loop {
                let began = monotonic();
                if catch_unwind(AssertUnwindSafe(&mut run)).is_ok() {
                    return;
                }
                let delay = work.failed(
                    Failure::Panicked,
                    backoff.next(began.elapsed(), &work.supervisor.random),
                );
                thread::sleep(delay);
                work.set_running(true);
            }
        })?;
        Ok(())
    }

    /// Returns [`Error::Unavailable`] while any task or thread is not running.
    pub fn check(&self) -> Result<(), Error> {
        let stopped: Vec<_> = self
            .states
            .borrow()
            .values()
            .filter(|state| !state.running)
            .map(|state| state.name.to_string())
            .collect();
        if stopped.is_empty() {
            Ok(())
        } else {
            Err(Error::Unavailable(
                format!("background work is not running: {}", stopped.join(", ")).into(),
            ))
        }
    }

    fn register(&self, name: Cow<'static, str>) -> Registered {
        let panic_point = TaskPanic::default();
        let mut id = 0;
        self.states.send_modify(|states| {
            id = states.last_key_value().map_or(0, |(last, _)| last + 1);
            let state = State {
                name: name.clone(),
                running: true,
                #[cfg(any(test, feature = "testing"))]
                panic_point: panic_point.clone(),
            };
            states.insert(id, state);
        });
        Registered { supervisor: self.clone(), id, name, panic_point }
    }
}

/// An entry in the list of background work. Dropping it removes the entry.
struct Registered {
    supervisor: Supervisor,
    id: u64,
    name: Cow<'static, str>,
    panic_point: TaskPanic,
}

impl Registered {
    fn set_running(&self, running: bool) {
        self.supervisor.states.send_modify(|states| {
            if let Some(state) = states.get_mut(&self.id) {
                state.running = running;
            }
        });
    }

    /// Marks the work as not running and logs the failure. Returns `delay`. The panic message is
    /// not logged, because it may quote user input.
    fn failed(&self, failure: Failure, delay: Duration) -> Duration {
        self.set_running(false);
        tracing::error!(
            task = %self.name,
            ?failure,
            restart_in_ms = delay.as_millis(),
            "background work stopped"
        );
        delay
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.supervisor.states.send_modify(|states| {
            states.remove(&self.id);
        });
    }
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    Ended,
    Panicked,
}

/// Exponential backoff with jitter: each delay is between half and all of its limit.
#[derive(Default)]
struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The delay before the next run, after one that took `ran_for`.
    fn next(&mut self, ran_for: Duration, random: &RandomSource) -> Duration {
        if ran_for >= HEALTHY_AFTER {
            self.failures = 0;
        }
        let limit =
            INITIAL_BACKOFF.saturating_mul(2_u32.saturating_pow(self.failures)).min(MAX_BACKOFF);
        self.failures = self.failures.saturating_add(1);
        let half = limit / 2;
        let jitter =
            random.number_up_to(i64::try_from(half.as_millis()).unwrap_or(i64::MAX)).unwrap_or(0);
        half + Duration::from_millis(u64::try_from(jitter).unwrap_or(0))
    }
}

#[cfg(any(test, feature = "testing"))]
impl Supervisor {
    /// The names of all background work, in the order in which it was started.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.states.borrow().values().map(|state| state.name.to_string()).collect()
    }

    /// Makes a task panic and prevents its restart until the returned guard is dropped. Returns
    /// when it has stopped.
    ///
    /// # Panics
    /// Panics if no task has this name.
    pub async fn panic_task(&self, name: &str) -> crate::fail_point::PanickedTask {
        let panic_point = self
            .states
            .borrow()
            .values()
            .find(|state| state.name == name)
            .expect("a task of this name")
            .panic_point
            .clone();
        let panicked = panic_point.trigger();
        self.stopped(name).await;
        panicked
    }

    /// Waits until a task or thread is not running.
    pub async fn stopped(&self, name: &str) {
        self.wait_for(|states| states.values().any(|state| state.name == name && !state.running))
            .await;
    }

    /// Waits until all background work is running.
    pub async fn all_running(&self) {
        self.wait_for(|states| states.values().all(|state| state.running)).await;
    }

    async fn wait_for(&self, holds: impl FnMut(&BTreeMap<u64, State>) -> bool) {
        let mut states = self.states.subscribe();
        drop(states.wait_for(holds).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::pending,
        sync::{
            Mutex,
            atomic::{AtomicU32, Ordering},
        },
    };
    use tokio::time::Instant;

    fn supervisor() -> Supervisor {
        Supervisor::new(RandomSource::seeded(1))
    }

    #[tokio::test(start_paused = true)]
    async fn task_is_restarted_after_panic_or_end() {
        let supervisor = supervisor();
        let runs = Arc::new(AtomicU32::new(0));
        let _task = supervisor.spawn("one", {
            let runs = runs.clone();
            move || {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                // The first three runs fail: in the factory, in the future, and by ending.
                assert!(run != 0, "a panic of the factory");
                async move {
                    // Makes the running state observable.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    assert!(run != 1, "a panic of the task");
                    if run > 2 {
                        pending::<()>().await;
                    }
                }
            }
        });
        let mut states = supervisor.states.subscribe();
        for run in 1..=3 {
            states.wait_for(|states| !states[&0].running).await.expect("states");
            assert_eq!(runs.load(Ordering::SeqCst), run);
            assert!(matches!(supervisor.check(), Err(Error::Unavailable(_))));
            states.wait_for(|states| states[&0].running).await.expect("states");
            supervisor.check().expect("running");
        }
        tokio::time::sleep(MAX_BACKOFF).await;
        assert_eq!(runs.load(Ordering::SeqCst), 4, "the fourth run continues");
    }

    #[tokio::test(start_paused = true)]
    async fn backoff_grows_to_limit_and_resets_after_healthy_run() {
        let supervisor = supervisor();
        let starts = Arc::new(Mutex::new(Vec::new()));
        let _task = supervisor.spawn("one", {
            let starts = starts.clone();
            move || {
                let mut starts = starts.lock().expect("a lock");
                starts.push(Instant::now());
                let healthy = starts.len() == 9;
                async move {
                    if healthy {
                        tokio::time::sleep(HEALTHY_AFTER).await;
                    }
                }
            }
        });
        tokio::time::sleep(HEALTHY_AFTER * 2).await;
        let starts = starts.lock().expect("a lock").clone();
        let delays: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (failures, delay) in delays[..8].iter().enumerate() {
            let limit = (INITIAL_BACKOFF * 2_u32.pow(u32::try_from(failures).expect("few")))
                .min(MAX_BACKOFF);
            assert!(
                (limit / 2..=limit + Duration::from_millis(2)).contains(delay),
                "{failures}: {delay:?}"
            );
        }
        assert!(
            delays[8] <= HEALTHY_AFTER + INITIAL_BACKOFF + Duration::from_millis(2),
            "{:?}",
            delays[8]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_or_stopped_task_is_not_counted() {
        let supervisor = supervisor();
        let (one, two) = (
            supervisor.spawn("one", pending),
            supervisor.spawn("two", || async { panic!("each time") }),
        );
        let mut states = supervisor.states.subscribe();
        states
            .wait_for(|states| states.values().any(|state| !state.running))
            .await
            .expect("states");
        two.stop().await;
        supervisor.check().expect("stopped tasks are not counted");
        assert_eq!(supervisor.names(), ["one"]);
        drop(one);
        states.wait_for(BTreeMap::is_empty).await.expect("states");
    }

    #[tokio::test]
    async fn thread_is_restarted_after_panic_and_ends_when_done() {
        let supervisor = supervisor();
        let (go, wait) = std::sync::mpsc::channel();
        let mut states = supervisor.states.subscribe();
        supervisor
            .spawn_thread("one", move || {
                let fails: bool = wait.recv().expect("a message");
                assert!(!fails, "a panic of the thread");
            })
            .expect("a thread");
        supervisor.check().expect("running");
        go.send(true).expect("a running thread");
        states.wait_for(|states| !states[&0].running).await.expect("states");
        states.wait_for(|states| states[&0].running).await.expect("states");
        go.send(false).expect("a running thread");
        states.wait_for(BTreeMap::is_empty).await.expect("states");
    }
}
