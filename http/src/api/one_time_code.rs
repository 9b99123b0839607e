//! The code or link from an email in the body of a request.

use crate::error::ApiError;
use countersign_core::{Error, accounts::AddressProof};
use countersign_types::{OneTimeCode, forms::CodeForm};

/// Parses the six digits of a code.
pub(crate) fn parse_code(code: String) -> Result<OneTimeCode, ApiError> {
    Ok(CodeForm { code }.validate().map_err(Error::from)?)
}

/// The part of an email that a client sends to verify an address: an [`AddressProof`] with its
/// text.
pub(crate) enum CodeOrToken {
    Code(OneTimeCode),
    Token(String),
}

impl CodeOrToken {
    /// Parses the two members, of which a client sends one.
    pub(crate) fn parse(code: Option<String>, token: Option<String>) -> Result<Self, ApiError> {
        match (code, token) {
            (Some(code), None) => parse_code(code).map(Self::Code),
            (None, Some(token)) => Ok(Self::Token(token)),
            _ => Err(ApiError::invalid_member("/code", "missing", "Send either code or token.")),
        }
    }

    pub(crate) const fn as_proof(&self) -> AddressProof<'_> {
        match self {
            Self::Code(code) => AddressProof::Code(code),
            Self::Token(token) => AddressProof::Link(token.as_str()),
        }
    }
}
