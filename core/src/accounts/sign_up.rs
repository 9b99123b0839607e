//! Sign-up. A setup token makes the new user the first administrator. An invitation allows the
//! sign-up of its address.

use crate::{
    Auth, Error, LimitedAction, RequestContext,
    accounts::{
        pending::{PendingCause, PendingSession},
        roles::Roles,
        store::User,
        verification::{LogInStep, SessionStart},
    },
    audit::AuditEntry,
    invitations::presented::PresentedInvitation,
    mail::MailContent,
    one_time_links::{LinkPurpose, LinkToken, store::NewLink},
    passwords::{hasher::Priority, strength::too_weak},
    policy::{SignUpPolicy, Verification},
    sessions::issue_tokens::NewSession,
};
use countersign_types::{
    DisplayName, Email, EventKind, Field, FieldError, FieldErrors, LinkId, Timestamp, UserId,
    VerificationId,
    forms::{NewUser, SignUpForm},
    views::Role,
};

/// The link with which a client signs up. It need not be valid any more.
#[derive(Clone, Copy)]
enum SignUpLink {
    None,
    SetUp(LinkId),
    Invitation(PresentedInvitation),
}

impl SignUpLink {
    /// Returns the role of the new user.
    const fn role(self) -> Role {
        match self {
            Self::SetUp(_) => Role::Admin,
            Self::None | Self::Invitation(_) => Role::User,
        }
    }

    /// Returns whether the link was sent to the address of the new user.
    const fn proves_address(self) -> bool {
        matches!(self, Self::Invitation(invitation) if invitation.proves_address)
    }

    /// Returns whether the account is created only when its address is verified.
    fn is_deferred(self, verification: Verification) -> bool {
        verification == Verification::Required && matches!(self, Self::None)
    }

    /// Returns whether the session begins only when the address is verified.
    fn defers_session(self, verification: Verification) -> bool {
        verification == Verification::Required
            && !self.proves_address()
            && !matches!(self, Self::SetUp(_))
    }
}

/// An account to be created.
struct NewAccount {
    id: UserId,
    name: Option<DisplayName>,
    email: Email,
    password_hash: String,
}

impl Auth {
    /// Creates an account and its first session. `replaces` is the refresh token that came with the
    /// request; its session is revoked.
    ///
    /// If addresses must be verified, nothing is created before, and the result and its time are
    /// the same for every address (ASVS 5.0 6.3.8). Otherwise [`Error::EmailTaken`] reveals that an
    /// account with this address exists; the documentation says so.
    ///
    /// A setup token proves that the operator signs up, so the address need not be verified. An
    /// invitation that was sent to the address verifies it. The link for the administrator does
    /// not: if addresses must be verified, the account is created, and its session begins after
    /// that.
    pub async fn sign_up(
        &self,
        context: &RequestContext,
        form: &SignUpForm,
        replaces: Option<&str>,
    ) -> Result<LogInStep, Error> {
        let link = self.sign_up_link(&form.link_token)?;
        match link {
            SignUpLink::None => self.require_open_sign_up()?,
            SignUpLink::Invitation(_) => self.require_invitations()?,
            SignUpLink::SetUp(_) => {}
        }
        let NewUser { name, email, password } = form.validate()?;
        let slot = self.reserve_hash_slot(context, Priority::Anonymous, None)?;
        // An expired link is reported before anything is created.
        let email = self.check_sign_up_link(link, email).await?;
        let is_deferred = link.is_deferred(self.verification());
        if is_deferred {
            self.require_mail()?;
        }
        // Limits the enumeration of registered addresses, so it comes before the check.
        self.count_network_action(context, LimitedAction::SignUp).await?;
        // Saves the hash in most cases; the unique index decides.
        let key = email.lookup_key();
        if !is_deferred && self.store().read().await?.user_by_email(&key).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let id = UserId(self.new_id(self.clock().now())?);
        let password_hash = self
            .hasher()
            .hash_new(password, id, email.clone(), name.clone(), slot)
            .await?
            .map_err(too_weak(Field::Password))?;
        if is_deferred {
            let name = name.map(|name| name.as_str().to_owned());
            return self
                .defer_session(id, &email, PendingCause::SignUp { name, password_hash })
                .await;
        }
        let account = NewAccount { id, name, email, password_hash };
        self.create_account(context, account, link, replaces).await
    }

