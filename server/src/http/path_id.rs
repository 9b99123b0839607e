//! The id in a path, which may be anything.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use std::{convert::Infallible, str::FromStr};

/// What stands where an id belongs. Taking it as an argument refuses nothing: who asks is looked at
/// first.
pub(super) struct PathId(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // Escaped bytes that are no text are refused by axum itself, in words of its own.
        Ok(Self(Path::<String>::from_request_parts(parts, state).await.ok().map(|Path(text)| text)))
    }
}

impl PathId {
    /// `None`: it is no id, so it is nobody's and nothing's.
    pub(super) fn parse<T: FromStr>(&self) -> Option<T> {
        self.0.as_deref()?.parse().ok()
    }
}
