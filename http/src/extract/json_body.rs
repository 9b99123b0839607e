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
use serde::{
    Deserializer,
    de::{DeserializeOwned, Error, Visitor, value},
    forward_to_deserialize_any,
};
use serde_json::Value;

/// Extracts a required JSON body: a struct, all of whose members are strings.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        read(&json(request, state).await?).map(Self)
    }
}

/// Extracts a JSON body that may be missing or `null`.
pub(crate) struct OptionalJsonBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
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

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Response> {
    // Serde would also accept a struct as an array of its members.
    let Ok(Value::Object(object)) = serde_json::from_slice(bytes) else {
        return Err(problem::with_detail(
            StatusCode::BAD_REQUEST,
            "malformed",
            "Send the body as a JSON object in UTF-8.",
        ));
    };
    let known = member_names::<T>();
    let errors: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| describe_error(known, name, value))
        .take(20)
        .collect();
    if !errors.is_empty() {
        return Err(problem::invalid_members(errors));
    }
    // All members are known and strings, so only a duplicate is an error.
    serde_json::from_slice(bytes).map_err(|_| {
        problem::with_detail(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The body has a duplicate member.",
        )
    })
}

fn describe_error(known: &[&str], name: &str, value: &Value) -> Option<MemberError> {
    // A JSON pointer (RFC 6901, 3), truncated so that a long name is not returned completely.
    let pointer = format!(
        "/{}",
        name.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
    );
    if !known.contains(&name) {
        let detail = format!("Unknown member. Use one of: {}.", known.join(", "));
        return Some(MemberError { pointer, code: "unknown_member", reason: None, detail });
    }
    (!value.is_string()).then(|| MemberError {
        pointer,
        reason: None,
        code: "wrong_type",
        detail: "Use a string.".to_owned(),
    })
}

/// Returns the names of the members of a struct, in their order.
fn member_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    // Always an error, because there is no value to deserialize.
    let _ = T::deserialize(MemberNames(&mut names));
    names
}

/// Records the names that a struct passes to its deserializer.
struct MemberNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for MemberNames<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = names;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("no value"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
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
        let detail = format!("Use one of: {}.", names.join(", "));
        ApiError::invalid_member(pointer, "unknown_value", &detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::forms::ChangePasswordForm;

    #[test]
    fn member_names_are_those_of_the_struct() {
        assert_eq!(member_names::<ChangePasswordForm>(), ["current_password", "new_password"]);
        assert!(member_names::<String>().is_empty());
    }
}
