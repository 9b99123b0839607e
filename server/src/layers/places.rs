//! How many pages are made at a time, and that each is made to its end.

use super::limits::{LONGEST, to_its_end};
use crate::http::problem;
use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use countersign_leptos::problem::Problem;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

/// So many pages are made at a time in each of the two lines, for all clients together.
pub const PLACES: usize = 64;
/// Whoever waits longer for a place is told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where pages are made. Browsers with a session of ours have a line of their own: while the
/// database, which has to be asked about them, does not answer, they do not keep those out about
/// whom nobody has to be asked.
#[derive(Clone)]
pub struct Places {
    known: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    is_known: Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>,
}

impl Places {
    /// `is_known` tells from the headers of a request, without a read, whether the browser has a
    /// session of ours. Any other cookie counts for nothing.
    pub fn new(is_known: impl Fn(&HeaderMap) -> bool + Send + Sync + 'static) -> Self {
        let line = || Arc::new(Semaphore::new(PLACES));
        Self { known: line(), strangers: line(), is_known: Arc::new(is_known) }
    }
}

/// Makes a page to its end, whether or not somebody still waits for it, or gives up on it: parts of
/// it are tasks of their own, which would be left with half of what they need. Because a client
/// that hangs up takes up no connection any more, places are counted here. Who hangs up in the line
/// is gone.
pub async fn make_page(State(places): State<Places>, request: Request, next: Next) -> Response {
    // Functions are among the routes of the pages.
    if !request.method().is_safe() {
        return next.run(request).await;
    }
    let line = if (places.is_known)(request.headers()) { places.known } else { places.strangers };
    let end = Instant::now() + LONGEST;
    let Ok(Ok(place)) = timeout(PATIENCE, line.acquire_owned()).await else {
        return problem::answer(&Problem::Busy { retry_after: 2 });
    };
    to_its_end(request.extensions().get().cloned(), async move {
        let _place = place;
        timeout_at(end, next.run(request)).await.unwrap_or_else(|_| {
            tracing::error!("a page was not made within {} s", LONGEST.as_secs());
            problem::answer(&Problem::Unavailable)
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Router,
        body::Body,
        http::{Method, StatusCode, header::COOKIE},
        middleware::from_fn_with_state,
        routing::get,
    };
    use std::future::pending;
    use tokio::task::yield_now;
    use tower::ServiceExt;

    /// One page that is never made, and one that is made at once.
    fn pages() -> Router {
        let places = Places::new(|headers| {
            headers.get(COOKIE).is_some_and(|cookie| cookie == "countersign=x")
        });
        Router::new()
            .route("/never", get(async || pending::<()>().await))
            .route("/now", get(async || "made").post(async || "done"))
            .route_layer(from_fn_with_state(places, make_page))
    }

    async fn asked(
        pages: &Router,
        method: Method,
        path: &str,
        cookie: Option<&str>,
    ) -> (StatusCode, HeaderMap) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let answer = pages
            .clone()
            .oneshot(request.body(Body::empty()).expect("a request"))
            .await
            .expect("an answer");
        (answer.status(), answer.headers().clone())
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_is_told_to_come_back_and_the_other_line_goes_on() {
        let pages = pages();
        for _ in 0..PLACES {
            let pages = pages.clone();
            let waiting = tokio::spawn(async move {
                asked(&pages, Method::GET, "/never", Some("countersign=x")).await
            });
            for _ in 0..8 {
                yield_now().await;
            }
            // They hang up, and what they have asked for goes on.
            waiting.abort();
        }
        let began = Instant::now();
        let (status, headers) = asked(&pages, Method::GET, "/now", Some("countersign=x")).await;
        assert_eq!(
            (status, headers["retry-after"].to_str().expect("text")),
            (StatusCode::SERVICE_UNAVAILABLE, "2")
        );
        assert_eq!(began.elapsed(), PATIENCE);
        assert_eq!(
            asked(&pages, Method::GET, "/now", None).await.0,
            StatusCode::OK,
            "the line of strangers"
        );
        assert_eq!(
            asked(&pages, Method::GET, "/now", Some("theme=dark")).await.0,
            StatusCode::OK,
            "which any other cookie leaves them in"
        );
        assert_eq!(
            asked(&pages, Method::POST, "/now", Some("countersign=x")).await.0,
            StatusCode::OK,
            "what is no page needs no place"
        );
        tokio::time::advance(LONGEST).await;
        assert_eq!(
            asked(&pages, Method::GET, "/now", Some("countersign=x")).await.0,
            StatusCode::OK,
            "what was never made is given up"
        );
    }
}
