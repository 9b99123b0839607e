//! Password change, and verification of the current password.

use crate::{
    Auth, Error, IssuedTokens, LimitedAction, SignedIn,
    accounts::store::{User, VerifiedCredentials},
    audit::AuditEntry,
    mail::{MailContent, Notice, Origin},
    one_time_links::{LinkOwner, LinkPurpose},
    passwords::{
        hasher::{PasswordMatch, Priority, UserPasswordHash},
        strength::too_weak,
    },
    rate_limit::throttling::{Attempt, Permit},
    store::change_feed::Change,
};
use countersign_types::{
    DisplayName, Email, EventKind, Field, FieldError, FieldErrors, Password,
    forms::{ChangePasswordForm, PasswordChange},
};

/// The proof that the current password was verified.
pub(crate) struct PasswordProof<'a> {
    pub(crate) verified: VerifiedCredentials<'a>,
    pub(crate) attempt: Attempt,
}

impl PasswordProof<'_> {
    /// Returns the result of the operation. If it failed, the attempt is undone, because the
    /// password was correct.
    pub(crate) async fn settle<T>(&self, auth: &Auth, done: Result<T, Error>) -> Result<T, Error> {
        if done.is_err() {
            let settled = async {
                let mut tx = auth.store().write().await?;
                self.attempt.succeed(&mut tx, auth.clock().now()).await?;
                tx.commit().await
            };
            if let Err(cause) = settled.await {
                tracing::debug!(
                    error = crate::error_chain(&cause),
                    "password attempt stays counted"
                );
            }
        }
        done
    }
}

/// A new password.
struct Chosen {
    password: Password,
    email: Option<Email>,
    name: Option<DisplayName>,
    is_unchanged: bool,
}

