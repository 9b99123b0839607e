//! Log-in with a password.

use crate::{
    Auth, Error, IssuedTokens, LimitedAction, RequestContext,
    accounts::{
        pending::{PendingCause, PendingSession},
        store::{User, VerifiedCredentials},
        verification::LogInStep,
    },
    audit::AuditEntry,
    mail::{MailContent, Notice, Origin},
    one_time_links::LinkOwner,
    passwords::hasher::{PasswordMatch, Priority, QueueSlot, UserPasswordHash},
    policy::Verification,
    rate_limit::{device_cookie::DeviceCookie, throttling::Attempt},
    sessions::issue_tokens::NewSession,
};
use countersign_types::{
    EventKind, Password, UserId, VerificationId,
    forms::{Credentials, LogInForm},
};

/// Maximum number of retries when the account changes while the password is verified.
const MAX_RETRIES: usize = 3;

/// A client with a slot in the hash queue.
struct Admitted {
    priority: Priority,
    /// The key of the quota that the slot counts for, in addition to the network's.
    quota_key: Option<Vec<u8>>,
    /// The device cookie, if it is valid for the account.
    device: Option<DeviceCookie>,
    slot: QueueSlot,
}

/// The parts of a log-in request.
struct LogInRequest<'a> {
    key: &'a str,
    password: &'a Password,
    persistent: bool,
    replaces: Option<&'a str>,
}

/// The outcome of a password check.
enum LogInOutcome {
    Next(LogInStep),
    /// The password was wrong or the account is disabled; with the user, if there is one.
    Failed(Option<UserId>),
}

/// A correct password and what it was compared with.
struct VerifiedLogIn<'a> {
    user: &'a User,
    key: &'a str,
    stored: &'a str,
    password: &'a Password,
    needs_rehash: bool,
    priority: Priority,
    attempt: &'a Attempt,
}

impl Auth {
    /// Logs in. `replaces` is the refresh token that came with the request; its session is revoked.
    ///
    /// If addresses must be verified, no session of an account begins before. The correct password
    /// sends the email.
    ///
    /// An unknown address, a wrong password, an account without a password and a disabled account
    /// take the same time and return the same [`Error::InvalidCredentials`] (ASVS 5.0 6.3.8).
    pub async fn log_in(
        &self,
        context: &RequestContext,
        form: &LogInForm,
        replaces: Option<&str>,
    ) -> Result<LogInStep, Error> {
        let Credentials { email, password, remember_me } = form.validate()?;
        let key = email.lookup_key();
        // A client without a slot is rejected before anything is read or counted, so that a flood
        // costs nothing more.
        let admitted = self.admit(context, &key).await?;
        // Counted before the account is read, because the time would reveal whether it exists.
        let attempt = self
            .count_password_attempt(context, &key, admitted.device.as_ref().map(DeviceCookie::id))
            .await?;
        let request =
            LogInRequest { key: &key, password: &password, persistent: remember_me, replaces };
        match self.compare(context, request, admitted, &attempt).await {
            Ok(LogInOutcome::Next(step)) => Ok(step),
            Ok(LogInOutcome::Failed(user)) => self.record_failed_log_in(context, user).await,
            Err(error) => self.undo_attempt(&attempt, error).await,
        }
    }

