//! The accounts.

use crate::{
    Error,
    accounts::roles::Roles,
    one_time_links::ADDRESS_RESERVATION,
    passwords::hasher::MAX_STORED_BYTES,
    store::{ReadConnection, WriteTransaction, execute, from_row, statements, with_connection},
};
use countersign_types::{Timestamp, UserId, views::Role};
use sqlx::{Decode, Postgres, Sqlite, Type, postgres::PgTypeInfo, sqlite::SqliteTypeInfo};
use std::ops::Deref;
use uuid::Uuid;

/// The content of the password hash column, of any type and length: a log-in must not fail because
/// of it. Anything that is not text is read as an invalid hash, and long text is truncated.
#[derive(Clone)]
pub struct StoredHashText(String);

impl From<String> for StoredHashText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Deref for StoredHashText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Type<Sqlite> for StoredHashText {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }

    /// SQLite stores values of any type in any column.
    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl Type<Postgres> for StoredHashText {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }

    fn compatible(kind: &PgTypeInfo) -> bool {
        <String as Type<Postgres>>::compatible(kind)
    }
}

impl<'r> Decode<'r, Sqlite> for StoredHashText {
    fn decode(
        value: <Sqlite as sqlx::Database>::ValueRef<'r>,
    ) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(Self(String::from_utf8_lossy(<&[u8] as Decode<Sqlite>>::decode(value)?).into_owned()))
    }
}

impl<'r> Decode<'r, Postgres> for StoredHashText {
    fn decode(
        value: <Postgres as sqlx::Database>::ValueRef<'r>,
    ) -> Result<Self, sqlx::error::BoxDynError> {
        <String as Decode<Postgres>>::decode(value).map(Self)
    }
}

/// A row of the table. It has no `Debug`, because it contains the password hash.
#[derive(Clone)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub name: Option<String>,
    pub password_hash: Option<StoredHashText>,
    pub roles: Roles,
    pub epoch: i64,
    pub disabled_at: Option<Timestamp>,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

from_row!(User {
    id,
    email,
    email_verified_at,
    name,
    password_hash,
    roles,
    epoch,
    disabled_at,
    last_login_at,
    created_at
});

/// The state of an account that the password was verified against. It must be unchanged when the
/// session is created.
#[derive(Clone, Copy)]
pub struct VerifiedCredentials<'a> {
    /// The user.
    pub id: UserId,
    /// The epoch that was read with the hash.
    pub epoch: i64,
    /// The hash that the password was compared with.
    pub hash: &'a str,
}

/// An account as an administrator may see it: without credentials.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct UserSummaryRow {
    pub id: UserId,
    pub email: String,
    pub name: Option<String>,
    pub roles: Roles,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub deletion_scheduled_at: Option<Timestamp>,
}

from_row!(UserSummaryRow {
    id,
    email,
    name,
    roles,
    created_at,
    last_login_at,
    disabled_at,
    deletion_scheduled_at
});

// A longer text is truncated and therefore not a valid hash.
const _: () = assert!(MAX_STORED_BYTES < 256, "the statements read so many characters");

