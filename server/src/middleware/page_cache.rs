//! Caches the pages that are equal for all anonymous clients. Two responses differ only in the
//! nonce, so a page is rendered once for each theme, and each response gets a new nonce.
//!
//! Only requests without a query, and without cookies other than [`KNOWN_COOKIES`], are served from
//! the cache: anything else that a page depends on is in the query, in a cookie or a setting.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, SET_COOKIE},
    },
    middleware::Next,
    response::Response,
};
use countersign_http::problem;
use countersign_leptos::{
    request,
    routes::{FORGOT, HOME, LOG_IN, SIGN_UP},
    time_zone,
    ui::theme_switch,
};
use countersign_types::Problem;
use leptos::nonce::Nonce;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The paths of the pages.
pub const PAGES: [&str; 4] = [HOME, LOG_IN, SIGN_UP, FORGOT];
/// The cookies that a request may have. The theme selects the page; the time zone changes none of
/// these.
const KNOWN_COOKIES: [&str; 2] = [theme_switch::COOKIE, time_zone::COOKIE];
/// Maximum size of a page in bytes.
const MAX_PAGE_BYTES: usize = 256 << 10;

/// The pages that were rendered, at most one for each path and theme.
#[derive(Clone, Default)]
pub(crate) struct PageCache(Arc<RwLock<HashMap<CacheKey, Arc<CachedPage>>>>);

type CacheKey = (&'static str, Option<&'static str>);

/// A page in pieces, between which the nonce of a response is inserted.
struct CachedPage {
    headers: HeaderMap,
    policy: Vec<String>,
    html: Vec<String>,
}

impl CachedPage {
    /// Takes a page apart. Returns `None` if its nonce is not known.
    fn new(headers: &HeaderMap, html: &str) -> Option<Self> {
        let policy = headers.get(CONTENT_SECURITY_POLICY)?.to_str().ok()?;
        let nonce = policy.split_once("'nonce-")?.1.split_once('\'')?.0;
        let pieces = |text: &str| text.split(nonce).map(str::to_owned).collect();
        Some(Self { headers: headers.clone(), policy: pieces(policy), html: pieces(html) })
    }

    fn response(&self) -> Response {
        let nonce = Nonce::new().to_string();
        let mut response = Response::new(Body::from(self.html.join(&nonce)));
        *response.headers_mut() = self.headers.clone();
        if let Ok(policy) = HeaderValue::from_str(&self.policy.join(&nonce)) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// Returns which page a request is for, if it may be served from here.
fn cache_key(request: &Request) -> Option<CacheKey> {
    let path = *PAGES.iter().find(|path| **path == request.uri().path())?;
    if request.method() != Method::GET || request.uri().query().is_some() {
        return None;
    }
    let are_known = |line: &HeaderValue| {
        line.to_str().is_ok_and(|line| {
            let names = line.split(';').map(|pair| pair.split('=').next().unwrap_or("").trim());
            names.into_iter().all(|name| name.is_empty() || KNOWN_COOKIES.contains(&name))
        })
    };
    request
        .headers()
        .get_all(COOKIE)
        .iter()
        .all(are_known)
        .then(|| (path, request::theme(request.headers())))
}

/// Serves a page from the cache, or renders it and keeps it.
pub(crate) async fn serve_cached_page(
    State(PageCache(cache)): State<PageCache>,
    request: Request,
    next: Next,
) -> Response {
    let Some(key) = cache_key(&request) else { return next.run(request).await };
    let cached = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some(page) = cached {
        return page.response();
    }
    let response = next.run(request).await;
    let headers = response.headers();
    let is_page =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if response.status() != StatusCode::OK || !is_page || headers.contains_key(SET_COOKIE) {
        return response;
    }
    let (head, body) = response.into_parts();
    let Ok(html) = to_bytes(body, MAX_PAGE_BYTES).await else {
        tracing::error!(path = key.0, max_bytes = MAX_PAGE_BYTES, "page is too large");
        return problem::response(&Problem::internal());
    };
    let page = str::from_utf8(&html).ok().and_then(|html| CachedPage::new(&head.headers, html));
    if let Some(page) = page {
        cache.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(page));
    }
    Response::from_parts(head, Body::from(html))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, middleware::from_fn_with_state, response::Html, routing::get};
    use std::sync::atomic::{AtomicU32, Ordering};
    use tower::ServiceExt;

    async fn get_page(router: &Router, path: &str, cookie: &'static str) -> String {
        let request = Request::get(path).header(COOKIE, cookie).body(Body::empty());
        let response = router.clone().oneshot(request.expect("a request")).await.expect("a page");
        let body = to_bytes(response.into_body(), MAX_PAGE_BYTES).await.expect("a body");
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn second_request_for_a_page_is_not_rendered() {
        let renderings = Arc::new(AtomicU32::new(0));
        let page = {
            let renderings = renderings.clone();
            async move || {
                renderings.fetch_add(1, Ordering::Relaxed);
                let policy = "script-src 'nonce-abc'";
                ([(CONTENT_SECURITY_POLICY, policy)], Html("<script nonce=\"abc\"></script>"))
            }
        };
        let cache = PageCache::default();
        let router = Router::new()
            .route("/login", get(page.clone()))
            .route("/account", get(page))
            .layer(from_fn_with_state(cache, serve_cached_page));
        for (path, cookie, rendered) in [
            ("/login", "", 1),
            ("/login", "", 1),
            ("/login", "countersign-time-zone=Asia/Tokyo; countersign-theme=dark", 2),
            ("/login", "countersign-theme=dark", 2),
            ("/login", "countersign-theme=dark; countersign-3000-entered=x", 3),
            ("/login?next=/", "", 4),
            ("/account", "", 5),
            ("/account", "", 6),
            ("/login", "", 6),
        ] {
            let html = get_page(&router, path, cookie).await;
            assert!(html.starts_with("<script nonce="), "{html}");
            assert_eq!(renderings.load(Ordering::Relaxed), rendered, "{path} {cookie}");
        }
    }
}
