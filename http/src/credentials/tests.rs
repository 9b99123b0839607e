//! Tests of the table in [`super`].

use super::*;
use http::{HeaderName, HeaderValue};
use proptest::{collection, option, prelude::*, sample::select};

/// Method, path, headers and the expected result.
type Row<'a> = (&'a Method, &'a str, &'a [(&'static str, &'static str)], (RequestKind, &'a str));

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const JSON: (&str, &str) = ("accept", "application/json");
const COOKIE: (&str, &str) = ("cookie", "theme=dark; countersign=csgn_rt_abc");
const BEARER: (&str, &str) = ("authorization", "Bearer abc.def-_g");

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        })
}

fn accepted(
    method: &Method,
    path: &str,
    pairs: &[(&'static str, &'static str)],
) -> (RequestKind, &'static str) {
    let headers = headers(pairs);
    let kind = request_kind(method, path, &headers);
    let credential = match extract(
        kind,
        &headers,
        &CookieNames::new(&"http://localhost".parse().expect("a URL")),
    ) {
        RequestCredential::Bearer(token) => {
            assert_eq!(token, "abc.def-_g");
            "bearer"
        }
        RequestCredential::Cookie(token) => {
            assert_eq!(token, "csgn_rt_abc");
            "cookie"
        }
        RequestCredential::None => "nothing",
    };
    (kind, credential)
}

#[test]
fn credentials_are_accepted_as_in_the_table() {
    let (get, head, post) = (Method::GET, Method::HEAD, Method::POST);
    let navigate = ("sec-fetch-mode", "navigate");
    let cors = ("sec-fetch-mode", "cors");
    let basic = ("authorization", "Basic YTpi");
    let table: &[Row] = &[
        // Pages.
        (&get, "/account", &[HTML, COOKIE], (RequestKind::Page, "cookie")),
        (&head, "/account", &[HTML, COOKIE], (RequestKind::Page, "cookie")),
        (&get, "/account", &[("accept", "*/*"), COOKIE], (RequestKind::Page, "cookie")),
        (&get, "/account", &[HTML, COOKIE, basic], (RequestKind::Page, "cookie")),
        (&get, "/account", &[HTML, BEARER], (RequestKind::Page, "nothing")),
        (&get, "/account", &[HTML], (RequestKind::Page, "nothing")),
        (&get, "/fnord", &[HTML, COOKIE], (RequestKind::Page, "cookie")),
        (&get, "/apiary", &[HTML, COOKIE], (RequestKind::Page, "cookie")),
        // `GET` requests to other paths.
        (&get, "/api/v1/me", &[HTML, COOKIE], (RequestKind::Other, "nothing")),
        (&get, "/api", &[HTML, COOKIE], (RequestKind::Other, "nothing")),
        (&get, "/fn/current-account", &[HTML, COOKIE], (RequestKind::Other, "nothing")),
        (&post, "/account", &[HTML, COOKIE], (RequestKind::Other, "nothing")),
        (&Method::PUT, "/fn/update-profile", &[JSON, BEARER], (RequestKind::Other, "nothing")),
        // Calls by scripts.
        (&post, "/fn/update-profile", &[JSON, BEARER], (RequestKind::Script, "bearer")),
        (&post, "/fn/update-profile", &[JSON, BEARER, COOKIE], (RequestKind::Script, "bearer")),
        (&post, "/fn/update-profile", &[JSON, COOKIE], (RequestKind::Script, "nothing")),
        (&post, "/fn/update-profile", &[COOKIE], (RequestKind::Script, "nothing")),
        (&post, "/fn/update-profile", &[HTML, COOKIE, cors], (RequestKind::Script, "nothing")),
        (&post, "/fn/update-profile", &[JSON, COOKIE, navigate], (RequestKind::Script, "nothing")),
        (&post, "/fn/update-profile", &[JSON, basic, COOKIE], (RequestKind::Script, "nothing")),
        // Plain forms.
        (&post, "/fn/update-profile", &[HTML, COOKIE], (RequestKind::PlainForm, "cookie")),
        (
            &post,
            "/fn/update-profile",
            &[HTML, COOKIE, navigate],
            (RequestKind::PlainForm, "cookie"),
        ),
        (&post, "/fn/update-profile", &[HTML, COOKIE, BEARER], (RequestKind::PlainForm, "bearer")),
        (&post, "/fn/update-profile", &[HTML, COOKIE, basic], (RequestKind::PlainForm, "nothing")),
        (&post, "/fn/update-profile", &[HTML], (RequestKind::PlainForm, "nothing")),
    ];
    for (method, path, pairs, expected) in table {
        assert_eq!(accepted(method, path, pairs), *expected, "{method} {path} {pairs:?}");
    }
}

#[test]
fn bearer_token_needs_one_header_with_one_token() {
    for value in ["Bearer abc.def-_g", "bearer abc.def-_g", "BEARER  abc.def-_g "] {
        assert_eq!(bearer(&headers(&[("authorization", value)])), Some("abc.def-_g"), "{value:?}");
    }
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "abc.def-_g",
        "Basic abc.def-_g",
        "Bearer: abc",
        "Bearer abc, Bearer def",
        "Bearer a b",
        "Bearer \"abc\"",
        "Bearerabc",
    ] {
        assert_eq!(bearer(&headers(&[("authorization", value)])), None, "{value:?}");
    }
    assert_eq!(bearer(&headers(&[BEARER, BEARER])), None);
    assert_eq!(bearer(&headers(&[])), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_requests_follow_the_table(
        method in select(vec![
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ]),
        path in select(vec![
            "/",
            "/account",
            "/fn",
            "/fn/",
            "/fn/update-profile",
            "/fnord",
            "/api",
            "/api/v1/me",
            "/apiary",
            "*",
            "",
        ]),
        accept in option::of(select(vec![
            "text/html",
            "*/*;q=0.8,text/html",
            "application/json",
            "*/*",
            "",
        ])),
        mode in option::of(select(vec![
            "navigate",
            "cors",
            "no-cors",
            "same-origin",
            "Navigate",
            "",
        ])),
        authorization in collection::vec(
            select(vec![
                "Bearer abc.def-_g",
                "bearer abc.def-_g",
                "Basic YTpi",
                "Bearer",
                "",
            ]),
            0..3,
        ),
        cookies in collection::vec(
            select(vec![
                "countersign=csgn_rt_abc",
                "theme=dark",
                "countersign=csgn_rt_x; countersign=csgn_rt_abc",
            ]),
            0..3,
        ),
    ) {
        let pairs: Vec<_> = [("accept", accept), ("sec-fetch-mode", mode)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(authorization.iter().map(|value| ("authorization", *value)))
            .chain(cookies.iter().map(|value| ("cookie", *value)))
            .collect();
        let (_, credential) = accepted(&method, path, &pairs);
        let function = method == Method::POST && path.starts_with("/fn/");
        let plain_form = function
            && accept.is_some_and(|accept| accept.contains("text/html"))
            && mode.is_none_or(|mode| mode == "navigate");
        let page = matches!(method, Method::GET | Method::HEAD)
            && !["/fn", "/fn/", "/fn/update-profile", "/api", "/api/v1/me"].contains(&path);
        let ours = cookies.iter().any(|cookie| cookie.contains("countersign"));
        let expected = match authorization[..] {
            ["Bearer abc.def-_g" | "bearer abc.def-_g"] if function => "bearer",
            _ if ours && (page || plain_form && authorization.is_empty()) => "cookie",
            _ => "nothing",
        };
        prop_assert_eq!(credential, expected);
    }
}
