//! Log in: prove with a password who one is, and open a session.

use super::{Auth, Happened, Issued, issue::Opening};
use crate::{
    Client, Error,
    hasher::{Lane, Match},
    limit::Tries,
    store::users::{User, Verified},
};
use contract::{
    Next, Password,
    form::{Credentials, LogIn},
    view::EventKind,
};

/// How often a log-in starts over because the account was changed while the password was being verified.
const ATTEMPTS: usize = 3;

/// What a right password was compared with.
struct Proven<'a> {
    user: &'a User,
    stored: &'a str,
    password: &'a Password,
    weak: bool,
    lane: Lane,
    tries: Option<&'a Tries>,
}

impl Auth {
    /// Signs in. `replaces` is the refresh token that came along, whose session ends.
    ///
    /// An unknown address, a wrong password, an account without one and a disabled account cost the same work and give the same
    /// [`Error::Credentials`] (ASVS 5.0 6.3.8).
    pub async fn log_in(&self, client: &Client, form: &LogIn, replaces: Option<&str>) -> Result<(Next, Issued), Error> {
        let Credentials { email, password, next, keep } = form.check()?;
        let key = email.key();
        // A stranger for whom there is no place is sent away before anything is read or counted: a flood costs no more than that.
        let early = if self.any_known_browser(client).is_none() { Some(self.hasher.place(Lane::Strangers)?) } else { None };
        let mut user = self.store.read().await?.user_by_email(&key).await?;
        let browser = self.known_browser(client, user.as_ref().map(|user| user.id));
        let lane = if browser.is_some() { Lane::Known } else { Lane::Strangers };
        let mut place = early.map_or_else(|| self.hasher.place(lane), Ok)?;
        let tries = self.count_password(client, &key, browser).await?;
        for _ in 0..ATTEMPTS {
            let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
            let matched = self.hasher.verify(password.clone(), stored, place).await?;
            let (Some(found), Some(stored), true) = (&user, stored, matched != Match::No) else {
                return self.refuse_log_in(client, user.as_ref(), lane).await;
            };
            if found.disabled_at.is_some() {
                return self.refuse_log_in(client, Some(found), lane).await;
            }
            let proven = Proven { user: found, stored, password: &password, weak: matched == Match::YesButWeak, lane, tries: tries.as_ref() };
            let opening = Opening { user: found.id, persistent: keep, replaces, since: found.last_login_at.unwrap_or(found.created_at) };
            if let Some(issued) = self.enter(client, proven, opening).await? {
                return Ok((next, issued));
            }
            user = self.store.read().await?.user_by_email(&key).await?;
            place = self.hasher.place(lane)?;
        }
        Err(Error::Busy { retry_after: 1 })
    }

    /// The password was right for what was read. `None` if that has changed meanwhile.
    async fn enter(&self, client: &Client, proven: Proven<'_>, opening: Opening<'_>) -> Result<Option<Issued>, Error> {
        let Proven { user, stored, password, weak, lane, tries } = proven;
        let upgraded = if weak { Some(self.hasher.hash(password.clone(), self.hasher.place(lane)?).await?) } else { None };
        let mut tx = self.store.write_in(lane).await?;
        let now = self.clock.now();
        let verified = Verified { id: user.id, epoch: user.epoch, hash: stored };
        if !tx.user_still_verified(verified, upgraded.as_deref().unwrap_or(stored), now).await? {
            return Ok(None);
        }
        if let Some(tries) = tries {
            tries.forget(&mut tx).await?;
        }
        let (session, news) = self.open_session(&mut tx, client, opening, now).await?;
        self.record(&mut tx, client, now, Happened::own(EventKind::LoggedIn, user.id, session)).await?;
        let row = tx.session_with_user(session).await?.ok_or_else(|| Error::internal("the new session is not there"))?;
        self.commit_with(tx, &news, now).await?;
        let known_browser = self.make_known(client, user.id)?;
        Ok(Some(Issued { known_browser, ..self.issue(&row, row.session.counter, now)? }))
    }

    async fn refuse_log_in<T>(&self, client: &Client, user: Option<&User>, lane: Lane) -> Result<T, Error> {
        let now = self.clock.now();
        let mut tx = self.store.write_in(lane).await?;
        self.record(&mut tx, client, now, Happened::refused(EventKind::LogInFailed, user.map(|user| user.id), None)).await?;
        tx.commit().await?;
        Err(Error::Credentials)
    }
}
