//! Passwords: argon2id on a fixed number of threads, each with its own block of memory that it uses
//! again and again.
//!
//! So memory is bounded by threads × m whatever arrives (a stored hash that was made with more
//! memory takes more, up to a multiple, for as long as it is compared). Work waits in two bounded
//! lanes: one for those who are known already, which is served first, and one for strangers, who
//! may be a flood and get every fifth turn. Whoever finds no place in their lane is refused at
//! once, before anything else is done for them, and what has waited too long is refused then. A
//! place belongs to the work: a client that hangs up frees no thread early.
//!
//! A job that panics is one failed request. The threads are supervised, and readiness counts them.

mod lanes;
mod opaque_string;
mod stored_hash;

pub use lanes::{Lane, Place, Share};
pub(crate) use stored_hash::MAX_STORED_BYTES;

use crate::{
    Entropy, Error, ServerSecret,
    background::Supervisor,
    guessable::{self, is_guessable},
};
use argon2::{Block, Params};
use countersign_types::{Email, Name, Password, UserId};
use lanes::{Job, Lanes};
use opaque_string::Forms;
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use stored_hash::{HASH_LENGTH, HashKey, SALT_LENGTH, StoredHash, Unusable};
use tokio::sync::oneshot;
use zeroize::Zeroize;

/// Longer than this nobody waits for their turn.
const DEADLINE: Duration = Duration::from_secs(2);
/// What a client is told to wait, in seconds.
const RETRY_AFTER: u32 = 2;
/// The number of users whose unusable hash is remembered as logged.
const MAX_REPORTED: usize = 1_000;

/// How hard to hash, and how much at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// KiB of memory for one hash.
    pub m: u32,
    /// Passes over it.
    pub t: u32,
    /// Lanes.
    pub p: u32,
    /// Hashes at the same time, each on its own thread with its own memory.
    pub threads: usize,
    /// How many may wait in each lane.
    pub queue: usize,
}

impl Hashing {
    /// `m=19456,t=2,p=1`: the first choice of the OWASP password storage sheet, and of ASVS 5.0
    /// appendix C.
    #[must_use]
    pub const fn new(threads: usize) -> Self {
        Self { m: 19_456, t: 2, p: 1, threads, queue: 64 }
    }
}

/// What became of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Not this password.
    No,
    /// This password.
    Yes,
    /// This password, but hashed otherwise than it would be today: with less effort, not bound to
    /// its user, or not normalised.
    YesButWeak,
}

/// A stored password hash, and whose it is.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    /// Whose row it stands in.
    pub user: UserId,
    /// What stands there: a PHC string, or anything.
    pub hash: &'a str,
}

/// The hashing threads. They end when this is dropped.
pub struct Hasher {
    lanes: Arc<Lanes>,
    shared: Arc<Shared>,
    entropy: Entropy,
    /// Whose unusable hash has been logged.
    reported: Mutex<HashSet<UserId>>,
}

/// What all threads know.
struct Shared {
    params: Params,
    key: HashKey,
    decoy: StoredHash,
}

enum Work {
    Hash {
        password: Forms,
        user: UserId,
        salt: [u8; SALT_LENGTH],
    },
    HashNew {
        password: Forms,
        user: UserId,
        email: Email,
        name: Option<Name>,
        salt: [u8; SALT_LENGTH],
    },
    Verify {
        password: Forms,
        stored: Option<StoredHash>,
    },
    /// Keeps a thread busy until the sender is dropped.
    #[cfg(any(test, feature = "testing"))]
    Hold(std::sync::mpsc::Receiver<()>),
    #[cfg(test)]
    Panic,
    #[cfg(test)]
    PanicOutside,
}

enum Done {
    Hashed(String),
    Guessable,
    Matched(Match),
}