    /// Compares the password and creates the session. An error means that the password was not
    /// found wrong.
    async fn compare(
        &self,
        context: &RequestContext,
        request: LogInRequest<'_>,
        admitted: Admitted,
        attempt: &Attempt,
    ) -> Result<LogInOutcome, Error> {
        let LogInRequest { key, password, persistent, replaces } = request;
        let Admitted { priority, quota_key, mut slot, .. } = admitted;
        let mut user = self.store().read().await?.user_by_email(key).await?;
        for _ in 0..MAX_RETRIES {
            let stored = user.as_ref().and_then(|user| {
                Some(UserPasswordHash { user: user.id, hash: user.password_hash.as_deref()? })
            });
            let matched = self.hasher().verify(password.clone(), stored, slot).await?;
            let (Some(found), Some(UserPasswordHash { hash: stored, .. }), true) =
                (&user, stored, matched != PasswordMatch::NoMatch)
            else {
                return Ok(LogInOutcome::Failed(user.map(|user| user.id)));
            };
            if found.disabled_at.is_some() {
                return Ok(LogInOutcome::Failed(Some(found.id)));
            }
            let proof = VerifiedLogIn {
                user: found,
                key,
                stored,
                password,
                needs_rehash: matched == PasswordMatch::MatchNeedsRehash,
                priority,
                attempt,
            };
            if found.email_verified_at.is_none() && self.verification() == Verification::Required {
                let step = self.defer_log_in(context, &proof, persistent).await?;
                return Ok(LogInOutcome::Next(step));
            }
            let new_session = NewSession {
                user: found.id,
                persistent,
                replaces,
                since: found.last_login_at.unwrap_or(found.created_at),
            };
            if let Some(issued) = self.complete_log_in(context, proof, new_session).await? {
                return Ok(LogInOutcome::Next(LogInStep::SignedIn(Box::new(issued))));
            }
            user = self.store().read().await?.user_by_email(key).await?;
            slot = self.reserve_hash_slot(context, priority, quota_key.as_deref())?;
        }
        Err(Error::Overloaded { retry_after: 1 })
    }

    /// Reserves a slot in the hash queue, with priority for a device that has logged in to the
    /// account before. Such a device is rejected here if its user has exceeded the log-in limit, so
    /// that no hash is computed and the priority queue is not filled. Other clients learn of that
    /// limit only with a correct password.
    async fn admit(&self, context: &RequestContext, key: &str) -> Result<Admitted, Error> {
        if let Some(cookie) = self.device_cookie(context, key) {
            let quota_key = self.device_slot(key, cookie.id());
            let slot = self.reserve_hash_slot(context, Priority::KnownDevice, Some(&quota_key))?;
            // The account is read only now, and only for a client whose cookie shows that it
            // existed.
            let mut reader = self.store().read().await?;
            let user = reader
                .user_by_email(key)
                .await?
                .filter(|user| cookie.is_valid_for(self.secret(), key, user.id, user.epoch));
            if let Some(user) = user {
                self.check_limit(&mut reader, context, LimitedAction::LogIn, user.id).await?;
                return Ok(Admitted {
                    priority: Priority::KnownDevice,
                    quota_key: Some(quota_key),
                    device: Some(cookie),
                    slot,
                });
            }
        }
        Ok(Admitted {
            priority: Priority::Anonymous,
            quota_key: None,
            device: None,
            slot: self.reserve_hash_slot(context, Priority::Anonymous, None)?,
        })
    }

    /// Completes a log-in with a correct password. Returns `None` if the account changed meanwhile.
    async fn complete_log_in(
        &self,
        context: &RequestContext,
        proof: VerifiedLogIn<'_>,
        new_session: NewSession<'_>,
    ) -> Result<Option<IssuedTokens>, Error> {
        let VerifiedLogIn { user, key, stored, attempt, .. } = proof;
        let permit = match self.permit(context, LimitedAction::LogIn, user.id) {
            Ok(permit) => permit,
            Err(error) => return self.settle_attempt_and_fail(attempt, error).await,
        };
        let upgraded = self.rehash(context, &proof).await?;
        let mut tx = self.store().write().await?;
        let now = self.clock().now();
        let verified = VerifiedCredentials { id: user.id, epoch: user.epoch, hash: stored };
        if !tx
            .user_record_log_in_if_unchanged(verified, upgraded.as_deref().unwrap_or(stored), now)
            .await?
        {
            // Waits for the commit of what this transaction saw: a reader does not see it before.
            tx.commit().await?;
            return Ok(None);
        }
        attempt.succeed(&mut tx, now).await?;
        if let Err(error) = self.count_user_action(&mut tx, context, permit, user.id, now).await {
            drop(tx);
            return self.settle_attempt_and_fail(attempt, error).await;
        }
        let (session, changes) = self.create_session(&mut tx, context, new_session, now).await?;
        self.audit(
            &mut tx,
            context,
            now,
            AuditEntry::by_user(EventKind::LoggedIn, user.id, session),
        )
        .await?;
        let row = tx
            .session_with_user(session, now)
            .await?
            .ok_or_else(|| Error::internal("new session not found"))?;
        // A browser without the device cookie is known if it has logged in from the same address.
        if self.sends_mail()
            && proof.priority != Priority::KnownDevice
            && !tx.session_device_was_seen(user.id, session).await?
        {
            let notice = Notice {
                content: MailContent::NewDevice(Origin::new(context, now)),
                owner: LinkOwner { user: user.id, email: &row.email, session: Some(session) },
            };
            self.queue_notice(&mut tx, notice, now).await?;
        }
        self.commit_and_publish(tx, &changes, now).await?;
        let device_cookie = self.issue_device_cookie(context, key, user.id, row.epoch)?;
        Ok(Some(IssuedTokens { device_cookie, ..self.issue(&row, row.session.generation, now)? }))
    }

