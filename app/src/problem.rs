//! The one error that crosses the wire: a closed set without free text, because it also travels in an address (`?__err=`), where anybody can
//! write it. The words for it are in [`crate::words`]; how it becomes an answer is in `edge`.

use contract::Faults;
use leptos::server_fn::{
    Bytes,
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Deserializer, Serialize};

/// Why something was not done, as far as the person who asked may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The form says something that cannot be.
    Invalid(Faults),
    /// Wrong address or wrong password; one variant for every reason.
    Credentials,
    /// Somebody has an account with this address.
    EmailTaken,
    /// A link that is good once, and is so no more.
    LinkOver,
    /// No credential, or one that is over. The only problem that [`crate::client::AuthClient`] answers with a renewal.
    SignedOut,
    /// The refresh token was renewed twice meanwhile; the next attempt has a newer one. Pages never see it.
    Stale,
    /// The form was made for another session than the one that sent it.
    SomeoneElse,
    /// The request, or the address of this page, makes no sense.
    BadRequest,
    /// Not from this page, or not by this person.
    NotAllowed,
    /// Logged in, but not as somebody who may do this.
    Forbidden,
    /// It would leave no administrator.
    LastAdmin,
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// The request is larger than we read.
    TooLarge,
    /// Tried too often lately; nothing was tried this time.
    TooMany {
        /// Try again after so many seconds.
        retry_after: u32,
    },
    /// Too much to do just now.
    Busy {
        /// Try again after so many seconds.
        retry_after: u32,
    },
    /// The server is there, but cannot work now.
    Unavailable,
    /// The server could not be reached. Only ever made in the browser.
    Offline,
    /// A fault of ours.
    Internal {
        /// The request, as it is named in the log; empty if unknown.
        #[serde(default, deserialize_with = "request_id")]
        id: String,
    },
}

/// Waiting so long is asked of callers while the database is away, in seconds.
const UNAVAILABLE_FOR: u32 = 5;

impl Problem {
    /// A fault of ours in a request that has no name (yet).
    pub const fn internal() -> Self {
        Self::Internal { id: String::new() }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Credentials | Self::SignedOut | Self::Stale => 401,
            Self::NotAllowed | Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::EmailTaken | Self::SomeoneElse | Self::LastAdmin => 409,
            Self::LinkOver => 410,
            Self::TooLarge => 413,
            Self::Invalid(_) => 422,
            Self::TooMany { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Busy { .. } | Self::Unavailable | Self::Offline => 503,
        }
    }

    /// Its stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_fields",
            Self::Credentials => "invalid_credentials",
            Self::EmailTaken => "email_taken",
            Self::LinkOver => "link_over",
            Self::SignedOut => "invalid_token",
            Self::Stale => "stale",
            Self::SomeoneElse => "someone_else",
            Self::BadRequest => "bad_request",
            Self::NotAllowed => "not_allowed",
            Self::Forbidden => "forbidden",
            Self::LastAdmin => "last_admin",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::TooMany { .. } => "too_many_requests",
            Self::Busy { .. } => "busy",
            Self::Unavailable => "unavailable",
            Self::Offline => "offline",
            Self::Internal { .. } => "internal",
        }
    }

    /// After how many seconds it is worth trying again.
    pub const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooMany { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Unavailable => Some(UNAVAILABLE_FOR),
            _ => None,
        }
    }
}

/// The name of a request is the only text in here, so it must look like one to be believed.
fn request_id<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let id = String::deserialize(source)?;
    let plausible = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    Ok(if plausible { id } else { String::new() })
}

impl FromServerFnError for Problem {
    type Encoder = JsonEncoding;

    /// Like the encoder's, but from text: pages hold problems as text too, so the browser needs the code for it only once.
    fn de(data: Bytes) -> Self {
        let problem = std::str::from_utf8(&data).ok().and_then(|text| serde_json::from_str(text).ok());
        problem.unwrap_or_else(|| Self::from_server_fn_error(ServerFnErrorErr::Deserialization(String::new())))
    }

