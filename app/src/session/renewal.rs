//! (browser) Renewal of the access token: one at a time in this page and, by the lock, in the whole browser; not too often when it fails.

use super::{Age, Change, LOCK, Page, Why, become_page, forget, kept, mine, page, take_over, tell};
use crate::{api, browser, problem::Problem};
use contract::{Span, Timestamp, view::Session};
use futures::{FutureExt, channel::oneshot, future::Shared};
use std::cell::RefCell;
use wasm_bindgen_futures::spawn_local;

type Outcome = Result<String, Problem>;

/// So many failures in [`WINDOW`], and the server is left alone for the rest of it.
const FAILURES: usize = 6;
const WINDOW: Span = Span::minutes(1);

thread_local! {
    static RUNNING: RefCell<Option<Shared<oneshot::Receiver<Outcome>>>> = const { RefCell::new(None) };
    static FAILED: RefCell<Vec<Timestamp>> = const { RefCell::new(Vec::new()) };
}

/// A token that is not `refused`, for whoever needs one.
pub async fn renew(refused: Option<String>) -> Outcome {
    let token = join(refused.clone()).await?;
    // We may have joined a renewal that began before our token was refused, and that found this very token good.
    if refused.as_ref() == Some(&token) { join(refused).await } else { Ok(token) }
}

/// Gets a token before anybody needs it.
pub(super) fn begin() {
    drop(join(None));
}

/// Joins the renewal that runs, or begins one. It runs in a task of its own: inside the callers' futures, a caller that goes away (a resource that
/// reads again, a page that is left) would abort the request after the server has renewed the cookie.
fn join(refused: Option<String>) -> impl Future<Output = Outcome> {
    let running = RUNNING.with_borrow_mut(|slot| {
        let begin = || {
            let (done, wait) = oneshot::channel();
            spawn_local(async move {
                let outcome = browser::with_lock(LOCK, renew_holding_lock(refused.as_deref())).await;
                RUNNING.set(None);
                let _ = done.send(outcome);
            });
            wait.shared()
        };
        slot.get_or_insert_with(begin).clone()
    });
    async move { running.await.unwrap_or(Err(Problem::Offline)) }
}

async fn renew_holding_lock(refused: Option<&str>) -> Outcome {
    if let Some(token) = found(refused)? {
        return Ok(token);
    }
    match ask().await {
        // Two renewals of others came between. The cookie jar has the newest by now, and perhaps storage has.
        Err(Problem::Stale) => match found(refused)? {
            Some(token) => Ok(token),
            None => ask().await,
        },
        outcome => outcome,
    }
}

/// What another tab has got while we waited for the lock.
fn found(refused: Option<&str>) -> Result<Option<String>, Problem> {
    let usable = |kept: &kept::Kept| kept.age() == Age::Fresh && refused != Some(&kept.access_token);
    Ok(mine()?.filter(usable).map(|kept| kept.access_token))
}

async fn ask() -> Outcome {
    if !FAILED.with_borrow_mut(|failed| may_try(failed, browser::now())) {
        return Err(Problem::Offline);
    }
    match api::refresh().await {
        Ok(session) => {
            FAILED.set(Vec::new());
            settle(session)
        }
        // The only answer that ends anything: being offline is not being signed out.
        Err(Problem::SignedOut) => {
            forget(Why::Ended);
            Err(Problem::SignedOut)
        }
        Err(problem) => {
            FAILED.with_borrow_mut(|failed| failed.push(browser::now()));
            Err(problem)
        }
    }
}

/// Takes over what the cookie was good for, which may be another session than the one that this page shows.
fn settle(session: Session) -> Outcome {
    let (tag, token) = (session.account.tag.clone(), session.access_token.clone());
    take_over(session);
    match page() {
        Page::Of(ours) if ours == tag => Ok(token),
        Page::Of(_) => {
            tell(Change::Replaced);
            Err(Problem::SomeoneElse)
        }
        Page::Nobody | Page::Unknown => {
            become_page(Page::Of(tag));
            tell(Change::EnteredElsewhere);
            Ok(token)
        }
    }
}

/// Whether there were few enough failures lately; forgets those that are not lately any more (or in the future: the clock was set back).
fn may_try(failed: &mut Vec<Timestamp>, now: Timestamp) -> bool {
    failed.retain(|then| (Span(0)..WINDOW).contains(&now.since(*then)));
    failed.len() < FAILURES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_six_failures_in_a_minute_the_server_is_left_alone() {
        let mut failed = Vec::new();
        for n in 0..6 {
            assert!(may_try(&mut failed, Timestamp(n * 1000)));
            failed.push(Timestamp(n * 1000));
        }
        assert!(!may_try(&mut failed, Timestamp(6_000)));
        assert!(!may_try(&mut failed, Timestamp(59_999)));
        assert!(may_try(&mut failed, Timestamp(60_000)));
        assert_eq!(failed.len(), 5);
        assert!(may_try(&mut failed, Timestamp(-1)), "a clock that was set back does not lock anybody out");
    }
}
