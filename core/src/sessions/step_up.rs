//! Step-up authentication: some operations require that the user has entered the password recently,
//! so that a stolen token or an unattended device is not enough. (RFC 9470; ASVS 5.0 7.5.3.)

use crate::{
    Error, LimitedAction, SignedIn,
    audit::AuditEntry,
    passwords::change::{PasswordProof, incorrect_password},
    rate_limit::throttling::Permit,
    sessions::access_token::CLOCK_SKEW,
};
use countersign_types::{EventKind, FRESH_PERIOD, TimeSpan, forms::CurrentPasswordForm};

/// A user who has authenticated within the last [`FRESH_PERIOD`]: with the password, or by
/// completing a log-in or sign-up with an email. The operations that require this are methods of
/// this type.
pub struct Fresh<'a>(&'a SignedIn<'a>);

impl<'a> Fresh<'a> {
    /// The verified credential.
    pub(crate) const fn signed_in(&self) -> &'a SignedIn<'a> {
        self.0
    }
}

impl SignedIn<'_> {
    /// Returns the operations that require a fresh authentication, or
    /// [`Error::ReauthenticationRequired`]. For an access token its time is the claim `auth_time`.
    pub fn fresh(&self) -> Result<Fresh<'_>, Error> {
        let age = self.auth.clock().now().since(self.auth_time);
        // A clock that was set back must not make an authentication fresh for longer.
        if age < FRESH_PERIOD && age > TimeSpan(-CLOCK_SKEW.0) {
            Ok(Fresh(self))
        } else {
            Err(Error::ReauthenticationRequired)
        }
    }

    /// Verifies the password, which makes the authentication of this session fresh. The next
    /// refresh issues an access token with the new time. This operation issues none: a refresh
    /// token in its response could replace a newer one of a concurrent refresh.
    pub async fn confirm_password(&self, form: &CurrentPasswordForm) -> Result<(), Error> {
        let current = form.validate()?;
        let permit = self.permit(LimitedAction::PasswordConfirmation)?;
        let user = self.read_user().await?;
        let proof = self
            .verify_current_password(&user, current, EventKind::PasswordConfirmationFailed)
            .await?;
        let confirmed = self.record_confirmation(permit, &proof).await;
        proof.settle(self.auth, confirmed).await
    }

    async fn record_confirmation(
        &self,
        permit: Permit,
        proof: &PasswordProof<'_>,
    ) -> Result<(), Error> {
        let (mut tx, now) = self.begin(permit).await?;
        // The account changed meanwhile: the given password is not the current one any more.
        if !tx.user_is_unchanged(proof.verified).await? {
            return Err(incorrect_password());
        }
        proof.attempt.succeed(&mut tx, now).await?;
        if !tx.session_set_auth_time(self.session, now).await? {
            return Err(Error::Unauthenticated);
        }
        let entry = AuditEntry::by_user(EventKind::PasswordConfirmed, self.user, self.session);
        self.auth.audit(&mut tx, &self.context, now, entry).await?;
        tx.commit().await
    }
}
