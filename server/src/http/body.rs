//! Reading a JSON body, strictly: an object of the members that are asked for and no others. What
//! is wrong is named; what was sent is not repeated, because it may be a password.

use super::problem::{self, MemberError};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use countersign_leptos::problem::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body that can be read: every member is a text.
pub(super) trait Members: DeserializeOwned {
    /// Their names.
    const NAMES: &[&str];
}

/// The body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<T: Members, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        read(&json(request, state).await?).map(Self)
    }
}

/// A body that may be left out, or be `null`.
pub(super) struct MaybeBody<T>(pub(super) Option<T>);

impl<T: Members, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        use axum::body::HttpBody;
        if request.body().is_end_stream() {
            return Ok(Self(None));
        }
        let bytes = json(request, state).await?;
        if bytes.trim_ascii() == b"null" {
            Ok(Self(None))
        } else {
            read(&bytes).map(|body| Self(Some(body)))
        }
    }
}

async fn json<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Response> {
    if !is_json(&request) {
        return Err(problem::plain_with(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body as application/json.",
        ));
    }
    // It has been read already, with a limit: see `layers::limits`.
    Bytes::from_request(request, state).await.map_err(|_| problem::answer(&Problem::BadRequest))
}

fn is_json(request: &Request) -> bool {
    let kind =
        request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn read<T: Members>(bytes: &[u8]) -> Result<T, Response> {
    // Serde would also take a struct's members in order, from an array.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    if is_object && let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(bytes) else {
        return Err(problem::plain_with(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The body must be a JSON object, in UTF-8.",
        ));
    };
    let errors: Vec<_> =
        object.iter().filter_map(|(name, value)| wrong_with::<T>(name, value)).take(20).collect();
    if errors.is_empty() {
        // Read once more as an object it is fine, so a member must have been there twice.
        return Err(problem::plain_with(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The body has a member twice.",
        ));
    }
    Err(problem::members(errors))
}

fn wrong_with<T: Members>(name: &str, value: &Value) -> Option<MemberError> {
    // RFC 6901, 3; and cut, so that a huge name does not come back whole.
    let pointer = format!(
        "/{}",
        name.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
    );
    if !T::NAMES.contains(&name) {
        let detail = format!("There is no such member. Known are: {}.", T::NAMES.join(", "));
        return Some(MemberError { pointer, code: "unknown_member", detail });
    }
    (!value.is_string()).then(|| MemberError {
        pointer,
        code: "wrong_type",
        detail: "This must be a text.".to_owned(),
    })
}
