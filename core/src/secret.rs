//! The server secret: the one thing that all nodes share. Every other key is derived from it
//! (HKDF-SHA-256, RFC 5869, a label for each purpose) or sealed with it (AES-256-GCM) in the
//! database.

use crate::{Entropy, Error};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of the secret.
const LENGTH: usize = 32;

/// 32 bytes that nobody else may know. Overwritten when dropped, as is what is derived from it.
#[derive(Clone)]
pub struct ServerSecret(Zeroizing<[u8; LENGTH]>);

/// Why a text is not taken as the server secret. Says what is wrong, never what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Not unpadded base64url, or not of 32 bytes.
    #[error("must be 32 random bytes in base64url (43 characters)")]
    Shape,
    /// Few different bytes: typed, repeated or an example.
    #[error("is not random: it looks typed, repeated or copied from an example")]
    Pattern,
}

impl ServerSecret {
    /// A new one.
    pub fn generate(entropy: &Entropy) -> Result<Self, Error> {
        Ok(Self(Zeroizing::new(entropy.bytes()?)))
    }

    /// From its text.
    pub fn parse(text: &str) -> Result<Self, Weak> {
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| Weak::Shape)?);
        let bytes =
            Zeroizing::new(<[u8; LENGTH]>::try_from(decoded.as_slice()).map_err(|_| Weak::Shape)?);
        if looks_random(bytes.as_slice()) { Ok(Self(bytes)) } else { Err(Weak::Pattern) }
    }

    /// Its text, for the file that it is kept in.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    /// 32 bytes for one purpose. `label` and `context` together name it; labels are of our own
    /// choosing and hold no NUL.
    pub(crate) fn derive(&self, label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign").extract(self.0.as_slice());
        let mut out = Zeroizing::new([0; 32]);
        prk.expand(&[label.as_bytes(), &[0], context], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .expect("one block is within the limit of HKDF");
        out
    }

    /// An HMAC-SHA-256 key for one purpose.
    pub(crate) fn mac_key(&self, label: &str, context: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.derive(label, context).as_slice())
    }

    /// What a database remembers of the secret, to notice a node that has another one.
    #[must_use]
    pub fn check_value(&self) -> [u8; 32] {
        *self.derive("check", &[])
    }

    /// Seals `plain` so that it opens only under the same `label` and `context`. Twelve random
    /// bytes of nonce come first.
    pub(crate) fn seal(
        &self,
        label: &str,
        context: &[u8],
        plain: &[u8],
        entropy: &Entropy,
    ) -> Result<Vec<u8>, Error> {
        let nonce: [u8; 12] = entropy.bytes()?;
        let mut sealed = plain.to_vec();
        self.cipher(label)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut sealed,
            )
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// The reverse of [`ServerSecret::seal`].
    pub(crate) fn open(
        &self,
        label: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = || {
            Error::internal(
                "a sealed value does not open: it was changed, or sealed with another secret",
            )
        };
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(broken)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = self
            .cipher(label)
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut plain)
            .map_err(|_| broken())?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn cipher(&self, label: &str) -> LessSafeKey {
        LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, self.derive("seal", label.as_bytes()).as_slice())
                .expect("a key of 32 bytes"),
        )
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ServerSecret(…)")
    }
}

/// Whether 32 or more bytes look as if nobody had typed, repeated or counted them.
pub(crate) fn looks_random(bytes: &[u8]) -> bool {
    // 32 random bytes have 30 different ones on average; fewer than 20 happen once in 10^11.
    let distinct = bytes.iter().collect::<std::collections::HashSet<_>>().len();
    // Bytes that are all printable were typed: random ones are with a chance of 10^-14.
    let typed = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    let counted = bytes.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count()
        > bytes.len() / 2;
    distinct >= 20 && !typed && !counted
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(&sha256(a), &sha256(b)).is_ok()
}

/// SHA-256, for what may be compared but not read.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_is_read_back() {
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness");
        assert_eq!(
            ServerSecret::parse(&format!("{}\n", secret.expose())).expect("a secret").0,
            secret.0
        );
    }

    #[test]
    fn what_a_person_would_type_is_refused() {
        for text in [
            "",
            "changeme",
            "secret",
            "0123456789abcdef0123456789abcdef",
            &"A".repeat(43),
            &URL_SAFE_NO_PAD.encode([7; 32]),
            &URL_SAFE_NO_PAD.encode(b"correct horse battery staple 1234"),
        ] {
            assert!(ServerSecret::parse(text).is_err(), "{text:?}");
        }
        let counted: Vec<u8> = (0..32).collect();
        assert_eq!(
            ServerSecret::parse(&URL_SAFE_NO_PAD.encode(counted)).expect_err("weak"),
            Weak::Pattern
        );
        assert_eq!(
            ServerSecret::parse(&URL_SAFE_NO_PAD.encode(b"correct-horse-battery-staple-123"))
                .expect_err("weak"),
            Weak::Pattern
        );
    }

    #[test]
    fn a_sealed_value_opens_only_where_it_was_sealed() {
        let (secret, entropy) = (ServerSecret(Zeroizing::new([9; 32])), Entropy::seeded(1));
        let sealed = secret.seal("keys", b"row 1", b"private", &entropy).expect("sealed");
        assert_eq!(secret.open("keys", b"row 1", &sealed).expect("opened").as_slice(), b"private");
        assert!(secret.open("keys", b"row 2", &sealed).is_err());
        assert!(secret.open("mail", b"row 1", &sealed).is_err());
        assert!(ServerSecret(Zeroizing::new([8; 32])).open("keys", b"row 1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert!(secret.open("keys", b"row 1", &broken).is_err(), "byte {at}");
        }
        assert!(secret.open("keys", b"row 1", &sealed[..5]).is_err());
    }
}