impl SignedIn<'_> {
    /// Changes the password and revokes all other sessions (ASVS 5.0 6.2.2, 6.2.3, 7.4.3). It
    /// requires the current password. All tokens and device cookies issued before are revoked,
    /// including those of this session, so that a stolen copy becomes useless. Returns their
    /// replacements.
    pub async fn change_password(&self, form: &ChangePasswordForm) -> Result<IssuedTokens, Error> {
        let permit = self.permit(LimitedAction::PasswordChange)?;
        let user = self.read_user().await?;
        let email = Email::parse(&user.email).ok();
        let PasswordChange { current_password: current, new_password: new } =
            form.validate(email.as_ref())?;
        let is_unchanged = new == current;
        let name = user.name.as_deref().and_then(|name| DisplayName::parse(name).ok().flatten());
        let proof =
            self.verify_current_password(&user, current, EventKind::PasswordChangeFailed).await?;
        let chosen = Chosen { password: new, email, name, is_unchanged };
        let changed = self.replace_password(permit, &proof, chosen).await;
        proof.settle(self.auth, changed).await
    }

    async fn replace_password(
        &self,
        permit: Permit,
        proof: &PasswordProof<'_>,
        chosen: Chosen,
    ) -> Result<IssuedTokens, Error> {
        let Chosen { password, email, name, is_unchanged } = chosen;
        if is_unchanged {
            return Err(FieldErrors::from((Field::NewPassword, FieldError::Unchanged)).into());
        }
        let slot = self.auth.reserve_hash_slot(
            &self.context,
            Priority::KnownDevice,
            Some(self.user.0.as_bytes()),
        )?;
        let hash = match email {
            Some(email) => {
                self.auth.hasher().hash_new(password, self.user, email, name, slot).await?
            }
            None => Ok(self.auth.hasher().hash(password, self.user, slot).await?),
        };
        let hash = hash.map_err(too_weak(Field::NewPassword))?;
        let (mut tx, now) = self.begin(permit).await?;
        // The account changed meanwhile: the given password is not the current one any more.
        let Some(epoch) = tx.user_change_password(proof.verified, &hash).await? else {
            return Err(incorrect_password());
        };
        // A pending change of the address may be that of an attacker who knew the old password.
        for purpose in [LinkPurpose::ResetPassword, LinkPurpose::ChangeEmail] {
            tx.link_end_for_user(self.user, purpose, now).await?;
        }
        proof.attempt.succeed(&mut tx, now).await?;
        if !tx.session_restart_generations(self.session, now).await? {
            return Err(Error::Unauthenticated);
        }
        tx.session_revoke_others(self.user, self.session, "password_changed", now).await?;
        self.auth
            .audit(
                &mut tx,
                &self.context,
                now,
                AuditEntry::by_user(EventKind::PasswordChanged, self.user, self.session),
            )
            .await?;
        let row = tx.session_with_user(self.session, now).await?.ok_or(Error::Unauthenticated)?;
        let notice = Notice {
            content: MailContent::PasswordChanged(Origin::new(&self.context, now)),
            owner: LinkOwner { user: self.user, email: &row.email, session: Some(self.session) },
        };
        self.auth.queue_notice(&mut tx, notice, now).await?;
        self.auth.commit_and_publish(tx, &[Change::EpochRaised(self.user, epoch)], now).await?;
        let key =
            Email::parse(&row.email).map_or_else(|_| row.email.clone(), |email| email.lookup_key());
        let device_cookie = self.auth.issue_device_cookie(&self.context, &key, self.user, epoch)?;
        Ok(IssuedTokens { device_cookie, ..self.auth.issue(&row, row.session.generation, now)? })
    }

    pub(crate) async fn read_user(&self) -> Result<User, Error> {
        self.auth.store().read().await?.user_by_id(self.user).await?.ok_or(Error::Unauthenticated)
    }

    /// Verifies the current password. The rate limit is the same as for a log-in, so that a stolen
    /// session gives no more guesses. The attempts are counted separately, so that other clients
    /// cannot delay the user. A wrong password is recorded as `refused`.
    pub(crate) async fn verify_current_password<'a>(
        &self,
        user: &'a User,
        current: Password,
        refused: EventKind,
    ) -> Result<PasswordProof<'a>, Error> {
        let slot = self.auth.reserve_hash_slot(
            &self.context,
            Priority::KnownDevice,
            Some(self.user.0.as_bytes()),
        )?;
        let key = Email::parse(&user.email)
            .map_or_else(|_| user.email.clone(), |email| email.lookup_key());
        let cookie = self
            .auth
            .device_cookie(&self.context, &key)
            .filter(|cookie| cookie.is_valid_for(self.auth.secret(), &key, user.id, user.epoch));
        let device = cookie.map_or(*self.session.0.as_bytes(), |cookie| *cookie.id());
        let attempt = self.auth.count_password_attempt(&self.context, &key, Some(&device)).await?;
        let stored = user.password_hash.as_deref();
        let matched = match self
            .auth
            .hasher()
            .verify(current, stored.map(|hash| UserPasswordHash { user: user.id, hash }), slot)
            .await
        {
            Ok(matched) => matched,
            Err(error) => return self.auth.undo_attempt(&attempt, error).await,
        };
        if let (Some(hash), PasswordMatch::Match | PasswordMatch::MatchNeedsRehash) =
            (stored, matched)
        {
            return Ok(PasswordProof {
                verified: VerifiedCredentials { id: user.id, epoch: user.epoch, hash },
                attempt,
            });
        }
        let now = self.auth.clock().now();
        let mut tx = self.auth.store().write().await?;
        self.auth
            .audit(
                &mut tx,
                &self.context,
                now,
                AuditEntry::failed(refused, Some(self.user), Some(self.session)),
            )
            .await?;
        tx.commit().await?;
        Err(incorrect_password())
    }
}

pub(crate) fn incorrect_password() -> Error {
    FieldErrors::from((Field::CurrentPassword, FieldError::Incorrect)).into()
}
