//! The place where the tabs of one browser keep what they share: the newest pair of tokens.

use crate::api::{Pair, Token};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) struct Jar(Mutex<Inside>);

struct Inside {
    pair: Pair,
    under_way: usize,
    signed_out: bool,
}

/// What became of an answer.
#[derive(PartialEq, Eq)]
pub(crate) enum Kept {
    Newer,
    /// The same as another tab got.
    Same,
    /// A tab has got a newer one meanwhile, which stays: tabs look before they store (in browsers,
    /// under a lock that they share).
    Late,
    /// Of the generation that is in the jar, but another token.
    Differs,
}

/// One request is under way as long as this lives.
pub(crate) struct UnderWay<'a> {
    jar: &'a Jar,
    /// Whether another one was, when it left.
    pub(crate) beside_another: bool,
}

impl Jar {
    pub(crate) fn new(pair: Pair) -> Self {
        Self(Mutex::new(Inside { pair, under_way: 0, signed_out: false }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What would be sent now.
    pub(crate) fn token(&self) -> Token {
        self.inside().pair.refresh.clone()
    }

    pub(crate) fn put(&self, pair: Pair) -> Kept {
        let mut inside = self.inside();
        let (new, old) = (&pair.refresh, &inside.pair.refresh);
        if new.generation < old.generation {
            return Kept::Late;
        }
        if new.generation == old.generation {
            return if new == old { Kept::Same } else { Kept::Differs };
        }
        inside.pair = pair;
        Kept::Newer
    }

    pub(crate) fn leave(&self) -> UnderWay<'_> {
        let mut inside = self.inside();
        inside.under_way += 1;
        UnderWay { jar: self, beside_another: inside.under_way > 1 }
    }

    /// The session is over. `false`: that was known.
    pub(crate) fn sign_out(&self) -> bool {
        !std::mem::replace(&mut self.inside().signed_out, true)
    }

    pub(crate) fn is_signed_out(&self) -> bool {
        self.inside().signed_out
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.jar.inside().under_way -= 1;
    }
}