statements! {
    BY_EMAIL_KEY = "SELECT id, email, email_verified_at, name, substr(password_hash, 1, 256) AS \
        password_hash, (SELECT string_agg(role, ' ') FROM csgn_user_roles WHERE user_id = \
        csgn_users.id) AS roles, epoch, disabled_at, last_login_at, created_at FROM csgn_users \
        WHERE email_key = $1";
    BY_ID = "SELECT id, email, email_verified_at, name, substr(password_hash, 1, 256) AS \
        password_hash, (SELECT string_agg(role, ' ') FROM csgn_user_roles WHERE user_id = \
        csgn_users.id) AS roles, epoch, disabled_at, last_login_at, created_at FROM csgn_users \
        WHERE id = $1";
    INSERT = "INSERT INTO csgn_users (id, email, email_key, name, password_hash, epoch, \
        last_login_at, created_at, email_verified_at) SELECT $1, $2, $3, $4, $5, 0, $6, $7, $8 \
        WHERE CAST($8 AS BIGINT) IS NOT NULL OR NOT EXISTS (SELECT 1 FROM csgn_one_time_links \
        WHERE email_key = $3 AND purpose = 'restore_email' AND ended_at IS NULL AND (created_at > \
        $9 OR expires_at > CAST($7 AS BIGINT))) ON CONFLICT (email_key) DO NOTHING";
    INSERT_ROLE = "INSERT INTO csgn_user_roles (user_id, role) VALUES ($1, $2)";
    DELETE_ROLE = "DELETE FROM csgn_user_roles WHERE user_id = $1 AND role = $2";
    RECORD_LOG_IN_IF_UNCHANGED = "UPDATE csgn_users SET last_login_at = $4, password_hash = $5 \
        WHERE id = $1 AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL";
    VERIFY_AND_RECORD_LOG_IN = "UPDATE csgn_users SET email_verified_at = \
        COALESCE(email_verified_at, $3), last_login_at = $3 WHERE id = $1 AND epoch = $2 AND \
        password_hash IS NOT NULL AND disabled_at IS NULL";
    LOCK = "UPDATE csgn_users SET epoch = epoch WHERE id = $1";
    VERIFY_EMAIL = "UPDATE csgn_users SET email_verified_at = COALESCE(email_verified_at, $3) \
        WHERE id = $1 AND email_key = $2 AND disabled_at IS NULL RETURNING email_verified_at";
    IS_UNCHANGED = "UPDATE csgn_users SET epoch = epoch WHERE id = $1 AND epoch = $2 AND \
        password_hash = $3 AND disabled_at IS NULL";
    CHANGE_EMAIL = "UPDATE csgn_users SET email = $3, email_key = $4, email_verified_at = $5 WHERE \
        id = $1 AND email = $2 AND disabled_at IS NULL AND NOT EXISTS (SELECT 1 FROM csgn_users \
        WHERE email_key = $4 AND id <> $1)";
    CHANGE_PASSWORD = "UPDATE csgn_users SET password_hash = $4, epoch = epoch + 1 WHERE id = $1 \
        AND epoch = $2 AND password_hash = $3 AND disabled_at IS NULL RETURNING epoch";
    FORGET_PASSWORD = "UPDATE csgn_users SET password_hash = NULL WHERE id = $1 AND disabled_at IS \
        NULL";
    EMAIL_VERIFIED_AT = "SELECT email_verified_at FROM csgn_users WHERE id = $1";
    RESET_PASSWORD = "UPDATE csgn_users SET password_hash = $2, epoch = epoch + 1, \
        email_verified_at = COALESCE(email_verified_at, $3) WHERE id = $1 AND disabled_at IS NULL \
        RETURNING epoch, email_verified_at";
    RAISE_EPOCH = "UPDATE csgn_users SET epoch = epoch + 1 WHERE id = $1 AND disabled_at IS NULL \
        RETURNING epoch";
    ROW = "SELECT id, email, name, (SELECT string_agg(role, ' ') FROM csgn_user_roles WHERE \
        user_id = csgn_users.id) AS roles, created_at, last_login_at, disabled_at, \
        deletion_scheduled_at FROM csgn_users WHERE id = $1";
    LIST = "SELECT id, email, name, (SELECT string_agg(role, ' ') FROM csgn_user_roles WHERE \
        user_id = csgn_users.id) AS roles, created_at, last_login_at, disabled_at, \
        deletion_scheduled_at FROM csgn_users WHERE id < $1 ORDER BY id DESC LIMIT $2";
    RAISE_EPOCH_EVEN_IF_DISABLED = "UPDATE csgn_users SET epoch = epoch + 1 WHERE id = $1 \
        RETURNING epoch";
    DISABLE = "UPDATE csgn_users SET disabled_at = $2, deletion_scheduled_at = NULL, epoch = epoch \
        + 1 WHERE id = $1 AND disabled_at IS NULL RETURNING epoch";
    ENABLE = "UPDATE csgn_users SET disabled_at = NULL, epoch = epoch + 1 WHERE id = $1 AND \
        disabled_at IS NOT NULL RETURNING epoch";
    RAISE_EPOCH_IF_ROLE_CHANGES = "UPDATE csgn_users SET epoch = epoch + 1 WHERE id = $1 AND \
        EXISTS (SELECT 1 FROM csgn_user_roles WHERE user_id = $1 AND role = $2) <> $3 RETURNING \
        epoch";
    HAS_ACTIVE_USER_WITH_ROLE = "SELECT COUNT(*) FROM (SELECT user_id FROM csgn_user_roles WHERE \
        role = $1 AND EXISTS (SELECT 1 FROM csgn_users WHERE id = user_id AND disabled_at IS NULL \
        AND deletion_scheduled_at IS NULL) LIMIT 1) one";
    SET_NAME = "UPDATE csgn_users SET name = $2 WHERE id = $1 AND disabled_at IS NULL AND name IS \
        DISTINCT FROM $2";
    SCHEDULE_DELETION = "UPDATE csgn_users SET deletion_scheduled_at = CASE WHEN \
        deletion_scheduled_at IS NULL THEN $4 ELSE deletion_scheduled_at END WHERE id = $1 AND \
        epoch = $2 AND password_hash = $3 AND disabled_at IS NULL RETURNING deletion_scheduled_at";
    CANCEL_DELETION = "UPDATE csgn_users SET deletion_scheduled_at = NULL WHERE id = $1 AND \
        deletion_scheduled_at IS NOT NULL AND disabled_at IS NULL";
    DUE_FOR_DELETION = "SELECT deletion_scheduled_at, id FROM csgn_users WHERE \
        deletion_scheduled_at <= $1 AND (deletion_scheduled_at > $2 OR deletion_scheduled_at = $2 \
        AND id > $3) ORDER BY deletion_scheduled_at, id LIMIT 100";
    DELETE = "DELETE FROM csgn_users WHERE id = $1 AND deletion_scheduled_at <= $2";
}

