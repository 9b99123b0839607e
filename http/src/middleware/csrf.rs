//! CSRF protection: rejects requests that other sites make a browser send.
//!
//! Stricter than `tower_http::csrf`, which accepts `Sec-Fetch-Site: none`, each `Origin` that
//! matches the `Host` of the request, and a session cookie with neither of these headers.
//!
//! | unsafe request with | result |
//! |---|---|
//! | a listed `Origin`, on a path for CORS (see [`super::cors`]) | passes, without cookies |
//! | `Sec-Fetch-Site: same-origin` | passes |
//! | another `Sec-Fetch-Site` | rejected |
//! | no `Sec-Fetch-Site`, the server's own `Origin` | passes |
//! | no `Sec-Fetch-Site`, another `Origin`, including `null` | rejected |
//! | neither, and no session cookie (curl, other programs) | passes |
//! | neither, and a session cookie | rejected, with the hint to send the server's `Origin` |
//!
//! RFC 9110, 9.2.1 defines the safe methods. Browsers have sent `Sec-Fetch-Site` since 2023, and
//! `Origin` with every unsafe request for longer, so a browser never matches the last two rows. A
//! program with a cookie jar does, and can send `Origin`. The device cookie doesn't count: it
//! authenticates no user, and stays in a cookie jar long after the log-out.

use super::{BoxedRequest, cors::AllowedOrigin, request_limits::run_to_completion};
use crate::{
    HttpState,
    cookies::{self, CookieNames},
    problem,
};
use axum::{
    extract::Request,
    http::{
        HeaderMap, Method,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    response::Response,
};

/// Rejects requests according to the table, and runs other unsafe requests to completion.
pub async fn reject_cross_origin<F: Future<Output = Response> + Send + 'static>(
    server: &HttpState,
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let listed = request.extensions().get::<AllowedOrigin>().is_some();
    if safe {
        return next(request).await;
    }
    if listed || is_allowed(request.headers(), server.origin(), server.cookies()) {
        return run_to_completion(request, next).await;
    }
    if let Some(origin) =
        origin_of_same_host(&request).filter(|origin| !is_same(origin, server.origin()))
    {
        server.config_warnings().other_origin(origin, server.origin());
    }
    problem::cross_origin(server.origin())
}

/// Returns the `Origin` of a request if it matches its `Host`: the page was opened under that URL.
fn origin_of_same_host(request: &Request) -> Option<&str> {
    let origin = request.headers().get(ORIGIN)?.to_str().ok()?;
    let (_, authority) = origin.split_once("://")?;
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(Authority::as_str))?;
    authority.eq_ignore_ascii_case(host).then_some(origin)
}

fn is_allowed(headers: &HeaderMap, own_origin: &str, names: &CookieNames) -> bool {
    // A value that isn't ASCII matches none of those that pass.
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_same(origin, own_origin),
        (None, None) => !cookies::has_auth_cookie(headers, names),
    }
}

/// Returns whether two origins are the same. `localhost` and `127.0.0.1` are two names of this
/// machine.
fn is_same(origin: &str, own_origin: &str) -> bool {
    let normalized = |origin: &str| {
        origin.replacen("://127.0.0.1", "://localhost", 1).replacen("://[::1]", "://localhost", 1)
    };
    origin == own_origin
        || (normalized(own_origin).starts_with("http://localhost")
            && normalized(origin) == normalized(own_origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const OWN_ORIGIN: &str = "https://accounts.example.com";

    fn allowed(pairs: &[(&'static str, &'static str)], own_origin: &str) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_allowed(&headers, own_origin, &CookieNames::new(&own_origin.parse().expect("a URL")))
    }

    #[test]
    fn csrf_check_follows_its_table() {
        const COOKIE: (&str, &str) = ("cookie", "theme=dark; __Host-countersign=csgn_rt_x");
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[], true),
            (&[COOKIE], false),
            (&[("cookie", "__Host-countersign-access=ey")], false),
            (&[("cookie", "__Host-countersign=csgn_rt_x; __Host-countersign=csgn_rt_y")], false),
            (&[("cookie", "__Host-countersign-device=csgn_dc_x")], true),
            (&[("cookie", "countersign-theme=dark")], true),
            (&[("cookie", "countersign=csgn_rt_x")], true),
            (&[("cookie", "theme=dark")], true),
            (&[("sec-fetch-site", "same-origin"), COOKIE], true),
            (&[("sec-fetch-site", "none"), COOKIE], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", OWN_ORIGIN)], false),
            (&[("origin", OWN_ORIGIN), COOKIE], true),
            (&[("origin", "null")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://accounts.example.com.evil.example")], false),
            (&[("origin", "https://accounts.example.com/")], false),
            (&[("origin", "http://accounts.example.com")], false),
            (&[("origin", "https://accounts.example.com:8443")], false),
            (&[("origin", "HTTPS://ACCOUNTS.EXAMPLE.COM")], false),
        ];
        for (pairs, expected) in table {
            assert_eq!(allowed(pairs, OWN_ORIGIN), *expected, "{pairs:?}");
        }
    }

    #[test]
    fn loopback_names_are_one_origin_on_the_same_port() {
        assert!(allowed(&[("origin", "http://127.0.0.1:3000")], "http://localhost:3000"));
        assert!(allowed(&[("origin", "http://localhost:3000")], "http://127.0.0.1:3000"));
        assert!(!allowed(&[("origin", "http://127.0.0.1:3001")], "http://localhost:3000"));
        assert!(!allowed(&[("origin", "http://127.0.0.1:3000")], OWN_ORIGIN));
        assert!(!allowed(&[("origin", "http://localhost.evil.example")], "http://localhost"));
    }
}
