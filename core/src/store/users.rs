//! The accounts.

use super::{Reader, Tx, on, statements};
use crate::{Error, hasher::MAX_STORED_BYTES};
use countersign_types::{Timestamp, UserId};
use sqlx::{Decode, Postgres, Sqlite, Type, postgres::PgTypeInfo, sqlite::SqliteTypeInfo};
use std::ops::Deref;
use uuid::Uuid;

/// What stands in the column of the password hash, whatever that is: a log-in must not fail because
/// of it. What is no text is read as one that is no hash, and what is too long is cut.
#[derive(Clone)]
pub struct HashText(String);

impl From<String> for HashText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Deref for HashText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Type<Sqlite> for HashText {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }

    /// SQLite keeps a value of any type in any column.
    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl Type<Postgres> for HashText {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }

    fn compatible(kind: &PgTypeInfo) -> bool {
        <String as Type<Postgres>>::compatible(kind)
    }
}

impl<'r> Decode<'r, Sqlite> for HashText {
    fn decode(
        value: <Sqlite as sqlx::Database>::ValueRef<'r>,
    ) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(Self(String::from_utf8_lossy(<&[u8] as Decode<Sqlite>>::decode(value)?).into_owned()))
    }
}

impl<'r> Decode<'r, Postgres> for HashText {
    fn decode(
        value: <Postgres as sqlx::Database>::ValueRef<'r>,
    ) -> Result<Self, sqlx::error::BoxDynError> {
        <String as Decode<Postgres>>::decode(value).map(Self)
    }
}

/// An account as it is stored. (No `Debug`: it holds the hash of a password.)
#[derive(Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub name: Option<String>,
    pub password_hash: Option<HashText>,
    pub roles: String,
    pub epoch: i64,
    pub disabled_at: Option<Timestamp>,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// What must still be so when a session is opened: the values that the password was verified
/// against.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    /// Whose password it was.
    pub id: UserId,
    /// The epoch that was read with the hash.
    pub epoch: i64,
    /// The hash that it was compared with.
    pub hash: &'a str,
}

/// An account as an administrator may see it: without what it is proven with.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub name: Option<String>,
    pub roles: String,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub delete_at: Option<Timestamp>,
}

// What is longer than any hash that can be used is cut, and so is none.
const _: () = assert!(MAX_STORED_BYTES < 256, "the statements read so many characters");

statements! {
    BY_EMAIL_KEY = "SELECT id, email, email_verified_at, name, substr(password_hash, 1, 256) AS password_hash, roles, epoch, disabled_at, last_login_at, created_at FROM users WHERE email_key = $1";
    BY_ID = "SELECT id, email, email_verified_at, name, substr(password_hash, 1, 256) AS password_hash, roles, epoch, disabled_at, last_login_at, created_at FROM users WHERE id = $1";
    INSERT = "INSERT INTO users (id, email, email_key, name, password_hash, roles, epoch, last_login_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8) ON CONFLICT (email_key) DO NOTHING";
    STILL_VERIFIED = "UPDATE users SET last_login_at = $4, password_hash = $5 WHERE id = $1 AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL";
    CHANGE_PASSWORD = "UPDATE users SET password_hash = $4, epoch = epoch + 1 WHERE id = $1 AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL RETURNING epoch";
    RAISE_EPOCH = "UPDATE users SET epoch = epoch + 1 WHERE id = $1 AND disabled_at IS NULL RETURNING epoch";
    ROW = "SELECT id, email, name, roles, created_at, last_login_at, disabled_at, delete_at FROM users WHERE id = $1";
    LIST = "SELECT id, email, name, roles, created_at, last_login_at, disabled_at, delete_at FROM users WHERE id < $1 ORDER BY id DESC LIMIT $2";
    RAISE_EPOCH_OF_ANY = "UPDATE users SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch";
    DISABLE = "UPDATE users SET disabled_at = $2, delete_at = NULL, epoch = epoch + 1 WHERE id = $1 AND disabled_at IS NULL RETURNING epoch";
    ENABLE = "UPDATE users SET disabled_at = NULL, epoch = epoch + 1 WHERE id = $1 AND disabled_at IS NOT NULL RETURNING epoch";
    SET_ROLES = "UPDATE users SET roles = $2, epoch = epoch + 1 WHERE id = $1 AND roles <> $2 RETURNING epoch";
    ADMINS = "SELECT COUNT(*) FROM (SELECT id FROM users WHERE ' ' || roles || ' ' LIKE '% admin %' AND disabled_at IS NULL AND delete_at IS NULL LIMIT 1) one";
    SET_NAME = "UPDATE users SET name = $2 WHERE id = $1 AND disabled_at IS NULL AND name IS DISTINCT FROM $2";
    DELETE_LATER = "UPDATE users SET delete_at = CASE WHEN delete_at IS NULL THEN $4 ELSE delete_at END WHERE id = $1 AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL RETURNING delete_at";
    KEEP = "UPDATE users SET delete_at = NULL WHERE id = $1 AND delete_at IS NOT NULL AND disabled_at IS NULL";
    TO_BE_DELETED = "SELECT delete_at, id FROM users WHERE delete_at <= $1 AND (delete_at > $2 OR delete_at = $2 AND id > $3) ORDER BY delete_at, id LIMIT 100";
    DELETE = "DELETE FROM users WHERE id = $1 AND delete_at <= $2";
}

impl Reader {
    /// The account with this address, given its [`countersign_types::Email::key`].
    pub async fn user_by_email(&mut self, key: &str) -> Result<Option<User>, Error> {
        Ok(on!(self, |c| sqlx::query_as(BY_EMAIL_KEY).bind(key).fetch_optional(c).await?))
    }

