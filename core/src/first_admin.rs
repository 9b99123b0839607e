//! The link by which the first administrator comes in: printed at start while there has never been
//! one, good once and for an hour. Nothing is stored for it, so that all nodes print links that are
//! good; that it is used only once is the business of the table `installation`.
//!
//! `csgn_setup_` and, in base64url: 8 bytes of the time when it ends (milliseconds since 1970), 16 of
//! HMAC-SHA-256 over these. (ASVS 5.0 6.3.2, 6.4.1.)

use crate::ServerSecret;
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::{Span, Timestamp};

const PREFIX: &str = "csgn_setup_";
const MAC: usize = 16;
const LIFE: Span = Span::minutes(60);

/// What the link holds that is made now.
pub(crate) fn mint(secret: &ServerSecret, now: Timestamp) -> String {
    let until = (now + LIFE).0.to_be_bytes();
    format!(
        "{PREFIX}{}",
        URL_SAFE_NO_PAD.encode([&until[..], &mac(secret, &until).as_ref()[..MAC]].concat())
    )
}

/// Whether we made it, not longer ago than it is good.
pub(crate) fn is_good(secret: &ServerSecret, shown: &str, now: Timestamp) -> bool {
    let Some(bytes) =
        shown.strip_prefix(PREFIX).and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok())
    else {
        return false;
    };
    let Some((until, shown)) = bytes.split_first_chunk::<8>() else { return false };
    verify_slices_are_equal(&mac(secret, until).as_ref()[..MAC], shown).is_ok()
        && now < Timestamp(i64::from_be_bytes(*until))
}

fn mac(secret: &ServerSecret, until: &[u8]) -> hmac::Tag {
    hmac::sign(&secret.mac_key("first_admin", &[]), until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entropy;

    #[test]
    fn it_is_good_for_an_hour_and_nothing_else_is() {
        let secret = ServerSecret::generate(&Entropy::seeded(1)).expect("seeded");
        let now = Timestamp(1_767_225_600_000);
        let link = mint(&secret, now);
        assert!(is_good(&secret, &link, now) && is_good(&secret, &link, now + LIFE - Span(1)));
        assert!(!is_good(&secret, &link, now + LIFE));
        assert!(!is_good(
            &ServerSecret::generate(&Entropy::seeded(2)).expect("seeded"),
            &link,
            now
        ));
        for at in 0..link.len() {
            assert!(!is_good(&secret, &link[..at], now), "cut at {at}");
            let mut broken = link.clone().into_bytes();
            broken[at] ^= 1;
            assert!(!is_good(&secret, &String::from_utf8_lossy(&broken), now), "byte {at}");
        }
    }
}
