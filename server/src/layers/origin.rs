//! Who may call from where: the defence against requests that another site makes a browser send
//! (cross-site request forgery).
//!
//! | an unsafe request with | |
//! |---|---|
//! | a listed `Origin`, where it may call (see [`super::cors`]) | passes, without its cookies |
//! | `Sec-Fetch-Site: same-origin` | passes |
//! | another `Sec-Fetch-Site` | is refused |
//! | no `Sec-Fetch-Site`, our own `Origin` | passes |
//! | no `Sec-Fetch-Site`, another `Origin`, `null` too | is refused |
//! | neither, and no cookie of ours with a token (curl, other programs) | passes |
//! | neither, and a cookie of ours with a token | is refused, and told to send our own `Origin` |
//!
//! (RFC 9110, 9.2.1 says which methods are safe. Browsers have sent `Sec-Fetch-Site` since 2023 and
//! `Origin` with every unsafe request for longer, so a browser is never in the last two rows. A
//! program that keeps cookies in a jar is, and can send `Origin` itself. The device cookie does not
//! count: it authenticates nobody, and stays in a jar long after the log-out.)

use super::cors::Listed;
use crate::{Server, http::problem};
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, Method,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::Response,
};
use countersign_leptos::edge::{CookieNames, cookie};

/// Refuses what the table refuses.
pub async fn same_origin_only(
    State(server): State<Server>,
    request: Request,
    next: Next,
) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let listed = request.extensions().get::<Listed>().is_some();
    if safe || listed || is_allowed(request.headers(), &server.origin, &server.web.cookies) {
        return next.run(request).await;
    }
    if let Some(origin) = own_origin(&request).filter(|origin| !is_same(origin, &server.origin)) {
        server.notices.other_origin(origin, &server.origin);
    }
    problem::not_allowed(&server.origin)
}

/// The `Origin` of a request that was sent to the same host: the page was opened by that address.
fn own_origin(request: &Request) -> Option<&str> {
    let origin = request.headers().get(ORIGIN)?.to_str().ok()?;
    let (_, authority) = origin.split_once("://")?;
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(Authority::as_str))?;
    authority.eq_ignore_ascii_case(host).then_some(origin)
}

fn is_allowed(headers: &HeaderMap, ours: &str, names: &CookieNames) -> bool {
    // A value that is no text is not one of those that pass.
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_same(origin, ours),
        (None, None) => !cookie::has_credential(headers, names),
    }
}

/// On this machine `localhost` and `127.0.0.1` are two names of one thing.
fn is_same(origin: &str, ours: &str) -> bool {
    let one_name = |origin: &str| {
        origin.replacen("://127.0.0.1", "://localhost", 1).replacen("://[::1]", "://localhost", 1)
    };
    origin == ours
        || (one_name(ours).starts_with("http://localhost") && one_name(origin) == one_name(ours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const OURS: &str = "https://accounts.example.com";

    fn allowed(pairs: &[(&'static str, &'static str)], ours: &str) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_allowed(&headers, ours, &CookieNames::new(&ours.parse().expect("a URL")))
    }

    #[test]
    fn the_table() {
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
            (&[("sec-fetch-site", "cross-site"), ("origin", OURS)], false),
            (&[("origin", OURS), COOKIE], true),
            (&[("origin", "null")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://accounts.example.com.evil.example")], false),
            (&[("origin", "https://accounts.example.com/")], false),
            (&[("origin", "http://accounts.example.com")], false),
            (&[("origin", "https://accounts.example.com:8443")], false),
            (&[("origin", "HTTPS://ACCOUNTS.EXAMPLE.COM")], false),
        ];
        for (pairs, expected) in table {
            assert_eq!(allowed(pairs, OURS), *expected, "{pairs:?}");
        }
    }

    #[test]
    fn the_names_of_this_machine_are_one_origin_on_the_same_port() {
        assert!(allowed(&[("origin", "http://127.0.0.1:3000")], "http://localhost:3000"));
        assert!(allowed(&[("origin", "http://localhost:3000")], "http://127.0.0.1:3000"));
        assert!(!allowed(&[("origin", "http://127.0.0.1:3001")], "http://localhost:3000"));
        assert!(!allowed(&[("origin", "http://127.0.0.1:3000")], OURS));
        assert!(!allowed(&[("origin", "http://localhost.evil.example")], "http://localhost"));
    }
}
