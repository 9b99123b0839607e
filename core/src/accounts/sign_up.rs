//! Sign-up. A setup token makes the new user the first administrator. An invitation allows the
//! sign-up of its address.

use crate::{
    Auth, Error, LimitedAction, RequestContext,
    accounts::{
        invitation::PresentedInvitation,
        pending::{PendingCause, PendingSession},
        roles::Roles,
        store::User,
        verification::{LogInStep, SessionStart},
    },
    audit::AuditEntry,
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

/// A link that allows a sign-up, as a client presents it. It need not be valid any more.
#[derive(Clone, Copy)]
enum SignUpLink {
    SetUp(LinkId),
    Invitation(PresentedInvitation),
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
    /// invitation that was sent to the address verifies it. One that was passed on does not: if
    /// addresses must be verified, the account is created, and its session begins after that.
    pub async fn sign_up(
        &self,
        context: &RequestContext,
        form: &SignUpForm,
        replaces: Option<&str>,
    ) -> Result<LogInStep, Error> {
        let link = self.sign_up_link(&form.link_token)?;
        match link {
            None => self.require_open_sign_up()?,
            Some(SignUpLink::Invitation(_)) => self.require_invitations()?,
            Some(SignUpLink::SetUp(_)) => {}
        }
        let NewUser { name, email, password } = form.validate()?;
        let slot = self.reserve_hash_slot(context, Priority::Anonymous, None)?;
        // An expired link is reported before anything is created.
        let email = self.check_sign_up_link(link, email).await?;
        let key = email.lookup_key();
        let must_verify = self.verification() == Verification::Required;
        let is_deferred = must_verify && link.is_none();
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
            let cause = PendingCause::SignUp { name, password_hash: hash };
            return self.defer(id, &email, cause).await;
        }
        let now = self.clock().now();
        let is_first_admin = matches!(link, Some(SignUpLink::SetUp(_)));
        let role = if is_first_admin { Role::Admin } else { Role::User };
        let proves_address = matches!(link, Some(SignUpLink::Invitation(it)) if it.proves_address);
        let user = User {
            email_verified_at: proves_address.then_some(now),
            ..new_user(id, name, &email, hash, role, now)
        };
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        if let Some(SignUpLink::SetUp(link)) = link {
            let is_first = tx.installation_claim_first_admin(now).await?;
            if !is_first || !tx.link_use(link, LinkPurpose::SetUp, now).await? {
                return Err(Error::LinkExpired);
            }
        }
        if !tx.user_insert(&user, &key).await? {
            return Err(Error::EmailTaken);
        }
        if let Some(SignUpLink::Invitation(PresentedInvitation { id: link, .. })) = link {
            if !tx.link_use(link, LinkPurpose::Invitation, now).await? {
                return Err(Error::LinkExpired);
            }
            if must_verify && !proves_address {
                let entry = AuditEntry::by_owner(EventKind::SignedUp, id, None);
                self.audit(&mut tx, context, now, entry).await?;
                tx.commit().await?;
                return self.defer(id, &email, PendingCause::LogIn { epoch: user.epoch }).await;
            }
        }
        if self.verification() != Verification::Off && !proves_address {
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
    async fn defer(
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

    /// Decodes the token that allows a sign-up; `None` without one. Nothing is read.
    fn sign_up_link(&self, token: &str) -> Result<Option<SignUpLink>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let token = LinkToken::decode(self.secret(), token).ok_or(Error::LinkExpired)?;
        if token.purpose == LinkPurpose::SetUp {
            return Ok(Some(SignUpLink::SetUp(token.id)));
        }
        let invitation = PresentedInvitation::of(token).ok_or(Error::LinkExpired)?;
        Ok(Some(SignUpLink::Invitation(invitation)))
    }

    /// Checks that a link is valid at present. Returns the address of the new account: that of the
    /// invitation, as the email was sent to it.
    async fn check_sign_up_link(
        &self,
        link: Option<SignUpLink>,
        typed: Email,
    ) -> Result<Email, Error> {
        match link {
            None => Ok(typed),
            Some(SignUpLink::SetUp(id)) => {
                let (purpose, now) = (LinkPurpose::SetUp, self.clock().now());
                let link = self.store().read().await?.link_to_address(id, purpose, now).await?;
                link.map(|_| typed).ok_or(Error::LinkExpired)
            }
            Some(SignUpLink::Invitation(PresentedInvitation { id, .. })) => {
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