    /// Uses the link and creates the account, with its first session unless the address must be
    /// verified before.
    async fn create_account(
        &self,
        context: &RequestContext,
        account: NewAccount,
        link: SignUpLink,
        replaces: Option<&str>,
    ) -> Result<LogInStep, Error> {
        let NewAccount { id, name, email, password_hash } = account;
        let (key, now) = (email.lookup_key(), self.clock().now());
        let user = User {
            email_verified_at: link.proves_address().then_some(now),
            ..new_user(id, name, &email, password_hash, link.role(), now)
        };
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        if let SignUpLink::SetUp(link) = link {
            let is_first = tx.installation_claim_first_admin(now).await?;
            if !is_first || !tx.link_use(link, LinkPurpose::SetUp, now).await? {
                return Err(Error::LinkExpired);
            }
        }
        if !tx.user_insert(&user, &key).await? {
            return Err(Error::EmailTaken);
        }
        if let SignUpLink::Invitation(invitation) = link
            && !tx.link_use(invitation.id, LinkPurpose::Invitation, now).await?
        {
            return Err(Error::LinkExpired);
        }
        if link.defers_session(self.verification()) {
            let entry = AuditEntry::by_owner(EventKind::SignedUp, id, None);
            self.audit(&mut tx, context, now, entry).await?;
            tx.commit().await?;
            let cause = PendingCause::LogIn { epoch: user.epoch };
            return self.defer_session(id, &email, cause).await;
        }
        if self.verification() != Verification::Off && !link.proves_address() {
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
        self.require_open_sign_up().is_ok()
    }

    /// Returns an error unless anyone may sign up: [`Error::InvitationRequired`] or
    /// [`Error::SignUpClosed`].
    pub fn require_open_sign_up(&self) -> Result<(), Error> {
        match self.policy().sign_ups {
            SignUpPolicy::Open => Ok(()),
            SignUpPolicy::Invited => Err(Error::InvitationRequired),
            SignUpPolicy::Closed => Err(Error::SignUpClosed),
        }
    }

    /// Stores a sign-up or the log-in after it until the address is verified. The result of a
    /// sign-up is the same whether an account has that address or not.
    async fn defer_session(
        &self,
        user: UserId,
        email: &Email,
        cause: PendingCause,
    ) -> Result<LogInStep, Error> {
        let tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        let id = VerificationId(self.new_id(now)?);
        let pending = PendingSession {
            id,
            email: email.as_str().to_owned(),
            email_key: email.lookup_key(),
            user,
            cause,
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

    /// Decodes the token that allows a sign-up; it may be empty. Nothing is read.
    fn sign_up_link(&self, token: &str) -> Result<SignUpLink, Error> {
        if token.is_empty() {
            return Ok(SignUpLink::None);
        }
        let token = LinkToken::decode(self.secret(), token).ok_or(Error::LinkExpired)?;
        if token.purpose == LinkPurpose::SetUp {
            return Ok(SignUpLink::SetUp(token.id));
        }
        let invitation = PresentedInvitation::of(token).ok_or(Error::LinkExpired)?;
        Ok(SignUpLink::Invitation(invitation))
    }

    /// Checks that a link is valid at present. Returns the address of the new account: that of the
    /// invitation, as the email was sent to it.
    async fn check_sign_up_link(&self, link: SignUpLink, typed: Email) -> Result<Email, Error> {
        match link {
            SignUpLink::None => Ok(typed),
            SignUpLink::SetUp(id) => {
                let (purpose, now) = (LinkPurpose::SetUp, self.clock().now());
                let link = self.store().read().await?.link_to_address(id, purpose, now).await?;
                link.map(|_| typed).ok_or(Error::LinkExpired)
            }
            SignUpLink::Invitation(PresentedInvitation { id, .. }) => {
                let row = self.valid_invitation(id).await?;
                let invited = Email::parse(&row.email).map_err(|_| Error::LinkExpired)?;
                if invited.lookup_key() == typed.lookup_key() {
                    return Ok(invited);
                }
                Err(FieldErrors::from((Field::Email, FieldError::NotInvited)).into())
            }
        }
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
