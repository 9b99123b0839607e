//! The encoding of server function responses: JSON, written by the server with `serde_json` and
//! parsed by the browser's own parser (see [`crate::browser::js_json`]).

use crate::browser::{js_json, js_json::FromJs};
use leptos::server_fn::{
    Bytes, ContentType, Decodes, Encodes, Format, FormatType,
    codec::{JsonEncoding, Post},
};
use serde::Serialize;
use std::fmt;

/// The `output` of a `#[server]` function.
pub type Json = Post<BrowserJson>;

/// [`JsonEncoding`], but decoded by the browser.
pub struct BrowserJson;

impl ContentType for BrowserJson {
    const CONTENT_TYPE: &'static str = JsonEncoding::CONTENT_TYPE;
}

impl FormatType for BrowserJson {
    const FORMAT_TYPE: Format = JsonEncoding::FORMAT_TYPE;
}

impl<T: Serialize> Encodes<T> for BrowserJson {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        JsonEncoding::encode(output)
    }
}

/// The response is not JSON of the expected type.
#[derive(Debug)]
pub struct DecodeError;

impl fmt::Display for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("response is not JSON of the expected type")
    }
}

impl<T: FromJs> Decodes<T> for BrowserJson {
    type Error = DecodeError;

    fn decode(bytes: Bytes) -> Result<T, DecodeError> {
        // Invalid UTF-8 becomes the empty text, which is no JSON.
        js_json::read(std::str::from_utf8(&bytes).unwrap_or_default()).ok_or(DecodeError)
    }
}
