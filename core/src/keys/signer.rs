//! Signing tokens (RFC 7515) with `jsonwebtoken`.

use crate::{Error, keys::algorithm::Algorithm};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    EncodingKey, Header,
    crypto::{JwtSigner, aws_lc::DEFAULT_PROVIDER},
};
use serde::Serialize;
use std::cell::RefCell;

thread_local! {
    /// The key that this thread signed with last, and its `kid`. `jsonwebtoken::encode` would parse
    /// and check the key for each token, which takes almost as long as the signature. A key that
    /// was removed stays here until the next signature of the thread.
    static SIGNER: RefCell<Option<(String, Box<dyn JwtSigner>)>> = const { RefCell::new(None) };
}

/// The key for signing.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
}

impl Signer {
    /// Returns a signed token of this type, in compact form.
    pub(crate) fn sign<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, Error> {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(self.algorithm.jwt())
        };
        let mut token = encode_part(&header)?;
        token.push('.');
        token.push_str(&encode_part(claims)?);
        let signature = self.sign_bytes(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        SIGNER.with_borrow_mut(|parsed| {
            let signer = match parsed.take().filter(|(kid, _)| *kid == self.kid) {
                Some((_, signer)) => signer,
                None => (DEFAULT_PROVIDER.signer_factory)(&self.algorithm.jwt(), &self.key)
                    .map_err(Error::internal)?,
            };
            let signature = signer.try_sign(message).map_err(Error::internal)?;
            *parsed = Some((self.kid.clone(), signer));
            Ok(signature)
        })
    }
}

fn encode_part(part: &impl Serialize) -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).map_err(Error::internal)?))
}
