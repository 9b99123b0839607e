//! The pages that the browser fetches before the user follows the link to them (HTML Standard,
//! "Speculative loading"): those of this site, once the pointer rests on a link or presses it.
//! They are fetched, not rendered, so no script runs before the user follows the link.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};
use countersign_leptos::routes;
use serde_json::json;
use std::sync::LazyLock;

/// The path of the rules.
pub(crate) const PATH: &str = "/speculation-rules.json";

/// The response header of a page that names the rules. Unlike rules in the page, it needs no
/// exception in the content security policy.
pub(crate) const HEADER: (HeaderName, HeaderValue) = (
    HeaderName::from_static("speculation-rules"),
    HeaderValue::from_static("\"/speculation-rules.json\""),
);

/// Only pages, which are safe to fetch: `/link` sets a cookie, and downloads are expensive.
static RULES: LazyLock<String> = LazyLock::new(|| {
    let pages: Vec<&str> = routes::pages().map(|(path, _)| path).collect();
    json!({"prefetch": [{"where": {"href_matches": pages}, "eagerness": "moderate"}]}).to_string()
});

/// Responds with the rules.
pub(crate) async fn speculation_rules() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/speculationrules+json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, RULES.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_the_path_and_rules_name_pages_only() {
        let (_, value) = HEADER;
        assert_eq!(value, format!("\"{PATH}\""));
        assert!(RULES.contains("\"/account/devices\"") && !RULES.contains("/account/data."));
    }
}
