//! Signed texts in their compact form (RFC 7515, 3.1), read strictly: three parts, base64url
//! without padding or stray bits, a header that says nothing that we do not understand, and the
//! algorithm of the key, whatever the header would like.

use crate::{keys::jwk::Verifier, token::Refused};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

/// The members of a header that matter here. Others are passed over, `jwk`, `jku` and `x5u` among
/// them: a token does not bring its own key.
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
        let (header, payload) = message
            .split_once('.')
            .filter(|(_, payload)| !payload.contains('.'))
            .ok_or(Refused::Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refused::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| Refused::Malformed)?;
        if header.crit {
            Err(Refused::Critical)
        } else {
            Ok(Self { header, message, payload, signature })
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Public;
    use proptest::prelude::*;

    /// Anything at all, and parts that are put together, with a header that is nearly one.
    fn text() -> impl Strategy<Value = String> {
        let header = prop_oneof![
            r#"\{"alg":("HS256"|"none"|null|1)(,"(kid|typ|crit|jwk|alg)":("x"|null|\[\]|\{\}|1)){0,2}\}?"#,
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
        fn whatever_the_text_it_is_three_parts_or_refused_and_no_key_vouches_for_it(text in text()) {
            let key = Public::Oct.verifier(&[7; 32]).expect("a key");
            if let Ok(unverified) = Unverified::parse(&text) {
                prop_assert_eq!(text.matches('.').count(), 2);
                prop_assert_eq!(format!("{}.{}", unverified.message, unverified.signature), text.clone());
                prop_assert!(!unverified.header.crit);
                prop_assert!(unverified.verify(&key).is_err());
            }
        }
    }
}
