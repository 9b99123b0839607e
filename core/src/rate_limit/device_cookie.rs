//! The device cookie (OWASP) marks a browser that has logged in to an account before. It
//! authenticates no request. At the next log-in it gives the browser priority in the hash queue and
//! its own attempt counters, so that password guessing by other clients does not delay the owner.
//!
//! `csgn_dc_` and, in base64url: 16 bytes of device id, up to five entries of 32 bytes (the latest
//! account first), and 16 bytes of HMAC-SHA-256 over all of these. An entry consists of two keyed
//! hashes: one of the email address, which shows without a read whether the cookie concerns an
//! account, and one of the user id and epoch, which invalidates the entry whenever the epoch is
//! raised (password change, log-out of all sessions, role change) or the account is deleted, even
//! if the address is registered again.

use crate::{Error, RandomSource, ServerSecret};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::UserId;
use std::fmt;

const PREFIX: &str = "csgn_dc_";
const ID_LENGTH: usize = 16;
const HASH_LENGTH: usize = 16;
const MAC_LENGTH: usize = 16;
const ENTRY_LENGTH: usize = 2 * HASH_LENGTH;
/// Maximum number of accounts in a cookie: those that logged in last.
pub(crate) const MAX_ACCOUNTS: usize = 5;
const MAX_BYTES: usize = ID_LENGTH + MAX_ACCOUNTS * ENTRY_LENGTH + MAC_LENGTH;

/// An account, and the epoch for which the entry is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    address: [u8; HASH_LENGTH],
    standing: [u8; HASH_LENGTH],
}

/// A browser and the accounts that last logged in with it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceCookie {
    id: [u8; ID_LENGTH],
    entries: Vec<Entry>,
}

impl fmt::Debug for DeviceCookie {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DeviceCookie(…)")
    }
}

impl DeviceCookie {
    /// Creates a cookie for a new browser.
    pub(crate) fn new(random: &RandomSource) -> Result<Self, Error> {
        Ok(Self { id: random.bytes()?, entries: Vec::new() })
    }

    /// The identifier of the browser.
    pub(crate) const fn id(&self) -> &[u8; ID_LENGTH] {
        &self.id
    }

    /// Whether an account with this address (its [`countersign_types::Email::lookup_key`]) has
    /// logged in with this browser. [`DeviceCookie::is_valid_for`] tells whether the entry is
    /// still valid.
    pub(crate) fn concerns(&self, secret: &ServerSecret, email_key: &str) -> bool {
        let address = hash(secret, "device_address", email_key.as_bytes());
        self.entries.iter().any(|entry| verify_slices_are_equal(&entry.address, &address).is_ok())
    }

    /// Whether this account has logged in with this browser since its epoch was last raised.
    pub(crate) fn is_valid_for(
        &self,
        secret: &ServerSecret,
        email_key: &str,
        user: UserId,
        epoch: i64,
    ) -> bool {
        let wanted = entry(secret, email_key, user, epoch);
        self.entries.iter().any(|entry| {
            verify_slices_are_equal(&entry.address, &wanted.address).is_ok()
                && verify_slices_are_equal(&entry.standing, &wanted.standing).is_ok()
        })
    }

    /// Adds an account that has just logged in. Returns `false` if the cookie does not change.
    pub(crate) fn add(
        &mut self,
        secret: &ServerSecret,
        email_key: &str,
        user: UserId,
        epoch: i64,
    ) -> bool {
        let added = entry(secret, email_key, user, epoch);
        if self.entries.first() == Some(&added) {
            return false;
        }
        self.entries.retain(|entry| entry.address != added.address);
        self.entries.insert(0, added);
        self.entries.truncate(MAX_ACCOUNTS);
        true
    }

    /// Returns the value of the cookie.
    pub(crate) fn encode(&self, secret: &ServerSecret) -> String {
        let mut bytes = self.id.to_vec();
        for entry in &self.entries {
            bytes.extend(entry.address);
            bytes.extend(entry.standing);
        }
        let mac = hash(secret, "device_cookie", &bytes);
        bytes.extend(mac);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Decodes the value of a cookie. Returns `None` if its MAC is wrong.
    pub(crate) fn decode(secret: &ServerSecret, text: &str) -> Option<Self> {
        let encoded = text
            .strip_prefix(PREFIX)
            .filter(|encoded| encoded.len() <= (MAX_BYTES * 4).div_ceil(3))?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_LENGTH)?)?;
        verify_slices_are_equal(&hash(secret, "device_cookie", body), mac).ok()?;
        let (id, entries) = body.split_first_chunk::<ID_LENGTH>()?;
        let (entries, []) = entries.as_chunks::<ENTRY_LENGTH>() else { return None };
        let entries: Option<Vec<_>> = entries
            .iter()
            .map(|bytes| {
                let (address, standing) = bytes.split_first_chunk()?;
                Some(Entry { address: *address, standing: standing.try_into().ok()? })
            })
            .collect();
        Some(Self { id: *id, entries: entries.filter(|entries| entries.len() <= MAX_ACCOUNTS)? })
    }
}

