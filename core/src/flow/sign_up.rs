//! Sign up: make an account and open its first session. Whoever comes by the link that is printed
//! at the first start becomes an administrator.

use super::{Auth, Happened, Issued, admin::stored, issue::Opening};
use crate::{Client, Error, LimitedAction, first_admin, hasher::Lane, store::users::User};
use countersign_types::{
    Email, Fault, Faults, Field, Name, Next, Timestamp, UserId,
    form::{NewUser, SignUp},
    view::{EventKind, Role},
};

impl Auth {
    /// Makes an account and signs in. `replaces` is the refresh token that came along, whose
    /// session ends.
    ///
    /// [`Error::EmailTaken`] tells a stranger that somebody has an account with this address.
    /// Without mail there is no way to tell only its owner; the documentation says so.
    pub async fn sign_up(
        &self,
        client: &Client,
        form: &SignUp,
        replaces: Option<&str>,
    ) -> Result<(Next, Issued), Error> {
        let NewUser { name, email, password, next } = form.check()?;
        let place = self.place(client, Lane::Strangers, None)?;
        // A link that is over is said to be so before anybody becomes somebody else than they
        // expect.
        let is_first_admin = !form.invite.is_empty();
        if is_first_admin && !first_admin::is_good(&self.secret, &form.invite, self.clock.now()) {
            return Err(Error::LinkOver);
        }
        let key = email.key();
        // Before it is said whether the address is taken: nobody reads a list of them off us.
        self.count_network(client, LimitedAction::SignUp).await?;
        // Only to spare the hashing: what decides is the unique index.
        if self.store.read().await?.user_by_email(&key).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let id = UserId(self.id(self.clock.now())?);
        let Some(hash) =
            self.hasher.hash_new(password, id, email.clone(), name.clone(), place).await?
        else {
            return Err(Faults::from((Field::Password, Fault::Guessable)).into());
        };
        let now = self.clock.now();
        let role = if is_first_admin { Role::Admin } else { Role::User };
        let user = new_user(id, name, &email, hash, role, now);
        let mut tx = self.store.write_in(Lane::Strangers).await?;
        if is_first_admin && !tx.installation_first_admin(now).await? {
            return Err(Error::LinkOver);
        }
        if !tx.user_insert(&user, &key).await? {
            return Err(Error::EmailTaken);
        }
        let opening = Opening { user: user.id, persistent: true, replaces, since: now };
        let (session, news) = self.open_session(&mut tx, client, opening, now).await?;
        self.record(&mut tx, client, now, Happened::own(EventKind::SignedUp, user.id, session))
            .await?;
        let row = tx
            .session_with_user(session)
            .await?
            .ok_or_else(|| Error::internal("the new session is not there"))?;
        self.commit_with(tx, &news, now).await?;
        let known_browser = self.remember_device(client, &key, user.id, row.epoch)?;
        Ok((next, Issued { known_browser, ..self.issue(&row, row.session.counter, now)? }))
    }

    /// What the link holds by which the first administrator comes in, for an hour; `None` if there
    /// has been one.
    pub async fn first_admin_invite(&self) -> Result<Option<String>, Error> {
        let wanted = self.store.read().await?.installation_has_no_admin().await?;
        Ok(wanted.then(|| first_admin::mint(&self.secret, self.clock.now())))
    }
}

/// The row of a new account, whose id is known since its password was hashed: the hash is bound to
/// it.
pub(super) fn new_user(
    id: UserId,
    name: Option<Name>,
    email: &Email,
    hash: String,
    role: Role,
    now: Timestamp,
) -> User {
    User {
        id,
        email: email.as_str().to_owned(),
        email_verified_at: None,
        name: name.map(|name| name.as_str().to_owned()),
        password_hash: Some(hash.into()),
        roles: stored(role).to_owned(),
        epoch: 0,
        disabled_at: None,
        last_login_at: Some(now),
        created_at: now,
    }
}