impl ReadConnection {
    /// Whether the owner of an account has proved that they read its address.
    pub(crate) async fn user_email_is_verified(&mut self, id: UserId) -> Result<bool, Error> {
        let verified: Option<Option<Timestamp>> =
            with_connection!(self, |c| sqlx::query_scalar(EMAIL_VERIFIED_AT)
                .bind(id)
                .fetch_optional(c)
                .await?);
        Ok(verified.flatten().is_some())
    }

    /// Returns the account with this address, by its [`countersign_types::Email::lookup_key`].
    pub async fn user_by_email(&mut self, key: &str) -> Result<Option<User>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(BY_EMAIL_KEY)
            .bind(key)
            .fetch_optional(c)
            .await?))
    }

    /// Returns one account without its credentials.
    pub async fn user_summary(&mut self, id: UserId) -> Result<Option<UserSummaryRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(ROW).bind(id).fetch_optional(c).await?))
    }

    /// Returns accounts created before `before`, newest first.
    pub async fn user_list(
        &mut self,
        before: UserId,
        limit: i64,
    ) -> Result<Vec<UserSummaryRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LIST)
            .bind(before)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// Returns accounts whose deletion is due, at most 100 of those after `after`.
    pub async fn users_due_for_deletion(
        &mut self,
        now: Timestamp,
        after: Option<(Timestamp, UserId)>,
    ) -> Result<Vec<(Timestamp, UserId)>, Error> {
        let (time, id) = after.unwrap_or((Timestamp(i64::MIN), UserId(Uuid::nil())));
        Ok(with_connection!(self, |c| sqlx::query_as(DUE_FOR_DELETION)
            .bind(now)
            .bind(time)
            .bind(id)
            .fetch_all(c)
            .await?))
    }

    /// Returns the account with this id.
    pub async fn user_by_id(&mut self, id: UserId) -> Result<Option<User>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(BY_ID).bind(id).fetch_optional(c).await?))
    }
}

impl WriteTransaction {
    /// Inserts an account with its roles. Returns `false` if the address is taken. One that is not
    /// verified is taken as long as the owner of another account can restore it.
    pub async fn user_insert(&mut self, user: &User, email_key: &str) -> Result<bool, Error> {
        let done = execute!(
            self,
            INSERT,
            user.id,
            &user.email,
            email_key,
            &user.name,
            user.password_hash.as_deref(),
            user.last_login_at,
            user.created_at,
            user.email_verified_at,
            user.created_at - ADDRESS_RESERVATION
        );
        if done == 0 {
            return Ok(false);
        }
        for role in user.roles.further() {
            self.user_write_role(user.id, *role, true).await?;
        }
        Ok(true)
    }

    /// Records a log-in and stores `hash`, as the first statement of the transaction. Returns
    /// `false` if the account changed since the password was verified.
    pub async fn user_record_log_in_if_unchanged(
        &mut self,
        verified: VerifiedCredentials<'_>,
        hash: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let done = execute!(
            self,
            RECORD_LOG_IN_IF_UNCHANGED,
            verified.id,
            verified.epoch,
            verified.hash,
            now,
            hash
        );
        Ok(done == 1)
    }

