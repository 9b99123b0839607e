//! Log in: prove with a password who one is, and open a session.

use super::{Auth, Happened, Issued, issue::Opening, tries::Attempt};
use crate::{
    Client, Error, LimitedAction,
    device_cookie::DeviceCookie,
    hasher::{Lane, Match, Place, Stored},
    store::users::{User, Verified},
};
use countersign_types::{
    Next, Password, UserId,
    form::{Credentials, LogIn},
    view::EventKind,
};

/// How often a log-in starts over because the account was changed while the password was being
/// verified.
const ATTEMPTS: usize = 3;

/// A client with a slot of the hash queue.
struct Admitted {
    lane: Lane,
    /// Whose quota the slot counts for, beside the network's.
    who: Option<Vec<u8>>,
    /// The cookie of a device that is known for the account.
    device: Option<DeviceCookie>,
    place: Place,
}

/// What a log-in asks for.
struct Wanted<'a> {
    key: &'a str,
    password: &'a Password,
    persistent: bool,
    replaces: Option<&'a str>,
}

/// What became of a password that was compared.
enum Outcome {
    Entered(Box<Issued>),
    /// It was wrong, or it lets nobody in; for the user, if there is one.
    Refused(Option<UserId>),
}

/// What a right password was compared with.
struct Proven<'a> {
    user: &'a User,
    key: &'a str,
    stored: &'a str,
    password: &'a Password,
    weak: bool,
    lane: Lane,
    attempt: &'a Attempt,
}

impl Auth {
    /// Signs in. `replaces` is the refresh token that came along, whose session ends.
    ///
    /// An unknown address, a wrong password, an account without one and a disabled account cost the
    /// same work and give the same [`Error::Credentials`] (ASVS 5.0 6.3.8).
    pub async fn log_in(
        &self,
        client: &Client,
        form: &LogIn,
        replaces: Option<&str>,
    ) -> Result<(Next, Issued), Error> {
        let Credentials { email, password, next, keep } = form.check()?;
        let key = email.key();
        // A client that finds no slot is refused before anything is read or counted: a flood costs
        // no more than that.
        let admitted = self.admit(client, &key).await?;
        // Counted before it is read whether there is such an account, which the time would tell.
        let attempt = self
            .count_password(client, &key, admitted.device.as_ref().map(DeviceCookie::id))
            .await?;
        let wanted = Wanted { key: &key, password: &password, persistent: keep, replaces };
        match self.compare(client, wanted, admitted, &attempt).await {
            Ok(Outcome::Entered(issued)) => Ok((next, *issued)),
            Ok(Outcome::Refused(user)) => self.refuse_log_in(client, user).await,
            Err(error) => self.give_back(&attempt, error).await,
        }
    }

    /// Compares the password and opens the session. An error means that the password was not found
    /// wrong.
    async fn compare(
        &self,
        client: &Client,
        wanted: Wanted<'_>,
        admitted: Admitted,
        attempt: &Attempt,
    ) -> Result<Outcome, Error> {
        let Wanted { key, password, persistent, replaces } = wanted;
        let Admitted { lane, who, mut place, .. } = admitted;
        let mut user = self.store.read().await?.user_by_email(key).await?;
        for _ in 0..ATTEMPTS {
            let stored = user.as_ref().and_then(|user| {
                Some(Stored { user: user.id, hash: user.password_hash.as_deref()? })
            });
            let matched = self.hasher.verify(password.clone(), stored, place).await?;
            let (Some(found), Some(Stored { hash: stored, .. }), true) =
                (&user, stored, matched != Match::No)
            else {
                return Ok(Outcome::Refused(user.map(|user| user.id)));
            };
            if found.disabled_at.is_some() {
                return Ok(Outcome::Refused(Some(found.id)));
            }
            let proven = Proven {
                user: found,
                key,
                stored,
                password,
                weak: matched == Match::YesButWeak,
                lane,
                attempt,
            };
            let opening = Opening {
                user: found.id,
                persistent,
                replaces,
                since: found.last_login_at.unwrap_or(found.created_at),
            };
            if let Some(issued) = self.enter(client, proven, opening).await? {
                return Ok(Outcome::Entered(Box::new(issued)));
            }
            user = self.store.read().await?.user_by_email(key).await?;
            place = self.place(client, lane, who.as_deref())?;
        }
        Err(Error::Busy { retry_after: 1 })
    }

