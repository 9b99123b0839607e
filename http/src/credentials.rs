//! Which credential is accepted for which request of a page or a server function. Rules only: the
//! domain verifies the credential.
//!
//! | request | Bearer | refresh cookie |
//! |---|---|---|
//! | page render | – | accepted |
//! | server function, called by a script | accepted | – |
//! | server function, posted by a plain form | accepted | accepted without `Authorization` |
//!
//! Refresh and log-out accept the cookie with any kind of `POST` request: see
//! `countersign_leptos::request::RequestScope`. With these rules a stolen cookie can't be used for
//! calls from scripts, while pages and forms work without scripts. The JSON API has rules of its
//! own: see [`crate::extract::RequestAuth`].

use crate::cookies::{self, CookieNames};
use countersign_core::PresentedCredential;
use countersign_types::path::is_at_or_below;
use http::{
    HeaderMap, Method,
    header::{ACCEPT, AUTHORIZATION},
};

/// Path prefix of the server functions.
const FUNCTIONS: &str = "/fn";
/// Path prefix of the JSON API, which has its own rules.
const API: &str = "/api";

/// The kind of a request. A server function also runs *inside* page renders, so its execution
/// doesn't imply a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A page render.
    Page,
    /// A `<form>` that the browser itself posts to a server function, because scripts are disabled
    /// or not loaded yet. It expects a page or a redirect.
    PlainForm,
    /// A call of a server function by a program. It expects JSON and status codes.
    Script,
    /// Anything else.
    Other,
}

/// Returns the kind of a request.
pub fn request_kind(method: &Method, path: &str, headers: &HeaderMap) -> RequestKind {
    let function = path.strip_prefix(FUNCTIONS).is_some_and(|rest| rest.starts_with('/'));
    if function && method == Method::POST {
        // The same test as in `server_fn` and `leptos_axum`, which then redirect, and the fetch
        // mode if the browser sends it.
        let html = headers
            .get(ACCEPT)
            .is_some_and(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"));
        let navigation = headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
        return if html && navigation { RequestKind::PlainForm } else { RequestKind::Script };
    }
    let reading = matches!(*method, Method::GET | Method::HEAD);
    if reading && ![FUNCTIONS, API].iter().any(|not_a_page| is_at_or_below(path, not_a_page)) {
        RequestKind::Page
    } else {
        RequestKind::Other
    }
}

/// The credential of a request, if one is accepted.
#[derive(Clone, PartialEq, Eq)]
pub enum RequestCredential {
    /// An access token.
    Bearer(String),
    /// A refresh token from the cookie.
    Cookie(String),
    /// No accepted credential.
    None,
}

impl RequestCredential {
    /// Returns the credential in the type of the domain.
    pub fn presented(&self) -> Option<PresentedCredential<'_>> {
        match self {
            Self::Bearer(token) => Some(PresentedCredential::Bearer(token)),
            Self::Cookie(token) => Some(PresentedCredential::Cookie(token)),
            Self::None => None,
        }
    }
}

/// Returns the credential that is accepted for this request.
pub fn extract(kind: RequestKind, headers: &HeaderMap, names: &CookieNames) -> RequestCredential {
    let from_cookie = || {
        cookies::refresh_cookie(headers, names)
            .map_or(RequestCredential::None, RequestCredential::Cookie)
    };
    match kind {
        // `Authorization` is ignored: a proxy in front of a test site may use `Basic`, which must
        // not make pages appear logged out.
        RequestKind::Page => from_cookie(),
        RequestKind::PlainForm if !headers.contains_key(AUTHORIZATION) => from_cookie(),
        RequestKind::PlainForm | RequestKind::Script => bearer(headers)
            .map_or(RequestCredential::None, |token| RequestCredential::Bearer(token.to_owned())),
        RequestKind::Other => RequestCredential::None,
    }
}

/// Returns the token of `Authorization: Bearer` (RFC 6750, 2.1), or `None` if there are several
/// such headers, whose origin would be unclear.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && is_well_formed(token)).then_some(token)
}

/// The bytes of a token (RFC 6750, 2.1). A table, because every request checks several hundred
/// bytes.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        byte += 1;
    }
    table
};

/// Returns whether a text has the syntax of a token (RFC 6750, 2.1).
pub fn is_well_formed(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| TOKEN_BYTES[usize::from(byte)])
}

#[cfg(test)]
mod tests;