    /// One account, without what it is proven with.
    pub async fn user_row(&mut self, id: UserId) -> Result<Option<UserRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(ROW).bind(id).fetch_optional(c).await?))
    }

    /// Accounts that were made before `before`, the newest first.
    pub async fn user_list(&mut self, before: UserId, limit: i64) -> Result<Vec<UserRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(LIST).bind(before).bind(limit).fetch_all(c).await?))
    }

    /// Accounts whose time to be deleted has come, at most 100 of those behind `after`.
    pub async fn users_to_be_deleted(
        &mut self,
        now: Timestamp,
        after: Option<(Timestamp, UserId)>,
    ) -> Result<Vec<(Timestamp, UserId)>, Error> {
        let (time, id) = after.unwrap_or((Timestamp(i64::MIN), UserId(Uuid::nil())));
        Ok(on!(self, |c| sqlx::query_as(TO_BE_DELETED)
            .bind(now)
            .bind(time)
            .bind(id)
            .fetch_all(c)
            .await?))
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
            .bind(user.password_hash.as_deref())
            .bind(&user.roles)
            .bind(user.last_login_at)
            .bind(user.created_at)
            .execute(c)
            .await?
            .rows_affected());
        Ok(done == 1)
    }

    /// The first statement of every log-in: nothing that the password was verified against has
    /// changed meanwhile. Puts `hash` in the place of the old one. `false`: something has
    /// changed; start over.
    pub async fn user_still_verified(
        &mut self,
        verified: Verified<'_>,
        hash: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
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

    /// Another password, for which nothing may have changed since the old one was verified. Returns
    /// the epoch from now on; `None`: something has changed.
    pub async fn user_change_password(
        &mut self,
        verified: Verified<'_>,
        hash: &str,
    ) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(CHANGE_PASSWORD)
            .bind(verified.id)
            .bind(verified.epoch)
            .bind(verified.hash)
            .bind(hash)
            .fetch_optional(c)
            .await?))
    }

    /// Ends every access token of this user. Returns the epoch from now on; `None`: no such
    /// account, or it is disabled.
    pub async fn user_raise_epoch(&mut self, id: UserId) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(RAISE_EPOCH).bind(id).fetch_optional(c).await?))
    }

    /// To be deleted at `at`, or earlier if that was asked for before; nothing may have changed
    /// since the password was verified. Returns whether it was not asked for before; `None`:
    /// something has changed.
    pub async fn user_delete_later(
        &mut self,
        verified: Verified<'_>,
        at: Timestamp,
    ) -> Result<Option<bool>, Error> {
        let delete_at: Option<Timestamp> = on!(self, |c| sqlx::query_scalar(DELETE_LATER)
            .bind(verified.id)
            .bind(verified.epoch)
            .bind(verified.hash)
            .bind(at)
            .fetch_optional(c)
            .await?);
        Ok(delete_at.map(|delete_at| delete_at == at))
    }

    /// Not to be deleted any more. `false`: it was not to be.
    pub async fn user_keep(&mut self, id: UserId) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(KEEP).bind(id).execute(c).await?.rows_affected()) == 1)
    }

    /// Deletes an account whose time has come, with its sessions. `false`: it has not, or the
    /// account is gone already.
    pub async fn user_delete(&mut self, id: UserId, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(DELETE).bind(id).bind(now).execute(c).await?.rows_affected())
            == 1)
    }

    /// Whether there is an administrator whose account is neither disabled nor to be deleted. Ask
    /// while the installation is locked ([`Tx::installation_lock`]).
    pub async fn user_has_admin(&mut self) -> Result<bool, Error> {
        let found: i64 = on!(self, |c| sqlx::query_scalar(ADMINS).fetch_one(c).await?);
        Ok(found > 0)
    }

    /// The same as [`Tx::user_raise_epoch`] for an account that may be disabled.
    pub async fn user_raise_epoch_of_any(&mut self, id: UserId) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(RAISE_EPOCH_OF_ANY).bind(id).fetch_optional(c).await?))
    }

    /// Disables an account, ends every access token, and takes back a deletion that was asked for:
    /// an account that is held is held, whoever asked. Returns the epoch from now on; `None`:
    /// it is disabled already, or there is no such account.
    pub async fn user_disable(&mut self, id: UserId, at: Timestamp) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(DISABLE).bind(id).bind(at).fetch_optional(c).await?))
    }

    /// Enables an account that is disabled. Returns the epoch from now on; `None`: it is not, or
    /// there is no such account.
    pub async fn user_enable(&mut self, id: UserId) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(ENABLE).bind(id).fetch_optional(c).await?))
    }

    /// Other roles, and the end of every access token that says what they were. Returns the epoch
    /// from now on; `None`: they are these, or there is no such account.
    pub async fn user_set_roles(&mut self, id: UserId, roles: &str) -> Result<Option<i64>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(SET_ROLES)
            .bind(id)
            .bind(roles)
            .fetch_optional(c)
            .await?))
    }

    /// `false`: it has this name, is disabled, or there is no such account.
    pub async fn user_set_name(&mut self, id: UserId, name: Option<&str>) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(SET_NAME)
            .bind(id)
            .bind(name)
            .execute(c)
            .await?
            .rows_affected())
            == 1)
    }
}

#[cfg(any(test, feature = "testing"))]
impl Tx {
    /// For tests that need a hash of another kind, or none.
    pub async fn user_set_hash(&mut self, id: UserId, hash: Option<&str>) -> Result<(), Error> {
        on!(self, |c| sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
            .bind(id)
            .bind(hash)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }
}
