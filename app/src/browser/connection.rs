//! (browser) Whether the server is reachable, and if not, why: the browser is offline, or the
//! server doesn't respond. Calls of pages report their success or failure. After a failure the
//! module probes the server itself until it responds, so that pages recover without user action.

use crate::browser;
use leptos::{prelude::*, server_fn::request::browser::Request, task::spawn_local};
use std::{cell::Cell, time::Duration};

/// The state of the connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The server is reachable, as far as is known.
    Online,
    /// The browser has no network.
    Offline,
    /// There is a network, but the server doesn't respond.
    ServerUnreachable,
}

thread_local! {
    /// Islands share no context, but they share the program.
    static STATE: ArcRwSignal<Connection> = ArcRwSignal::new(Connection::Online);
    /// Whether the probe loop is running.
    static IS_PROBING: Cell<bool> = const { Cell::new(false) };
    /// Whether a ping is in flight.
    static IS_PINGING: Cell<bool> = const { Cell::new(false) };
}

/// Delay before the first probe. It doubles with each probe, up to [`MAX_BACKOFF`].
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts to follow the network of the browser. Called once per page.
pub fn start() {
    browser::on_network_change(
        |online| {
            if online { spawn_local(probe()) } else { report_failure() }
        },
    );
    if !browser::has_network() {
        report_failure();
    }
}

/// Returns the current state and subscribes to changes. On the server it is always
/// [`Connection::Online`].
pub fn get() -> Connection {
    if cfg!(feature = "ssr") { Connection::Online } else { STATE.with(Get::get) }
}

/// Calls `on_online` each time the server becomes reachable again. Creates an effect.
pub fn on_return(on_online: impl Fn() + 'static) {
    Effect::new(move |before: Option<Connection>| {
        let now = get();
        if now == Connection::Online && before.is_some_and(|before| before != now) {
            on_online();
        }
        now
    });
}

/// Reports that a call got no response.
pub fn report_failure() {
    let now =
        if browser::has_network() { Connection::ServerUnreachable } else { Connection::Offline };
    set(now);
    if !IS_PROBING.replace(true) {
        spawn_local(probe_until_online());
    }
}

/// Reports that a call was not sent, because the browser has no network. The server is pinged
/// nevertheless: it may be on the same machine.
pub fn report_offline() {
    report_failure();
    spawn_local(ping());
}

/// Reports that a call got a response.
///
/// If the browser says that it is offline, the response may be older, or come from a server on the
/// same machine. Then the server is pinged.
pub fn report_success() {
    if browser::has_network() {
        set(Connection::Online);
    } else if !is_online() {
        spawn_local(ping());
    }
}

/// Returns whether a request is likely to succeed. If not, the status says so.
pub fn is_probably_online() -> bool {
    if !browser::has_network() {
        report_failure();
    }
    is_online()
}

fn set(now: Connection) {
    STATE.with(|state| {
        if state.get_untracked() != now {
            state.set(now);
        }
    });
}

fn is_online() -> bool {
    STATE.with(GetUntracked::get_untracked) == Connection::Online
}

async fn probe_until_online() {
    let mut backoff = INITIAL_BACKOFF;
    while !is_online() {
        browser::sleep(backoff).await;
        probe().await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
    IS_PROBING.set(false);
}

/// Returns whether the server responds, even if it can't work. Also if the browser says that it is
/// offline, because the server may be on the same machine.
pub async fn is_responding() -> bool {
    let request = Request::get("/readyz").send();
    matches!(browser::with_timeout(PING_TIMEOUT, request).await, Some(Ok(_)))
}

async fn probe() {
    if is_online() {
        return;
    }
    // An event of the browser tells when the network is back.
    if !browser::has_network() {
        return report_failure();
    }
    ping().await;
}

/// Requests `/readyz` and sets the state by its result. One at a time, so that the latest result
/// counts.
async fn ping() {
    if IS_PINGING.replace(true) {
        return;
    }
    let response = browser::with_timeout(PING_TIMEOUT, Request::get("/readyz").send()).await;
    IS_PINGING.set(false);
    match response {
        Some(Ok(response)) if response.ok() => {
            set(Connection::Online);
        }
        _ => report_failure(),
    }
}
