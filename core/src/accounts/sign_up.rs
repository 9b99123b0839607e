//! Sign-up. A setup token makes the new user the first administrator.

use crate::{
    Auth, Error, LimitedAction, RequestContext,
    accounts::{
        pending::{PendingCause, PendingSession},
        roles::Roles,
        store::User,
        verification::{LogInStep, SessionStart},
    },
    mail::MailContent,
    one_time_links::{LinkPurpose, LinkToken, store::NewLink},
    passwords::{hasher::Priority, strength::too_weak},
    policy::{SignUpPolicy, Verification},
    sessions::issue_tokens::NewSession,
};
use countersign_types::{
    DisplayName, Email, EventKind, Field, LinkId, Timestamp, UserId, VerificationId,
    forms::{NewUser, SignUpForm},
    views::Role,
};

impl Auth {
    /// Creates an account and its first session. `replaces` is the refresh token that came with the
    /// request; its session is revoked.
    ///
    /// If addresses must be verified, nothing is created before, and the result and its time are
    /// the same for every address (ASVS 5.0 6.3.8). Otherwise [`Error::EmailTaken`] reveals that an
    /// account with this address exists; the documentation says so.
    ///
    /// A setup token proves that the operator signs up, so the address need not be verified.
    pub async fn sign_up(
        &self,
        context: &RequestContext,
        form: &SignUpForm,
        replaces: Option<&str>,
    ) -> Result<LogInStep, Error> {
        // The setup token is verified below.
        if form.setup_token.is_empty() {
            self.require_open_sign_up()?;
        }
        let NewUser { name, email, password } = form.validate()?;
        let slot = self.reserve_hash_slot(context, Priority::Anonymous, None)?;
        // An expired link is reported before anything is created.
        let setup_link = self.setup_link(&form.setup_token).await?;
        let is_first_admin = setup_link.is_some();
        let key = email.lookup_key();
        let is_deferred = self.verification() == Verification::Required && !is_first_admin;
        if is_deferred {
            self.require_mail()?;
        }
        // Limits the enumeration of registered addresses, so it comes before the check.
        self.count_network_action(context, LimitedAction::SignUp).await?;
        // Saves the hash in most cases; the unique index decides.
        if !is_deferred && self.store().read().await?.user_by_email(&key).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let id = UserId(self.new_id(self.clock().now())?);
        let hash = self
            .hasher()
            .hash_new(password, id, email.clone(), name.clone(), slot)
            .await?
            .map_err(too_weak(Field::Password))?;
        if is_deferred {
            let name = name.map(|name| name.as_str().to_owned());
            return self.defer_sign_up(id, name, &email, hash).await;
        }
        let now = self.clock().now();
        let role = if is_first_admin { Role::Admin } else { Role::User };
        let user = new_user(id, name, &email, hash, role, now);
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        if let Some(link) = setup_link {
            let is_first = tx.installation_claim_first_admin(now).await?;
            if !is_first || !tx.link_use(link, LinkPurpose::SetUp, now).await? {
                return Err(Error::LinkExpired);
            }
        }
        if !tx.user_insert(&user, &key).await? {
            return Err(Error::EmailTaken);
        }
        if self.verification() != Verification::Off {
            // Beyond the limit for one address, the account is created without an email.
            let template = MailContent::VerifyEmail;
            self.send_verification_to(&mut tx, template, &user.email, now).await?;
        }
        let session = NewSession { user: user.id, persistent: true, replaces, since: now };
        let log_in = SessionStart { user: user.id, key: &key, event: EventKind::SignedUp, session };
        let issued = self.begin_session(tx, context, log_in, now).await?;
        Ok(LogInStep::SignedIn(Box::new(issued)))
    }

    /// Returns whether anyone may sign up.
    #[must_use]
    pub fn accepts_sign_ups(&self) -> bool {
        self.policy().sign_ups == SignUpPolicy::Open
    }

    /// Returns [`Error::SignUpClosed`] unless anyone may sign up.
    pub(crate) fn require_open_sign_up(&self) -> Result<(), Error> {
        if self.accepts_sign_ups() { Ok(()) } else { Err(Error::SignUpClosed) }
    }

    /// Stores a sign-up until its address is verified, whether an account has that address or not.
    async fn defer_sign_up(
        &self,
        user: UserId,
        name: Option<String>,
        email: &Email,
        password_hash: String,
    ) -> Result<LogInStep, Error> {
        let tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        let id = VerificationId(self.new_id(now)?);
        let pending = PendingSession {
            id,
            email: email.as_str().to_owned(),
            email_key: email.lookup_key(),
            user,
            cause: PendingCause::SignUp { name, password_hash },
            persistent: true,
        };
        self.begin_verification(tx, &pending, now).await?;
        Ok(LogInStep::NeedsVerification(id))
    }

    /// Issues a setup token, valid for one hour; `None` if there has been an administrator. Those
    /// of other nodes stay valid.
    pub async fn issue_setup_token(&self) -> Result<Option<String>, Error> {
        if !self.store().read().await?.installation_has_no_admin().await? {
            return Ok(None);
        }
        let (purpose, mut tx) = (LinkPurpose::SetUp, self.store().write().await?);
        let now = self.clock().now();
        let id = LinkId(self.new_id(now)?);
        let link = NewLink { id, purpose, email: "", email_key: "", session: None };
        tx.link_insert_for_address(&link, now).await?;
        tx.link_start_validity(id, purpose, false, now).await?;
        tx.commit().await?;
        Ok(Some(LinkToken { purpose, id }.encode(self.secret())))
    }

    /// Returns the valid link of a setup token; `None` if the form has none.
    async fn setup_link(&self, token: &str) -> Result<Option<LinkId>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let (purpose, now) = (LinkPurpose::SetUp, self.clock().now());
        let id = self.link_id(token, purpose)?;
        let link = self.store().read().await?.link_to_address(id, purpose, now).await?;
        link.map(|_| Some(id)).ok_or(Error::LinkExpired)
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
