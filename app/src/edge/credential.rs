//! (server) Which credential counts for which request. Rules only: whether a credential is any good is for the domain to say.
//!
//! | request | Bearer | refresh cookie |
//! |---|---|---|
//! | page render | – | counts |
//! | function, called by script | counts | – |
//! | function, posted by a plain form | counts | counts, without an `Authorization` |
//!
//! (Refresh and log-out take the cookie by whichever `POST` it comes: see `edge::Call`.) So a stolen cookie cannot drive calls from elsewhere,
//! and pages and forms work without scripts.

use crate::{address::is_at_or_below, edge::cookie};
use auth::Presented;
use http::{
    HeaderMap, Method,
    header::{ACCEPT, AUTHORIZATION},
};

/// Where all server functions are.
const FUNCTIONS: &str = "/fn";
/// Where the JSON API is; it has rules of its own.
const API: &str = "/api";

/// What kind of request is being served. Functions also run *inside* page renders, so "a function runs" says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page is rendered.
    Page,
    /// A `<form>` was posted to a function by the browser itself, with scripts off or not there yet. It understands pages and redirects.
    PlainForm,
    /// A function was called by a program: our own client or another. It understands JSON and statuses.
    Script,
    /// Anything else.
    Other,
}

/// Tells the kinds of requests apart.
pub fn kind(method: &Method, path: &str, headers: &HeaderMap) -> Kind {
    let function = path.strip_prefix(FUNCTIONS).is_some_and(|rest| rest.starts_with('/'));
    if function && method == Method::POST {
        // The same test as in server_fn and leptos_axum, which then answer with a redirect, and the browser's word for it where it gives one.
        let html = headers.get(ACCEPT).is_some_and(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"));
        let navigation = headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
        return if html && navigation { Kind::PlainForm } else { Kind::Script };
    }
    let reading = matches!(*method, Method::GET | Method::HEAD);
    if reading && ![FUNCTIONS, API].iter().any(|not_a_page| is_at_or_below(path, not_a_page)) { Kind::Page } else { Kind::Other }
}

/// What a request shows, and whether it counts.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An access token.
    Bearer(String),
    /// A refresh token from the cookie.
    Cookie(String),
    /// Nothing that counts here.
    None,
}

impl Credential {
    /// As the domain takes it.
    pub fn presented(&self) -> Option<Presented<'_>> {
        match self {
            Self::Bearer(token) => Some(Presented::Bearer(token)),
            Self::Cookie(token) => Some(Presented::Cookie(token)),
            Self::None => None,
        }
    }
}

/// The one credential that counts for this request.
pub fn credential(kind: Kind, headers: &HeaderMap, secure: bool) -> Credential {
    let from_cookie = || cookie::refresh_cookie(headers, secure).map_or(Credential::None, Credential::Cookie);
    match kind {
        // Not even looked for a Bearer: a proxy with a password of its own (`Authorization: Basic`) in front of a test site is no reason to
        // show everybody as signed out.
        Kind::Page => from_cookie(),
        Kind::PlainForm if !headers.contains_key(AUTHORIZATION) => from_cookie(),
        Kind::PlainForm | Kind::Script => bearer(headers).map_or(Credential::None, |token| Credential::Bearer(token.to_owned())),
        Kind::Other => Credential::None,
    }
}

/// The token of `Authorization: Bearer` (RFC 6750, 2.1). Two such headers are none: who added the other one?
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    let well_formed = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    (scheme.eq_ignore_ascii_case("bearer") && well_formed).then_some(token)
}

#[cfg(test)]
mod tests;
