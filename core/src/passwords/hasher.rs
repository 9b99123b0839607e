//! Password hashing: argon2id on a fixed number of threads, each with its own memory, which it
//! reuses.
//!
//! Memory is therefore bounded by threads × `memory_kib`, whatever the load. (A stored hash with a
//! larger cost takes more while it is compared, up to a fixed multiple.) Jobs wait in two bounded
//! queues: one for known devices, which is served first, and one for anonymous clients, which gets
//! every fifth turn. A request without a free slot is rejected at once, before anything else is
//! done for it, and a job that has waited too long is rejected then. A slot belongs to the job: a
//! client that disconnects does not free a thread early.
//!
//! A job that panics is one failed request. The threads are supervised, and readiness checks them.

mod config;
mod hash_queue;
mod job;
mod normalized_password;
mod stored_hash;

pub use crate::priority::Priority;
pub use config::HashingConfig;
pub use hash_queue::{QueueSlot, Quota};
pub use job::PasswordMatch;
pub(crate) use stored_hash::MAX_STORED_BYTES;

use crate::{Error, RandomSource, ServerSecret, background::Supervisor, passwords::strength};
use argon2::{Block, Params};
use countersign_types::{DisplayName, Email, Password, PasswordWeakness, UserId};
use hash_queue::{HashQueue, QueuedJob};
use job::{HashJob, HashOutcome};
use normalized_password::NormalizedPassword;
use rustix::process::{getpriority_process, setpriority_process};
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use stored_hash::{HASH_LENGTH, HashKey, SALT_LENGTH, StoredHash, UnusableHash};
use tokio::sync::oneshot;
use zeroize::Zeroize;

/// Maximum time a job waits in the queue.
const MAX_QUEUE_WAIT: Duration = Duration::from_secs(2);
/// Seconds until a rejected client may retry.
const RETRY_AFTER: u32 = 2;
/// How much nicer than the process the hashing threads are.
const NICENESS: i32 = 5;
/// Maximum number of users whose unusable hash is remembered as logged.
const MAX_REPORTED: usize = 1_000;

/// A stored password hash and its user.
#[derive(Clone, Copy)]
pub struct UserPasswordHash<'a> {
    /// The owner of the row.
    pub user: UserId,
    /// The content of the column: a PHC string, or anything.
    pub hash: &'a str,
}

/// The hashing threads. They end when this is dropped.
pub struct PasswordHasher {
    queue: Arc<HashQueue>,
    shared: Arc<Shared>,
    random: RandomSource,
    /// The users whose unusable hash was logged.
    reported: Mutex<HashSet<UserId>>,
}

/// The state that all threads share.
struct Shared {
    params: Params,
    key: HashKey,
    decoy: StoredHash,
}

impl PasswordHasher {
    /// Starts the threads under `supervisor`.
    pub fn start(
        hashing: HashingConfig,
        random: RandomSource,
        secret: &ServerSecret,
        supervisor: &Supervisor,
    ) -> Result<Self, Error> {
        let params = stored_hash::params(&hashing)?;
        let decoy = StoredHash::decoy(
            &params,
            &random.bytes::<SALT_LENGTH>()?,
            &random.bytes::<HASH_LENGTH>()?,
        )?;
        let queue = Arc::new(HashQueue::new(hashing.queue_capacity.max(1)));
        let shared = Arc::new(Shared { params, key: HashKey::new(secret), decoy });
        for number in 0..hashing.threads.max(1) {
            let (queue, shared) = (queue.clone(), shared.clone());
            let run = move || {
                lower_thread_priority();
                if number == 0 {
                    strength::warm_up();
                }
                run_jobs(&queue, &shared);
            };
            supervisor.spawn_thread(format!("hash-{number}"), run).map_err(Error::internal)?;
        }
        Ok(Self { queue, shared, random, reported: Mutex::default() })
    }

