//! The password of somebody who is signed in: another one, or proof that they know it.

use super::{
    Auth, Happened, Issued, SignedIn,
    tries::{Attempt, Permit},
};
use crate::{
    Error, LimitedAction,
    hasher::{Lane, Match, Stored},
    store::{
        feed::News,
        users::{User, Verified},
    },
};
use countersign_types::{
    Email, Fault, Faults, Field, Name, Password,
    form::{ChangePassword, NewPassword},
    view::EventKind,
};

/// Somebody has just shown that they know their password.
pub(super) struct Proven<'a> {
    pub(super) verified: Verified<'a>,
    pub(super) attempt: Attempt,
}

impl Proven<'_> {
    /// Passes on what became of the action. Where it failed, the attempt counts no more all the
    /// same: the password was right.
    pub(super) async fn settle<T>(&self, auth: &Auth, done: Result<T, Error>) -> Result<T, Error> {
        if done.is_err() {
            let settled = async {
                let mut tx = auth.store.write().await?;
                self.attempt.succeed(&mut tx, auth.clock.now()).await?;
                tx.commit().await
            };
            if let Err(cause) = settled.await {
                tracing::debug!(error = crate::chain(&cause), "password attempt stays counted");
            }
        }
        done
    }
}

/// A password that is to take the place of another one.
struct Chosen {
    password: Password,
    email: Option<Email>,
    name: Option<Name>,
    is_unchanged: bool,
}

impl SignedIn<'_> {
    /// Changes the password, for a user who knows the current one, and ends all other sessions
    /// (ASVS 5.0 6.2.2, 6.2.3, 7.4.3). All tokens and device cookies from before are refused,
    /// those of this session too: a copy that was stolen ends here. Returns the ones that take
    /// their place.
    pub async fn change_password(&self, form: &ChangePassword) -> Result<Issued, Error> {
        let permit = self.permit(LimitedAction::PasswordChange)?;
        let user = self.read_user().await?;
        let email = Email::parse(&user.email).ok();
        let NewPassword { current, new } = form.check(email.as_ref())?;
        let is_unchanged = new == current;
        let name = user.name.as_deref().and_then(|name| Name::parse(name).ok().flatten());
        let proven = self.prove(&user, current, EventKind::PasswordChangeFailed).await?;
        let chosen = Chosen { password: new, email, name, is_unchanged };
        let changed = self.change_proven(permit, &proven, chosen).await;
        proven.settle(self.auth, changed).await
    }

    async fn change_proven(
        &self,
        permit: Permit,
        proven: &Proven<'_>,
        chosen: Chosen,
    ) -> Result<Issued, Error> {
        let Chosen { password, email, name, is_unchanged } = chosen;
        if is_unchanged {
            return Err(Faults::from((Field::New, Fault::Unchanged)).into());
        }
        let place = self.auth.place(&self.client, Lane::Known, Some(self.user.0.as_bytes()))?;
        let hash = match email {
            Some(email) => {
                self.auth.hasher.hash_new(password, self.user, email, name, place).await?
            }
            None => Some(self.auth.hasher.hash(password, self.user, place).await?),
        };
        let Some(hash) = hash else { return Err(guessable()) };
        let (mut tx, now) = self.begin(permit).await?;
        // Something else has changed meanwhile, such as the password: what was typed as the current
        // one is so no more.
        let Some(epoch) = tx.user_change_password(proven.verified, &hash).await? else {
            return Err(wrong());
        };
        proven.attempt.succeed(&mut tx, now).await?;
        if !tx.session_restart(self.session, now).await? {
            return Err(Error::SignedOut);
        }
        tx.session_revoke_others(self.user, self.session, "password_changed", now).await?;
        self.auth
            .record(
                &mut tx,
                &self.client,
                now,
                Happened::own(EventKind::PasswordChanged, self.user, self.session),
            )
            .await?;
        let row = tx.session_with_user(self.session).await?.ok_or(Error::SignedOut)?;
        self.auth.commit_with(tx, &[News::EpochRaised(self.user, epoch)], now).await?;
        let key = Email::parse(&row.email).map_or_else(|_| row.email.clone(), |email| email.key());
        let known_browser = self.auth.remember_device(&self.client, &key, self.user, epoch)?;
        Ok(Issued { known_browser, ..self.auth.issue(&row, row.session.counter, now)? })
    }

    pub(super) async fn read_user(&self) -> Result<User, Error> {
        self.auth.store.read().await?.user_by_id(self.user).await?.ok_or(Error::SignedOut)
    }

    /// Compares the password with what is stored, as often as that is allowed to anybody: whoever
    /// holds a session may guess no more often than whoever does not. They are counted apart,
    /// so that nobody outside keeps them waiting. A wrong one is recorded as `refused`.
    pub(super) async fn prove<'a>(
        &self,
        user: &'a User,
        current: Password,
        refused: EventKind,
    ) -> Result<Proven<'a>, Error> {
        let place = self.auth.place(&self.client, Lane::Known, Some(self.user.0.as_bytes()))?;
        let key =
            Email::parse(&user.email).map_or_else(|_| user.email.clone(), |email| email.key());
        let cookie = self
            .auth
            .device_cookie(&self.client, &key)
            .filter(|cookie| cookie.is_valid_for(&self.auth.secret, &key, user.id, user.epoch));
        let device = cookie.map_or(*self.session.0.as_bytes(), |cookie| *cookie.id());
        let attempt = self.auth.count_password(&self.client, &key, Some(&device)).await?;
        let stored = user.password_hash.as_deref();
        let matched = match self
            .auth
            .hasher
            .verify(current, stored.map(|hash| Stored { user: user.id, hash }), place)
            .await
        {
            Ok(matched) => matched,
            Err(error) => return self.auth.give_back(&attempt, error).await,
        };
        if let (Some(hash), Match::Yes | Match::YesButWeak) = (stored, matched) {
            return Ok(Proven {
                verified: Verified { id: user.id, epoch: user.epoch, hash },
                attempt,
            });
        }
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        self.auth
            .record(
                &mut tx,
                &self.client,
                now,
                Happened::refused(refused, Some(self.user), Some(self.session)),
            )
            .await?;
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