impl Hasher {
    /// Starts the threads, under `supervisor`.
    pub fn start(
        hashing: Hashing,
        entropy: Entropy,
        secret: &ServerSecret,
        supervisor: &Supervisor,
    ) -> Result<Self, Error> {
        let params = stored_hash::params(&hashing)?;
        let decoy = StoredHash::decoy(
            &params,
            &entropy.bytes::<SALT_LENGTH>()?,
            &entropy.bytes::<HASH_LENGTH>()?,
        )?;
        let lanes = Arc::new(Lanes::new(hashing.queue.max(1)));
        let shared = Arc::new(Shared { params, key: HashKey::new(secret), decoy });
        guessable::prepare();
        for number in 0..hashing.threads.max(1) {
            let (lanes, shared) = (lanes.clone(), shared.clone());
            supervisor
                .spawn_thread(format!("hash-{number}"), move || work(&lanes, &shared))
                .map_err(Error::internal)?;
        }
        Ok(Self { lanes, shared, entropy, reported: Mutex::default() })
    }

    /// A place in a lane; [`Error::Busy`] at once if there is none, or one of `shares` is used up.
    pub fn place(&self, lane: Lane, shares: Vec<Share>) -> Result<Place, Error> {
        self.lanes.place(lane, shares).ok_or_else(busy)
    }

    /// How many may wait in each lane.
    #[must_use]
    pub fn room(&self) -> usize {
        self.lanes.room
    }

    /// A PHC string for a password that `user` has chosen; `None` if it is one that others would
    /// try first. Judging that takes its time, too.
    pub async fn hash_new(
        &self,
        password: Password,
        user: UserId,
        email: Email,
        name: Option<Name>,
        place: Place,
    ) -> Result<Option<String>, Error> {
        let work = Work::HashNew {
            password: Forms::of(password),
            user,
            email,
            name,
            salt: self.entropy.bytes()?,
        };
        match self.queue(work, place).await? {
            Done::Hashed(hash) => Ok(Some(hash)),
            Done::Guessable => Ok(None),
            Done::Matched(_) => Err(wrong_kind()),
        }
    }

    /// A PHC string for a password of `user`.
    pub async fn hash(
        &self,
        password: Password,
        user: UserId,
        place: Place,
    ) -> Result<String, Error> {
        let work = Work::Hash { password: Forms::of(password), user, salt: self.entropy.bytes()? };
        match self.queue(work, place).await? {
            Done::Hashed(hash) => Ok(hash),
            Done::Matched(_) | Done::Guessable => Err(wrong_kind()),
        }
    }

    /// Compares. Without a stored hash, or with one that cannot be used, it takes as long, and the
    /// answer is no.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<Stored<'_>>,
        place: Place,
    ) -> Result<Match, Error> {
        let stored = stored.and_then(|Stored { user, hash }| {
            match StoredHash::parse(hash, user, &self.shared.params) {
                Ok(stored) => Some(stored),
                Err(reason) => {
                    self.report(user, reason);
                    None
                }
            }
        });
        match self.queue(Work::Verify { password: Forms::of(password), stored }, place).await? {
            Done::Matched(matched) => Ok(matched),
            Done::Hashed(_) | Done::Guessable => Err(wrong_kind()),
        }
    }

    /// KiB that each thread holds.
    #[must_use]
    pub fn memory_per_thread(&self) -> usize {
        self.shared.params.block_count() * Block::SIZE / 1024
    }

    /// Logs, once for each user, that their stored hash cannot be used.
    fn report(&self, user: UserId, reason: Unusable) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() >= MAX_REPORTED {
            reported.clear();
        }
        if reported.insert(user) {
            tracing::warn!(user.id = %user, %reason, "stored password hash is unusable");
        }
    }

    async fn queue(&self, work: Work, place: Place) -> Result<Done, Error> {
        let (begun, begins) = oneshot::channel();
        let (done, wait) = oneshot::channel();
        self.lanes.put(Job { place, work, begun, done });
        // What is begun is waited for: else, where each waits nearly too long, threads would work
        // for nobody.
        tokio::time::timeout(DEADLINE, begins)
            .await
            .map_err(|_| busy())?
            .map_err(Error::internal)?;
        wait.await.map_err(Error::internal)?
    }
}

const fn busy() -> Error {
    Error::Busy { retry_after: RETRY_AFTER }
}

fn wrong_kind() -> Error {
    Error::internal("the wrong kind of answer from a hashing thread")
}

/// A hashing thread that a test keeps busy until this is dropped.
#[cfg(any(test, feature = "testing"))]
#[must_use = "dropping it lets the thread go on"]
pub struct HeldThread {
    begins: oneshot::Receiver<()>,
    _release: std::sync::mpsc::Sender<()>,
}

