//! Who waits for the hashing threads, and who may: two lanes of bounded length, and shares of them.
//!
//! The known lane goes first, but not always: after four of its jobs one of the other lane is
//! taken. So neither lane can keep the other one waiting for ever.

use super::{Done, Work};
use crate::Error;
use std::{
    collections::{HashMap, VecDeque},
    iter,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

/// How many jobs of known clients are taken before one of an anonymous client.
const MAX_KNOWN_IN_A_ROW: u32 = 4;

/// Whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Of somebody who is signed in, or of a browser that has logged in to the account before.
    Known,
    /// Of anybody.
    Strangers,
}

/// The right to have one thing done: until it is begun, it counts as waiting.
pub struct Place {
    lanes: Arc<Lanes>,
    lane: Lane,
    shares: Vec<Share>,
}

/// Whom a place is for: somebody who may have only so many of a lane at a time, so that nobody
/// keeps all others out alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// An address, a browser, an account: whatever tells them apart.
    pub of: Vec<u8>,
    /// How many places.
    pub most: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lanes.give_back(self.lane, &self.shares);
    }
}

pub(super) struct Job {
    pub(super) place: Place,
    pub(super) work: Work,
    /// Told when it is begun. Whoever does not wait any more by then is passed over.
    pub(super) begun: oneshot::Sender<()>,
    pub(super) done: oneshot::Sender<Result<Done, Error>>,
}

/// What waits for the threads.
pub(super) struct Lanes {
    waiting: Mutex<Waiting>,
    /// Rung for each job, and at the end.
    bell: Condvar,
    /// How many may wait in each, and how many do or are about to.
    pub(super) room: usize,
    taken_by_known: AtomicUsize,
    pub(super) taken_by_strangers: AtomicUsize,
    /// How many of them whom have.
    pub(super) shares: Mutex<HashMap<(Lane, Vec<u8>), usize>>,
}

#[derive(Default)]
struct Waiting {
    known: VecDeque<Job>,
    strangers: VecDeque<Job>,
    /// How many of the known were taken since the last one of the others.
    known_in_a_row: u32,
    over: bool,
}

