//! Verification of email addresses: the sign-ups and log-ins that wait for it, the emails with the
//! link and the code, and what follows when a user presents one of them.
//!
//! A sign-up that must be verified creates no account. The user who reads the address decides which
//! account it gets: the browser that signed up continues with the password that was typed there,
//! and any other browser chooses a new one. Someone who signs up with the address of another person
//! therefore gains nothing. (ASVS 5.0 6.3.8, 6.4.1.)
//!
//! The links themselves are in [`crate::one_time_links`].

use crate::{
    Auth, Error, IssuedTokens, LimitedAction, RequestContext, SignedIn,
    accounts::{
        pending::{PendingCause, PendingSession},
        roles::Roles,
        store::User,
    },
    audit::AuditEntry,
    mail::{MailContent, MailRecipient, QueuedMail},
    one_time_links::LinkPurpose,
    passwords::{hasher::Priority, strength::too_weak},
    policy::Verification,
    rate_limit::throttling::Permit,
    sessions::issue_tokens::NewSession,
    store::WriteTransaction,
};
use countersign_types::{
    Email, EventKind, Field, FieldError, FieldErrors, LinkId, OneTimeCode, TimeSpan, Timestamp,
    UserId, VerificationId,
    forms::ResetPasswordForm,
    views::{Account, LinkAction, Role},
};
use uuid::Uuid;

/// The outcome of a sign-up, or of a log-in with the correct password.
#[derive(Debug)]
#[must_use]
pub enum LogInStep {
    /// A session has begun.
    SignedIn(Box<IssuedTokens>),
    /// A session begins when the user has verified the email address:
    /// [`Auth::complete_verification`].
    NeedsVerification(VerificationId),
}

impl LogInStep {
    /// Returns the tokens, if a session has begun.
    #[must_use]
    pub fn tokens(self) -> Option<IssuedTokens> {
        match self {
            Self::SignedIn(issued) => Some(*issued),
            Self::NeedsVerification(_) => None,
        }
    }
}

/// The part of an email that a user presents.
#[derive(Clone, Copy)]
pub enum AddressProof<'a> {
    /// The code, typed into the page that asked for it.
    Code(&'a OneTimeCode),
    /// The token of the link.
    Link(&'a str),
}

/// A link that verifies an address, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLink {
    /// Identifies the link. It grants no access.
    pub id: LinkId,
    /// The address.
    pub email: String,
    /// The offer of the page.
    pub action: LinkAction,
}

/// The account whose session begins.
pub(crate) struct SessionStart<'a> {
    pub(crate) user: UserId,
    /// The [`Email::lookup_key`] of its address.
    pub(crate) key: &'a str,
    pub(crate) event: EventKind,
    pub(crate) session: NewSession<'a>,
}

/// How long a user who postpones the verification is not asked again.
const VERIFICATION_NOTICE_INTERVAL: TimeSpan = TimeSpan::days(7);

/// The links that confirm an address.
const ADDRESS_PURPOSES: [LinkPurpose; 3] =
    [LinkPurpose::SignUp, LinkPurpose::VerifyEmail, LinkPurpose::ChangeEmail];

impl Auth {
    /// Returns whether addresses must be verified: [`Verification::Off`] without email.
    #[must_use]
    pub fn verification(&self) -> Verification {
        if self.sends_mail() { self.policy().verification } else { Verification::Off }
    }

    /// Stores a sign-up or log-in that waits, sends the email, and commits. The work is the same
    /// whether the address has an account or not; the email differs. Returns `false` if the rest of
    /// the transaction was undone: beyond the limit of emails to one address.
    pub(crate) async fn begin_verification(
        &self,
        mut tx: WriteTransaction,
        pending: &PendingSession,
        now: Timestamp,
    ) -> Result<bool, Error> {
        tx.pending_insert(pending, now).await?;
        if self.send_verification_to(&mut tx, pending.content(), &pending.email, now).await? {
            tx.commit().await?;
            return Ok(true);
        }
        // The email that was sent before stays valid.
        drop(tx);
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        tx.pending_insert(pending, now).await?;
        tx.commit().await?;
        Ok(false)
    }

