//! (browser) Renewal of the access token: one at a time in this page and, by the lock, in the whole browser; not too often when it fails.

use super::{Age, Change, LOCK, Page, Why, become_page, forget, kept, mine, page, take_over, tell};
use crate::{api, browser, problem::Problem};
use contract::{Span, Timestamp, view::Session};
use futures::{FutureExt, channel::oneshot, future::Shared};
use std::cell::RefCell;
use wasm_bindgen_futures::spawn_local;

type Outcome = Result<String, Problem>;

/// So many renewals in [`WINDOW`], and the server is left alone for the rest of it, whatever it answered: one that refuses what it has just given
/// out must not be asked for ever.
const MOST: usize = 6;
const WINDOW: Span = Span::minutes(1);

thread_local! {
    static RUNNING: RefCell<Option<Shared<oneshot::Receiver<Outcome>>>> = const { RefCell::new(None) };
    static TRIED: RefCell<Vec<Timestamp>> = const { RefCell::new(Vec::new()) };
    /// What the last renewal ran into, to be said again by those that are not even tried.
    static TROUBLE: RefCell<Option<Problem>> = const { RefCell::new(None) };
}

/// A token that is not `refused`, for whoever needs one.
pub async fn renew(refused: Option<String>) -> Outcome {
    let token = join(refused.clone()).await?;
    // We may have joined a renewal that began before our token was refused, and that found this very token good.
    if refused.as_ref() == Some(&token) { join(refused).await } else { Ok(token) }
}

/// Gets a token before anybody needs it, another than `refused`.
pub(super) fn begin(refused: Option<String>) {
    drop(join(refused));
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
    if let Some(wait) = TRIED.with_borrow_mut(|tried| must_wait(tried, browser::now())) {
        return Err(TROUBLE.with_borrow(Clone::clone).unwrap_or(Problem::Busy { retry_after: wait }));
    }
    let answer = api::refresh().await;
    TROUBLE.set(answer.as_ref().err().cloned());
    match answer {
        Ok(session) => settle(session),
        // The only answer that ends anything: being offline is not being signed out.
        Err(Problem::SignedOut) => {
            forget(Why::Ended);
            Err(Problem::SignedOut)
        }
        Err(problem) => Err(problem),
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

/// For how many seconds no renewal may be tried; `None`: one may, and is noted. Forgets those that are not lately any more (or in the future: the
/// clock was set back).
fn must_wait(tried: &mut Vec<Timestamp>, now: Timestamp) -> Option<u32> {
    tried.retain(|then| (Span(0)..WINDOW).contains(&now.since(*then)));
    if tried.len() < MOST {
        tried.push(now);
        return None;
    }
    let oldest = tried.iter().min().copied().unwrap_or(now);
    u32::try_from((oldest + WINDOW).since(now).as_seconds()).ok().map(|seconds| seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_six_renewals_in_a_minute_the_server_is_left_alone() {
        let mut tried = Vec::new();
        for n in 0..6 {
            assert_eq!(must_wait(&mut tried, Timestamp(n * 1000)), None);
        }
        assert_eq!(must_wait(&mut tried, Timestamp(6_000)), Some(54));
        assert_eq!(must_wait(&mut tried, Timestamp(59_999)), Some(1));
        assert_eq!(must_wait(&mut tried, Timestamp(60_000)), None);
        assert_eq!(must_wait(&mut tried, Timestamp(60_001)), Some(1), "a refusal is no try");
        assert_eq!(must_wait(&mut tried, Timestamp(61_000)), None);
        assert_eq!(must_wait(&mut tried, Timestamp(-1)), None, "a clock that was set back does not lock anybody out");
    }
}
