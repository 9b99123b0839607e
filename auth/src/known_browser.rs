//! A browser that somebody has logged in with before: a cookie that says so, for as long as it is kept. It opens nothing. It only puts the browser
//! into a lane of its own when somebody logs in: strangers who try passwords keep strangers waiting, not the owner.
//!
//! `lkb_` and, in base64url: 16 bytes that stand for the account, 16 of a name for the browser, 16 of HMAC-SHA-256 over these. Those for the account are
//! a keyed hash of its address and not its id: so whether the cookie is of this account is known before anybody has looked whether there is one.

use crate::{Entropy, Error, ServerSecret};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::SessionId;
use uuid::Uuid;

const PREFIX: &str = "lkb_";
const BODY: usize = 16 + 16;
const MAC: usize = 16;

/// Stands for an account.
type Account = [u8; 16];

/// A browser, and whose it was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownBrowser {
    account: Account,
    pub(crate) id: Uuid,
}

impl KnownBrowser {
    /// One that nobody knew until now, of the account with this address (its [`contract::Email::key`]).
    pub(crate) fn new(secret: &ServerSecret, email_key: &str, entropy: &Entropy) -> Result<Self, Error> {
        Ok(Self { account: account(secret, email_key), id: Uuid::from_bytes(entropy.bytes()?) })
    }

    /// Whatever holds this session, where no cookie says which browser that is.
    pub(crate) fn of_session(secret: &ServerSecret, email_key: &str, session: SessionId) -> Self {
        Self { account: account(secret, email_key), id: session.0 }
    }

    /// Whether somebody has logged in with it to the account with this address.
    pub(crate) fn is_of(&self, secret: &ServerSecret, email_key: &str) -> bool {
        verify_slices_are_equal(&self.account, &account(secret, email_key)).is_ok()
    }

    pub(crate) fn mint(&self, secret: &ServerSecret) -> String {
        let body = [&self.account[..], self.id.as_bytes()].concat();
        let mac = mac(secret, &body);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&body[..], &mac.as_ref()[..MAC]].concat()))
    }

    /// `None` for whatever we did not make.
    pub(crate) fn open(secret: &ServerSecret, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX).filter(|encoded| encoded.len() == (BODY + MAC) * 4 / 3)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (body, shown) = bytes.split_at_checked(BODY)?;
        verify_slices_are_equal(&mac(secret, body).as_ref()[..MAC], shown).ok()?;
        let (account, id) = body.split_first_chunk::<16>()?;
        Some(Self { account: *account, id: Uuid::from_slice(id).ok()? })
    }
}

fn account(secret: &ServerSecret, email_key: &str) -> Account {
    let mut account = Account::default();
    account.copy_from_slice(&hmac::sign(&secret.mac_key("known_browser_of", &[]), email_key.as_bytes()).as_ref()[..16]);
    account
}

fn mac(secret: &ServerSecret, body: &[u8]) -> hmac::Tag {
    hmac::sign(&secret.mac_key("known_browser", &[]), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_we_made_is_read_back_and_nothing_else() {
        let secret = ServerSecret::generate(&Entropy::seeded(1)).expect("seeded");
        let browser = KnownBrowser::new(&secret, "ada@example.com", &Entropy::seeded(2)).expect("seeded");
        assert!(browser.is_of(&secret, "ada@example.com") && !browser.is_of(&secret, "eve@example.com"));
        let text = browser.mint(&secret);
        assert_eq!(KnownBrowser::open(&secret, &text), Some(browser));
        assert_eq!(KnownBrowser::open(&ServerSecret::generate(&Entropy::seeded(3)).expect("seeded"), &text), None);
        for at in 0..text.len() {
            assert_eq!(KnownBrowser::open(&secret, &text[..at]), None, "cut at {at}");
            let mut broken = text.clone().into_bytes();
            broken[at] ^= 1;
            assert_eq!(KnownBrowser::open(&secret, &String::from_utf8_lossy(&broken)), None, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn every_browser_of_every_person_is_read_back_and_nothing_else(account in any::<Account>(), id in any::<u128>(), other in any::<String>(), alike in "lkb_[A-Za-z0-9_-]{64}") {
            let secret = ServerSecret::generate(&Entropy::seeded(1)).expect("seeded");
            let browser = KnownBrowser { account, id: Uuid::from_u128(id) };
            prop_assert_eq!(KnownBrowser::open(&secret, &browser.mint(&secret)), Some(browser));
            prop_assert_eq!(KnownBrowser::open(&secret, &other), None);
            prop_assert_eq!(KnownBrowser::open(&secret, &alike), None);
        }
    }
}
