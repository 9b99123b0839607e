//! (browser) Whether the server can be reached, and if not, why: the browser has no network, or the
//! server does not answer. Found out by the calls that pages make anyway; once one has failed, we
//! look by ourselves until the server answers, so that everything recovers without anybody's help.

use crate::browser;
use leptos::{prelude::*, server_fn::request::browser::Request, task::spawn_local};
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

/// How the server can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// As far as is known, it can.
    Fine,
    /// The browser has no network.
    Offline,
    /// There is a network, but no answer.
    Away,
}

/// For everybody who wants to know, by `expect_context::<Connected>()`.
#[derive(Clone, Copy)]
pub struct Connected(RwSignal<Connection>);

impl Connected {
    /// Stays as it is, for whoever wants to look at that.
    #[cfg(debug_assertions)]
    pub fn always(how: Connection) -> Self {
        Self(RwSignal::new(how))
    }

    /// How it stands. Changes are followed.
    pub fn get(self) -> Connection {
        self.0.try_get().unwrap_or(Connection::Fine)
    }

    /// Runs `back` each time that the server can be reached again. Call it where effects are made.
    pub fn on_return(self, back: impl Fn() + 'static) {
        Effect::new(move |before: Option<Connection>| {
            let now = self.get();
            if now == Connection::Fine && before.is_some_and(|before| before != now) {
                back();
            }
            now
        });
    }
}

thread_local! {
    static STATE: RefCell<Option<RwSignal<Connection>>> = const { RefCell::new(None) };
    /// Whether we look already.
    static WAITING: Cell<bool> = const { Cell::new(false) };
    /// Whether a question is on its way.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// The first look comes after so long, each further one after twice as long, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Called once, by the root component.
pub fn provide_connection() {
    let state = RwSignal::new(Connection::Fine);
    provide_context(Connected(state));
    // In the browser only.
    Effect::new(move |_| {
        STATE.set(Some(state));
        browser::on_network(|there| if there { spawn_local(look()) } else { lost() });
        if !browser::has_network() {
            lost();
        }
    });
}

/// A call got no answer.
pub fn lost() {
    let now = if browser::has_network() { Connection::Away } else { Connection::Offline };
    if become_(now).is_some() && !WAITING.replace(true) {
        spawn_local(wait());
    }
}

/// A call got an answer. Where the browser says that there is no network, that may be an answer
/// from before, or a server on this very machine: then we look ourselves.
pub fn found() {
    if browser::has_network() {
        become_(Connection::Fine);
    } else if !is_fine() {
        spawn_local(ask());
    }
}

/// Whether it makes sense to send something now. If not, that is shown.
pub fn is_likely() -> bool {
    if !browser::has_network() {
        lost();
    }
    is_fine()
}

/// Returns how it stood until now, as far as anybody follows it.
fn become_(now: Connection) -> Option<Connection> {
    let state = STATE.with_borrow(|state| *state)?;
    let before = state.try_get_untracked()?;
    if before != now {
        state.try_set(now);
    }
    Some(before)
}

fn is_fine() -> bool {
    STATE
        .with_borrow(|state| *state)
        .and_then(|state| state.try_get_untracked())
        .is_none_or(|state| state == Connection::Fine)
}

async fn wait() {
    let mut pause = FIRST;
    while !is_fine() {
        browser::pause(pause).await;
        look().await;
        pause = (pause * 2).min(LONGEST);
    }
    WAITING.set(false);
}

async fn look() {
    if is_fine() {
        return;
    }
    // The browser says when there is one.
    if !browser::has_network() {
        return lost();
    }
    ask().await;
}

/// One at a time: the last word is that of the last question.
async fn ask() {
    if ASKING.replace(true) {
        return;
    }
    let answer = browser::within(PATIENCE, Request::get("/readyz").send()).await;
    ASKING.set(false);
    match answer {
        Some(Ok(answer)) if answer.ok() => {
            become_(Connection::Fine);
        }
        _ => lost(),
    }
}
