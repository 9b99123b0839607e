//! How often somebody may try. Counted in the database, where it survives a restart and holds for all nodes; before anything is tried, and in a
//! transaction of its own, so that no failure takes it back and no crowd slips through together.
//!
//! | limit | of whom | how much |
//! |---|---|---|
//! | passwords of one account | everybody together | 5 free tries, then a pause that doubles from 1 s to 1 min; a right password ends it |
//! | the same, by a browser that has logged in to it before | that browser alone | as above, so that strangers who try do not keep the owner out |
//! | passwords of whatever account | one address | 60 at once, one more every 3 s |
//! | sign-ups | one address | 20 at once, one more every 30 s |
//!
//! An address is an IPv4 address or an IPv6 network of 64 bits, of which everybody has a whole one. Unknown accounts are counted like known ones.

use crate::{Client, Error, ServerSecret, known_browser::KnownBrowser, store::Tx};
use aws_lc_rs::hmac;
use contract::{Span, Timestamp};
use std::net::{IpAddr, Ipv6Addr};

/// Whether there are limits. Without them is for tests and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Limits {
    /// As the table says.
    #[default]
    On,
    /// None.
    Off,
}

/// Something that one address may do so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByAddress {
    Password,
    SignUp,
}

impl ByAddress {
    const fn kind(self) -> &'static str {
        match self {
            Self::Password => "password_by_address",
            Self::SignUp => "sign_up_by_address",
        }
    }

    const fn burst(self) -> i64 {
        match self {
            Self::Password => 60,
            Self::SignUp => 20,
        }
    }

    /// One comes back every so often.
    const fn period(self) -> Span {
        match self {
            Self::Password => Span::seconds(3),
            Self::SignUp => Span::seconds(30),
        }
    }
}

/// So many tries are free.
const FREE: i64 = 5;
const FIRST_PAUSE: Span = Span::seconds(1);
/// Short, because whoever tries without end would keep the owner, at a browser of theirs that we do not know, waiting for so long. It leaves 1,440
/// tries a day.
const LONGEST_PAUSE: Span = Span::minutes(1);
/// Wrong passwords are remembered for so long.
pub(crate) const REMEMBERED: Span = Span::days(1);

/// How long to wait after so many tries.
fn pause(tries: i64) -> Span {
    let doublings = tries - FREE;
    if doublings < 0 {
        return Span(0);
    }
    let factor = 1_i64.checked_shl(u32::try_from(doublings).unwrap_or(u32::MAX)).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
    Span(FIRST_PAUSE.0.saturating_mul(factor).min(LONGEST_PAUSE.0))
}

/// Whose passwords are counted: what the row of the table is called.
#[derive(Clone)]
pub(crate) struct Tries {
    kind: &'static str,
    subject: Vec<u8>,
}

impl Tries {
    /// At the account with this address, given its [`contract::Email::key`]: by a browser that has been there before, or by whoever else.
    pub(crate) fn at(secret: &ServerSecret, email_key: &str, browser: Option<KnownBrowser>) -> Self {
        // Keyed: the table would otherwise be a list of addresses that somebody tried, some of which are nobody's.
        let mut text = email_key.as_bytes().to_vec();
        let kind = if let Some(browser) = browser {
            text.extend(browser.id.as_bytes());
            "password_by_browser"
        } else {
            "password_of_account"
        };
        Self { kind, subject: hmac::sign(&secret.mac_key("limits", &[]), &text).as_ref().to_vec() }
    }

    /// Counts one, or says how long to wait.
    pub(crate) async fn count(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
        match tx.limit_try(self.kind, &self.subject, now, now - REMEMBERED).await? {
            Some(tries) => tx.limit_delay(self.kind, &self.subject, now + pause(tries)).await,
            None => Err(wait(tx.limit_free_at(self.kind, &self.subject).await?, now)),
        }
    }

    /// One was right.
    pub(crate) async fn forget(&self, tx: &mut Tx) -> Result<(), Error> {
        tx.limit_forget(self.kind, &self.subject).await
    }
}

/// Counts what a client does by its address. A client without one shares the place of all such clients.
pub(crate) async fn count_by_address(tx: &mut Tx, what: ByAddress, client: &Client, now: Timestamp) -> Result<(), Error> {
    let subject = network(client.address);
    if tx.limit_take(what.kind(), &subject, now, what.period(), what.burst()).await? {
        return Ok(());
    }
    let full = tx.limit_free_at(what.kind(), &subject).await?;
    // What is known is when all will have come back.
    let next = full.map(|full| full - Span(what.period().0 * (what.burst() - 1)));
    Err(wait(next, now))
}

fn wait(until: Option<Timestamp>, now: Timestamp) -> Error {
    let seconds = until.map_or(1, |until| until.since(now).0.div_euclid(1000) + 1);
    Error::TooMany { retry_after: u32::try_from(seconds).unwrap_or(1).max(1) }
}

/// Who is one, as far as addresses tell.
pub(crate) fn network(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
        None => Ipv6Addr::UNSPECIFIED.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_free_and_then_the_pause_doubles_up_to_a_minute() {
        let seconds: Vec<_> = (1..13).map(|tries| pause(tries).as_seconds()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(i64::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn however_an_address_is_written_it_is_one_and_a_network_of_64_bits_is_one() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:DB8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(network(None).len(), 16);
    }
}