    /// Reserves a slot. Returns [`Error::Overloaded`] at once if there is none, or if one of
    /// `quotas` is exhausted.
    pub fn reserve(&self, priority: Priority, quotas: Vec<Quota>) -> Result<QueueSlot, Error> {
        self.queue.reserve(priority, quotas).ok_or_else(overloaded)
    }

    /// The capacity of each of the two queues.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.queue.capacity
    }

    /// Hashes a new password of `user` to a PHC string, or returns why it is too weak. The estimate
    /// takes time too, so it is part of the job.
    pub async fn hash_new(
        &self,
        password: Password,
        user: UserId,
        email: Email,
        name: Option<DisplayName>,
        slot: QueueSlot,
    ) -> Result<Result<String, PasswordWeakness>, Error> {
        let job = HashJob::HashNew {
            password: NormalizedPassword::new(password),
            user,
            email,
            name,
            salt: self.random.bytes()?,
        };
        match self.enqueue(job, slot).await? {
            HashOutcome::Hashed(hash) => Ok(Ok(hash)),
            HashOutcome::TooWeak(weakness) => Ok(Err(weakness)),
            HashOutcome::Compared(_) => Err(unexpected_outcome()),
        }
    }

    /// Hashes a password of `user` to a PHC string.
    pub async fn hash(
        &self,
        password: Password,
        user: UserId,
        slot: QueueSlot,
    ) -> Result<String, Error> {
        let job = HashJob::Hash {
            password: NormalizedPassword::new(password),
            user,
            salt: self.random.bytes()?,
        };
        match self.enqueue(job, slot).await? {
            HashOutcome::Hashed(hash) => Ok(hash),
            HashOutcome::Compared(_) | HashOutcome::TooWeak(_) => Err(unexpected_outcome()),
        }
    }

    /// Compares a password with a stored hash. Without a usable hash it takes as long and returns
    /// no match.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<UserPasswordHash<'_>>,
        slot: QueueSlot,
    ) -> Result<PasswordMatch, Error> {
        let stored = stored.and_then(|UserPasswordHash { user, hash }| {
            match StoredHash::parse(hash, user, &self.shared.params) {
                Ok(stored) => Some(stored),
                Err(reason) => {
                    self.report(user, reason);
                    None
                }
            }
        });
        match self
            .enqueue(HashJob::Verify { password: NormalizedPassword::new(password), stored }, slot)
            .await?
        {
            HashOutcome::Compared(matched) => Ok(matched),
            HashOutcome::Hashed(_) | HashOutcome::TooWeak(_) => Err(unexpected_outcome()),
        }
    }

    /// Memory of each thread in KiB.
    #[must_use]
    pub fn memory_per_thread(&self) -> usize {
        self.shared.params.block_count() * Block::SIZE / 1024
    }

    /// Logs an unusable hash, once for each user.
    fn report(&self, user: UserId, reason: UnusableHash) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() >= MAX_REPORTED {
            reported.clear();
        }
        if reported.insert(user) {
            tracing::warn!(user.id = %user, %reason, "stored password hash is unusable");
        }
    }

    async fn enqueue(&self, job: HashJob, slot: QueueSlot) -> Result<HashOutcome, Error> {
        let (started, start) = oneshot::channel();
        let (done, wait) = oneshot::channel();
        self.queue.push(QueuedJob { slot, job, started, done });
        // A job that has started is awaited. Otherwise, under load, threads would compute results
        // that are discarded.
        tokio::time::timeout(MAX_QUEUE_WAIT, start)
            .await
            .map_err(|_| overloaded())?
            .map_err(Error::internal)?;
        wait.await.map_err(Error::internal)?
    }
}

const fn overloaded() -> Error {
    Error::Overloaded { retry_after: RETRY_AFTER }
}

fn unexpected_outcome() -> Error {
    Error::internal("unexpected result of a hash job")
}

/// A hashing thread that a test keeps busy until this is dropped.
#[cfg(any(test, feature = "testing"))]
#[must_use = "dropping it releases the thread"]
pub struct HeldThread {
    start: oneshot::Receiver<()>,
    _release: std::sync::mpsc::Sender<()>,
}

