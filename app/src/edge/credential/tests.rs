//! The table of [`super`], row by row.

use super::*;
use http::{HeaderName, HeaderValue};

/// Method, path, headers, and what comes of them.
type Row<'a> = (&'a Method, &'a str, &'a [(&'static str, &'static str)], (Kind, &'a str));

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const JSON: (&str, &str) = ("accept", "application/json");
const COOKIE: (&str, &str) = ("cookie", "theme=dark; latchkey=lkr_abc");
const BEARER: (&str, &str) = ("authorization", "Bearer abc.def-_g");

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).fold(HeaderMap::new(), |mut all, (name, value)| {
        all.append(name, value);
        all
    })
}

fn what_counts(method: &Method, path: &str, pairs: &[(&'static str, &'static str)]) -> (Kind, &'static str) {
    let headers = headers(pairs);
    let kind = kind(method, path, &headers);
    let counts = match credential(kind, &headers, false) {
        Credential::Bearer(token) => {
            assert_eq!(token, "abc.def-_g");
            "bearer"
        }
        Credential::Cookie(token) => {
            assert_eq!(token, "lkr_abc");
            "cookie"
        }
        Credential::None => "nothing",
    };
    (kind, counts)
}

#[test]
fn each_credential_counts_where_it_should_and_nowhere_else() {
    let (get, head, post) = (Method::GET, Method::HEAD, Method::POST);
    let navigate = ("sec-fetch-mode", "navigate");
    let cors = ("sec-fetch-mode", "cors");
    let basic = ("authorization", "Basic YTpi");
    let table: &[Row] = &[
        // Pages.
        (&get, "/account", &[HTML, COOKIE], (Kind::Page, "cookie")),
        (&head, "/account", &[HTML, COOKIE], (Kind::Page, "cookie")),
        (&get, "/account", &[("accept", "*/*"), COOKIE], (Kind::Page, "cookie")),
        (&get, "/account", &[HTML, COOKIE, basic], (Kind::Page, "cookie")),
        (&get, "/account", &[HTML, BEARER], (Kind::Page, "nothing")),
        (&get, "/account", &[HTML], (Kind::Page, "nothing")),
        (&get, "/fnord", &[HTML, COOKIE], (Kind::Page, "cookie")),
        (&get, "/apiary", &[HTML, COOKIE], (Kind::Page, "cookie")),
        // Not pages, though they are read.
        (&get, "/api/v1/me", &[HTML, COOKIE], (Kind::Other, "nothing")),
        (&get, "/api", &[HTML, COOKIE], (Kind::Other, "nothing")),
        (&get, "/fn/current-account", &[HTML, COOKIE], (Kind::Other, "nothing")),
        (&post, "/account", &[HTML, COOKIE], (Kind::Other, "nothing")),
        (&Method::PUT, "/fn/rename", &[JSON, BEARER], (Kind::Other, "nothing")),
        // Calls by script.
        (&post, "/fn/rename", &[JSON, BEARER], (Kind::Script, "bearer")),
        (&post, "/fn/rename", &[JSON, BEARER, COOKIE], (Kind::Script, "bearer")),
        (&post, "/fn/rename", &[JSON, COOKIE], (Kind::Script, "nothing")),
        (&post, "/fn/rename", &[COOKIE], (Kind::Script, "nothing")),
        (&post, "/fn/rename", &[HTML, COOKIE, cors], (Kind::Script, "nothing")),
        (&post, "/fn/rename", &[JSON, COOKIE, navigate], (Kind::Script, "nothing")),
        (&post, "/fn/rename", &[JSON, basic, COOKIE], (Kind::Script, "nothing")),
        // Plain forms.
        (&post, "/fn/rename", &[HTML, COOKIE], (Kind::PlainForm, "cookie")),
        (&post, "/fn/rename", &[HTML, COOKIE, navigate], (Kind::PlainForm, "cookie")),
        (&post, "/fn/rename", &[HTML, COOKIE, BEARER], (Kind::PlainForm, "bearer")),
        (&post, "/fn/rename", &[HTML, COOKIE, basic], (Kind::PlainForm, "nothing")),
        (&post, "/fn/rename", &[HTML], (Kind::PlainForm, "nothing")),
    ];
    for (method, path, pairs, expected) in table {
        assert_eq!(what_counts(method, path, pairs), *expected, "{method} {path} {pairs:?}");
    }
}

#[test]
fn a_bearer_token_is_one_word_after_one_scheme_in_one_header() {
    for value in ["Bearer abc.def-_g", "bearer abc.def-_g", "BEARER  abc.def-_g "] {
        assert_eq!(bearer(&headers(&[("authorization", value)])), Some("abc.def-_g"), "{value:?}");
    }
    for value in
        ["", "Bearer", "Bearer ", "abc.def-_g", "Basic abc.def-_g", "Bearer: abc", "Bearer abc, Bearer def", "Bearer a b", "Bearer \"abc\"", "Bearerabc"]
    {
        assert_eq!(bearer(&headers(&[("authorization", value)])), None, "{value:?}");
    }
    assert_eq!(bearer(&headers(&[BEARER, BEARER])), None);
    assert_eq!(bearer(&headers(&[])), None);
}
