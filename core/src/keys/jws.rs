//! Strict parsing of signed tokens in compact form (RFC 7515, 3.1): three parts, base64url without
//! padding or stray bits, no unknown critical header, and the algorithm of the key, regardless of
//! the header.

use crate::{keys::jwk::Verifier, sessions::token_error::TokenError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

/// The header members that are used. Others are ignored, including `jwk`, `jku` and `x5u`: a token
/// cannot bring its own key.
#[derive(Deserialize)]
pub(crate) struct Header {
    alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    /// Whether `crit` is present, with any value.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Deserializes any value, including `null`, to `true`.
fn present<'a, D: serde::Deserializer<'a>>(deserializer: D) -> Result<bool, D::Error> {
    Value::deserialize(deserializer).map(|_| true)
}

/// A parsed token whose signature is not verified yet.
pub(crate) struct UnverifiedJws<'a> {
    pub(crate) header: Header,
    /// The signed text: header and payload as received.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> UnverifiedJws<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message
            .split_once('.')
            .filter(|(_, payload)| !payload.contains('.'))
            .ok_or(TokenError::Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        if header.crit {
            Err(TokenError::Critical)
        } else {
            Ok(Self { header, message, payload, signature })
        }
    }

    /// Returns the payload if the signature was made with this key.
    pub(crate) fn verify(&self, key: &Verifier) -> Result<Vec<u8>, TokenError> {
        if self.header.alg != key.algorithm.name() {
            return Err(TokenError::Algorithm);
        }
        if self.signature.is_empty() || !key.verify(self.message.as_bytes(), self.signature) {
            return Err(TokenError::Signature);
        }
        URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| TokenError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PublicKey;
    use proptest::prelude::*;

    /// Any text, and tokens with an almost valid header.
    fn text() -> impl Strategy<Value = String> {
        let header = prop_oneof![
            concat!(
                r#"\{"alg":("HS256"|"none"|null|1)"#,
                r#"(,"(kid|typ|crit|jwk|alg)":("x"|null|\[\]|\{\}|1)){0,2}\}?"#
            ),
            r"\PC{0,20}"
        ];
        let parts = (
            header.prop_map(|header| URL_SAFE_NO_PAD.encode(header)),
            r"[A-Za-z0-9_=-]{0,20}",
            r"[A-Za-z0-9_=.-]{0,44}",
        );
        prop_oneof![
            any::<String>(),
            r"[A-Za-z0-9_.-]{0,60}",
            parts
                .prop_map(|(header, payload, signature)| format!("{header}.{payload}.{signature}"))
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_text_is_rejected_or_has_three_unverified_parts(text in text()) {
            let key = PublicKey::Oct.verifier(&[7; 32]).expect("a key");
            if let Ok(unverified) = UnverifiedJws::parse(&text) {
                prop_assert_eq!(text.matches('.').count(), 2);
                let parts = format!("{}.{}", unverified.message, unverified.signature);
                prop_assert_eq!(parts, text.clone());
                prop_assert!(!unverified.header.crit);
                prop_assert!(unverified.verify(&key).is_err());
            }
        }
    }
}
