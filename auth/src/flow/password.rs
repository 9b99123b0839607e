//! Another password.

use super::{Happened, SignedIn};
use crate::{
    Error,
    hasher::{Lane, Match},
    store::{feed::News, users::Verified},
};
use contract::{
    Email, Fault, Faults, Field, Name,
    form::{ChangePassword, NewPassword},
    view::EventKind,
};

impl SignedIn<'_> {
    /// Changes the password, for somebody who knows the one until now, and ends all other sessions (ASVS 5.0 6.2.2, 6.2.3, 7.4.3). Every access
    /// token from before is refused, this session's too: its next renewal gives a new one.
    pub async fn change_password(&self, form: &ChangePassword) -> Result<(), Error> {
        let user = self.auth.store.read().await?.user_by_id(self.user).await?.ok_or(Error::SignedOut)?;
        let email = Email::parse(&user.email).ok();
        let NewPassword { current, new } = form.check(email.as_ref())?;
        let name = user.name.as_deref().and_then(|name| Name::parse(name).ok().flatten());
        let place = self.auth.place(&self.client, Lane::Known, Some(self.user.0.as_bytes()))?;
        // Whoever holds a session may guess no more often than whoever does not.
        let key = email.as_ref().map_or_else(|| user.email.clone(), Email::key);
        let tries = self.auth.count_password(&self.client, &key, self.auth.known_browser(&self.client, &key)).await?;
        let stored = user.password_hash.as_deref();
        let matched = self.auth.hasher.verify(current, stored, place).await?;
        let (Some(stored), true) = (stored, matched != Match::No) else { return self.refuse().await };
        let place = self.auth.place(&self.client, Lane::Known, Some(self.user.0.as_bytes()))?;
        let hash = match email {
            Some(email) => self.auth.hasher.hash_new(new, email, name, place).await?.ok_or_else(guessable)?,
            None => self.auth.hasher.hash(new, place).await?,
        };
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        let verified = Verified { id: user.id, epoch: user.epoch, hash: stored };
        // Something else has changed meanwhile, such as the password: what was typed as the current one is so no more.
        let Some(epoch) = tx.user_change_password(verified, &hash).await? else { return Err(wrong()) };
        if let Some(tries) = tries {
            tries.forget(&mut tx).await?;
        }
        tx.session_revoke_others(self.user, self.session, "password_changed", now).await?;
        self.auth.record(&mut tx, &self.client, now, Happened::own(EventKind::PasswordChanged, self.user, self.session)).await?;
        self.auth.commit_with(tx, &[News::EpochRaised(self.user, epoch)], now).await
    }

    async fn refuse(&self) -> Result<(), Error> {
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        let happened = Happened::refused(EventKind::PasswordChangeFailed, Some(self.user), Some(self.session));
        self.auth.record(&mut tx, &self.client, now, happened).await?;
        tx.commit().await?;
        Err(wrong())
    }
}

fn guessable() -> Error {
    Faults::from((Field::New, Fault::Guessable)).into()
}

fn wrong() -> Error {
    Faults::from((Field::Current, Fault::Wrong)).into()
}
