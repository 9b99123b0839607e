//! One reading of a path: what two parts of the server could read in two ways is not found.
//!
//! The guard compares paths as they came, the router of the pages resolves them as browsers do.
//! Browsers send no dot segments (WHATWG URL, 4.4), nor do well-behaved clients (RFC 3986,
//! 6.2.2.3).

use crate::http;
use axum::{extract::Request, middleware::Next, response::Response};

/// Answers 404 to a path with a dot segment, a backslash or an empty segment before the last,
/// encoded or not.
pub async fn plain_paths(request: Request, next: Next) -> Response {
    if is_plain(request.uri().path()) { next.run(request).await } else { http::not_found().await }
}

fn is_plain(path: &str) -> bool {
    // A target such as `*` has no segments.
    let Some(path) = path.strip_prefix('/') else { return path == "*" || path.is_empty() };
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let decoded = segment
            .to_ascii_lowercase()
            .replace("%2e", ".")
            .replace("%5c", "\\")
            .replace("%2f", "/");
        let dots = decoded.split(['/', '\\']).any(|part| part == "." || part == "..");
        if dots || decoded.contains('\\') || segment.is_empty() && segments.peek().is_some() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_one_reading_are_plain() {
        for plain in [
            "/",
            "/account",
            "/account/",
            "/account/sessions",
            "/a.b",
            "/...",
            "/.well-known/jwks.json",
            "/a%20b",
            "/%E4",
            "*",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "/./account",
            "/x/../account",
            "/account/.",
            "/..",
            "/%2e/account",
            "/x/%2E./account",
            "/x/.%2e",
            "//account",
            "/account//",
            "/x\\..\\account",
            "/x%5c..%5caccount",
            "/x%2f..%2faccount",
            "/.%2faccount",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
