//! Passwords: argon2id on a fixed number of threads, each with its own block of memory that it uses again and again.
//!
//! So memory is bounded by threads × m whatever arrives (a stored hash that was made with more memory takes more, for as long as it is compared).
//! Work waits in two bounded lanes: one for those who are known already, which is served first, and one for strangers, who may be a flood. Whoever
//! finds no place in their lane is refused at once, before anything else is done for them, and what has waited too long is refused then. A place
//! belongs to the work: a client that hangs up frees no thread early.

mod lanes;

pub use lanes::{Lane, Place, Share};

use crate::{
    Entropy, Error,
    guessable::{self, is_guessable},
};
use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use contract::{Email, Name, Password};
use lanes::{Job, Lanes};
use std::{sync::Arc, thread, time::Duration};
use tokio::sync::oneshot;

/// Longer than this nobody waits for their turn.
const DEADLINE: Duration = Duration::from_secs(2);
/// What a client is told to wait, in seconds.
const RETRY_AFTER: u32 = 2;
/// Bytes of a hash and of its salt.
const HASH: usize = 32;
const SALT: usize = 16;

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
    /// `m=19456,t=2,p=1`: the first choice of the OWASP password storage sheet, and of ASVS 5.0 appendix C.
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
    /// This password, but hashed with less effort than is asked for today.
    YesButWeak,
}

/// The hashing threads. They end when this is dropped.
pub struct Hasher {
    lanes: Arc<Lanes>,
    params: Params,
    decoy: String,
    entropy: Entropy,
}

enum Work {
    Hash { password: Password, salt: [u8; SALT] },
    HashNew { password: Password, email: Email, name: Option<Name>, salt: [u8; SALT] },
    Verify { password: Password, stored: String },
}

enum Done {
    Hashed(String),
    Guessable,
    Matched(Match),
}

impl Hasher {
    /// Starts the threads.
    pub fn start(hashing: Hashing, entropy: Entropy) -> Result<Self, Error> {
        let params = Params::new(hashing.m, hashing.t, hashing.p, Some(HASH)).map_err(Error::internal)?;
        let lanes = Arc::new(Lanes::new(hashing.queue.max(1)));
        guessable::prepare();
        for number in 0..hashing.threads.max(1) {
            let (lanes, params) = (lanes.clone(), params.clone());
            thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&lanes, &params)).map_err(Error::internal)?;
        }
        // Nobody knows a password for it: the hash is random. Comparing with it costs what any comparison costs.
        let decoy = phc(&params, &entropy.bytes::<SALT>()?, &entropy.bytes::<HASH>()?)?;
        Ok(Self { lanes, params, decoy, entropy })
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

    /// A PHC string for a password that somebody has chosen; `None` if it is one that others would try first. Judging that takes its time, too.
    pub async fn hash_new(&self, password: Password, email: Email, name: Option<Name>, place: Place) -> Result<Option<String>, Error> {
        match self.queue(Work::HashNew { password, email, name, salt: self.entropy.bytes()? }, place).await? {
            Done::Hashed(hash) => Ok(Some(hash)),
            Done::Guessable => Ok(None),
            Done::Matched(_) => Err(Error::internal("the wrong kind of answer from a hashing thread")),
        }
    }

    /// A PHC string for a new password.
    pub async fn hash(&self, password: Password, place: Place) -> Result<String, Error> {
        match self.queue(Work::Hash { password, salt: self.entropy.bytes()? }, place).await? {
            Done::Hashed(hash) => Ok(hash),
            Done::Matched(_) | Done::Guessable => Err(Error::internal("the wrong kind of answer from a hashing thread")),
        }
    }

    /// Compares. Without a stored hash it takes as long, and the answer is no.
    pub async fn verify(&self, password: Password, stored: Option<&str>, place: Place) -> Result<Match, Error> {
        let work = Work::Verify { password, stored: stored.unwrap_or(&self.decoy).to_owned() };
        match self.queue(work, place).await? {
            Done::Matched(matched) if stored.is_some() => Ok(matched),
            Done::Matched(_) => Ok(Match::No),
            Done::Hashed(_) | Done::Guessable => Err(Error::internal("the wrong kind of answer from a hashing thread")),
        }
    }

    /// KiB that the threads hold, for all of them.
    #[must_use]
    pub fn memory_per_thread(&self) -> usize {
        self.params.block_count() * Block::SIZE / 1024
    }

    async fn queue(&self, work: Work, place: Place) -> Result<Done, Error> {
        let (begun, begins) = oneshot::channel();
        let (done, wait) = oneshot::channel();
        self.lanes.put(Job { place, work, begun, done });
        // What is begun is waited for: else, where each waits nearly too long, threads would work for nobody.
        tokio::time::timeout(DEADLINE, begins).await.map_err(|_| busy())?.map_err(Error::internal)?;
        wait.await.map_err(Error::internal)?
    }
}