    /// A slot of the hash queue: in the queue of known devices for one that has logged in to the
    /// account before. Such a device is refused here if its user has too many log-ins: a
    /// refusal costs no hash, and the queue that goes first is not filled with what comes to
    /// nothing. Clients without the cookie are told no sooner than by a password that is right.
    async fn admit(&self, client: &Client, key: &str) -> Result<Admitted, Error> {
        if let Some(cookie) = self.device_cookie(client, key) {
            let who = self.device_slot(key, cookie.id());
            let place = self.place(client, Lane::Known, Some(&who))?;
            // Only now is anything read, and only for a client whose cookie tells that there was
            // such an account.
            let mut reader = self.store.read().await?;
            let user = reader
                .user_by_email(key)
                .await?
                .filter(|user| cookie.is_valid_for(&self.secret, key, user.id, user.epoch));
            if let Some(user) = user {
                self.check_limit(&mut reader, client, LimitedAction::LogIn, user.id).await?;
                return Ok(Admitted {
                    lane: Lane::Known,
                    who: Some(who),
                    device: Some(cookie),
                    place,
                });
            }
        }
        Ok(Admitted {
            lane: Lane::Strangers,
            who: None,
            device: None,
            place: self.place(client, Lane::Strangers, None)?,
        })
    }

    /// The password was right for what was read. `None` if that has changed meanwhile.
    async fn enter(
        &self,
        client: &Client,
        proven: Proven<'_>,
        opening: Opening<'_>,
    ) -> Result<Option<Issued>, Error> {
        let Proven { user, key, stored, attempt, .. } = proven;
        let permit = match self.permit(client, LimitedAction::LogIn, user.id) {
            Ok(permit) => permit,
            Err(error) => return self.refuse_session(attempt, error).await,
        };
        let upgraded = self.rehash(client, &proven).await?;
        let mut tx = self.store.write().await?;
        let now = self.clock.now();
        let verified = Verified { id: user.id, epoch: user.epoch, hash: stored };
        if !tx.user_still_verified(verified, upgraded.as_deref().unwrap_or(stored), now).await? {
            // Waits for what this saw to be committed: until then a reader does not see it.
            tx.commit().await?;
            return Ok(None);
        }
        attempt.succeed(&mut tx, now).await?;
        if let Err(error) = self.count_user(&mut tx, client, permit, user.id, now).await {
            drop(tx);
            return self.refuse_session(attempt, error).await;
        }
        let (session, news) = self.open_session(&mut tx, client, opening, now).await?;
        self.record(&mut tx, client, now, Happened::own(EventKind::LoggedIn, user.id, session))
            .await?;
        let row = tx
            .session_with_user(session)
            .await?
            .ok_or_else(|| Error::internal("the new session is not there"))?;
        self.commit_with(tx, &news, now).await?;
        let known_browser = self.remember_device(client, key, user.id, row.epoch)?;
        Ok(Some(Issued { known_browser, ..self.issue(&row, row.session.counter, now)? }))
    }

    /// The hash of today for one that is weak. `None`: it need not be renewed, or there is no
    /// capacity now. The next log-in renews it then: a right password is not refused for that.
    async fn rehash(&self, client: &Client, proven: &Proven<'_>) -> Result<Option<String>, Error> {
        if !proven.weak {
            return Ok(None);
        }
        let Ok(place) = self.place(client, proven.lane, None) else { return Ok(None) };
        match self.hasher.hash(proven.password.clone(), proven.user.id, place).await {
            Ok(hash) => Ok(Some(hash)),
            Err(Error::Busy { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The password was right, and there were too many log-ins: the attempt itself counts no more.
    async fn refuse_session<T>(&self, attempt: &Attempt, error: Error) -> Result<T, Error> {
        let mut tx = self.store.write().await?;
        attempt.succeed(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        Err(error)
    }

    async fn refuse_log_in<T>(&self, client: &Client, user: Option<UserId>) -> Result<T, Error> {
        let now = self.clock.now();
        // Strangers have had their turn when they were counted, and there are no more of them here
        // than there are threads.
        let mut tx = self.store.write().await?;
        self.record(&mut tx, client, now, Happened::refused(EventKind::LogInFailed, user, None))
            .await?;
        tx.commit().await?;
        Err(Error::Credentials)
    }
}
