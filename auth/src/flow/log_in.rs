//! Log in: prove with a password who one is, and open a session.

use super::{Auth, Happened, Issued, issue::Opening};
use crate::{
    Client, Error,
    hasher::{Lane, Match, Stored},
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
    key: &'a str,
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
        let browser = self.known_browser(client, &key);
        let lane = if browser.is_some() { Lane::Known } else { Lane::Strangers };
        // Whoever finds no place is sent away before anything is read or counted: a flood costs no more than that. And it is counted before anybody
        // looks whether there is such an account, which the time would tell.
        let who = browser.as_ref().map(|browser| browser.id.as_bytes().as_slice());
        let mut place = self.place(client, lane, who)?;
        let tries = self.count_password(client, &key, browser).await?;
        let mut user = self.store.read().await?.user_by_email(&key).await?;
        for _ in 0..ATTEMPTS {
            let stored = user.as_ref().and_then(|user| Some(Stored { user: user.id, hash: user.password_hash.as_deref()? }));
            let matched = self.hasher.verify(password.clone(), stored, place).await?;
            let (Some(found), Some(Stored { hash: stored, .. }), true) = (&user, stored, matched != Match::No) else {
                return self.refuse_log_in(client, user.as_ref()).await;
            };
            if found.disabled_at.is_some() {
                return self.refuse_log_in(client, Some(found)).await;
            }
            let proven = Proven { user: found, key: &key, stored, password: &password, weak: matched == Match::YesButWeak, lane, tries: tries.as_ref() };
            let opening = Opening { user: found.id, persistent: keep, replaces, since: found.last_login_at.unwrap_or(found.created_at) };
            if let Some(issued) = self.enter(client, proven, opening).await? {
                return Ok((next, issued));
            }
            user = self.store.read().await?.user_by_email(&key).await?;
            place = self.place(client, lane, who)?;
        }
        Err(Error::Busy { retry_after: 1 })
    }

    /// The password was right for what was read. `None` if that has changed meanwhile.
    async fn enter(&self, client: &Client, proven: Proven<'_>, opening: Opening<'_>) -> Result<Option<Issued>, Error> {
        let Proven { user, key, stored, password, weak, lane, tries } = proven;
        // Where there is no place just now, the next log-in has one.
        let upgraded = match weak.then(|| self.place(client, lane, None)) {
            Some(Ok(place)) => Some(self.hasher.hash(password.clone(), user.id, place).await?),
            Some(Err(_)) | None => None,
        };
        let mut tx = self.store.write().await?;
        let now = self.clock.now();
        let verified = Verified { id: user.id, epoch: user.epoch, hash: stored };
        if !tx.user_still_verified(verified, upgraded.as_deref().unwrap_or(stored), now).await? {
            // Waits for what this saw to be committed: until then a reader does not see it.
            tx.commit().await?;
            return Ok(None);
        }
        if let Some(tries) = tries {
            tries.forget(&mut tx).await?;
        }
        let (session, news) = self.open_session(&mut tx, client, opening, now).await?;
        self.record(&mut tx, client, now, Happened::own(EventKind::LoggedIn, user.id, session)).await?;
        let row = tx.session_with_user(session).await?.ok_or_else(|| Error::internal("the new session is not there"))?;
        self.commit_with(tx, &news, now).await?;
        let known_browser = self.make_known(client, key)?;
        Ok(Some(Issued { known_browser, ..self.issue(&row, row.session.counter, now)? }))
    }

    async fn refuse_log_in<T>(&self, client: &Client, user: Option<&User>) -> Result<T, Error> {
        let now = self.clock.now();
        // Strangers have had their turn when they were counted, and there are no more of them here than there are threads.
        let mut tx = self.store.write().await?;
        self.record(&mut tx, client, now, Happened::refused(EventKind::LogInFailed, user.map(|user| user.id), None)).await?;
        tx.commit().await?;
        Err(Error::Credentials)
    }
}