const fn busy() -> Error {
    Error::Busy { retry_after: RETRY_AFTER }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.lanes.end();
    }
}

fn work(lanes: &Lanes, params: &Params) {
    let mut memory = vec![Block::new(); params.block_count()];
    while let Some(Job { place, work, begun, done }) = lanes.take() {
        drop(place);
        if begun.send(()).is_err() {
            continue;
        }
        let result = match work {
            Work::HashNew { password, email, name, .. } if is_guessable(&password, &email, name.as_ref()) => Ok(Done::Guessable),
            Work::Hash { password, salt } | Work::HashNew { password, salt, .. } => hash(params, &password, &salt, &mut memory).map(Done::Hashed),
            Work::Verify { password, stored } => verify(params, &password, &stored, &mut memory).map(Done::Matched),
        };
        let _nobody_waits_any_more = done.send(result);
    }
}

fn hash(params: &Params, password: &Password, salt: &[u8], memory: &mut [Block]) -> Result<String, Error> {
    let mut out = [0; HASH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.expose(), salt, &mut out, memory)
        .map_err(Error::internal)?;
    phc(params, salt, &out)
}

fn phc(params: &Params, salt: &[u8], out: &[u8]) -> Result<String, Error> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(Error::internal)?,
        salt: Some(Salt::new(salt).map_err(Error::internal)?),
        hash: Some(Output::new(out).map_err(Error::internal)?),
    };
    Ok(hash.to_string())
}

