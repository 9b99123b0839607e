//! The storage that the tabs of one browser share: the newest pair of tokens.

use super::outcomes::{Token, TokenPair};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) struct TokenJar(Mutex<State>);

struct State {
    pair: TokenPair,
    in_flight: usize,
    signed_out: bool,
}

/// The result of storing the tokens of a response.
#[derive(PartialEq, Eq)]
pub(super) enum Stored {
    Newer,
    /// Another tab has stored the same tokens.
    Same,
    /// Another tab has stored newer tokens, which are kept. Tabs compare before they store (in
    /// browsers, under a shared lock).
    Older,
    /// The jar has another token of the same generation.
    Differs,
}

/// Counts a request as in progress until it is dropped.
pub(super) struct RequestGuard<'a> {
    jar: &'a TokenJar,
    /// Whether another request was in progress when it started.
    pub(super) is_concurrent: bool,
}

impl TokenJar {
    pub(super) fn new(pair: TokenPair) -> Self {
        Self(Mutex::new(State { pair, in_flight: 0, signed_out: false }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current refresh token.
    pub(super) fn token(&self) -> Token {
        self.state().pair.refresh.clone()
    }

    pub(super) fn store(&self, pair: TokenPair) -> Stored {
        let mut state = self.state();
        let (new, old) = (&pair.refresh, &state.pair.refresh);
        if new.generation < old.generation {
            return Stored::Older;
        }
        if new.generation == old.generation {
            return if new == old { Stored::Same } else { Stored::Differs };
        }
        state.pair = pair;
        Stored::Newer
    }

    pub(super) fn begin_request(&self) -> RequestGuard<'_> {
        let mut state = self.state();
        state.in_flight += 1;
        RequestGuard { jar: self, is_concurrent: state.in_flight > 1 }
    }

    /// Records the end of the session. Returns `false` if that was already recorded.
    pub(super) fn sign_out(&self) -> bool {
        !std::mem::replace(&mut self.state().signed_out, true)
    }

    pub(super) fn is_signed_out(&self) -> bool {
        self.state().signed_out
    }
}

impl Drop for RequestGuard<'_> {
    fn drop(&mut self) {
        self.jar.state().in_flight -= 1;
    }
}