fn entry(secret: &ServerSecret, email_key: &str, user: UserId, epoch: i64) -> Entry {
    Entry {
        address: hash(secret, "device_address", email_key.as_bytes()),
        standing: hash(
            secret,
            "device_standing",
            &[&user.0.as_bytes()[..], &epoch.to_be_bytes()].concat(),
        ),
    }
}

fn hash(secret: &ServerSecret, label: &str, bytes: &[u8]) -> [u8; HASH_LENGTH] {
    let mut short = [0; HASH_LENGTH];
    short.copy_from_slice(&hmac::sign(&secret.mac_key(label, &[]), bytes).as_ref()[..HASH_LENGTH]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use uuid::Uuid;

    const ADA: &str = "ada@example.com";

    fn secret() -> ServerSecret {
        ServerSecret::generate(&RandomSource::seeded(1)).expect("seeded")
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn cookie() -> DeviceCookie {
        DeviceCookie::new(&RandomSource::seeded(2)).expect("seeded")
    }

    #[test]
    fn modified_cookie_is_rejected() {
        let mut device = cookie();
        assert!(device.add(&secret(), ADA, user(1), 0));
        let text = device.encode(&secret());
        assert_eq!(DeviceCookie::decode(&secret(), &text), Some(device));
        assert_eq!(
            DeviceCookie::decode(
                &ServerSecret::generate(&RandomSource::seeded(3)).expect("seeded"),
                &text
            ),
            None
        );
        for at in 0..text.len() {
            assert_eq!(DeviceCookie::decode(&secret(), &text[..at]), None, "cut at {at}");
            let mut broken = text.clone().into_bytes();
            broken[at] ^= 1;
            assert_eq!(
                DeviceCookie::decode(&secret(), &String::from_utf8_lossy(&broken)),
                None,
                "byte {at}"
            );
        }
    }

    #[test]
    fn entry_is_valid_for_one_account_and_one_epoch() {
        let mut device = cookie();
        device.add(&secret(), ADA, user(1), 3);
        assert!(device.is_valid_for(&secret(), ADA, user(1), 3));
        assert!(!device.is_valid_for(&secret(), ADA, user(1), 4), "the epoch was raised");
        assert!(
            !device.is_valid_for(&secret(), ADA, user(2), 3),
            "the address was registered by another user"
        );
        assert!(!device.is_valid_for(&secret(), "eve@example.com", user(1), 3));
        assert!(device.concerns(&secret(), ADA) && !device.concerns(&secret(), "eve@example.com"));
    }

    #[test]
    fn cookie_keeps_the_last_five_accounts() {
        let mut device = cookie();
        let email = |number: u128| format!("user{number}@example.com");
        for number in 0..50 {
            assert!(device.add(&secret(), &email(number), user(number), 0));
            assert!(!device.add(&secret(), &email(number), user(number), 0), "nothing is new");
            assert!(device.encode(&secret()).len() <= PREFIX.len() + (MAX_BYTES * 4).div_ceil(3));
        }
        let valid = |device: &DeviceCookie| {
            (0..50)
                .filter(|number| device.is_valid_for(&secret(), &email(*number), user(*number), 0))
                .collect::<Vec<_>>()
        };
        assert_eq!(valid(&device), [45, 46, 47, 48, 49]);
        // Another log-in replaces the entry of the account.
        assert!(device.add(&secret(), &email(45), user(45), 1));
        assert_eq!(valid(&device), [46, 47, 48, 49]);
        assert!(device.add(&secret(), &email(99), user(99), 0));
        assert_eq!(valid(&device), [47, 48, 49]);
        assert!(device.is_valid_for(&secret(), &email(45), user(45), 1));
        assert_eq!(DeviceCookie::decode(&secret(), &device.encode(&secret())), Some(device));
    }

    proptest! {
        #[test]
        fn only_encoded_cookies_are_decoded(
            id in any::<[u8; 16]>(),
            entries in vec(any::<([u8; 16], [u8; 16])>(), 0..=MAX_ACCOUNTS),
            other in any::<String>(),
            alike in "csgn_dc_[A-Za-z0-9_-]{43,256}",
        ) {
            let entries = entries
                .into_iter()
                .map(|(address, standing)| Entry { address, standing })
                .collect();
            let device = DeviceCookie { id, entries };
            let encoded = device.encode(&secret());
            prop_assert_eq!(DeviceCookie::decode(&secret(), &encoded), Some(device));
            prop_assert_eq!(DeviceCookie::decode(&secret(), &other), None);
            prop_assert_eq!(DeviceCookie::decode(&secret(), &alike), None);
        }
    }
}
