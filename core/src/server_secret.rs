//! The server secret, which all nodes share. Every other key is derived from it (HKDF-SHA-256, RFC
//! 5869, with a label for each purpose) or sealed with it (AES-256-GCM) in the database.

use crate::{Error, RandomSource};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest,
    hkdf::{HKDF_SHA256, Prk},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use zeroize::Zeroizing;

/// Length of the secret in bytes.
const SECRET_LENGTH: usize = 32;

/// A secret of 32 bytes. It and everything derived from it is overwritten when dropped.
#[derive(Clone)]
pub struct ServerSecret {
    bytes: Zeroizing<[u8; SECRET_LENGTH]>,
    /// The pseudorandom key (RFC 5869, 2.2), from which all other keys are expanded.
    prk: Prk,
}

/// The reason why a text is not accepted as the server secret. The message never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Not unpadded base64url, or not 32 bytes.
    #[error("must be 32 random bytes in base64url (43 characters)")]
    Malformed,
    /// Too few distinct bytes: typed, repeated or an example.
    #[error("is not random: it looks typed, repeated or copied from an example")]
    NotRandom,
}

impl ServerSecret {
    /// Generates a secret.
    pub fn generate(random: &RandomSource) -> Result<Self, Error> {
        Ok(Self::from_bytes(Zeroizing::new(random.bytes()?)))
    }

    /// Parses the text of a secret.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let decoded = Zeroizing::new(
            URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| InvalidSecret::Malformed)?,
        );
        let bytes = Zeroizing::new(
            <[u8; SECRET_LENGTH]>::try_from(decoded.as_slice())
                .map_err(|_| InvalidSecret::Malformed)?,
        );
        if looks_random(bytes.as_slice()) {
            Ok(Self::from_bytes(bytes))
        } else {
            Err(InvalidSecret::NotRandom)
        }
    }

    fn from_bytes(bytes: Zeroizing<[u8; SECRET_LENGTH]>) -> Self {
        // `hkdf::Salt::extract` does this step again for each derived key.
        let salt = hmac::Key::new(hmac::HMAC_SHA256, b"countersign");
        let extracted = hmac::sign(&salt, bytes.as_slice());
        Self { bytes, prk: Prk::new_less_safe(HKDF_SHA256, extracted.as_ref()) }
    }

    /// Returns the text of the secret, for the file that it is stored in.
    #[must_use]
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes.as_slice())
    }

    /// Derives 32 bytes for one purpose, which `label` and `context` identify. Labels are constants
    /// without NUL.
    pub(crate) fn derive(&self, label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        self.prk
            .expand(&[label.as_bytes(), &[0], context], HKDF_SHA256)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .expect("one block is within the limit of HKDF");
        out
    }

    /// Derives an HMAC-SHA-256 key for one purpose.
    pub(crate) fn mac_key(&self, label: &str, context: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.derive(label, context).as_slice())
    }

    /// The fingerprint that the database stores, to detect a node with another secret.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        *self.derive("check", &[])
    }

    /// Seals `plain`, bound to `label` and `context`. The result begins with a random nonce of
    /// twelve bytes.
    pub(crate) fn seal(
        &self,
        label: &str,
        context: &[u8],
        plain: &[u8],
        random: &RandomSource,
    ) -> Result<Vec<u8>, Error> {
        let nonce: [u8; 12] = random.bytes()?;
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

    /// Opens what [`ServerSecret::seal`] sealed.
    pub(crate) fn open(
        &self,
        label: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = || Error::internal("sealed value was changed or sealed with another secret");
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

/// Whether 32 or more bytes look random: not typed, repeated or counted.
pub(crate) fn looks_random(bytes: &[u8]) -> bool {
    // 32 random bytes have 30 distinct values on average; fewer than 20 occur with a probability of
    // 10^-11.
    let distinct = bytes.iter().collect::<std::collections::HashSet<_>>().len();
    // Random bytes are all printable with a probability of 10^-14.
    let typed = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    let counted = bytes.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count()
        > bytes.len() / 2;
    distinct >= 20 && !typed && !counted
}

/// Compares two secrets in constant time.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(&sha256(a), &sha256(b)).is_ok()
}

/// SHA-256, for values that are compared but must not be readable.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hkdf::Salt;

    fn secret_of(byte: u8) -> ServerSecret {
        ServerSecret::from_bytes(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn derived_keys_are_those_of_hkdf() {
        let prk = Salt::new(HKDF_SHA256, b"countersign").extract(&[9; 32]);
        let mut expected = [0; 32];
        prk.expand(&[b"label", &[0], b"context"], HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut expected))
            .expect("one block");
        assert_eq!(*secret_of(9).derive("label", b"context"), expected);
    }

    #[test]
    fn generated_secret_is_parsed_again() {
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
        assert_eq!(
            ServerSecret::parse(&format!("{}\n", secret.expose())).expect("a secret").bytes,
            secret.bytes
        );
    }

    #[test]
    fn typed_secret_is_rejected() {
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
            InvalidSecret::NotRandom
        );
        assert_eq!(
            ServerSecret::parse(&URL_SAFE_NO_PAD.encode(b"correct-horse-battery-staple-123"))
                .expect_err("weak"),
            InvalidSecret::NotRandom
        );
    }

    #[test]
    fn sealed_value_opens_only_with_same_label_and_context() {
        let (secret, random) = (secret_of(9), RandomSource::seeded(1));
        let sealed = secret.seal("keys", b"row 1", b"private", &random).expect("sealed");
        assert_eq!(secret.open("keys", b"row 1", &sealed).expect("opened").as_slice(), b"private");
        assert!(secret.open("keys", b"row 2", &sealed).is_err());
        assert!(secret.open("mail", b"row 1", &sealed).is_err());
        assert!(secret_of(8).open("keys", b"row 1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert!(secret.open("keys", b"row 1", &broken).is_err(), "byte {at}");
        }
        assert!(secret.open("keys", b"row 1", &sealed[..5]).is_err());
    }
}
