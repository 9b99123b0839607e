//! Counting tries of passwords and sign-ups, before anything is tried.

use super::Auth;
use crate::{
    Client, Error, Limits,
    hasher::Lane,
    known_browser::KnownBrowser,
    limit::{ByAddress, Tries, count_by_address},
};
use contract::UserId;

impl Auth {
    /// The browser of this client, if anybody has logged in with it before.
    pub(super) fn any_known_browser(&self, client: &Client) -> Option<KnownBrowser> {
        KnownBrowser::open(&self.secret, client.known_browser.as_deref()?)
    }

    /// The browser of this client, if `user` has logged in with it before.
    pub(super) fn known_browser(&self, client: &Client, user: Option<UserId>) -> Option<KnownBrowser> {
        self.any_known_browser(client).filter(|browser| Some(browser.user) == user)
    }

    /// What the client's browser is to show from now on: nothing, if it is known to this user already.
    pub(super) fn make_known(&self, client: &Client, user: UserId) -> Result<Option<String>, Error> {
        match self.known_browser(client, Some(user)) {
            Some(_) => Ok(None),
            None => Ok(Some(KnownBrowser::new(user, &self.entropy)?.mint(&self.secret))),
        }
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
