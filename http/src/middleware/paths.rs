//! Rejects ambiguous paths, which two parts of the server could interpret differently.
//!
//! The session check compares paths as received, while the router of the pages resolves them as
//! browsers do. Browsers send no dot segments (WHATWG URL, 4.4), and neither do conforming clients
//! (RFC 3986, 6.2.2.3).

use crate::problem;
use axum::{extract::Request, http::StatusCode, response::Response};
use std::borrow::Cow;

/// Returns the rejection (404) of a path with a dot segment, a backslash, or an empty segment
/// before the last, percent-encoded or not.
pub(super) fn reject_ambiguous_path(request: &Request) -> Option<Response> {
    (!is_unambiguous(request.uri().path())).then(|| problem::from_status(StatusCode::NOT_FOUND))
}

fn is_unambiguous(path: &str) -> bool {
    // A target such as `*` has no segments.
    let Some(path) = path.strip_prefix('/') else { return path == "*" || path.is_empty() };
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let decoded = if segment.contains('%') {
            decode_separators(segment).into()
        } else {
            Cow::from(segment)
        };
        let dots = decoded.split(['/', '\\']).any(|part| part == "." || part == "..");
        if dots || decoded.contains('\\') || segment.is_empty() && segments.peek().is_some() {
            return false;
        }
    }
    true
}

/// Decodes the characters that separate segments or change their meaning.
fn decode_separators(segment: &str) -> String {
    segment.to_ascii_lowercase().replace("%2e", ".").replace("%5c", "\\").replace("%2f", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_paths_are_detected() {
        for unambiguous in [
            "/",
            "/account",
            "/account/",
            "/account/devices",
            "/a.b",
            "/...",
            "/.well-known/jwks.json",
            "/a%20b",
            "/%E4",
            "*",
        ] {
            assert!(is_unambiguous(unambiguous), "{unambiguous}");
        }
        for ambiguous in [
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
            assert!(!is_unambiguous(ambiguous), "{ambiguous}");
        }
    }
}