    /// What the framework itself stumbled over. Its texts are dropped: they can quote what somebody typed.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let problem = match error {
            // In the browser: no answer.
            E::Request(_) => Self::Offline,
            // On the server: the body is not what the function takes. Everywhere: `?__err=` holds rubbish, and then both sides must come to the
            // same conclusion or the page would not hydrate.
            E::Deserialization(_) | E::Args(_) | E::MissingArg(_) | E::Serialization(_) | E::UnsupportedRequestMethod(_) => Self::BadRequest,
            E::Registration(_) | E::Response(_) | E::ServerError(_) | E::MiddlewareError(_) => Self::internal(),
        };
        // The function did not run, so nobody else has answered for it.
        #[cfg(feature = "ssr")]
        crate::edge::refuse(&problem);
        problem
    }
}

#[cfg(feature = "ssr")]
impl From<&auth::Error> for Problem {
    /// The variant without the cause; `edge::report` logs that.
    fn from(error: &auth::Error) -> Self {
        use auth::Error as E;
        match error {
            E::Invalid(faults) => Self::Invalid(faults.clone()),
            E::Cursor => Self::BadRequest,
            E::Forbidden => Self::Forbidden,
            E::LastAdmin => Self::LastAdmin,
            E::NotFound => Self::NotFound,
            E::Credentials => Self::Credentials,
            E::EmailTaken => Self::EmailTaken,
            E::LinkOver => Self::LinkOver,
            E::SignedOut => Self::SignedOut,
            E::Stale => Self::Stale,
            E::TooMany { retry_after } => Self::TooMany { retry_after: *retry_after },
            E::Busy { retry_after } => Self::Busy { retry_after: *retry_after },
            E::Unavailable(_) => Self::Unavailable,
            E::Internal(_) => Self::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Fault, Field};
    use leptos::server_fn::error::ServerFnUrlError;

    fn all() -> Vec<Problem> {
        use Problem as P;
        vec![
            P::Invalid((Field::Password, Fault::TooShort { min: 8 }).into()),
            P::Credentials,
            P::EmailTaken,
            P::LinkOver,
            P::SignedOut,
            P::Stale,
            P::SomeoneElse,
            P::BadRequest,
            P::NotAllowed,
            P::Forbidden,
            P::LastAdmin,
            P::NotFound,
            P::TooLarge,
            P::TooMany { retry_after: 60 },
            P::Busy { retry_after: 3 },
            P::Unavailable,
            P::Offline,
            P::Internal { id: "0193-abc".to_owned() },
        ]
    }

    /// The value of `__err` in the address that a failed plain form leads to.
    fn in_address(problem: Problem) -> String {
        let address = ServerFnUrlError::new("/fn/login", problem).to_url("http://localhost/login").expect("an address");
        let (_, value) = address.query_pairs().find(|(key, _)| key == "__err").expect("an error");
        value.into_owned()
    }

    #[test]
    fn every_problem_survives_the_wire_and_the_address() {
        for problem in all() {
            assert_eq!(Problem::de(problem.ser()), problem);
            assert_eq!(ServerFnUrlError::<Problem>::decode_err(&in_address(problem.clone())), problem);
        }
    }

    #[test]
    fn rubbish_in_the_address_is_one_closed_variant() {
        for text in ["", "%", "PGI-aGk8L2I-", "eyJpbnRlcm5hbCI6", "IkNyZWRlbnRpYWxzIg==", "bnVsbA==", "////"] {
            assert_eq!(ServerFnUrlError::<Problem>::decode_err(text), Problem::BadRequest, "{text:?}");
        }
        for body in ["", "null", "\"nobody\"", "{\"busy\":{}}", "{\"busy\":{\"retry_after\":-1}}", "{\"invalid\":[[\"email\",\"<b>\"]]}", "<html>"] {
            assert_eq!(Problem::de(Bytes::from(body)), Problem::BadRequest, "{body}");
        }
    }

    #[test]
    fn only_the_name_of_a_request_may_be_text_and_only_if_it_looks_like_one() {
        let long = "a".repeat(65);
        for id in ["call 555-0100 to unlock", "<b>", "é", "a\nb", &long] {
            let body = serde_json::to_vec(&serde_json::json!({ "internal": { "id": id } })).expect("JSON");
            assert_eq!(Problem::de(body.into()), Problem::internal(), "{id:?}");
        }
        assert_eq!(Problem::de(Bytes::from("{\"internal\":{}}")), Problem::internal());
    }

    #[test]
    fn what_the_framework_says_is_never_passed_on() {
        let problem = Problem::from_server_fn_error(ServerFnErrorErr::Args("invalid value: \"hunter2\"".to_owned()));
        assert_eq!(problem, Problem::BadRequest);
    }
}