#[cfg(any(test, feature = "testing"))]
impl HeldThread {
    /// Returns when a thread has nothing else to do any more than this.
    ///
    /// # Panics
    /// Where the threads have ended.
    pub async fn is_busy(&mut self) {
        (&mut self.begins).await.expect("the threads run");
    }
}

#[cfg(any(test, feature = "testing"))]
impl Hasher {
    /// Keeps a thread busy, as soon as one comes to it in this lane.
    ///
    /// # Panics
    /// Where there is no place.
    pub fn hold_thread(&self, lane: Lane) -> HeldThread {
        let place = self.place(lane, Vec::new()).expect("a place");
        let ((begun, begins), (done, _)) = (oneshot::channel(), oneshot::channel());
        let (release, released) = std::sync::mpsc::channel();
        self.lanes.put(Job { place, work: Work::Hold(released), begun, done });
        HeldThread { begins, _release: release }
    }

    /// The number of jobs that wait for a thread and are waited for.
    #[must_use]
    pub fn jobs_waiting(&self) -> usize {
        self.lanes.jobs_waiting()
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.lanes.end();
    }
}

/// The memory of one thread.
struct Memory {
    blocks: Vec<Block>,
    is_used: bool,
}

impl Memory {
    /// `count` blocks, which may be more than are there; [`Error::Busy`] where the system has none.
    fn with<T>(
        &mut self,
        count: usize,
        compute: impl FnOnce(&mut [Block]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.is_used = true;
        if count <= self.blocks.len() {
            return compute(&mut self.blocks);
        }
        let mut larger = Vec::new();
        larger.try_reserve_exact(count).map_err(|_| busy())?;
        larger.resize(count, Block::new());
        let result = compute(&mut larger);
        larger.iter_mut().for_each(Zeroize::zeroize);
        result
    }

    /// Overwrites what is left of passwords: from the first blocks they could be guessed without
    /// the cost of argon2.
    fn wipe(&mut self) {
        if self.is_used {
            self.blocks.iter_mut().for_each(Zeroize::zeroize);
            self.is_used = false;
        }
    }
}

fn work(lanes: &Lanes, shared: &Shared) {
    let mut memory =
        Memory { blocks: vec![Block::new(); shared.params.block_count()], is_used: false };
    loop {
        let job = lanes.try_take().or_else(|| {
            // Nothing waits: so it delays nothing.
            memory.wipe();
            lanes.take()
        });
        let Some(Job { place, work, begun, done }) = job else { return };
        drop(place);
        if begun.send(()).is_err() {
            continue;
        }
        #[cfg(test)]
        assert!(!matches!(work, Work::PanicOutside), "a test makes this thread panic");
        let result = catch_unwind(AssertUnwindSafe(|| run(work, shared, &mut memory)))
            .unwrap_or_else(|_| Err(Error::internal("a hashing job panicked")));
        let _nobody_waits_any_more = done.send(result);
    }
}

fn run(work: Work, shared: &Shared, memory: &mut Memory) -> Result<Done, Error> {
    let Shared { params, key, .. } = shared;
    match work {
        Work::HashNew { password, email, name, .. }
            if is_guessable(&password.normalized, &email, name.as_ref()) =>
        {
            Ok(Done::Guessable)
        }
        Work::Hash { password, user, salt } | Work::HashNew { password, user, salt, .. } => memory
            .with(params.block_count(), |memory| {
                stored_hash::hash(params, key, user, password.normalized.as_bytes(), &salt, memory)
            })
            .map(Done::Hashed),
        Work::Verify { password, stored } => {
            let is_decoy = stored.is_none();
            let matched =
                verify(&password, stored.as_ref().unwrap_or(&shared.decoy), shared, memory)?;
            Ok(Done::Matched(if is_decoy { Match::No } else { matched }))
        }
        #[cfg(any(test, feature = "testing"))]
        Work::Hold(released) => {
            let _is_dropped = released.recv();
            Err(Error::internal("a test held this thread"))
        }
        #[cfg(test)]
        Work::Panic | Work::PanicOutside => panic!("a test makes this job panic"),
    }
}

/// Compares. A password that fails costs the same whatever it was compared with: one hash, or two
/// where it is not normalised already.
fn verify(
    password: &Forms,
    stored: &StoredHash,
    shared: &Shared,
    memory: &mut Memory,
) -> Result<Match, Error> {
    let Shared { params, key, .. } = shared;
    memory.with(stored.block_count().max(params.block_count()), |memory| {
        if stored.matches(key, password.normalized.as_bytes(), memory)? {
            return Ok(if stored.needs_rehash(params) { Match::YesButWeak } else { Match::Yes });
        }
        // Hashes from before passwords were normalised are of what was typed.
        if let Some(typed) = &password.typed
            && stored.matches(key, typed.expose().as_bytes(), memory)?
        {
            return Ok(Match::YesButWeak);
        }
        if let Some(missing) = stored.missing_work(params) {
            for _ in 0..=usize::from(password.typed.is_some()) {
                stored.waste(&missing, password.normalized.as_bytes(), memory)?;
            }
        }
        Ok(Match::No)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{Algorithm, Argon2, Version, password_hash::phc::Output};
    use std::sync::atomic::Ordering;
    use uuid::Uuid;

    const LIGHT: Hashing = Hashing { m: 64, t: 2, p: 1, threads: 2, queue: 8 };

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const EVE: UserId = UserId(Uuid::from_u128(2));

    fn start(hashing: Hashing) -> Hasher {
        start_with(hashing).0
    }

    fn start_with(hashing: Hashing) -> (Hasher, Supervisor) {
        let supervisor = Supervisor::new(Entropy::System);
        let secret = ServerSecret::generate(&Entropy::seeded(1)).expect("seeded");
        (
            Hasher::start(hashing, Entropy::System, &secret, &supervisor).expect("threads"),
            supervisor,
        )
    }

    const fn of_ada(hash: &str) -> Stored<'_> {
        Stored { user: ADA, hash }
    }

    /// A hash as they were before they were bound to a user, of exactly these bytes.
    fn unbound(password: &str) -> String {
        let params = Params::new(LIGHT.m, LIGHT.t, LIGHT.p, Some(32)).expect("parameters");
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
        Password::given(text).expect("a password")
    }

    fn place(hasher: &Hasher) -> Place {
        hasher.place(Lane::Strangers, Vec::new()).expect("a place")
    }

    #[tokio::test]
    async fn only_the_same_password_matches() {
        let hasher = start(LIGHT);
        for (right, wrong) in [
            ("x".repeat(72) + "a", "x".repeat(72) + "b"),
            ("x".repeat(128) + "a", "x".repeat(128) + "b"),
            ("Password".into(), "password".into()),
            ("trailing ".into(), "trailing".into()),
            ("null\0one".into(), "null\0two".into()),
            ("caf\u{e9} noir".into(), "cafe noir".into()),
        ] {
            let stored = hasher.hash(password(&right), ADA, place(&hasher)).await.expect("a hash");
            assert_eq!(
                hasher
                    .verify(password(&right), Some(of_ada(&stored)), place(&hasher))
                    .await
                    .expect("an answer"),
                Match::Yes
            );
            assert_eq!(
                hasher
                    .verify(password(&wrong), Some(of_ada(&stored)), place(&hasher))
                    .await
                    .expect("an answer"),
                Match::No,
                "{wrong:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_stored_hash_names_its_parameters_and_has_its_own_salt() {
        let hasher = start(LIGHT);
        let (one, two) = (
            hasher.hash(password("the same"), ADA, place(&hasher)).await.expect("a hash"),
            hasher.hash(password("the same"), ADA, place(&hasher)).await.expect("a hash"),
        );
        assert!(one.starts_with("$argon2id$v=19$m=64,t=2,p=1,keyid=dXNlcg$"), "{one}");
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn nobody_matches_the_decoy() {
        let hasher = start(LIGHT);
        assert_eq!(
            hasher.verify(password("anything"), None, place(&hasher)).await.expect("an answer"),
            Match::No
        );
    }

    #[tokio::test]
    async fn a_hash_of_less_effort_is_recognised_and_one_of_more_still_verifies() {
        let light = start(LIGHT);
        let heavy = start(Hashing { m: 256, t: 3, ..LIGHT });
        let (weak, strong) = (
            light.hash(password("the same"), ADA, place(&light)).await.expect("a hash"),
            heavy.hash(password("the same"), ADA, place(&heavy)).await.expect("a hash"),
        );
        assert_eq!(
            heavy
                .verify(password("the same"), Some(of_ada(&weak)), place(&heavy))
                .await
                .expect("an answer"),
            Match::YesButWeak
        );
        assert_eq!(
            light
                .verify(password("the same"), Some(of_ada(&strong)), place(&light))
                .await
                .expect("an answer"),
            Match::Yes
        );
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_queue_is_refused_at_once() {
        let hasher = Arc::new(start(Hashing { m: 19_456, t: 2, p: 1, threads: 1, queue: 1 }));
        let calls: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let hasher = hasher.clone();
                    async move {
                        hasher
                            .hash(
                                password("a password"),
                                ADA,
                                hasher.place(Lane::Strangers, Vec::new())?,
                            )
                            .await
                    }
                })
            })
            .collect();
        let mut refused = 0;
        for call in calls {
            if let Err(Error::Busy { retry_after }) = call.await.expect("a task") {
                assert!(retry_after > 0);
                refused += 1;
            }
        }
        assert!((1..20).contains(&refused), "{refused} of 20 were refused");
    }

    #[tokio::test]
    async fn those_who_are_known_are_served_before_strangers_and_have_room_of_their_own() {
        let hasher = Arc::new(start(Hashing { m: 19_456, t: 2, p: 1, threads: 1, queue: 4 }));
        let order = Arc::new(Mutex::new(Vec::new()));
        let ask = |lane| {
            let (hasher, order) = (hasher.clone(), order.clone());
            tokio::spawn(async move {
                let done = match hasher.place(lane, Vec::new()) {
                    Ok(place) => hasher.hash(password("a password"), ADA, place).await.is_ok(),
                    Err(_) => false,
                };
                order.lock().expect("a list").push(lane);
                done
            })
        };
        let mut strangers: Vec<_> = (0..20).map(|_| ask(Lane::Strangers)).collect();
        tokio::task::yield_now().await;
        let known = ask(Lane::Known);
        assert!(known.await.expect("a task"), "there is room though strangers are being refused");
        let mut served = 0;
        for stranger in strangers.drain(..) {
            served += u32::from(stranger.await.expect("a task"));
        }
        assert!((1..20).contains(&served), "{served} of 20");
        // It came after all of them, and at most the one that was in work and those that were
        // refused went before.
        let order = order.lock().expect("a list");
        let place = order.iter().position(|lane| *lane == Lane::Known).expect("it is there");
        assert!(place + 2 < order.len(), "{order:?}");
    }

    #[tokio::test]
    async fn a_place_is_kept_until_the_work_is_begun_and_given_back_by_whoever_does_not_come() {
        let hasher = start(Hashing { queue: 2, ..LIGHT });
        let (one, _two) = (place(&hasher), place(&hasher));
        assert!(
            matches!(hasher.place(Lane::Strangers, Vec::new()), Err(Error::Busy { .. })),
            "there are two"
        );
        assert!(hasher.place(Lane::Known, Vec::new()).is_ok(), "the other lane has its own");
        hasher.hash(password("a password"), ADA, one).await.expect("a hash");
        drop(place(&hasher));
        drop(place(&hasher));
    }

    #[tokio::test]
    async fn nobody_has_more_than_their_share_of_a_lane() {
        let hasher = start(Hashing { queue: 9, ..LIGHT });
        let of = |name: &str| vec![Share { of: name.into(), most: 2 }];
        let places = [
            hasher.place(Lane::Strangers, of("one")).expect("a place"),
            hasher.place(Lane::Strangers, of("one")).expect("a place"),
        ];
        assert!(matches!(hasher.place(Lane::Strangers, of("one")), Err(Error::Busy { .. })));
        assert!(
            hasher.place(Lane::Strangers, of("other")).is_ok()
                && hasher.place(Lane::Known, of("one")).is_ok()
        );
        drop(places);
        assert!(
            hasher.lanes.shares.lock().expect("a lock").is_empty(),
            "whoever has none is forgotten"
        );
        assert_eq!(hasher.lanes.taken_by_strangers.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn what_anybody_would_try_is_not_hashed() {
        let hasher = start(LIGHT);
        let email = Email::parse("ada@example.com").expect("an address");
        assert_eq!(
            hasher
                .hash_new(password("password1"), ADA, email.clone(), None, place(&hasher))
                .await
                .expect("an answer"),
            None
        );
        assert!(
            hasher
                .hash_new(password("correct horse battery"), ADA, email, None, place(&hasher))
                .await
                .expect("an answer")
                .is_some()
        );
    }

    #[tokio::test]
    async fn hash_of_another_user_matches_no_password() {
        let hasher = start(LIGHT);
        let stored = hasher.hash(password("the same"), EVE, place(&hasher)).await.expect("a hash");
        assert_eq!(
            hasher
                .verify(password("the same"), Some(of_ada(&stored)), place(&hasher))
                .await
                .expect("an answer"),
            Match::No
        );
    }

    #[tokio::test]
    async fn any_composition_of_a_password_matches() {
        let hasher = start(LIGHT);
        let forms = [
            "caf\u{e9} noir",
            "cafe\u{301} noir",
            "caf\u{e9}\u{a0}noir",
            "cafe\u{301}\u{3000}noir",
        ];
        for chosen in forms {
            let stored = hasher.hash(password(chosen), ADA, place(&hasher)).await.expect("a hash");
            for typed in forms {
                assert_eq!(
                    hasher
                        .verify(password(typed), Some(of_ada(&stored)), place(&hasher))
                        .await
                        .expect("an answer"),
                    Match::Yes,
                    "{chosen:?} {typed:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn hash_from_before_matches_what_was_typed() {
        let hasher = start(LIGHT);
        for (chosen, typed, expected) in [
            ("cafe noir", "cafe noir", Match::YesButWeak),
            ("caf\u{e9} noir", "cafe\u{301} noir", Match::YesButWeak),
            ("cafe\u{301} noir", "cafe\u{301} noir", Match::YesButWeak),
            ("cafe\u{301} noir", "caf\u{e9} noir", Match::No),
            ("cafe noir", "cafe\u{301} noir", Match::No),
        ] {
            let stored = unbound(chosen);
            assert_eq!(
                hasher
                    .verify(password(typed), Some(of_ada(&stored)), place(&hasher))
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
                    .verify(password("a password"), Some(of_ada(stored)), place(&hasher))
                    .await
                    .expect("an answer"),
                Match::No,
                "{stored:?}"
            );
        }
        assert_eq!(hasher.reported.lock().expect("a lock").len(), 1);
        for user in 0..2 * MAX_REPORTED {
            hasher.report(UserId(Uuid::from_u128(user as u128)), Unusable::Malformed);
        }
        assert!(hasher.reported.lock().expect("a lock").len() <= MAX_REPORTED);
    }

    #[tokio::test]
    async fn job_that_panics_is_one_failed_request() {
        let (hasher, supervisor) = start_with(Hashing { threads: 1, ..LIGHT });
        for _ in 0..5 {
            assert!(matches!(
                hasher.queue(Work::Panic, place(&hasher)).await,
                Err(Error::Internal(_))
            ));
            supervisor.check().expect("the thread lives");
        }
        hasher.hash(password("a password"), ADA, place(&hasher)).await.expect("a hash");
    }

    #[tokio::test]
    async fn thread_that_panics_is_restarted() {
        let (hasher, supervisor) = start_with(Hashing { threads: 1, ..LIGHT });
        let down = supervisor.stopped("hash-0");
        assert!(matches!(
            hasher.queue(Work::PanicOutside, place(&hasher)).await,
            Err(Error::Internal(_))
        ));
        down.await;
        assert!(matches!(supervisor.check(), Err(Error::Unavailable(_))));
        supervisor.all_running().await;
        hasher.hash(password("a password"), ADA, place(&hasher)).await.expect("a hash");
    }

    #[tokio::test]
    async fn idle_thread_holds_nothing_of_a_password() {
        let mut memory = Memory { blocks: vec![Block::new(); 4], is_used: false };
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
