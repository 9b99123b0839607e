//! Strict parsing of JSON request bodies: an object with known members only. Errors name the member
//! and never contain its value, which may be a password.

use crate::{
    error::ApiError,
    problem::{self, MemberError},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use countersign_types::Problem;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// A request body, all of whose members are strings.
pub(crate) trait KnownFields: DeserializeOwned {
    /// The names of the members.
    const FIELDS: &[&str];
}

/// Extracts a required JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: KnownFields, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        read(&json(request, state).await?).map(Self)
    }
}

/// Extracts a JSON body that may be missing or `null`.
pub(crate) struct OptionalJsonBody<T>(pub(crate) Option<T>);

impl<T: KnownFields, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
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
        return Err(problem::with_detail(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body as application/json.",
        ));
    }
    // The middleware has already read the body, with a limit: see `middleware::request_limits`.
    Bytes::from_request(request, state).await.map_err(|_| problem::response(&Problem::BadRequest))
}

fn is_json(request: &Request) -> bool {
    let kind =
        request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn read<T: KnownFields>(bytes: &[u8]) -> Result<T, Response> {
    // Serde would also accept a struct as an array of its members.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    if is_object && let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(bytes) else {
        return Err(problem::with_detail(
            StatusCode::BAD_REQUEST,
            "malformed",
            "Send the body as a JSON object in UTF-8.",
        ));
    };
    let errors: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| describe_error::<T>(name, value))
        .take(20)
        .collect();
    if errors.is_empty() {
        // It parses as an object, so a member must be duplicated.
        return Err(problem::with_detail(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The body has a duplicate member.",
        ));
    }
    Err(problem::invalid_members(errors))
}

fn describe_error<T: KnownFields>(name: &str, value: &Value) -> Option<MemberError> {
    // A JSON pointer (RFC 6901, 3), truncated so that a long name is not returned completely.
    let pointer = format!(
        "/{}",
        name.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
    );
    if !T::FIELDS.contains(&name) {
        let detail = format!("Unknown member. Use one of: {}.", T::FIELDS.join(", "));
        return Some(MemberError { pointer, code: "unknown_member", detail });
    }
    (!value.is_string()).then(|| MemberError {
        pointer,
        code: "wrong_type",
        detail: "Use a string.".to_owned(),
    })
}

/// Deserializes a string that may be missing, but not `null`.
pub(crate) fn non_null_string<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<String>, D::Error> {
    String::deserialize(source).map(Some)
}

/// Parses a member with a fixed set of values. If it is missing, the default applies.
pub(crate) fn one_of<T: Copy + Default>(
    text: Option<&str>,
    pointer: &str,
    values: &[(&str, T)],
) -> Result<T, ApiError> {
    let Some(text) = text else { return Ok(T::default()) };
    values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
        problem::invalid_members(vec![MemberError {
            pointer: pointer.to_owned(),
            code: "unknown_value",
            detail: format!("Use one of: {}.", names.join(", ")),
        }])
        .into()
    })
}
