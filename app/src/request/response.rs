//! (server) Error responses: status and challenge for a script, a redirect to the form for a plain
//! form, nothing for a page.

use crate::routes::{
    self, CONFIRM, CONFIRM_PASSWORD, EMAIL, FORGOT, LOG_IN, RESET, SECURE, SIGN_UP, VERIFY,
};
use countersign_http::{
    challenge::bearer_challenge,
    credentials::{RequestKind, request_kind},
};
use countersign_types::Problem;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{LOCATION, REFERER, RETRY_AFTER, WWW_AUTHENTICATE},
    request::Parts,
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use url::Url;

/// Writes the response for a server function that the framework didn't start, because its arguments
/// are invalid, or couldn't complete.
pub(crate) fn write_framework_error(problem: &Problem) {
    // Without context in tests, and if a URL is decoded outside a request.
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>())
    else {
        return;
    };
    if let Problem::Internal { .. } = problem {
        tracing::error!(path = parts.uri.path(), "server function failed");
    }
    write_error(&parts, &response, problem, false);
}

/// Writes the error response of a server function. `bearer_refused`: the access token was rejected.
pub(crate) fn write_error(
    parts: &Parts,
    response: &ResponseOptions,
    problem: &Problem,
    bearer_refused: bool,
) {
    match request_kind(&parts.method, parts.uri.path(), &parts.headers) {
        RequestKind::Script => {
            response.set_status(
                StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            );
            if problem.status() == 401 {
                response.insert_header(WWW_AUTHENTICATE, bearer_challenge(problem, bearer_refused));
            }
            if let Some(seconds) = problem.retry_after() {
                response.insert_header(RETRY_AFTER, seconds.into());
            }
        }
        // `server_fn` redirects too, but to any `Referer`, and without one it loses the problem.
        RequestKind::PlainForm => {
            response.insert_header(
                LOCATION,
                form_error_redirect(&parts.headers, parts.uri.path(), problem),
            );
        }
        // The function runs inside a page render. The page shows the error; a status set here would
        // become that of the page.
        RequestKind::Page | RequestKind::Other => {}
    }
}

/// Returns the redirect to the page with the form, with the problem in its query. Always a path on
/// this origin.
fn form_error_redirect(headers: &HeaderMap, function: &str, problem: &Problem) -> HeaderValue {
    let page = headers.get(REFERER).and_then(|referer| path_and_query(referer.to_str().ok()?));
    let home = form_page_for(function);
    page.and_then(|page| with_error_params(&page, function, problem))
        .or_else(|| with_error_params(home, function, problem))
        .unwrap_or_else(|| HeaderValue::from_static(home))
}

/// Adds the problem to the query of `page`, a path of this site. Returns `None` if the URL parser
/// changes it to something else.
fn with_error_params(page: &str, function: &str, problem: &Problem) -> Option<HeaderValue> {
    let mut url = Url::parse(&format!("http://here{page}")).ok()?;
    url.query_pairs_mut()
        .append_pair(routes::FAILED_FUNCTION, function)
        .append_pair(routes::ERROR, &problem.to_string());
    let location = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    if location.starts_with("//") { None } else { HeaderValue::from_str(&location).ok() }
}

/// Maximum length of a `Referer` in bytes. The redirect repeats it, which takes memory until the
/// response is read.
const MAX_REFERER_BYTES: usize = 2048;

/// Returns path and query of the page of a form, without flash parameters of an earlier attempt.
fn path_and_query(referer: &str) -> Option<String> {
    if referer.len() > MAX_REFERER_BYTES {
        return None;
    }
    let (_, rest) = referer.split_once("://")?;
    let rest = &rest[rest.find('/')?..];
    let rest = rest.split('#').next()?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (!path.starts_with("//")).then(|| format!("{path}{}", routes::strip_flash_params(query)))
}

/// Returns path and query of the page of a form if it is a protected page, without flash parameters
/// of an earlier attempt.
pub(crate) fn protected_form_page(headers: &HeaderMap) -> Option<String> {
    let page = path_and_query(headers.get(REFERER)?.to_str().ok()?)?;
    let path = page.split('?').next().unwrap_or_default();
    routes::is_protected(path).then_some(page)
}

/// Returns the page of a form, for browsers that send no `Referer`.
fn form_page_for(function: &str) -> &'static str {
    match function {
        "/fn/login" => LOG_IN,
        "/fn/signup" => SIGN_UP,
        "/fn/forgot-password" | "/fn/enter-code" => FORGOT,
        "/fn/reset-password" => RESET,
        "/fn/secure-account" => SECURE,
        "/fn/verify-email" | "/fn/resend-verification" => VERIFY,
        "/fn/confirm-email" => CONFIRM,
        "/fn/request-email-change"
        | "/fn/cancel-email-change"
        | "/fn/send-verification"
        | "/fn/confirm-code" => EMAIL.path,
        "/fn/confirm-password" => CONFIRM_PASSWORD,
        _ => countersign_types::redirect_path::DEFAULT_REDIRECT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back_from(referer: Option<&'static str>) -> String {
        let headers = referer
            .map(|referer| (REFERER, HeaderValue::from_static(referer)))
            .into_iter()
            .collect();
        let location = form_error_redirect(&headers, "/fn/login", &Problem::InvalidCredentials);
        location
            .to_str()
            .expect("text")
            .replace("__path=%2Ffn%2Flogin&__err=invalid_credentials", "ERR")
    }

    #[test]
    fn accepted_form_redirects_back_to_protected_pages_only() {
        let back_from = |referer| {
            protected_form_page(
                &[(REFERER, HeaderValue::from_static(referer))].into_iter().collect(),
            )
        };
        assert_eq!(back_from("https://example.com/account").as_deref(), Some("/account"));
        assert_eq!(
            back_from("https://example.com/account/activity?cursor=a&saved#x").as_deref(),
            Some("/account/activity?cursor=a")
        );
        for referer in [
            "https://example.com/",
            "https://example.com/accounts",
            "https://example.com//account",
            "https://example.com/\\account",
            "about:blank",
            "",
        ] {
            assert_eq!(back_from(referer), None, "{referer:?}");
        }
    }

    #[test]
    fn failed_form_redirects_only_to_its_own_page() {
        assert_eq!(
            back_from(Some("http://localhost:3000/login?next=%2Faccount")),
            "/login?next=%2Faccount&ERR"
        );
        assert_eq!(back_from(Some("https://example.com/login")), "/login?ERR");
        assert_eq!(
            back_from(Some(
                "https://example.com/login?bye&next=%2Faccount&__path=%2Ffn%2Flogin&__err=old"
            )),
            "/login?next=%2Faccount&ERR"
        );
        for referer in [
            None,
            Some("about:blank"),
            Some("https://example.com"),
            Some("https://example.com//evil.example/"),
            // The URL parser turns this into `//`.
            Some("https://example.com/\\evil.example/"),
        ] {
            assert_eq!(back_from(referer), "/login?ERR", "{referer:?}");
        }
    }
}