fn verify(wanted: &Params, password: &Password, stored: &str, memory: &mut [Block]) -> Result<Match, Error> {
    let stored = PasswordHash::new(stored).map_err(Error::internal)?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(Error::internal)?;
    let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(Error::internal)?;
    let params = Params::try_from(&stored).map_err(Error::internal)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(Error::internal("a stored hash without salt or hash"));
    };
    // A hash that was made with more memory than is asked for today needs more for once.
    let mut larger = Vec::new();
    let memory = if params.block_count() <= memory.len() {
        memory
    } else {
        larger.resize(params.block_count(), Block::new());
        &mut larger
    };
    let mut out = vec![0; expected.len()];
    Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(password.expose(), salt, &mut out, memory).map_err(Error::internal)?;
    if verify_slices_are_equal(&out, expected.as_bytes()).is_err() {
        return Ok(Match::No);
    }
    let weak = algorithm != Algorithm::Argon2id || params.m_cost() < wanted.m_cost() || params.t_cost() < wanted.t_cost();
    Ok(if weak { Match::YesButWeak } else { Match::Yes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, atomic::Ordering};

    const LIGHT: Hashing = Hashing { m: 64, t: 2, p: 1, threads: 2, queue: 8 };

    fn password(text: &str) -> Password {
        Password::given(text).expect("a password")
    }

    fn place(hasher: &Hasher) -> Place {
        hasher.place(Lane::Strangers, Vec::new()).expect("a place")
    }

    #[tokio::test]
    async fn only_the_exact_bytes_match() {
        let hasher = Hasher::start(LIGHT, Entropy::System).expect("threads");
        for (right, wrong) in [
            ("x".repeat(72) + "a", "x".repeat(72) + "b"),
            ("x".repeat(128) + "a", "x".repeat(128) + "b"),
            ("Password".into(), "password".into()),
            ("trailing ".into(), "trailing".into()),
            ("null\0one".into(), "null\0two".into()),
            ("caf\u{e9} noir".into(), "cafe\u{301} noir".into()),
        ] {
            let stored = hasher.hash(password(&right), place(&hasher)).await.expect("a hash");
            assert_eq!(hasher.verify(password(&right), Some(&stored), place(&hasher)).await.expect("an answer"), Match::Yes);
            assert_eq!(hasher.verify(password(&wrong), Some(&stored), place(&hasher)).await.expect("an answer"), Match::No, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_stored_hash_names_its_parameters_and_has_its_own_salt() {
        let hasher = Hasher::start(LIGHT, Entropy::System).expect("threads");
        let (one, two) = (
            hasher.hash(password("the same"), place(&hasher)).await.expect("a hash"),
            hasher.hash(password("the same"), place(&hasher)).await.expect("a hash"),
        );
        assert!(one.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn nobody_matches_the_decoy() {
        let hasher = Hasher::start(LIGHT, Entropy::System).expect("threads");
        assert_eq!(hasher.verify(password("anything"), None, place(&hasher)).await.expect("an answer"), Match::No);
    }

    #[tokio::test]
    async fn a_hash_of_less_effort_is_recognised_and_one_of_more_still_verifies() {
        let light = Hasher::start(LIGHT, Entropy::System).expect("threads");
        let heavy = Hasher::start(Hashing { m: 256, t: 3, ..LIGHT }, Entropy::System).expect("threads");
        let (weak, strong) =
            (light.hash(password("the same"), place(&light)).await.expect("a hash"), heavy.hash(password("the same"), place(&heavy)).await.expect("a hash"));
        assert_eq!(heavy.verify(password("the same"), Some(&weak), place(&heavy)).await.expect("an answer"), Match::YesButWeak);
        assert_eq!(light.verify(password("the same"), Some(&strong), place(&light)).await.expect("an answer"), Match::Yes);
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_queue_is_refused_at_once() {
        let hasher = Arc::new(Hasher::start(Hashing { m: 19_456, t: 2, p: 1, threads: 1, queue: 1 }, Entropy::System).expect("threads"));
        let calls: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let hasher = hasher.clone();
                    async move { hasher.hash(password("a password"), hasher.place(Lane::Strangers, Vec::new())?).await }
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
        let hasher = Arc::new(Hasher::start(Hashing { m: 19_456, t: 2, p: 1, threads: 1, queue: 4 }, Entropy::System).expect("threads"));
        let order = Arc::new(Mutex::new(Vec::new()));
        let ask = |lane| {
            let (hasher, order) = (hasher.clone(), order.clone());
            tokio::spawn(async move {
                let done = match hasher.place(lane, Vec::new()) {
                    Ok(place) => hasher.hash(password("a password"), place).await.is_ok(),
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
        // It came after all of them, and at most the one that was in work and those that were refused went before.
        let order = order.lock().expect("a list");
        let place = order.iter().position(|lane| *lane == Lane::Known).expect("it is there");
        assert!(place + 2 < order.len(), "{order:?}");
    }

    #[tokio::test]
    async fn a_place_is_kept_until_the_work_is_begun_and_given_back_by_whoever_does_not_come() {
        let hasher = Hasher::start(Hashing { queue: 2, ..LIGHT }, Entropy::System).expect("threads");
        let (one, _two) = (place(&hasher), place(&hasher));
        assert!(matches!(hasher.place(Lane::Strangers, Vec::new()), Err(Error::Busy { .. })), "there are two");
        assert!(hasher.place(Lane::Known, Vec::new()).is_ok(), "the other lane has its own");
        hasher.hash(password("a password"), one).await.expect("a hash");
        drop(place(&hasher));
        drop(place(&hasher));
    }

    #[tokio::test]
    async fn nobody_has_more_than_their_share_of_a_lane() {
        let hasher = Hasher::start(Hashing { queue: 9, ..LIGHT }, Entropy::System).expect("threads");
        let of = |name: &str| vec![Share { of: name.into(), most: 2 }];
        let places = [hasher.place(Lane::Strangers, of("one")).expect("a place"), hasher.place(Lane::Strangers, of("one")).expect("a place")];
        assert!(matches!(hasher.place(Lane::Strangers, of("one")), Err(Error::Busy { .. })));
        assert!(hasher.place(Lane::Strangers, of("other")).is_ok() && hasher.place(Lane::Known, of("one")).is_ok());
        drop(places);
        assert!(hasher.lanes.shares.lock().expect("a lock").is_empty(), "whoever has none is forgotten");
        assert_eq!(hasher.lanes.taken_by_strangers.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn what_anybody_would_try_is_not_hashed() {
        let hasher = Hasher::start(LIGHT, Entropy::System).expect("threads");
        let email = Email::parse("ada@example.com").expect("an address");
        assert_eq!(hasher.hash_new(password("password1"), email.clone(), None, place(&hasher)).await.expect("an answer"), None);
        assert!(hasher.hash_new(password("correct horse battery"), email, None, place(&hasher)).await.expect("an answer").is_some());
    }
}
