//! The setup token for the first administrator. It is printed as a link at each start until there
//! is an administrator, and is valid once and for one hour. Nothing is stored for it, so that the
//! links of all nodes are valid; the table `installation` ensures that only one is used.
//!
//! `csgn_setup_` and, in base64url: 8 bytes of expiry (milliseconds since 1970), 16 of HMAC-SHA-256
//! over these. (ASVS 5.0 6.3.2, 6.4.1.)

use crate::ServerSecret;
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::{TimeSpan, Timestamp};

const PREFIX: &str = "csgn_setup_";
const MAC_LENGTH: usize = 16;
const TTL: TimeSpan = TimeSpan::minutes(60);

/// Issues a token that is valid from now on.
pub(crate) fn issue(secret: &ServerSecret, now: Timestamp) -> String {
    let until = (now + TTL).0.to_be_bytes();
    format!(
        "{PREFIX}{}",
        URL_SAFE_NO_PAD.encode([&until[..], &mac(secret, &until).as_ref()[..MAC_LENGTH]].concat())
    )
}

/// Whether the token was issued with this secret and has not expired.
pub(crate) fn verify(secret: &ServerSecret, token: &str, now: Timestamp) -> bool {
    let Some(bytes) =
        token.strip_prefix(PREFIX).and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok())
    else {
        return false;
    };
    let Some((until, presented_mac)) = bytes.split_first_chunk::<8>() else { return false };
    verify_slices_are_equal(&mac(secret, until).as_ref()[..MAC_LENGTH], presented_mac).is_ok()
        && now < Timestamp(i64::from_be_bytes(*until))
}

fn mac(secret: &ServerSecret, until: &[u8]) -> hmac::Tag {
    hmac::sign(&secret.mac_key("first_admin", &[]), until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomSource;

    #[test]
    fn setup_token_is_valid_for_one_hour() {
        let secret = ServerSecret::generate(&RandomSource::seeded(1)).expect("seeded");
        let now = Timestamp(1_767_225_600_000);
        let link = issue(&secret, now);
        assert!(verify(&secret, &link, now) && verify(&secret, &link, now + TTL - TimeSpan(1)));
        assert!(!verify(&secret, &link, now + TTL));
        assert!(!verify(
            &ServerSecret::generate(&RandomSource::seeded(2)).expect("seeded"),
            &link,
            now
        ));
        for at in 0..link.len() {
            assert!(!verify(&secret, &link[..at], now), "cut at {at}");
            let mut broken = link.clone().into_bytes();
            broken[at] ^= 1;
            assert!(!verify(&secret, &String::from_utf8_lossy(&broken), now), "byte {at}");
        }
    }
}
