//! The token and the code of a link.
//!
//! `csgn_link_` and, in base64url: a byte for the purpose, the id of the row, and 16 bytes of
//! HMAC-SHA-256 over both. The purpose is part of the MAC, so a link for one purpose is invalid for
//! every other, without a read.

use crate::{ServerSecret, one_time_links::LinkPurpose, server_secret::constant_time_eq};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::LinkId;
use uuid::Uuid;

const PREFIX: &str = "csgn_link_";
/// Maximum length of the text of a token. Longer ones are not decoded.
const MAX_LENGTH: usize = 64;
const ID_LENGTH: usize = 16;
const MAC_LENGTH: usize = 16;

/// The decoded token of a link. It proves that this server created the link, not that the link is
/// still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkToken {
    /// The purpose of the link.
    pub purpose: LinkPurpose,
    /// The row of the link.
    pub id: LinkId,
}

impl LinkToken {
    /// Decodes a token. Returns `None` if this server did not create it.
    pub(crate) fn decode(secret: &ServerSecret, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_LENGTH)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (body, presented_mac) = bytes.split_at_checked(1 + ID_LENGTH)?;
        let purpose = LinkPurpose::ALL.iter().copied().find(|purpose| purpose.byte() == body[0])?;
        let id = LinkId(Uuid::from_slice(&body[1..]).ok()?);
        let token = Self { purpose, id };
        constant_time_eq(&token.mac(secret), presented_mac).then_some(token)
    }

    /// Encodes the token. Do not log or store it.
    pub(crate) fn encode(self, secret: &ServerSecret) -> String {
        let bytes = [&self.body()[..], &self.mac(secret)].concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the code of the link: six digits.
    pub(crate) fn code(self, secret: &ServerSecret) -> String {
        let mac = hmac::sign(&secret.mac_key("link_code", &[]), &self.body());
        let number = mac.as_ref()[..8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        format!("{:06}", number % 1_000_000)
    }

    fn body(self) -> [u8; 1 + ID_LENGTH] {
        let mut body = [self.purpose.byte(); 1 + ID_LENGTH];
        body[1..].copy_from_slice(self.id.0.as_bytes());
        body
    }

    fn mac(self, secret: &ServerSecret) -> [u8; MAC_LENGTH] {
        let tag = hmac::sign(&secret.mac_key("link", &[]), &self.body());
        let mut mac = [0; MAC_LENGTH];
        mac.copy_from_slice(&tag.as_ref()[..MAC_LENGTH]);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomSource;
    use std::collections::HashSet;

    fn secret(seed: u64) -> ServerSecret {
        ServerSecret::generate(&RandomSource::seeded(seed)).expect("seeded")
    }

    fn token(purpose: LinkPurpose) -> LinkToken {
        LinkToken { purpose, id: LinkId(Uuid::from_u128(7)) }
    }

    #[test]
    fn changed_token_is_not_decoded() {
        let secret = secret(1);
        let token = token(LinkPurpose::ResetPassword);
        let text = token.encode(&secret);
        assert_eq!(LinkToken::decode(&secret, &text), Some(token));
        assert_eq!(LinkToken::decode(&super::tests::secret(2), &text), None);
        for at in 0..text.len() {
            assert_eq!(LinkToken::decode(&secret, &text[..at]), None, "cut at {at}");
            let mut broken = text.clone().into_bytes();
            broken[at] ^= 1;
            assert_eq!(LinkToken::decode(&secret, &String::from_utf8_lossy(&broken)), None);
        }
    }

    #[test]
    fn token_of_one_purpose_is_invalid_for_another() {
        let secret = secret(1);
        let text = token(LinkPurpose::ResetPassword).encode(&secret);
        let mut bytes =
            URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).expect("a prefix")).expect("base64");
        for purpose in LinkPurpose::ALL {
            bytes[0] = purpose.byte();
            let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            let is_same = *purpose == LinkPurpose::ResetPassword;
            assert_eq!(LinkToken::decode(&secret, &changed).is_some(), is_same, "{purpose:?}");
        }
    }

    #[test]
    fn tokens_and_purposes_are_distinct() {
        let secret = secret(1);
        let tokens: HashSet<_> = (0..1000)
            .map(|number| {
                let id = LinkId(Uuid::from_u128(number));
                LinkToken { purpose: LinkPurpose::ResetPassword, id }.encode(&secret)
            })
            .collect();
        assert_eq!(tokens.len(), 1000);
        let names: HashSet<_> = LinkPurpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
        let bytes: HashSet<_> = LinkPurpose::ALL.iter().map(|purpose| purpose.byte()).collect();
        assert_eq!((names.len(), bytes.len()), (LinkPurpose::ALL.len(), LinkPurpose::ALL.len()));
    }

    #[test]
    fn codes_are_evenly_distributed_six_digits() {
        let secret = secret(1);
        let mut first_digits = [0; 10];
        for number in 0..10_000 {
            let id = LinkId(Uuid::from_u128(number));
            let code = LinkToken { purpose: LinkPurpose::ResetPassword, id }.code(&secret);
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            first_digits[usize::from(code.as_bytes()[0] - b'0')] += 1;
        }
        assert!(first_digits.iter().all(|count| (850..1150).contains(count)), "{first_digits:?}");
    }
}
