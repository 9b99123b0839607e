//! The query string of the page, for code that runs on both sides: the server renders an island,
//! and the browser hydrates it with the same values. There is no router in the browser.

use crate::routes;
use countersign_types::Problem;

/// Returns the query string of the page, with or without `?`.
pub fn query() -> String {
    #[cfg(feature = "ssr")]
    return leptos::prelude::use_context::<http::request::Parts>()
        .and_then(|request| request.uri.query().map(str::to_owned))
        .unwrap_or_default();
    #[cfg(not(feature = "ssr"))]
    crate::browser::query()
}

/// Returns the decoded value of the parameter `name` (URL Standard, 5.1: the same on both sides).
pub fn value(name: &str) -> Option<String> {
    let query = query();
    let query = query.trim_start_matches('?');
    #[cfg(feature = "ssr")]
    return url::form_urlencoded::parse(query.as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()));
    #[cfg(not(feature = "ssr"))]
    web_sys::UrlSearchParams::new_with_str(query).ok()?.get(name)
}

/// Returns whether the query has the parameter `name`.
pub fn has(name: &str) -> bool {
    routes::has_param(&query(), name)
}

/// Returns the problem of a plain form that was posted to the server function at `path`.
pub fn form_problem(path: &str) -> Option<Problem> {
    let error =
        value(routes::ERROR).filter(|_| value(routes::FAILED_FUNCTION).as_deref() == Some(path))?;
    // A query may contain any text.
    Some(error.parse().unwrap_or(Problem::BadRequest))
}