impl Lanes {
    /// `room`: how many may wait in each.
    pub(super) fn new(room: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            bell: Condvar::new(),
            room,
            taken_by_known: AtomicUsize::new(0),
            taken_by_strangers: AtomicUsize::new(0),
            shares: Mutex::default(),
        }
    }

    /// A place in a lane; `None` if there is none, or one of `shares` is used up.
    pub(super) fn place(self: &Arc<Self>, lane: Lane, shares: Vec<Share>) -> Option<Place> {
        if !self.take_place(lane) {
            return None;
        }
        if !self.take_shares(lane, &shares) {
            self.give_back(lane, &[]);
            return None;
        }
        Some(Place { lanes: self.clone(), lane, shares })
    }

    /// Nothing is taken any more.
    pub(super) fn end(&self) {
        self.waiting().over = true;
        self.bell.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn taken(&self, lane: Lane) -> &AtomicUsize {
        match lane {
            Lane::Known => &self.taken_by_known,
            Lane::Strangers => &self.taken_by_strangers,
        }
    }

    /// Counts one more, if there is room.
    fn take_place(&self, lane: Lane) -> bool {
        let one_more = || {
            self.taken(lane)
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                    (taken < self.room).then_some(taken + 1)
                })
                .is_ok()
        };
        self.at_second_try(lane, one_more)
    }

    /// Tries, and once more without the jobs of the lane that nobody waits for any more: they must
    /// use up neither the lane nor a share of it.
    fn at_second_try(&self, lane: Lane, take: impl Fn() -> bool) -> bool {
        if take() {
            return true;
        }
        self.waiting().clear(lane);
        // Whether there were any or not: a thread may just have taken them away itself.
        take()
    }

    /// Counts one more for each of these, if none has too many.
    fn take_shares(&self, lane: Lane, shares: &[Share]) -> bool {
        self.at_second_try(lane, || self.try_take_shares(lane, shares))
    }

    fn try_take_shares(&self, lane: Lane, shares: &[Share]) -> bool {
        let mut taken = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.iter().any(|share| {
            taken.get(&(lane, share.of.clone())).is_some_and(|taken| *taken >= share.most)
        }) {
            return false;
        }
        for share in shares {
            *taken.entry((lane, share.of.clone())).or_default() += 1;
        }
        true
    }

    fn give_back(&self, lane: Lane, shares: &[Share]) {
        self.taken(lane).fetch_sub(1, Ordering::AcqRel);
        let mut taken = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        for share in shares {
            let key = (lane, share.of.clone());
            if let Some(count) = taken.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    taken.remove(&key);
                }
            }
        }
    }

    pub(super) fn put(&self, job: Job) {
        self.waiting().of(job.place.lane).push_back(job);
        self.bell.notify_one();
    }

    /// The next one, if there is one.
    pub(super) fn try_take(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        if waiting.over { None } else { waiting.next() }
    }

    /// Waits for the next one; `None` at the end.
    pub(super) fn take(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            if waiting.over {
                return None;
            }
            if let Some(job) = waiting.next() {
                return Some(job);
            }
            waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Lanes {
    pub(super) fn jobs_waiting(&self) -> usize {
        let mut waiting = self.waiting();
        [Lane::Known, Lane::Strangers]
            .map(|lane| waiting.of(lane).iter().filter(|job| !job.begun.is_closed()).count())
            .into_iter()
            .sum()
    }
}

impl Waiting {
    /// The next job that is still waited for.
    fn next(&mut self) -> Option<Job> {
        let lanes = if self.known_in_a_row < MAX_KNOWN_IN_A_ROW {
            [Lane::Known, Lane::Strangers]
        } else {
            [Lane::Strangers, Lane::Known]
        };
        let job = lanes.into_iter().find_map(|lane| self.next_of(lane))?;
        self.known_in_a_row = match job.place.lane {
            Lane::Known => self.known_in_a_row.saturating_add(1),
            Lane::Strangers => 0,
        };
        Some(job)
    }

    fn next_of(&mut self, lane: Lane) -> Option<Job> {
        let lane = self.of(lane);
        // A job that nobody waits for must not use up the turn of its lane.
        iter::from_fn(|| lane.pop_front()).find(|job| !job.begun.is_closed())
    }

    const fn of(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Known => &mut self.known,
            Lane::Strangers => &mut self.strangers,
        }
    }

    /// Takes away what nobody waits for.
    fn clear(&mut self, lane: Lane) {
        self.of(lane).retain(|job| !job.begun.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job, and what keeps it waited for.
    fn job(
        lanes: &Arc<Lanes>,
        lane: Lane,
        shares: Vec<Share>,
    ) -> Option<(Job, oneshot::Receiver<()>)> {
        let place = lanes.place(lane, shares)?;
        let ((begun, begins), (done, _)) = (oneshot::channel(), oneshot::channel());
        Some((Job { place, work: Work::Panic, begun, done }, begins))
    }

    /// Puts a job into a lane that has room for it.
    fn put(lanes: &Arc<Lanes>, lane: Lane) -> oneshot::Receiver<()> {
        let (job, begins) = job(lanes, lane, Vec::new()).expect("there is room");
        lanes.put(job);
        begins
    }

    #[test]
    fn known_lane_that_is_never_empty_leaves_every_fifth_turn_to_others() {
        let lanes = Arc::new(Lanes::new(8));
        let mut waiting: Vec<_> = [Lane::Strangers; 3]
            .into_iter()
            .chain([Lane::Known; 8])
            .map(|lane| put(&lanes, lane))
            .collect();
        let mut order = Vec::new();
        for _ in 0..15 {
            let taken = lanes.try_take().expect("there are some").place.lane;
            if taken == Lane::Known {
                waiting.push(put(&lanes, Lane::Known));
            }
            order.push(taken);
        }
        let anonymous: Vec<_> = (0..15).filter(|turn| order[*turn] == Lane::Strangers).collect();
        assert_eq!(anonymous, [4, 9, 14]);
        let late = put(&lanes, Lane::Strangers);
        assert_eq!(
            lanes.try_take().expect("there are some").place.lane,
            Lane::Known,
            "the known go first all the same"
        );
        drop((waiting, late));
    }

    #[test]
    fn dead_jobs_use_up_no_turn_of_their_lane() {
        let lanes = Arc::new(Lanes::new(16));
        for _ in 0..10 {
            drop(put(&lanes, Lane::Strangers));
        }
        let living = put(&lanes, Lane::Strangers);
        let mut known = Vec::new();
        for turn in 0..5 {
            known.push(put(&lanes, Lane::Known));
            let taken = lanes.try_take().expect("there are some").place.lane;
            assert_eq!(taken == Lane::Strangers, turn == 4, "turn {turn}");
        }
        assert_eq!(
            lanes.taken_by_strangers.load(Ordering::Acquire),
            0,
            "the dead have given their places back"
        );
        drop(living);
    }

    #[test]
    fn dead_jobs_free_the_share_of_their_network() {
        let lanes = Arc::new(Lanes::new(64));
        let network = || vec![Share { of: b"one network".to_vec(), most: 16 }];
        for lane in [Lane::Strangers, Lane::Known] {
            let mut waited_for = Vec::new();
            for _ in 0..16 {
                let (job, begins) = job(&lanes, lane, network()).expect("within the share");
                lanes.put(job);
                waited_for.push(begins);
            }
            assert!(lanes.place(lane, network()).is_none(), "all of them are waited for");
            waited_for.truncate(6);
            let places: Vec<_> = iter::from_fn(|| lanes.place(lane, network())).collect();
            assert_eq!(places.len(), 10, "what nobody waits for is given back");
        }
    }
}