    /// Stores a log-in with a correct password until the address is verified.
    async fn defer_log_in(
        &self,
        context: &RequestContext,
        proof: &VerifiedLogIn<'_>,
        persistent: bool,
    ) -> Result<LogInStep, Error> {
        let VerifiedLogIn { user, key, attempt, .. } = proof;
        let prepared = match self.require_mail() {
            Ok(()) => self.permit(context, LimitedAction::LogIn, user.id),
            Err(error) => Err(error),
        };
        let permit = match prepared {
            Ok(permit) => permit,
            Err(error) => return self.settle_attempt_and_fail(attempt, error).await,
        };
        let mut tx = self.store().write().await?;
        let now = self.clock().now();
        attempt.succeed(&mut tx, now).await?;
        if let Err(error) = self.count_user_action(&mut tx, context, permit, user.id, now).await {
            drop(tx);
            return self.settle_attempt_and_fail(attempt, error).await;
        }
        let id = VerificationId(self.new_id(now)?);
        let pending = PendingSession {
            id,
            email: user.email.clone(),
            email_key: (*key).to_owned(),
            user: user.id,
            cause: PendingCause::LogIn { epoch: user.epoch },
            persistent,
        };
        if !self.begin_verification(tx, &pending, now).await? {
            let mut tx = self.store().write().await?;
            attempt.succeed(&mut tx, now).await?;
            tx.commit().await?;
        }
        Ok(LogInStep::NeedsVerification(id))
    }

    /// Returns a new hash if the stored one needs a rehash. Returns `None` if not, or without
    /// capacity: a correct password is not rejected for that, and the next log-in tries again.
    async fn rehash(
        &self,
        context: &RequestContext,
        proof: &VerifiedLogIn<'_>,
    ) -> Result<Option<String>, Error> {
        if !proof.needs_rehash {
            return Ok(None);
        }
        let Ok(slot) = self.reserve_hash_slot(context, proof.priority, None) else {
            return Ok(None);
        };
        match self.hasher().hash(proof.password.clone(), proof.user.id, slot).await {
            Ok(hash) => Ok(Some(hash)),
            Err(Error::Overloaded { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Undoes the attempt after a correct password and returns the error of the log-in limit.
    async fn settle_attempt_and_fail<T>(
        &self,
        attempt: &Attempt,
        error: Error,
    ) -> Result<T, Error> {
        let mut tx = self.store().write().await?;
        attempt.succeed(&mut tx, self.clock().now()).await?;
        tx.commit().await?;
        Err(error)
    }

    async fn record_failed_log_in<T>(
        &self,
        context: &RequestContext,
        user: Option<UserId>,
    ) -> Result<T, Error> {
        let now = self.clock().now();
        // Anonymous clients were limited when the attempt was counted, and no more reach this point
        // than there are hashing threads.
        let mut tx = self.store().write().await?;
        self.audit(&mut tx, context, now, AuditEntry::failed(EventKind::LogInFailed, user, None))
            .await?;
        tx.commit().await?;
        Err(Error::InvalidCredentials)
    }
}
