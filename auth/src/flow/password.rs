//! The password of somebody who is signed in: another one, or proof that they know it.

use super::{Happened, SignedIn};
use crate::{
    Error,
    hasher::{Lane, Match, Stored},
    known_browser::KnownBrowser,
    limit::Tries,
    store::{
        Tx,
        feed::News,
        users::{User, Verified},
    },
};
use contract::{
    Email, Fault, Faults, Field, Name, Password,
    form::{ChangePassword, NewPassword},
    view::EventKind,
};

/// Somebody has just shown that they know their password.
pub(super) struct Proven<'a> {
    pub(super) verified: Verified<'a>,
    tries: Option<Tries>,
}

impl Proven<'_> {
    /// What was counted of their attempts counts no more.
    pub(super) async fn forget_tries(&self, tx: &mut Tx) -> Result<(), Error> {
        match &self.tries {
            Some(tries) => tries.forget(tx).await,
            None => Ok(()),
        }
    }
}

impl SignedIn<'_> {
    /// Changes the password, for somebody who knows the one until now, and ends all other sessions (ASVS 5.0 6.2.2, 6.2.3, 7.4.3). Every access
    /// token from before is refused, this session's too: its next renewal gives a new one.
    pub async fn change_password(&self, form: &ChangePassword) -> Result<(), Error> {
        let user = self.read_user().await?;
        let email = Email::parse(&user.email).ok();
        let NewPassword { current, new } = form.check(email.as_ref())?;
        let name = user.name.as_deref().and_then(|name| Name::parse(name).ok().flatten());
        let proven = self.prove(&user, current, EventKind::PasswordChangeFailed).await?;
        let place = self.auth.place(&self.client, Lane::Known, Some(self.user.0.as_bytes()))?;
        let hash = match email {
            Some(email) => self.auth.hasher.hash_new(new, self.user, email, name, place).await?.ok_or_else(guessable)?,
            None => self.auth.hasher.hash(new, self.user, place).await?,
        };
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        // Something else has changed meanwhile, such as the password: what was typed as the current one is so no more.
        let Some(epoch) = tx.user_change_password(proven.verified, &hash).await? else { return Err(wrong()) };
        proven.forget_tries(&mut tx).await?;
        tx.session_revoke_others(self.user, self.session, "password_changed", now).await?;
        self.auth.record(&mut tx, &self.client, now, Happened::own(EventKind::PasswordChanged, self.user, self.session)).await?;
        self.auth.commit_with(tx, &[News::EpochRaised(self.user, epoch)], now).await
    }

    pub(super) async fn read_user(&self) -> Result<User, Error> {
        self.auth.store.read().await?.user_by_id(self.user).await?.ok_or(Error::SignedOut)
    }

    /// Compares the password with what is stored, as often as that is allowed to anybody: whoever holds a session may guess no more often than
    /// whoever does not. They are counted apart, so that nobody outside keeps them waiting. A wrong one is recorded as `refused`.
    pub(super) async fn prove<'a>(&self, user: &'a User, current: Password, refused: EventKind) -> Result<Proven<'a>, Error> {
        let place = self.auth.place(&self.client, Lane::Known, Some(self.user.0.as_bytes()))?;
        let key = Email::parse(&user.email).map_or_else(|_| user.email.clone(), |email| email.key());
        let browser = self.auth.known_browser(&self.client, &key).unwrap_or_else(|| KnownBrowser::of_session(&self.auth.secret, &key, self.session));
        let tries = self.auth.count_password(&self.client, &key, Some(browser)).await?;
        let stored = user.password_hash.as_deref();
        let matched = self.auth.hasher.verify(current, stored.map(|hash| Stored { user: user.id, hash }), place).await?;
        if let (Some(hash), Match::Yes | Match::YesButWeak) = (stored, matched) {
            return Ok(Proven { verified: Verified { id: user.id, epoch: user.epoch, hash }, tries });
        }
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        self.auth.record(&mut tx, &self.client, now, Happened::refused(refused, Some(self.user), Some(self.session))).await?;
        tx.commit().await?;
        Err(wrong())
    }
}

fn guessable() -> Error {
    Faults::from((Field::New, Fault::Guessable)).into()
}

pub(super) fn wrong() -> Error {
    Faults::from((Field::Current, Fault::Wrong)).into()
}
