//! Limit of concurrent page renderings. Each page is rendered to completion.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use countersign_http::{
    middleware::request_limits::{REQUEST_TIMEOUT, spawn_to_completion},
    problem,
};
use countersign_types::Problem;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

/// Maximum number of concurrent renderings in each of two queues, for all clients together.
pub const MAX_CONCURRENT_RENDERS: usize = 64;
/// Maximum time that a request waits for a slot. After that the response is 503.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// The slots for rendering. Browsers with a session have a queue of their own: their pages need the
/// database, and if it doesn't respond, they must not block the pages of anonymous clients.
#[derive(Clone)]
pub struct RenderSlots {
    signed_in: Arc<Semaphore>,
    anonymous: Arc<Semaphore>,
    has_session: Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>,
}

impl RenderSlots {
    /// Creates the slots. `has_session` checks the headers of a request, without a database read,
    /// for a session cookie of this server. Other cookies don't count.
    pub fn new(has_session: impl Fn(&HeaderMap) -> bool + Send + Sync + 'static) -> Self {
        let queue = || Arc::new(Semaphore::new(MAX_CONCURRENT_RENDERS));
        Self { signed_in: queue(), anonymous: queue(), has_session: Arc::new(has_session) }
    }
}

/// Renders a page to completion even if the client disconnects, or aborts after
/// [`REQUEST_TIMEOUT`]: parts of a page are tasks of their own, which would be left incomplete.
/// Renderings are counted here because a client that disconnects no longer counts as a connection.
/// A client that disconnects while queued is dropped.
pub async fn limit_rendering(
    State(render_slots): State<RenderSlots>,
    request: Request,
    next: Next,
) -> Response {
    // The routes of the pages include the server functions.
    if !request.method().is_safe() {
        return next.run(request).await;
    }
    let queue = if (render_slots.has_session)(request.headers()) {
        render_slots.signed_in
    } else {
        render_slots.anonymous
    };
    let end = Instant::now() + REQUEST_TIMEOUT;
    let Ok(Ok(slot)) = timeout(QUEUE_TIMEOUT, queue.acquire_owned()).await else {
        return problem::response(&Problem::Overloaded { retry_after: 2 });
    };
    spawn_to_completion(request.extensions().get().cloned(), async move {
        let _slot = slot;
        timeout_at(end, next.run(request)).await.unwrap_or_else(|_| {
            tracing::error!(
                timeout.seconds = REQUEST_TIMEOUT.as_secs(),
                "page rendering timed out"
            );
            problem::response(&Problem::Unavailable)
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

    /// A page that is never completed, and one that is completed immediately.
    fn pages() -> Router {
        let render_slots = RenderSlots::new(|headers| {
            headers.get(COOKIE).is_some_and(|cookie| cookie == "countersign=x")
        });
        Router::new()
            .route("/never", get(async || pending::<()>().await))
            .route("/now", get(async || "made").post(async || "done"))
            .route_layer(from_fn_with_state(render_slots, limit_rendering))
    }

    async fn request_page(
        pages: &Router,
        method: Method,
        path: &str,
        cookie: Option<&str>,
    ) -> (StatusCode, HeaderMap) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = pages
            .clone()
            .oneshot(request.body(Body::empty()).expect("a request"))
            .await
            .expect("a response");
        (response.status(), response.headers().clone())
    }

    #[tokio::test(start_paused = true)]
    async fn full_render_queue_returns_503_and_other_queue_continues() {
        let pages = pages();
        for _ in 0..MAX_CONCURRENT_RENDERS {
            let pages = pages.clone();
            let waiting = tokio::spawn(async move {
                request_page(&pages, Method::GET, "/never", Some("countersign=x")).await
            });
            for _ in 0..8 {
                yield_now().await;
            }
            // The client disconnects, and the rendering continues.
            waiting.abort();
        }
        let began = Instant::now();
        let (status, headers) =
            request_page(&pages, Method::GET, "/now", Some("countersign=x")).await;
        assert_eq!(
            (status, headers["retry-after"].to_str().expect("text")),
            (StatusCode::SERVICE_UNAVAILABLE, "2")
        );
        assert_eq!(began.elapsed(), QUEUE_TIMEOUT);
        assert_eq!(
            request_page(&pages, Method::GET, "/now", None).await.0,
            StatusCode::OK,
            "the queue of anonymous clients"
        );
        assert_eq!(
            request_page(&pages, Method::GET, "/now", Some("theme=dark")).await.0,
            StatusCode::OK,
            "another cookie doesn't count"
        );
        assert_eq!(
            request_page(&pages, Method::POST, "/now", Some("countersign=x")).await.0,
            StatusCode::OK,
            "a server function needs no slot"
        );
        tokio::time::advance(REQUEST_TIMEOUT).await;
        assert_eq!(
            request_page(&pages, Method::GET, "/now", Some("countersign=x")).await.0,
            StatusCode::OK,
            "an incomplete rendering is aborted"
        );
    }
}
