//! Counting tries of passwords and sign-ups, before anything is tried.

use super::Auth;
use crate::{
    Client, Error, Limits,
    hasher::{Lane, Place, Share},
    known_browser::KnownBrowser,
    limit::{ByAddress, Tries, count_by_address, network},
};
use std::iter;

impl Auth {
    /// The browser of this client, if somebody has logged in with it to the account with this address (its [`contract::Email::key`]).
    pub(super) fn known_browser(&self, client: &Client, email_key: &str) -> Option<KnownBrowser> {
        KnownBrowser::open(&self.secret, client.known_browser.as_deref()?).filter(|browser| browser.is_of(&self.secret, email_key))
    }

    /// What the client's browser is to show from now on: nothing, if it is known already.
    pub(super) fn make_known(&self, client: &Client, email_key: &str) -> Result<Option<String>, Error> {
        match self.known_browser(client, email_key) {
            Some(_) => Ok(None),
            None => Ok(Some(KnownBrowser::new(&self.secret, email_key, &self.entropy)?.mint(&self.secret))),
        }
    }

    /// A place with the hashing threads, of which one address has at most a quarter, and one browser or account (`who`) two.
    pub(super) fn place(&self, client: &Client, lane: Lane, who: Option<&[u8]>) -> Result<Place, Error> {
        if self.policy.limits == Limits::Off {
            return self.hasher.place(lane, Vec::new());
        }
        let address = Share { of: network(client.address), most: (self.hasher.room() / 4).max(1) };
        let who = who.map(|who| Share { of: who.to_vec(), most: 2 });
        self.hasher.place(lane, iter::once(address).chain(who).collect())
    }

    /// Counts a password that is about to be tried for the account with this address (its [`contract::Email::key`]), whether there is one or not.
    pub(super) async fn count_password(&self, client: &Client, email_key: &str, browser: Option<KnownBrowser>) -> Result<Option<Tries>, Error> {
        if self.policy.limits == Limits::Off {
            return Ok(None);
        }
        let tries = Tries::at(&self.secret, email_key, browser);
        let lane = if browser.is_some() { Lane::Known } else { Lane::Strangers };
        let mut tx = self.store.write_in(lane).await?;
        let now = self.clock.now();
        if let Err(error) = count_by_address(&mut tx, ByAddress::Password, client, now).await {
            // Many accounts, or one for a long time: whoever watches the log should know of it.
            tracing::warn!(
                request.id = client.request_id,
                address = client.address.map(tracing::field::display),
                "too many passwords are tried from one address"
            );
            return Err(error);
        }
        let counted = tries.count(&mut tx, now).await;
        // Also when there was none: what the address did stays counted.
        tx.commit().await?;
        counted.map(|()| Some(tries))
    }

    /// Counts a sign-up.
    pub(super) async fn count_sign_up(&self, client: &Client) -> Result<(), Error> {
        if self.policy.limits == Limits::Off {
            return Ok(());
        }
        let mut tx = self.store.write_in(Lane::Strangers).await?;
        count_by_address(&mut tx, ByAddress::SignUp, client, self.clock.now()).await?;
        tx.commit().await
    }
}
