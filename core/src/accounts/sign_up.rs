//! Sign-up. A setup token makes the new user the first administrator.

use crate::{
    Auth, Error, IssuedTokens, LimitedAction, RequestContext,
    accounts::{roles::Roles, store::User},
    audit::AuditEntry,
    passwords::hasher::Priority,
    sessions::issue_tokens::NewSession,
    setup_token,
};
use countersign_types::{
    DisplayName, Email, EventKind, Field, FieldError, FieldErrors, Timestamp, UserId,
    forms::{NewUser, SignUpForm},
    views::Role,
};

impl Auth {
    /// Creates an account and its first session. `replaces` is the refresh token that came with the
    /// request; its session is revoked.
    ///
    /// [`Error::EmailTaken`] reveals that an account with this address exists. Without email there
    /// is no way to tell only its owner; the documentation says so.
    pub async fn sign_up(
        &self,
        context: &RequestContext,
        form: &SignUpForm,
        replaces: Option<&str>,
    ) -> Result<IssuedTokens, Error> {
        let NewUser { name, email, password } = form.validate()?;
        let slot = self.reserve_hash_slot(context, Priority::Anonymous, None)?;
        // An expired link is reported before anything is created.
        let is_first_admin = !form.setup_token.is_empty();
        if is_first_admin
            && !setup_token::verify(self.secret(), &form.setup_token, self.clock().now())
        {
            return Err(Error::LinkExpired);
        }
        let key = email.lookup_key();
        // Limits the enumeration of registered addresses, so it comes before the check.
        self.count_network_action(context, LimitedAction::SignUp).await?;
        // Saves the hash in most cases; the unique index decides.
        if self.store().read().await?.user_by_email(&key).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let id = UserId(self.new_id(self.clock().now())?);
        let Some(hash) =
            self.hasher().hash_new(password, id, email.clone(), name.clone(), slot).await?
        else {
            return Err(FieldErrors::from((Field::Password, FieldError::TooWeak)).into());
        };
        let now = self.clock().now();
        let role = if is_first_admin { Role::Admin } else { Role::User };
        let user = new_user(id, name, &email, hash, role, now);
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        if is_first_admin && !tx.installation_claim_first_admin(now).await? {
            return Err(Error::LinkExpired);
        }
        if !tx.user_insert(&user, &key).await? {
            return Err(Error::EmailTaken);
        }
        let new_session = NewSession { user: user.id, persistent: true, replaces, since: now };
        let (session, changes) = self.create_session(&mut tx, context, new_session, now).await?;
        self.audit(
            &mut tx,
            context,
            now,
            AuditEntry::by_user(EventKind::SignedUp, user.id, session),
        )
        .await?;
        let row = tx
            .session_with_user(session)
            .await?
            .ok_or_else(|| Error::internal("new session not found"))?;
        self.commit_and_publish(tx, &changes, now).await?;
        let device_cookie = self.issue_device_cookie(context, &key, user.id, row.epoch)?;
        Ok(IssuedTokens { device_cookie, ..self.issue(&row, row.session.generation, now)? })
    }

    /// Issues a setup token, valid for one hour; `None` if there has been an administrator.
    pub async fn issue_setup_token(&self) -> Result<Option<String>, Error> {
        let wanted = self.store().read().await?.installation_has_no_admin().await?;
        Ok(wanted.then(|| setup_token::issue(self.secret(), self.clock().now())))
    }
}

/// Returns the row of a new account. Its id is known before, because the password hash is bound to
/// it.
pub(crate) fn new_user(
    id: UserId,
    name: Option<DisplayName>,
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
        roles: Roles::new(role),
        epoch: 0,
        disabled_at: None,
        last_login_at: Some(now),
        created_at: now,
    }
}
