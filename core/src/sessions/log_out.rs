//! Log-out with a credential.

use crate::{
    Auth, Error, PresentedCredential, RequestContext,
    audit::AuditEntry,
    sessions::{access_token, refresh_token},
    store::change_feed::Change,
    store::retries::Retries,
};
use countersign_types::{EventKind, SessionId, Timestamp, UserId};

impl Auth {
    /// Revokes the session of a credential. It is no error if the session has ended. A revoked
    /// access token and a refresh token of any generation are accepted, so that every client can
    /// log out.
    pub async fn log_out(
        &self,
        context: &RequestContext,
        presented: PresentedCredential<'_>,
    ) -> Result<(), Error> {
        let now = self.clock().now();
        let (session, user) = match presented {
            PresentedCredential::Bearer(token) => {
                let claims = access_token::verify(
                    self.keys(),
                    self.token_cache(),
                    &self.policy().issuer,
                    token,
                    now,
                )
                .map_err(|_| Error::Unauthenticated)?;
                (claims.sid, claims.sub)
            }
            PresentedCredential::Cookie(token) => {
                let presented =
                    refresh_token::decode(self.secret(), token).ok_or(Error::Unauthenticated)?;
                (presented.session, presented.user)
            }
        };
        // A token of an ended session can be presented any number of times; it costs one read and
        // does not occupy the writer.
        let row = self.store().read().await?.session_with_user(session, now).await?;
        if !row.is_some_and(|row| row.session.user_id == user && row.session.is_active(now)) {
            return Ok(());
        }
        let mut retries = Retries::default();
        loop {
            let done = self.revoke_session(context, session, user, now).await;
            if !retries.again(&done) {
                return done;
            }
        }
    }

    async fn revoke_session(
        &self,
        context: &RequestContext,
        session: SessionId,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.store().write().await?;
        if !tx.session_revoke_own(session, user, "logged_out", now).await? {
            return Ok(());
        }
        self.audit(&mut tx, context, now, AuditEntry::by_user(EventKind::LoggedOut, user, session))
            .await?;
        self.commit_and_publish(tx, &[Change::SessionRevoked(session)], now).await
    }
}
