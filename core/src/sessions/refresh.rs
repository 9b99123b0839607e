//! Exchanging a refresh token.

use crate::{
    Auth, Error, IssuedTokens, LimitedAction, RequestContext,
    audit::AuditEntry,
    fail_point,
    fail_point::FailPoint,
    mail::{MailContent, Notice, Origin},
    one_time_links::LinkOwner,
    sessions::{
        refresh_token,
        refresh_token::{ParsedRefreshToken, RefreshDecision, RotationState},
        store::{REUSE_DETECTED, SessionWithUser},
    },
    store::change_feed::Change,
};
use countersign_types::{EventKind, SessionId, Timestamp};
use std::sync::Arc;

/// Maximum number of retries when concurrent requests are faster. Each time another request has
/// made progress.
const MAX_RETRIES: usize = 8;

impl Auth {
    /// Exchanges a refresh token for the next pair of tokens, as [`refresh_token::decide`] decides.
    ///
    /// Most tokens are the newest of an active session, and are rotated in a group. For all other
    /// tokens the session is read.
    pub async fn refresh(
        &self,
        context: &RequestContext,
        token: &str,
    ) -> Result<IssuedTokens, Error> {
        let Some(presented) = refresh_token::decode(self.secret(), token) else {
            self.log_bad_token(context, "invalid MAC");
            return Err(Error::Unauthenticated);
        };
        let arrived = self.clock().now();
        if let Some(rotated) = self.session_groups().rotate(presented).await? {
            fail_point::hit(FailPoint::AfterRefreshCommit);
            return self.issue_rotated(&rotated.row, rotated.at);
        }
        let mut permit = None;
        for _ in 0..MAX_RETRIES {
            let (row, now) = self.active_session(presented).await?;
            match refresh_token::decide(
                presented.generation,
                self.rotation_state(&row),
                arrived,
                now,
                self.policy().refresh_grace,
            ) {
                decision @ (RefreshDecision::Rotate | RefreshDecision::Reissue) => {
                    // Counted once for each request.
                    if permit.is_none() {
                        permit = Some(self.permit(
                            context,
                            LimitedAction::Refresh,
                            row.session.user_id,
                        )?);
                    }
                    let generation = row.session.generation;
                    // In a transaction of its own, and so after one that has locked the session.
                    let mut tx = self.store().write().await?;
                    // The wait for the writer may have taken time.
                    let now = self.clock().now();
                    let done = match decision {
                        RefreshDecision::Rotate => {
                            tx.session_rotate(presented.session, generation, now).await
                        }
                        _ => tx.session_reissue(presented.session, generation, now).await,
                    };
                    let done = match done {
                        // The concurrent transaction has made progress: decide again.
                        Err(error) if error.is_conflict() => continue,
                        done => done?,
                    };
                    if done {
                        // Read in the same transaction, so that the claims match the database.
                        let row = tx
                            .session_with_user(presented.session, now)
                            .await?
                            .ok_or(Error::Unauthenticated)?;
                        tx.commit().await?;
                        fail_point::hit(FailPoint::AfterRefreshCommit);
                        return self.issue_rotated(&row, now);
                    }
                    // Waits for the commit of what this transaction saw: a reader does not see it
                    // before.
                    tx.commit().await?;
                }
                RefreshDecision::ConcurrentRetry => {
                    return self.issue(&row, row.session.generation, now);
                }
                RefreshDecision::Superseded => return Err(Error::RefreshSuperseded),
                RefreshDecision::BeforePasswordChange => {
                    self.log_bad_token(context, "older than the last password change");
                    return Err(Error::Unauthenticated);
                }
                RefreshDecision::ReuseDetected => {
                    self.revoke_reused(context, &row, now).await?;
                    return Err(Error::Unauthenticated);
                }
                RefreshDecision::UnknownGeneration => {
                    let _counted =
                        self.permit(context, LimitedAction::Refresh, row.session.user_id)?;
                    self.log_bad_token(context, "unknown generation");
                    let mut tx = self.store().write().await?;
                    let user = Some(row.session.user_id);
                    self.audit(
                        &mut tx,
                        context,
                        now,
                        AuditEntry::failed(
                            EventKind::UnknownTokenGeneration,
                            user,
                            Some(presented.session),
                        ),
                    )
                    .await?;
                    tx.commit().await?;
                    return Err(Error::Unauthenticated);
                }
            }
        }
        Err(Error::Overloaded { retry_after: 1 })
    }

    /// Issues the tokens of a session that was rotated at `now`.
    fn issue_rotated(&self, row: &SessionWithUser, now: Timestamp) -> Result<IssuedTokens, Error> {
        if row.disabled_at.is_some() {
            return Err(Error::Unauthenticated);
        }
        self.issue(row, row.session.generation, now)
    }

    /// The session of a refresh token with a valid MAC. Nothing is read, so the session may have
    /// ended.
    #[must_use]
    pub fn session_of(&self, refresh_token: &str) -> Option<SessionId> {
        refresh_token::decode(self.secret(), refresh_token).map(|presented| presented.session)
    }

    /// Returns the session of a token, if it and its user are active, and the time after the read.
    /// An earlier time would make a concurrent rotation appear to be in the future.
    pub(crate) async fn active_session(
        &self,
        presented: ParsedRefreshToken,
    ) -> Result<(Arc<SessionWithUser>, Timestamp), Error> {
        let row = self.session_groups().read(presented.session).await?;
        let row = row.ok_or(Error::Unauthenticated)?;
        let now = self.clock().now();
        let alive = row.session.is_active(now)
            && row.disabled_at.is_none()
            && row.session.user_id == presented.user;
        if alive { Ok((row, now)) } else { Err(Error::Unauthenticated) }
    }

    /// The state of a session, including activity that is not yet written.
    pub(crate) fn rotation_state(&self, row: &SessionWithUser) -> RotationState {
        let session = &row.session;
        RotationState {
            generation: session.generation,
            rotated_at: session.rotated_at,
            previous_rotated_at: session.previous_rotated_at,
            confirmed_generation: session
                .confirmed_generation
                .max(self.activity().confirmed_generation(session.id)),
            oldest_generation: session.oldest_generation,
        }
    }

    /// Logs at most once a minute, because anonymous clients can send any number of such tokens.
    fn log_bad_token(&self, context: &RequestContext, reason: &'static str) {
        if let Some(suppressed) = self.bad_tokens().due() {
            tracing::warn!(
                request.id = &*context.request_id,
                address = context.address.map(tracing::field::display),
                reason,
                suppressed,
                "refresh token rejected"
            );
        }
    }

    async fn revoke_reused(
        &self,
        context: &RequestContext,
        row: &SessionWithUser,
        now: Timestamp,
    ) -> Result<(), Error> {
        let session = row.session.id;
        let mut tx = self.store().write().await?;
        // The notice refers to the user.
        tx.user_lock(row.session.user_id).await?;
        let Some(user) = tx.session_revoke(session, REUSE_DETECTED, now).await? else {
            return Ok(());
        };
        self.audit(
            &mut tx,
            context,
            now,
            AuditEntry::failed(EventKind::RefreshTokenReused, Some(user), Some(session)),
        )
        .await?;
        let notice = Notice {
            content: MailContent::ReuseDetected(Origin::new(context, now)),
            owner: LinkOwner { user, email: &row.email, session: None },
        };
        self.queue_notice(&mut tx, notice, now).await?;
        tracing::warn!(
            request.id = &*context.request_id,
            user.id = %user,
            "refresh token reuse detected"
        );
        self.commit_and_publish(tx, &[Change::SessionRevoked(session)], now).await
    }
}