    /// Sends a link and a code that verify an address. Beyond the limits for requests no email is
    /// sent. Returns `false` beyond the limit for all emails to one address; the caller then undoes
    /// the transaction, which has ended the previous link.
    pub(crate) async fn send_verification_to(
        &self,
        tx: &mut WriteTransaction,
        content: MailContent,
        email: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let key = email.to_ascii_lowercase();
        let purpose = content.link_purpose().unwrap_or(LinkPurpose::VerifyEmail);
        if !self.count_requested_mail(tx, purpose, email, now).await? {
            return Ok(true);
        }
        let link = self.create_link_for_address(tx, purpose, (email, &key), now).await?;
        let recipient = MailRecipient::Address;
        let mail = QueuedMail { content, email, recipient, link: Some(link) };
        self.queue_mail(tx, mail, now).await
    }

    /// Sends the link and the code of a sign-up or log-in that waits once more. It is no error if
    /// nothing waits with this id. The result is the same for every address.
    pub async fn resend_verification(
        &self,
        context: &RequestContext,
        id: VerificationId,
    ) -> Result<(), Error> {
        self.require_mail()?;
        self.count_network_action(context, LimitedAction::NetworkMail).await?;
        let now = self.clock().now();
        let Some(pending) = self.store().read().await?.pending_by_id(id, now).await? else {
            return Ok(());
        };
        if matches!(pending.cause, PendingCause::SignUp { .. }) && !self.accepts_sign_ups() {
            return Ok(());
        }
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        if self.send_verification_to(&mut tx, pending.content(), &pending.email, now).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Completes a sign-up or log-in that waits: creates the account or marks it as verified, and
    /// begins the session. `replaces` is the refresh token that came with the request; its session
    /// is revoked.
    ///
    /// Returns [`Error::LinkExpired`], or [`FieldError::Expired`] for a code, if nothing waits with
    /// this id, the link or code is not valid, or the account has changed meanwhile.
    pub async fn complete_verification(
        &self,
        context: &RequestContext,
        id: VerificationId,
        proof: AddressProof<'_>,
        replaces: Option<&str>,
    ) -> Result<IssuedTokens, Error> {
        // A forged token is rejected without a read.
        let presented = match proof {
            AddressProof::Link(token) => Some(self.address_link_token(token)?),
            AddressProof::Code(_) => None,
        };
        let mut reader = self.store().read().await?;
        let now = self.clock().now();
        let pending = reader.pending_by_id(id, now).await?;
        let purpose = pending.as_ref().map_or(LinkPurpose::SignUp, PendingSession::purpose);
        let newest = match &pending {
            Some(pending) => reader.link_last(&pending.email_key, purpose).await?,
            None => None,
        };
        drop(reader);
        let link = match (proof, presented) {
            (_, Some((_, link))) => link,
            (AddressProof::Link(_), None) => return Err(Error::LinkExpired),
            // The attempt is counted in any case.
            (AddressProof::Code(code), None) => {
                let link = newest.unwrap_or(LinkId(Uuid::nil()));
                self.verify_code(context, purpose, link, code).await?
            }
        };
        let completed = match pending {
            Some(pending) if newest == Some(link) => {
                self.complete_pending(context, &pending, link, replaces).await
            }
            _ => Err(Error::LinkExpired),
        };
        completed.map_err(|error| code_error(proof, error))
    }

    async fn complete_pending(
        &self,
        context: &RequestContext,
        pending: &PendingSession,
        link: LinkId,
        replaces: Option<&str>,
    ) -> Result<IssuedTokens, Error> {
        let PendingSession { email, email_key: key, user, persistent, .. } = pending;
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        // An error undoes the transaction, so everything happens if the link is used, or nothing.
        // The row of the account comes first, as in all transactions.
        let mut is_newly_verified = false;
        let (event, since) = match &pending.cause {
            PendingCause::SignUp { name, password_hash } => {
                // The sign-up may be from before it was closed.
                self.require_open_sign_up()?;
                let new = User {
                    id: *user,
                    email: email.clone(),
                    email_verified_at: Some(now),
                    name: name.clone(),
                    password_hash: Some(password_hash.clone().into()),
                    roles: Roles::new(Role::User),
                    epoch: 0,
                    disabled_at: None,
                    last_login_at: Some(now),
                    created_at: now,
                };
                if !tx.user_insert(&new, key).await? {
                    return Err(Error::LinkExpired);
                }
                (EventKind::SignedUp, now)
            }
            PendingCause::LogIn { epoch } => {
                let found = tx.user_by_email(key).await?.filter(|found| found.id == *user);
                let found = found.ok_or(Error::LinkExpired)?;
                if !tx.user_verify_and_record_log_in(*user, *epoch, now).await? {
                    return Err(Error::LinkExpired);
                }
                is_newly_verified = found.email_verified_at.is_none();
                (EventKind::LoggedIn, found.last_login_at.unwrap_or(found.created_at))
            }
        };
        if !tx.link_use(link, pending.purpose(), now).await? {
            return Err(Error::LinkExpired);
        }
        tx.pending_delete_for_address(key).await?;
        if is_newly_verified {
            let entry = AuditEntry::by_owner(EventKind::EmailVerified, *user, None);
            self.audit(&mut tx, context, now, entry).await?;
        }
        let session = NewSession { user: *user, persistent: *persistent, replaces, since };
        let log_in = SessionStart { user: *user, key, event, session };
        self.begin_session(tx, context, log_in, now).await
    }

    /// Creates an account with the link from an email, in a browser that did not sign up. What
    /// waits for this address is deleted, with the passwords that were typed elsewhere.
    ///
    /// Returns [`Error::LinkExpired`] if the link is not valid, or the address has an account.
    pub async fn sign_up_with_link(
        &self,
        context: &RequestContext,
        token: &str,
        form: &ResetPasswordForm,
        replaces: Option<&str>,
    ) -> Result<IssuedTokens, Error> {
        self.require_open_sign_up()?;
        let purpose = LinkPurpose::SignUp;
        let link = self.link_id(token, purpose)?;
        let slot = self.reserve_hash_slot(context, Priority::Anonymous, Some(link.0.as_bytes()))?;
        let now = self.clock().now();
        let row = self.store().read().await?.link_to_address(link, purpose, now).await?;
        let email = row.filter(|row| row.user_id.is_none()).map(|row| row.email);
        let email = email.and_then(|email| Email::parse(&email).ok()).ok_or(Error::LinkExpired)?;
        let password = form.validate(Some(&email))?;
        let user = UserId(self.new_id(now)?);
        let hash = self
            .hasher()
            .hash_new(password, user, email.clone(), None, slot)
            .await?
            .map_err(too_weak(Field::NewPassword))?;
        let key = email.lookup_key();
        let pending = PendingSession {
            id: VerificationId(Uuid::nil()),
            email: email.as_str().to_owned(),
            email_key: key,
            user,
            cause: PendingCause::SignUp { name: None, password_hash: hash },
            persistent: true,
        };
        self.complete_pending(context, &pending, link, replaces).await
    }

    /// Returns what the page of a link offers, without using it. `held` is the sign-up or log-in
    /// that waits in this browser, and `user` is signed in there.
    ///
    /// Returns [`Error::LinkExpired`] as [`Auth::read_link`] does.
    pub async fn read_address_link(
        &self,
        token: &str,
        held: Option<VerificationId>,
        user: Option<UserId>,
    ) -> Result<AddressLink, Error> {
        let (purpose, id) = self.address_link_token(token)?;
        let mut reader = self.store().read().await?;
        let now = self.clock().now();
        let link = reader.link_to_address(id, purpose, now).await?.ok_or(Error::LinkExpired)?;
        let held = match held {
            Some(held) => reader.pending_by_id(held, now).await?,
            None => None,
        };
        let held = match held.filter(|held| held.purpose() == purpose) {
            Some(held) => reader.link_last(&held.email_key, purpose).await?,
            None => None,
        };
        let owner = if purpose == LinkPurpose::ChangeEmail { link.owner } else { link.user_id };
        let action = if held == Some(id) || owner.is_some() && owner == user {
            LinkAction::Confirm
        } else if owner.is_some() {
            LinkAction::LogIn
        } else {
            LinkAction::ChoosePassword
        };
        Ok(AddressLink { id, email: link.email, action })
    }

    /// Decodes the token of a link that confirms an address.
    fn address_link_token(&self, token: &str) -> Result<(LinkPurpose, LinkId), Error> {
        let purpose = self.link_purpose(token).filter(|it| ADDRESS_PURPOSES.contains(it));
        let purpose = purpose.ok_or(Error::LinkExpired)?;
        Ok((purpose, self.link_id(token, purpose)?))
    }

    /// Creates the session of a new log-in in the transaction that verified or created the user,
    /// commits, and issues the tokens.
    pub(crate) async fn begin_session(
        &self,
        mut tx: WriteTransaction,
        context: &RequestContext,
        log_in: SessionStart<'_>,
        now: Timestamp,
    ) -> Result<IssuedTokens, Error> {
        let SessionStart { user, key, event, session } = log_in;
        let (session, changes) = self.create_session(&mut tx, context, session, now).await?;
        self.audit(&mut tx, context, now, AuditEntry::by_user(event, user, session)).await?;
        let row = tx
            .session_with_user(session, now)
            .await?
            .ok_or_else(|| Error::internal("new session not found"))?;
        self.commit_and_publish(tx, &changes, now).await?;
        let device_cookie = self.issue_device_cookie(context, key, user, row.epoch)?;
        let is_sign_up = event == EventKind::SignedUp;
        let issued = self.issue(&row, row.session.generation, now)?;
        Ok(IssuedTokens { is_sign_up, device_cookie, ..issued })
    }
}

impl SignedIn<'_> {
    /// Sends a link and a code that verify the address of the account. Does nothing if it is
    /// verified.
    pub async fn send_verification(&self) -> Result<(), Error> {
        self.auth.require_mail()?;
        let permit = self.permit(LimitedAction::EmailChange)?;
        let user = self.read_user().await?;
        if user.email_verified_at.is_some() {
            return Ok(());
        }
        let (mut tx, now) = self.begin(permit).await?;
        let content = MailContent::VerifyEmail;
        if self.auth.send_verification_to(&mut tx, content, &user.email, now).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Postpones the verification notice of this session by a week:
    /// [`Account::verification_due`].
    pub async fn postpone_verification(&self) -> Result<(), Error> {
        if !self.account().await?.verification_due {
            return Ok(());
        }
        let mut tx = self.auth.store().write().await?;
        let until = self.auth.clock().now() + VERIFICATION_NOTICE_INTERVAL;
        tx.session_postpone_verification(self.session, until).await?;
        tx.commit().await
    }

    /// Confirms the address of the account, or the new address that it asked for, with a link or
    /// code from the newest email to it. An incorrect code is an attempt for both addresses.
    ///
    /// Returns [`Error::LinkExpired`], or [`FieldError::Expired`] for a code, if it is not valid or
    /// for another account, and [`Error::EmailTaken`] if another account has the new address: only
    /// its owner can learn that.
    pub async fn confirm_email(&self, proof: AddressProof<'_>) -> Result<Account, Error> {
        let permit = self.permit(LimitedAction::EmailChange)?;
        let user = self.read_user().await?;
        let (purpose, link) = match proof {
            AddressProof::Link(token) => self.auth.address_link_token(token)?,
            AddressProof::Code(code) => self.verify_address_code(code).await?,
        };
        let confirmed = match purpose {
            LinkPurpose::ChangeEmail => self.use_email_change(permit, &user, link).await,
            LinkPurpose::VerifyEmail => {
                self.use_verification(permit, &user.email.to_ascii_lowercase(), link).await
            }
            _ => Err(Error::LinkExpired),
        };
        confirmed.map_err(|error| code_error(proof, error))?;
        self.read_changed_account().await
    }

    /// Verifies a code that was sent to the address of the account or to its new address.
    async fn verify_address_code(
        &self,
        code: &OneTimeCode,
    ) -> Result<(LinkPurpose, LinkId), Error> {
        let mut reader = self.auth.store().read().await?;
        let mut links = Vec::new();
        for purpose in [LinkPurpose::VerifyEmail, LinkPurpose::ChangeEmail] {
            let link = reader.link_last_for_user(self.user, purpose).await?;
            links.extend(link.map(|link| (purpose, link)));
        }
        drop(reader);
        // Without a link, the attempt is counted nevertheless.
        self.auth.verify_code_of_any(&self.context, &links, code).await
    }

    async fn use_verification(&self, permit: Permit, key: &str, link: LinkId) -> Result<(), Error> {
        let (mut tx, now) = self.begin(permit).await?;
        let is_new = tx.user_verify_email(self.user, key, now).await?.ok_or(Error::LinkExpired)?;
        if !tx.link_use_for_address(link, LinkPurpose::VerifyEmail, key, now).await? {
            return Err(Error::LinkExpired);
        }
        tx.pending_delete_for_address(key).await?;
        if is_new {
            let entry = AuditEntry::by_user(EventKind::EmailVerified, self.user, self.session);
            self.auth.audit(&mut tx, &self.context, now, entry).await?;
        }
        tx.commit().await
    }
}

/// Returns the error beside the field of the code, if the user typed one.
fn code_error(proof: AddressProof<'_>, error: Error) -> Error {
    match (proof, error) {
        (AddressProof::Code(_), Error::LinkExpired) => {
            FieldErrors::from((Field::Code, FieldError::Expired)).into()
        }
        (_, error) => error,
    }
}
