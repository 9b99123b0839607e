//! The accounts.

use super::{Reader, Tx, on, statements};
use crate::Error;
use contract::{Timestamp, UserId};

/// An account as it is stored. (No `Debug`: it holds the hash of a password.)
#[derive(Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub name: Option<String>,
    pub password_hash: Option<String>,
    pub roles: String,
    pub epoch: i64,
    pub disabled_at: Option<Timestamp>,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// What must still be so when a session is opened: the values that the password was verified against.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    /// Whose password it was.
    pub id: UserId,
    /// The epoch that was read with the hash.
    pub epoch: i64,
    /// The hash that it was compared with.
    pub hash: &'a str,
}

statements! {
    BY_EMAIL_KEY = "SELECT id, email, email_verified_at, name, password_hash, roles, epoch, disabled_at, last_login_at, created_at FROM users WHERE email_key = $1";
    BY_ID = "SELECT id, email, email_verified_at, name, password_hash, roles, epoch, disabled_at, last_login_at, created_at FROM users WHERE id = $1";
    INSERT = "INSERT INTO users (id, email, email_key, name, password_hash, roles, epoch, last_login_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7) ON CONFLICT (email_key) DO NOTHING";
    STILL_VERIFIED = "UPDATE users SET last_login_at = $4, password_hash = $5 WHERE id = $1 AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL";
    CHANGE_PASSWORD = "UPDATE users SET password_hash = $4, epoch = epoch + 1 WHERE id = $1 AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL RETURNING epoch";
    RAISE_EPOCH = "UPDATE users SET epoch = epoch + 1 WHERE id = $1 AND disabled_at IS NULL RETURNING epoch";
    SET_NAME = "UPDATE users SET name = $2 WHERE id = $1 AND disabled_at IS NULL";
}

impl Reader {
    /// The account with this address, given its [`contract::Email::key`].
    pub async fn user_by_email(&mut self, key: &str) -> Result<Option<User>, Error> {
        Ok(on!(self, |c| sqlx::query_as(BY_EMAIL_KEY).bind(key).fetch_optional(c).await?))
    }

    /// The account with this id.
    pub async fn user_by_id(&mut self, id: UserId) -> Result<Option<User>, Error> {
        Ok(on!(self, |c| sqlx::query_as(BY_ID).bind(id).fetch_optional(c).await?))
    }
}

impl Tx {
    /// `false`: somebody has an account with this address.
    pub async fn user_insert(&mut self, user: &User, email_key: &str) -> Result<bool, Error> {
        let done = on!(self, |c| sqlx::query(INSERT)
            .bind(user.id)
            .bind(&user.email)
            .bind(email_key)
            .bind(&user.name)
            .bind(&user.password_hash)
            .bind(&user.roles)
            .bind(user.created_at)
            .execute(c)
            .await?
            .rows_affected());
        Ok(done == 1)
    }

    /// The first statement of every log-in: nothing that the password was verified against has changed meanwhile. Puts `hash` in the place
    /// of the old one. `false`: something has changed; start over.
    pub async fn user_still_verified(&mut self, verified: Verified<'_>, hash: &str, now: Timestamp) -> Result<bool, Error> {
        let done = on!(self, |c| sqlx::query(STILL_VERIFIED)
            .bind(verified.id)
            .bind(verified.epoch)
            .bind(verified.hash)
            .bind(now)
            .bind(hash)
            .execute(c)
            .await?
            .rows_affected());
        Ok(done == 1)
    }

    /// Another password, for which nothing may have changed since the old one was verified. Returns the epoch from now on; `None`: something
    /// has changed.
    pub async fn user_change_password(&mut self, verified: Verified<'_>, hash: &str) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(CHANGE_PASSWORD).bind(verified.id).bind(verified.epoch).bind(verified.hash).bind(hash).fetch_optional(c).await?))
    }

    /// Ends every access token of this user. Returns the epoch from now on; `None`: no such account, or it is disabled.
    pub async fn user_raise_epoch(&mut self, id: UserId) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(RAISE_EPOCH).bind(id).fetch_optional(c).await?))
    }

    /// `false`: no such account, or it is disabled.
    pub async fn user_set_name(&mut self, id: UserId, name: Option<&str>) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(SET_NAME).bind(id).bind(name).execute(c).await?.rows_affected()) == 1)
    }
}

#[cfg(any(test, feature = "testing"))]
impl Tx {
    /// What an administrator will do one day.
    pub async fn user_disable(&mut self, id: UserId, now: Timestamp) -> Result<(), Error> {
        on!(self, |c| sqlx::query("UPDATE users SET disabled_at = $2 WHERE id = $1").bind(id).bind(now).execute(c).await.map(drop)?);
        Ok(())
    }

    /// For tests that need a hash of another kind.
    pub async fn user_set_hash(&mut self, id: UserId, hash: &str) -> Result<(), Error> {
        on!(self, |c| sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1").bind(id).bind(hash).execute(c).await.map(drop)?);
        Ok(())
    }
}