    /// Marks the address as verified and records a log-in. Returns `false` if the account changed
    /// since the password was verified.
    pub(crate) async fn user_verify_and_record_log_in(
        &mut self,
        id: UserId,
        epoch: i64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, VERIFY_AND_RECORD_LOG_IN, id, epoch, now) == 1)
    }

    /// Marks an address as verified. Returns whether it was not verified before, or `None` if the
    /// account does not have this address or is disabled.
    pub(crate) async fn user_verify_email(
        &mut self,
        id: UserId,
        email_key: &str,
        now: Timestamp,
    ) -> Result<Option<bool>, Error> {
        let verified_at: Option<Timestamp> =
            with_connection!(self, |c| sqlx::query_scalar(VERIFY_EMAIL)
                .bind(id)
                .bind(email_key)
                .bind(now)
                .fetch_optional(c)
                .await?);
        Ok(verified_at.map(|verified_at| verified_at == now))
    }

    /// Locks the row of an account, which all transactions lock before rows that refer to it.
    pub(crate) async fn user_lock(&mut self, id: UserId) -> Result<(), Error> {
        execute!(self, LOCK, id);
        Ok(())
    }

    /// Whether the account is unchanged since the password was verified. Locks its row.
    pub(crate) async fn user_is_unchanged(
        &mut self,
        verified: VerifiedCredentials<'_>,
    ) -> Result<bool, Error> {
        Ok(execute!(self, IS_UNCHANGED, verified.id, verified.epoch, verified.hash) == 1)
    }

    /// Changes the address, whose new owner has read an email there. Returns `false` if the account
    /// has changed since `old` was read, or another account has the new address.
    pub(crate) async fn user_change_email(
        &mut self,
        id: UserId,
        old: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let changed = with_connection!(self, |c| match sqlx::query(CHANGE_EMAIL)
            .bind(id)
            .bind(old)
            .bind(new)
            .bind(new.to_ascii_lowercase())
            .bind(now)
            .execute(c)
            .await
        {
            // Another account has got the address in a concurrent transaction. This one cannot
            // continue; its repetition finds that account.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => None,
            done => Some(done?.rows_affected()),
        });
        changed.map(|rows| rows == 1).ok_or(Error::Overloaded { retry_after: 1 })
    }

    /// Changes the password and raises the epoch. Returns the new epoch, or `None` if the account
    /// changed since the old password was verified.
    pub async fn user_change_password(
        &mut self,
        verified: VerifiedCredentials<'_>,
        hash: &str,
    ) -> Result<Option<i64>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(CHANGE_PASSWORD)
            .bind(verified.id)
            .bind(verified.epoch)
            .bind(verified.hash)
            .bind(hash)
            .fetch_optional(c)
            .await?))
    }

    /// Removes the password of an account, so that only a link sets the next one. Returns `false`
    /// if the account is disabled or does not exist.
    pub(crate) async fn user_forget_password(&mut self, id: UserId) -> Result<bool, Error> {
        Ok(execute!(self, FORGET_PASSWORD, id) == 1)
    }

    /// Sets the password of an account whose owner has read an email, and raises the epoch. Returns
    /// the new epoch and whether the address was not verified before, or `None` if the account is
    /// disabled or does not exist.
    pub(crate) async fn user_reset_password(
        &mut self,
        id: UserId,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<(i64, bool)>, Error> {
        let done: Option<(i64, Timestamp)> =
            with_connection!(self, |c| sqlx::query_as(RESET_PASSWORD)
                .bind(id)
                .bind(hash)
                .bind(now)
                .fetch_optional(c)
                .await?);
        Ok(done.map(|(epoch, verified_at)| (epoch, verified_at == now)))
    }

    /// Raises the epoch, which revokes all access tokens of the user. Returns the new epoch, or
    /// `None` if there is no such account or it is disabled.
    pub async fn user_raise_epoch(&mut self, id: UserId) -> Result<Option<i64>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(RAISE_EPOCH)
            .bind(id)
            .fetch_optional(c)
            .await?))
    }

    /// Schedules the deletion at `at`; an earlier schedule stays. Returns whether it is new, or
    /// `None` if the account changed since the password was verified.
    pub async fn user_schedule_deletion(
        &mut self,
        verified: VerifiedCredentials<'_>,
        at: Timestamp,
    ) -> Result<Option<bool>, Error> {
        let delete_at: Option<Timestamp> =
            with_connection!(self, |c| sqlx::query_scalar(SCHEDULE_DELETION)
                .bind(verified.id)
                .bind(verified.epoch)
                .bind(verified.hash)
                .bind(at)
                .fetch_optional(c)
                .await?);
        Ok(delete_at.map(|delete_at| delete_at == at))
    }

    /// Cancels a scheduled deletion. Returns `false` if none was scheduled.
    pub async fn user_cancel_deletion(&mut self, id: UserId) -> Result<bool, Error> {
        Ok(execute!(self, CANCEL_DELETION, id) == 1)
    }

    /// Deletes an account whose deletion is due, with its sessions. Returns `false` if it is not
    /// due or does not exist.
    pub async fn user_delete(&mut self, id: UserId, now: Timestamp) -> Result<bool, Error> {
        Ok(execute!(self, DELETE, id, now) == 1)
    }

    /// Whether there is an administrator whose account is neither disabled nor scheduled for
    /// deletion. It must be called with the lock of [`WriteTransaction::installation_lock`].
    pub async fn has_active_admin(&mut self) -> Result<bool, Error> {
        let found: i64 = with_connection!(self, |c| sqlx::query_scalar(HAS_ACTIVE_USER_WITH_ROLE)
            .bind(Role::Admin.as_str())
            .fetch_one(c)
            .await?);
        Ok(found > 0)
    }

    /// Like [`WriteTransaction::user_raise_epoch`], also for a disabled account.
    pub async fn user_raise_epoch_even_if_disabled(
        &mut self,
        id: UserId,
    ) -> Result<Option<i64>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(RAISE_EPOCH_EVEN_IF_DISABLED)
            .bind(id)
            .fetch_optional(c)
            .await?))
    }

    /// Disables an account, raises its epoch, and cancels a scheduled deletion: a disabled account
    /// is kept. Returns the new epoch, or `None` if it is disabled already or does not exist.
    pub async fn user_disable(&mut self, id: UserId, at: Timestamp) -> Result<Option<i64>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(DISABLE)
            .bind(id)
            .bind(at)
            .fetch_optional(c)
            .await?))
    }

    /// Enables a disabled account. Returns the new epoch, or `None` if it is enabled already or
    /// does not exist.
    pub async fn user_enable(&mut self, id: UserId) -> Result<Option<i64>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(ENABLE)
            .bind(id)
            .fetch_optional(c)
            .await?))
    }

    /// Grants or removes a role and raises the epoch. Returns the new epoch, or `None` if nothing
    /// changes or there is no such account. It must be called with the lock of
    /// [`WriteTransaction::installation_lock`].
    pub async fn user_set_role(
        &mut self,
        id: UserId,
        role: Role,
        granted: bool,
    ) -> Result<Option<i64>, Error> {
        // First the row of the user, because all transactions lock it before rows that refer to it.
        let epoch = with_connection!(self, |c| sqlx::query_scalar(RAISE_EPOCH_IF_ROLE_CHANGES)
            .bind(id)
            .bind(role.as_str())
            .bind(granted)
            .fetch_optional(c)
            .await?);
        if epoch.is_some() {
            self.user_write_role(id, role, granted).await?;
        }
        Ok(epoch)
    }

    /// Inserts or deletes the row of a role.
    async fn user_write_role(
        &mut self,
        id: UserId,
        role: Role,
        granted: bool,
    ) -> Result<(), Error> {
        let statement = if granted { INSERT_ROLE } else { DELETE_ROLE };
        execute!(self, statement, id, role.as_str());
        Ok(())
    }

    /// Sets the display name. Returns `false` if nothing changes, or if the account is disabled or
    /// does not exist.
    pub async fn user_set_name(&mut self, id: UserId, name: Option<&str>) -> Result<bool, Error> {
        Ok(execute!(self, SET_NAME, id, name) == 1)
    }
}

#[cfg(any(test, feature = "testing"))]
impl WriteTransaction {
    /// Sets or removes the password hash, for tests.
    pub async fn user_set_hash(&mut self, id: UserId, hash: Option<&str>) -> Result<(), Error> {
        with_connection!(self, |c| sqlx::query(
            "UPDATE csgn_users SET password_hash = $2 WHERE id = $1"
        )
        .bind(id)
        .bind(hash)
        .execute(c)
        .await
        .map(drop)?);
        Ok(())
    }
}
