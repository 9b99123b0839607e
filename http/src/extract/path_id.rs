//! The ID in a path, which may have any value.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use std::{convert::Infallible, str::FromStr};

/// The path segment at the position of an ID. The extractor never fails, because authentication is
/// checked first.
pub(crate) struct PathId(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // axum itself would reject percent-encoded bytes that aren't UTF-8, with a response of its
        // own.
        Ok(Self(Path::<String>::from_request_parts(parts, state).await.ok().map(|Path(text)| text)))
    }
}

impl PathId {
    /// Returns the ID, or `None` if the segment is not a valid ID, which then doesn't exist.
    pub(crate) fn parse<T: FromStr>(&self) -> Option<T> {
        self.0.as_deref()?.parse().ok()
    }
}
