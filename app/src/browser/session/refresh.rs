//! (browser) Refresh of the access token: one at a time in this page and, through the lock, in the
//! whole browser, and at a limited rate.

use super::{
    identity::{EndReason, PageIdentity, SessionEvent, identity, notify, set_identity},
    state::{end, own_token, store},
    tab_sync::{self, TabMessage},
    token_store::{Freshness, StoredToken},
};
use crate::browser;
use countersign_types::{Problem, TimeSpan, Timestamp, views::SessionTokens};
use futures::{
    FutureExt,
    channel::oneshot,
    future::{LocalBoxFuture, Shared},
};
use std::cell::{Cell, RefCell};
use wasm_bindgen_futures::spawn_local;

/// The lock of log-in, log-out and refresh. It prevents a late response from overwriting a newer
/// cookie.
pub const LOCK: &str = "countersign";

/// The call that refreshes the session at the server.
pub type RefreshCall = fn() -> LocalBoxFuture<'static, Result<SessionTokens, Problem>>;

type Outcome = Result<String, Problem>;

/// Maximum number of refresh attempts of all tabs in [`WINDOW`], whatever their outcome. A server
/// that rejects each token it has just issued must not be asked in a loop.
const MAX_ATTEMPTS: usize = 6;
const WINDOW: TimeSpan = TimeSpan::minutes(1);

type InFlight = Shared<oneshot::Receiver<Outcome>>;

thread_local! {
    static CALL: Cell<Option<RefreshCall>> = const { Cell::new(None) };
    static IN_FLIGHT: RefCell<Option<InFlight>> = const { RefCell::new(None) };
    static ATTEMPTS: RefCell<Vec<Timestamp>> = const { RefCell::new(Vec::new()) };
    /// The error of the last refresh, which throttled attempts return as well.
    static LAST_ERROR: RefCell<Option<Problem>> = const { RefCell::new(None) };
}

/// Sets the call that refreshes the session. It is given, because server functions depend on this
/// module. Called once, before hydration.
pub fn set_refresh_call(call: RefreshCall) {
    CALL.set(Some(call));
}

/// Returns an access token other than `rejected`.
pub async fn refresh(rejected: Option<String>) -> Outcome {
    let token = join(rejected.clone()).await?;
    // The joined refresh may have started before the token was rejected, and may have found the
    // same token in the storage.
    if rejected.as_ref() == Some(&token) { join(rejected).await } else { Ok(token) }
}

/// Starts a refresh in the background.
pub(super) fn start(rejected: Option<String>) {
    drop(join(rejected));
}

/// Joins the refresh in flight, or starts one.
///
/// The refresh runs in its own task. In the future of a caller it would be aborted when the caller
/// is dropped, after the server has already rotated the token.
fn join(rejected: Option<String>) -> impl Future<Output = Outcome> {
    let in_flight = IN_FLIGHT.with_borrow_mut(|slot| {
        let begin = || {
            let (done, wait) = oneshot::channel();
            spawn_local(async move {
                let outcome =
                    browser::with_lock(LOCK, refresh_holding_lock(rejected.as_deref())).await;
                IN_FLIGHT.set(None);
                let _ = done.send(outcome);
            });
            wait.shared()
        };
        slot.get_or_insert_with(begin).clone()
    });
    async move { in_flight.await.unwrap_or(Err(Problem::Offline)) }
}

async fn refresh_holding_lock(rejected: Option<&str>) -> Outcome {
    if let Some(token) = fresh_token_from_storage(rejected)? {
        return Ok(token);
    }
    match request_refresh().await {
        // Two refreshes of other tabs came first. The cookie is the newest by now, and the storage
        // may have the newest token.
        Err(Problem::RefreshSuperseded) => match fresh_token_from_storage(rejected)? {
            Some(token) => Ok(token),
            None => request_refresh().await,
        },
        outcome => outcome,
    }
}

/// Returns the token that another tab has stored while this one waited for the lock.
fn fresh_token_from_storage(rejected: Option<&str>) -> Result<Option<String>, Problem> {
    let is_usable = |stored: &StoredToken| {
        stored.freshness() == Freshness::Fresh && rejected != Some(&stored.access_token)
    };
    Ok(own_token()?.filter(is_usable).map(|stored| stored.access_token))
}

async fn request_refresh() -> Outcome {
    if let Some(wait) = ATTEMPTS.with_borrow_mut(|attempts| throttled_for(attempts, browser::now()))
    {
        return Err(LAST_ERROR
            .with_borrow(Clone::clone)
            .unwrap_or(Problem::Overloaded { retry_after: wait }));
    }
    tab_sync::send(&TabMessage::RefreshAttempt(browser::now()));
    let response = match CALL.get() {
        Some(call) => call().await,
        None => Err(Problem::Offline),
    };
    LAST_ERROR.set(response.as_ref().err().cloned());
    match response {
        Ok(session) => apply(session),
        // Only this response ends the session. Being offline doesn't.
        Err(Problem::Unauthenticated) => {
            end(EndReason::Ended);
            Err(Problem::Unauthenticated)
        }
        Err(problem) => Err(problem),
    }
}

/// Stores the new tokens. The cookie may belong to another session than this page.
fn apply(session: SessionTokens) -> Outcome {
    let (tag, token) = (session.account.session_tag.clone(), session.access_token.clone());
    store(session);
    match identity() {
        PageIdentity::Session(own) if own == tag => Ok(token),
        PageIdentity::Session(_) => {
            notify(SessionEvent::Replaced);
            Err(Problem::SessionMismatch)
        }
        PageIdentity::Anonymous | PageIdentity::Unknown => {
            set_identity(PageIdentity::Session(tag));
            notify(SessionEvent::LoggedInElsewhere);
            Ok(token)
        }
    }
}

/// Records a refresh attempt of another tab.
pub(super) fn record_attempt(at: Timestamp) {
    ATTEMPTS.with_borrow_mut(|attempts| attempts.push(at));
}

/// Returns for how many seconds no refresh may be requested, or `None` if one may, which is then
/// recorded. Removes attempts outside the window, also those in the future: the clock was set back.
fn throttled_for(attempts: &mut Vec<Timestamp>, now: Timestamp) -> Option<u32> {
    attempts.retain(|at| (TimeSpan(0)..WINDOW).contains(&now.since(*at)));
    if attempts.len() < MAX_ATTEMPTS {
        attempts.push(now);
        return None;
    }
    let oldest = attempts.iter().min().copied().unwrap_or(now);
    u32::try_from((oldest + WINDOW).since(now).as_seconds()).ok().map(|seconds| seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_is_throttled_after_six_attempts_in_a_minute() {
        let mut attempts = Vec::new();
        for n in 0..6 {
            assert_eq!(throttled_for(&mut attempts, Timestamp(n * 1000)), None);
        }
        assert_eq!(throttled_for(&mut attempts, Timestamp(6_000)), Some(54));
        assert_eq!(throttled_for(&mut attempts, Timestamp(59_999)), Some(1));
        assert_eq!(throttled_for(&mut attempts, Timestamp(60_000)), None);
        assert_eq!(
            throttled_for(&mut attempts, Timestamp(60_001)),
            Some(1),
            "a throttled attempt is not recorded"
        );
        assert_eq!(throttled_for(&mut attempts, Timestamp(61_000)), None);
        assert_eq!(
            throttled_for(&mut attempts, Timestamp(-1)),
            None,
            "a clock that was set back does not throttle"
        );
    }
}
