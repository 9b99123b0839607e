//! (server) How a refusal becomes an answer: status and challenge for a script, the way back to the form for a plain form, nothing for a page.

use crate::{
    address::{self, LOG_IN, SIGN_UP},
    edge::credential::{Kind, kind},
    problem::Problem,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{LOCATION, REFERER, RETRY_AFTER, WWW_AUTHENTICATE},
    request::Parts,
};
use leptos::server_fn::error::ServerFnUrlError;
use leptos_axum::ResponseOptions;

/// Answers a function call that was refused; `bearer_refused`: it came with a token, which is why.
pub(crate) fn refuse(parts: &Parts, response: &ResponseOptions, problem: &Problem, bearer_refused: bool) {
    match kind(&parts.method, parts.uri.path(), &parts.headers) {
        Kind::Script => {
            response.set_status(StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
            if problem.status() == 401 {
                response.insert_header(WWW_AUTHENTICATE, challenge(bearer_refused));
            }
            if let Some(seconds) = problem.retry_after() {
                response.insert_header(RETRY_AFTER, seconds.into());
            }
        }
        // server_fn redirects by itself, but to whatever the `Referer` says, and loses the problem where there is none.
        Kind::PlainForm => {
            response.insert_header(LOCATION, way_back(&parts.headers, parts.uri.path(), problem));
        }
        // A function ran inside a page: the page says what is wrong, and it was found all right. A status here would also be the page's.
        Kind::Page | Kind::Other => {}
    }
}

/// `WWW-Authenticate` (RFC 6750, 3): no `error` for somebody who showed no token.
pub fn challenge(bearer_refused: bool) -> HeaderValue {
    HeaderValue::from_static(if bearer_refused { "Bearer realm=\"latchkey\", error=\"invalid_token\"" } else { "Bearer realm=\"latchkey\"" })
}

/// Back to the page with the form, which finds the problem in its address. Always a path on this origin.
fn way_back(headers: &HeaderMap, function: &str, problem: &Problem) -> HeaderValue {
    let page = headers.get(REFERER).and_then(|referer| local_part(referer.to_str().ok()?));
    let home = home_of(function);
    page.and_then(|page| with_news(&page, function, problem)).or_else(|| with_news(home, function, problem)).unwrap_or_else(|| HeaderValue::from_static(home))
}

/// `page`, a path of ours, with the problem in its query. `None` if the parser makes something else of it than a path of ours.
fn with_news(page: &str, function: &str, problem: &Problem) -> Option<HeaderValue> {
    let address = ServerFnUrlError::new(function, problem.clone()).to_url(&format!("http://here{page}")).ok()?;
    let location = format!("{}?{}", address.path(), address.query().unwrap_or_default());
    if location.starts_with("//") { None } else { HeaderValue::from_str(&location).ok() }
}

/// Path and query of the page that a form was on, without what an earlier attempt has left there.
fn local_part(referer: &str) -> Option<String> {
    let (_, rest) = referer.split_once("://")?;
    let rest = &rest[rest.find('/')?..];
    let rest = rest.split('#').next()?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (!path.starts_with("//")).then(|| format!("{path}{}", address::without_news(query)))
}

/// The page with the form, for browsers that do not say where they come from.
fn home_of(function: &str) -> &'static str {
    match function {
        "/fn/login" => LOG_IN,
        "/fn/signup" => SIGN_UP,
        _ => contract::next::HOME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back_from(referer: Option<&'static str>) -> String {
        let headers = referer.map(|referer| (REFERER, HeaderValue::from_static(referer))).into_iter().collect();
        let location = way_back(&headers, "/fn/login", &Problem::Credentials);
        location.to_str().expect("text").replace("__path=%2Ffn%2Flogin&__err=ImNyZWRlbnRpYWxzIg%3D%3D", "ERR")
    }

    #[test]
    fn a_failed_form_leads_back_to_its_page_and_nowhere_else() {
        assert_eq!(back_from(Some("http://localhost:3000/login?next=%2Faccount")), "/login?next=%2Faccount&ERR");
        assert_eq!(back_from(Some("https://example.com/login")), "/login?ERR");
        assert_eq!(back_from(Some("https://example.com/login?bye&next=%2Faccount&__path=%2Ffn%2Flogin&__err=old")), "/login?next=%2Faccount&ERR");
        for referer in [
            None,
            Some("about:blank"),
            Some("https://example.com"),
            Some("https://example.com//evil.example/"),
            // Which the parser of addresses turns into `//`.
            Some("https://example.com/\\evil.example/"),
        ] {
            assert_eq!(back_from(referer), "/login?ERR", "{referer:?}");
        }
    }
}
