//! Who waits for the hashing threads, and who may: two lanes of bounded length, and shares of them.

use super::{Done, Work};
use crate::Error;
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

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

/// Whom a place is for: somebody who may have only so many of a lane at a time, so that nobody keeps all others out alone.
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
        let one_more = || self.taken(lane).fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < self.room).then_some(taken + 1)).is_ok();
        // Those who have waited too long are no longer waiting.
        one_more() || self.waiting().clear(lane) && one_more()
    }

    /// Counts one more for each of these, if none has too many.
    fn take_shares(&self, lane: Lane, shares: &[Share]) -> bool {
        let mut taken = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.iter().any(|share| taken.get(&(lane, share.of.clone())).is_some_and(|taken| *taken >= share.most)) {
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

impl Waiting {
    fn next(&mut self) -> Option<Job> {
        self.known.pop_front().or_else(|| self.strangers.pop_front())
    }

    const fn of(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Known => &mut self.known,
            Lane::Strangers => &mut self.strangers,
        }
    }

    /// Takes away what nobody waits for. Returns whether there was any.
    fn clear(&mut self, lane: Lane) -> bool {
        let lane = self.of(lane);
        let before = lane.len();
        lane.retain(|job| !job.begun.is_closed());
        lane.len() < before
    }
}
