//! The error type of server functions: a [`Problem`], encoded as JSON text. Everything else works
//! with the [`Problem`] itself; `request` writes the response.

use crate::browser::{js_json::FromJs, json_codec::BrowserJson};
use countersign_types::Problem;
use leptos::{
    server_fn::{
        Bytes,
        error::{FromServerFnError, ServerFnErrorErr},
    },
    wasm_bindgen::JsValue,
};
use serde::{Serialize, Serializer};

/// A [`Problem`] as the error of a server function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFnProblem(pub Problem);

impl From<Problem> for ServerFnProblem {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ServerFnProblem> for Problem {
    fn from(error: ServerFnProblem) -> Self {
        error.0
    }
}

impl Serialize for ServerFnProblem {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

impl FromJs for ServerFnProblem {
    fn from_js(value: &JsValue) -> Option<Self> {
        value.as_string()?.parse().ok().map(Self)
    }
}

impl FromServerFnError for ServerFnProblem {
    type Encoder = BrowserJson;

    /// Decodes the text by hand: it contains nothing to escape, and the browser needs no JSON
    /// parser in Rust otherwise.
    fn de(data: Bytes) -> Self {
        let text = std::str::from_utf8(&data)
            .ok()
            .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
        text.and_then(|text| text.parse().ok()).map_or_else(
            || Self::from_server_fn_error(ServerFnErrorErr::Deserialization(String::new())),
            Self,
        )
    }

    fn ser(&self) -> Bytes {
        format!("\"{}\"", self.0).into()
    }

    /// Converts an error of the framework. Its text is dropped, because it may quote user input.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let problem = match error {
            // In the browser: no response.
            E::Request(_) => Problem::Offline,
            // The body doesn't match the arguments.
            E::Deserialization(_)
            | E::Args(_)
            | E::MissingArg(_)
            | E::Serialization(_)
            | E::UnsupportedRequestMethod(_) => Problem::BadRequest,
            E::Registration(_) | E::Response(_) | E::ServerError(_) | E::MiddlewareError(_) => {
                Problem::internal()
            }
        };
        // The function didn't run, so nothing else has written a response.
        #[cfg(feature = "ssr")]
        crate::request::response::write_framework_error(&problem);
        Self(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::{Field, FieldError};

    #[test]
    fn problem_survives_serialization() {
        for problem in [
            Problem::Invalid((Field::Password, FieldError::TooShort { min: 8 }).into()),
            Problem::InvalidCredentials,
            Problem::Overloaded { retry_after: 3 },
            Problem::Internal { id: "0193-abc".to_owned() },
        ] {
            let error = ServerFnProblem(problem);
            assert_eq!(ServerFnProblem::de(error.ser()), error);
        }
    }

    #[test]
    fn malformed_response_is_a_bad_request() {
        for body in [
            "",
            "null",
            "\"unknown\"",
            "{\"busy\":{}}",
            "\"overloaded:-1\"",
            "\"invalid_fields:email=<b>\"",
            "credentials",
            "<html>",
        ] {
            assert_eq!(ServerFnProblem::de(Bytes::from(body)).0, Problem::BadRequest, "{body}");
        }
    }

    #[test]
    fn framework_error_text_is_dropped() {
        let problem = ServerFnProblem::from_server_fn_error(ServerFnErrorErr::Args(
            "invalid value: \"hunter2\"".to_owned(),
        ));
        assert_eq!(problem.0, Problem::BadRequest);
    }
}