#[cfg(any(test, feature = "testing"))]
impl HeldThread {
    /// Waits until a thread is occupied.
    ///
    /// # Panics
    /// Panics if the threads have ended.
    pub async fn wait_until_busy(&mut self) {
        (&mut self.start).await.expect("the threads run");
    }
}

#[cfg(any(test, feature = "testing"))]
impl PasswordHasher {
    /// Occupies a thread as soon as one takes this job.
    ///
    /// # Panics
    /// Panics if there is no free slot.
    pub fn hold_thread(&self, priority: Priority) -> HeldThread {
        let slot = self.reserve(priority, Vec::new()).expect("a slot");
        let ((started, start), (done, _)) = (oneshot::channel(), oneshot::channel());
        let (release, released) = std::sync::mpsc::channel();
        self.queue.push(QueuedJob { slot, job: HashJob::Hold(released), started, done });
        HeldThread { start, _release: release }
    }

    /// The number of queued jobs that are still awaited.
    #[must_use]
    pub fn jobs_waiting(&self) -> usize {
        self.queue.jobs_waiting()
    }
}

impl Drop for PasswordHasher {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Gives this thread a lower priority than those that serve requests: a hash takes many times as
/// long as any other work, and everything else would wait for its time slices.
fn lower_thread_priority() {
    // On Linux this sets the priority of a thread. It is not essential, and may be forbidden.
    let this = rustix::thread::gettid();
    let lowered = getpriority_process(Some(this))
        .and_then(|niceness| setpriority_process(Some(this), niceness + NICENESS));
    if let Err(error) = lowered {
        tracing::debug!(%error, "thread priority not lowered");
    }
}

/// The memory of one thread, allocated by its first job.
struct HashMemory {
    blocks: Vec<Block>,
    /// Number of blocks that are kept for further jobs.
    kept: usize,
    is_used: bool,
}

/// Allocates blocks. Returns [`Error::Overloaded`] if that fails.
fn allocate(count: usize) -> Result<Vec<Block>, Error> {
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(count).map_err(|_| overloaded())?;
    blocks.resize(count, Block::new());
    Ok(blocks)
}

impl HashMemory {
    /// Provides at least `count` blocks. More than are kept are allocated for this job only.
    fn with<T>(
        &mut self,
        count: usize,
        compute: impl FnOnce(&mut [Block]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if count <= self.kept {
            if self.blocks.is_empty() {
                self.blocks = allocate(self.kept)?;
            }
            self.is_used = true;
            return compute(&mut self.blocks);
        }
        let mut larger = allocate(count)?;
        let result = compute(&mut larger);
        larger.iter_mut().for_each(Zeroize::zeroize);
        result
    }

    /// Overwrites the blocks. The first ones would allow guessing passwords without the cost of
    /// argon2.
    fn wipe(&mut self) {
        if self.is_used {
            self.blocks.iter_mut().for_each(Zeroize::zeroize);
            self.is_used = false;
        }
    }
}

fn run_jobs(queue: &HashQueue, shared: &Shared) {
    let kept = shared.params.block_count();
    let mut memory = HashMemory { blocks: Vec::new(), kept, is_used: false };
    loop {
        let next = queue.try_pop().or_else(|| {
            // The queue is empty, so this delays no job.
            memory.wipe();
            queue.pop()
        });
        let Some(QueuedJob { slot, job, started, done }) = next else { return };
        drop(slot);
        if started.send(()).is_err() {
            continue;
        }
        #[cfg(test)]
        assert!(!matches!(job, HashJob::PanicOutside), "a test makes this thread panic");
        let result = catch_unwind(AssertUnwindSafe(|| run(job, shared, &mut memory)))
            .unwrap_or_else(|_| Err(Error::internal("hash job panicked")));
        let _ = done.send(result); // The caller may have gone away.
    }
}

fn run(job: HashJob, shared: &Shared, memory: &mut HashMemory) -> Result<HashOutcome, Error> {
    let Shared { params, key, .. } = shared;
    match job {
        HashJob::HashNew { password, user, email, name, salt } => {
            match strength::weakness(&password.normalized, &email, name.as_ref()) {
                Some(weakness) => Ok(HashOutcome::TooWeak(weakness)),
                None => run(HashJob::Hash { password, user, salt }, shared, memory),
            }
        }
        HashJob::Hash { password, user, salt } => memory
            .with(params.block_count(), |memory| {
                stored_hash::hash(params, key, user, password.normalized.as_bytes(), &salt, memory)
            })
            .map(HashOutcome::Hashed),
        HashJob::Verify { password, stored } => {
            let is_decoy = stored.is_none();
            let matched =
                verify(&password, stored.as_ref().unwrap_or(&shared.decoy), shared, memory)?;
            Ok(HashOutcome::Compared(if is_decoy { PasswordMatch::NoMatch } else { matched }))
        }
        #[cfg(any(test, feature = "testing"))]
        HashJob::Hold(released) => {
            let _ = released.recv(); // Returns when the sender is dropped.
            Err(Error::internal("thread was held by a test"))
        }
        #[cfg(test)]
        HashJob::Panic | HashJob::PanicOutside => panic!("a test makes this job panic"),
    }
}

/// Compares a password. A failed comparison always costs the same: one hash, or two if the password
/// is not normalised.
fn verify(
    password: &NormalizedPassword,
    stored: &StoredHash,
    shared: &Shared,
    memory: &mut HashMemory,
) -> Result<PasswordMatch, Error> {
    let Shared { params, key, .. } = shared;
    memory.with(stored.block_count().max(params.block_count()), |memory| {
        if stored.matches(key, password.normalized.as_bytes(), memory)? {
            return Ok(if stored.needs_rehash(params) {
                PasswordMatch::MatchNeedsRehash
            } else {
                PasswordMatch::Match
            });
        }
        // Older hashes were computed from the password as typed.
        if let Some(typed) = &password.typed
            && stored.matches(key, typed.expose().as_bytes(), memory)?
        {
            return Ok(PasswordMatch::MatchNeedsRehash);
        }
        if let Some(missing) = stored.missing_work(params) {
            for _ in 0..=usize::from(password.typed.is_some()) {
                stored.burn(&missing, password.normalized.as_bytes(), memory)?;
            }
        }
        Ok(PasswordMatch::NoMatch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{Algorithm, Argon2, Version, password_hash::phc::Output};
    use std::sync::atomic::Ordering;
    use uuid::Uuid;

    const LIGHT: HashingConfig = HashingConfig {
        memory_kib: 64,
        iterations: 2,
        parallelism: 1,
        threads: 2,
        queue_capacity: 8,
    };

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const EVE: UserId = UserId(Uuid::from_u128(2));

    fn start(hashing: HashingConfig) -> PasswordHasher {
        start_with(hashing).0
    }

    fn start_with(hashing: HashingConfig) -> (PasswordHasher, Supervisor) {
        let supervisor = Supervisor::new(RandomSource::System);
        let secret = ServerSecret::generate(&RandomSource::seeded(1)).expect("seeded");
        (
            PasswordHasher::start(hashing, RandomSource::System, &secret, &supervisor)
                .expect("threads"),
            supervisor,
        )
    }

    const fn of_ada(hash: &str) -> UserPasswordHash<'_> {
        UserPasswordHash { user: ADA, hash }
    }

    /// A hash of exactly these bytes, as computed before hashes were bound to a user.
    fn unbound(password: &str) -> String {
        let params = Params::new(LIGHT.memory_kib, LIGHT.iterations, LIGHT.parallelism, Some(32))
            .expect("parameters");
        let mut out = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), b"somesaltsomesalt", &mut out)
            .expect("a hash");
        format!(
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA${}",
            Output::new(&out).expect("a hash")
        )
    }

    fn password(text: &str) -> Password {
        Password::for_verification(text).expect("a password")
    }

    fn slot(hasher: &PasswordHasher) -> QueueSlot {
        hasher.reserve(Priority::Anonymous, Vec::new()).expect("a slot")
    }

    #[tokio::test]
    async fn only_same_password_matches() {
        let hasher = start(LIGHT);
        for (right, wrong) in [
            ("x".repeat(72) + "a", "x".repeat(72) + "b"),
            ("x".repeat(128) + "a", "x".repeat(128) + "b"),
            ("Password".into(), "password".into()),
            ("trailing ".into(), "trailing".into()),
            ("null\0one".into(), "null\0two".into()),
            ("caf\u{e9} noir".into(), "cafe noir".into()),
        ] {
            let stored = hasher.hash(password(&right), ADA, slot(&hasher)).await.expect("a hash");
            assert_eq!(
                hasher
                    .verify(password(&right), Some(of_ada(&stored)), slot(&hasher))
                    .await
                    .expect("an answer"),
                PasswordMatch::Match
            );
            assert_eq!(
                hasher
                    .verify(password(&wrong), Some(of_ada(&stored)), slot(&hasher))
                    .await
                    .expect("an answer"),
                PasswordMatch::NoMatch,
                "{wrong:?}"
            );
        }
    }

    #[tokio::test]
    async fn stored_hash_has_parameters_and_own_salt() {
        let hasher = start(LIGHT);
        let (one, two) = (
            hasher.hash(password("the same"), ADA, slot(&hasher)).await.expect("a hash"),
            hasher.hash(password("the same"), ADA, slot(&hasher)).await.expect("a hash"),
        );
        assert!(one.starts_with("$argon2id$v=19$m=64,t=2,p=1,keyid=dXNlcg$"), "{one}");
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn no_password_matches_decoy_hash() {
        let hasher = start(LIGHT);
        assert_eq!(
            hasher.verify(password("anything"), None, slot(&hasher)).await.expect("an answer"),
            PasswordMatch::NoMatch
        );
    }

    #[tokio::test]
    async fn weaker_hash_needs_rehash_and_stronger_one_still_matches() {
        let light = start(LIGHT);
        let heavy = start(HashingConfig { memory_kib: 256, iterations: 3, ..LIGHT });
        let (weak, strong) = (
            light.hash(password("the same"), ADA, slot(&light)).await.expect("a hash"),
            heavy.hash(password("the same"), ADA, slot(&heavy)).await.expect("a hash"),
        );
        assert_eq!(
            heavy
                .verify(password("the same"), Some(of_ada(&weak)), slot(&heavy))
                .await
                .expect("an answer"),
            PasswordMatch::MatchNeedsRehash
        );
        assert_eq!(
            light
                .verify(password("the same"), Some(of_ada(&strong)), slot(&light))
                .await
                .expect("an answer"),
            PasswordMatch::Match
        );
    }

    #[tokio::test]
    async fn job_beyond_queue_capacity_is_rejected_at_once() {
        let hasher = Arc::new(start(HashingConfig {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            threads: 1,
            queue_capacity: 1,
        }));
        let calls: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let hasher = hasher.clone();
                    async move {
                        hasher
                            .hash(
                                password("a password"),
                                ADA,
                                hasher.reserve(Priority::Anonymous, Vec::new())?,
                            )
                            .await
                    }
                })
            })
            .collect();
        let mut rejected = 0;
        for call in calls {
            if let Err(Error::Overloaded { retry_after }) = call.await.expect("a task") {
                assert!(retry_after > 0);
                rejected += 1;
            }
        }
        assert!((1..20).contains(&rejected), "{rejected} of 20 were rejected");
    }

    #[tokio::test]
    async fn known_device_is_served_before_anonymous_clients() {
        let hasher = Arc::new(start(HashingConfig {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            threads: 1,
            queue_capacity: 4,
        }));
        let order = Arc::new(Mutex::new(Vec::new()));
        let ask = |priority| {
            let (hasher, order) = (hasher.clone(), order.clone());
            tokio::spawn(async move {
                let done = match hasher.reserve(priority, Vec::new()) {
                    Ok(slot) => hasher.hash(password("a password"), ADA, slot).await.is_ok(),
                    Err(_) => false,
                };
                order.lock().expect("a list").push(priority);
                done
            })
        };
        let mut anonymous: Vec<_> = (0..20).map(|_| ask(Priority::Anonymous)).collect();
        tokio::task::yield_now().await;
        let known = ask(Priority::KnownDevice);
        assert!(known.await.expect("a task"), "known devices have a queue of their own");
        let mut served = 0;
        for request in anonymous.drain(..) {
            served += u32::from(request.await.expect("a task"));
        }
        assert!((1..20).contains(&served), "{served} of 20");
        // It was queued last, and at most the running job and the rejected ones finished before.
        let order = order.lock().expect("a list");
        let slot = order
            .iter()
            .position(|priority| *priority == Priority::KnownDevice)
            .expect("it is there");
        assert!(slot + 2 < order.len(), "{order:?}");
    }

    #[tokio::test]
    async fn slot_is_held_until_job_starts_or_is_abandoned() {
        let hasher = start(HashingConfig { queue_capacity: 2, ..LIGHT });
        let (one, _two) = (slot(&hasher), slot(&hasher));
        assert!(
            matches!(
                hasher.reserve(Priority::Anonymous, Vec::new()),
                Err(Error::Overloaded { .. })
            ),
            "both slots are reserved"
        );
        assert!(
            hasher.reserve(Priority::KnownDevice, Vec::new()).is_ok(),
            "the other priority has slots of its own"
        );
        hasher.hash(password("a password"), ADA, one).await.expect("a hash");
        drop(slot(&hasher));
        drop(slot(&hasher));
    }

    #[tokio::test]
    async fn client_has_at_most_its_quota_of_slots() {
        let hasher = start(HashingConfig { queue_capacity: 9, ..LIGHT });
        let of = |name: &str| vec![Quota { key: name.into(), limit: 2 }];
        let slots = [
            hasher.reserve(Priority::Anonymous, of("one")).expect("a slot"),
            hasher.reserve(Priority::Anonymous, of("one")).expect("a slot"),
        ];
        assert!(matches!(
            hasher.reserve(Priority::Anonymous, of("one")),
            Err(Error::Overloaded { .. })
        ));
        assert!(
            hasher.reserve(Priority::Anonymous, of("other")).is_ok()
                && hasher.reserve(Priority::KnownDevice, of("one")).is_ok()
        );
        drop(slots);
        assert!(
            hasher.queue.quotas.lock().expect("a lock").is_empty(),
            "released quotas are removed"
        );
        assert_eq!(hasher.queue.reserved_anonymous.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn weak_password_is_not_hashed() {
        let hasher = start(LIGHT);
        let email = Email::parse("ada@example.com").expect("an address");
        assert_eq!(
            hasher
                .hash_new(password("password1"), ADA, email.clone(), None, slot(&hasher))
                .await
                .expect("an answer"),
            Err(PasswordWeakness::Common)
        );
        assert!(
            hasher
                .hash_new(password("correct horse battery"), ADA, email, None, slot(&hasher))
                .await
                .expect("an answer")
                .is_ok()
        );
    }

    #[tokio::test]
    async fn hash_of_another_user_matches_no_password() {
        let hasher = start(LIGHT);
        let stored = hasher.hash(password("the same"), EVE, slot(&hasher)).await.expect("a hash");
        assert_eq!(
            hasher
                .verify(password("the same"), Some(of_ada(&stored)), slot(&hasher))
                .await
                .expect("an answer"),
            PasswordMatch::NoMatch
        );
    }

    #[tokio::test]
    async fn password_matches_in_any_unicode_composition() {
        let hasher = start(LIGHT);
        let forms = [
            "caf\u{e9} noir",
            "cafe\u{301} noir",
            "caf\u{e9}\u{a0}noir",
            "cafe\u{301}\u{3000}noir",
        ];
        for chosen in forms {
            let stored = hasher.hash(password(chosen), ADA, slot(&hasher)).await.expect("a hash");
            for typed in forms {
                assert_eq!(
                    hasher
                        .verify(password(typed), Some(of_ada(&stored)), slot(&hasher))
                        .await
                        .expect("an answer"),
                    PasswordMatch::Match,
                    "{chosen:?} {typed:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn older_hash_matches_password_as_typed() {
        let hasher = start(LIGHT);
        for (chosen, typed, expected) in [
            ("cafe noir", "cafe noir", PasswordMatch::MatchNeedsRehash),
            ("caf\u{e9} noir", "cafe\u{301} noir", PasswordMatch::MatchNeedsRehash),
            ("cafe\u{301} noir", "cafe\u{301} noir", PasswordMatch::MatchNeedsRehash),
            ("cafe\u{301} noir", "caf\u{e9} noir", PasswordMatch::NoMatch),
            ("cafe noir", "cafe\u{301} noir", PasswordMatch::NoMatch),
        ] {
            let stored = unbound(chosen);
            assert_eq!(
                hasher
                    .verify(password(typed), Some(of_ada(&stored)), slot(&hasher))
                    .await
                    .expect("an answer"),
                expected,
                "{chosen:?} {typed:?}"
            );
        }
    }

    #[tokio::test]
    async fn unusable_hash_matches_no_password_and_is_logged_once() {
        let hasher = start(LIGHT);
        for stored in [
            "",
            "$argon2id$another",
            "\u{fffd}",
            "$argon2id$v=19$m=4194304,t=1000000,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZXNhbHRzb21lc2FsdA",
        ] {
            assert_eq!(
                hasher
                    .verify(password("a password"), Some(of_ada(stored)), slot(&hasher))
                    .await
                    .expect("an answer"),
                PasswordMatch::NoMatch,
                "{stored:?}"
            );
        }
        assert_eq!(hasher.reported.lock().expect("a lock").len(), 1);
        for user in 0..2 * MAX_REPORTED {
            hasher.report(UserId(Uuid::from_u128(user as u128)), UnusableHash::Malformed);
        }
        assert!(hasher.reported.lock().expect("a lock").len() <= MAX_REPORTED);
    }

    #[tokio::test]
    async fn panicking_job_fails_one_request() {
        let (hasher, supervisor) = start_with(HashingConfig { threads: 1, ..LIGHT });
        for _ in 0..5 {
            assert!(matches!(
                hasher.enqueue(HashJob::Panic, slot(&hasher)).await,
                Err(Error::Internal(_))
            ));
            supervisor.check().expect("the thread lives");
        }
        hasher.hash(password("a password"), ADA, slot(&hasher)).await.expect("a hash");
    }

    #[tokio::test]
    async fn panicking_thread_is_restarted() {
        let (hasher, supervisor) = start_with(HashingConfig { threads: 1, ..LIGHT });
        let down = supervisor.stopped("hash-0");
        assert!(matches!(
            hasher.enqueue(HashJob::PanicOutside, slot(&hasher)).await,
            Err(Error::Internal(_))
        ));
        down.await;
        assert!(matches!(supervisor.check(), Err(Error::Unavailable(_))));
        supervisor.all_running().await;
        hasher.hash(password("a password"), ADA, slot(&hasher)).await.expect("a hash");
    }

    #[tokio::test]
    async fn idle_thread_memory_is_wiped() {
        let mut memory = HashMemory { blocks: Vec::new(), kept: 4, is_used: false };
        memory
            .with(2, |blocks| {
                blocks[1].as_mut()[3] = 7;
                Ok(())
            })
            .expect("room");
        memory.wipe();
        assert!(memory.blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }
}
