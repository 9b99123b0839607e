//! Signed texts in their compact form (RFC 7515, 3.1), read strictly: three parts, base64url without padding or stray bits, a header that says
//! nothing that we do not understand, and the algorithm of the key, whatever the header would like.

use crate::{keys::jwk::Verifier, token::Refused};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

/// The members of a header that matter here. Others are passed over, `jwk`, `jku` and `x5u` among them: a token does not bring its own key.
#[derive(Deserialize)]
pub(crate) struct Header {
    alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    /// Of whatever type.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// There, even as `null`.
fn present<'a, D: serde::Deserializer<'a>>(deserializer: D) -> Result<bool, D::Error> {
    Value::deserialize(deserializer).map(|_| true)
}

/// A text that looks like a JWS. Nothing of it is to be believed yet.
pub(crate) struct Unverified<'a> {
    pub(crate) header: Header,
    /// What is signed: header and payload as they came.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Unverified<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, Refused> {
        let (message, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, payload) = message.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or(Refused::Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refused::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| Refused::Malformed)?;
        if header.crit { Err(Refused::Critical) } else { Ok(Self { header, message, payload, signature }) }
    }

    /// The payload, if the signature is that of this key.
    pub(crate) fn verify(&self, key: &Verifier) -> Result<Vec<u8>, Refused> {
        if self.header.alg != key.algorithm.name() {
            return Err(Refused::Algorithm);
        }
        if self.signature.is_empty() || !key.verify(self.message.as_bytes(), self.signature) {
            return Err(Refused::Signature);
        }
        URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| Refused::Malformed)
    }
}
