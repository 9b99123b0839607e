//! Authentication of a request.

use crate::{
    Auth, Error, PresentedCredential, RequestContext,
    sessions::{
        access_token, access_token::TokenError, refresh_token, refresh_token::RefreshDecision,
        store::SessionWithUser,
    },
};
use countersign_types::{Access, SessionId, TimeSpan, Timestamp, UserId, views::Role};
use std::sync::Arc;

/// A user whose credential was verified. The operations that require one are methods of this type.
pub struct SignedIn<'a> {
    pub(crate) auth: &'a Auth,
    pub(crate) context: RequestContext,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) roles: Vec<Role>,
    /// When the user entered the password.
    pub(crate) auth_time: Timestamp,
    /// The session row, if the credential required a read.
    pub(crate) row: Option<Arc<SessionWithUser>>,
}

/// A verified credential, which a guard hands on to the handler of the same request, so that it is
/// verified once. It must not outlive the request: a later revocation does not change it.
#[derive(Clone)]
pub struct VerifiedSession {
    context: RequestContext,
    user: UserId,
    session: SessionId,
    roles: Vec<Role>,
    auth_time: Timestamp,
    row: Option<Arc<SessionWithUser>>,
}

impl Auth {
    /// Verifies a credential. An access token is verified without a database read. A refresh token
    /// is looked up but not rotated, and never revokes its session: authentication changes nothing.
    pub async fn signed_in(
        &self,
        context: &RequestContext,
        presented: PresentedCredential<'_>,
    ) -> Result<SignedIn<'_>, Error> {
        let now = self.clock().now();
        let (user, session, roles, auth_time, row) = match presented {
            PresentedCredential::Bearer(token) => {
                self.ensure_feed_is_fresh()?;
                let verified = access_token::verify(
                    self.keys(),
                    self.token_cache(),
                    &self.policy().issuer,
                    token,
                    now,
                );
                let claims = verified
                    .and_then(|claims| {
                        if self.revocations().is_revoked(&claims) {
                            Err(TokenError::Revoked)
                        } else {
                            Ok(claims)
                        }
                    })
                    .map_err(|error| {
                        tracing::debug!(
                            request.id = &*context.request_id,
                            reason = %error,
                            "access token rejected"
                        );
                        Error::Unauthenticated
                    })?;
                self.activity().mark(claims.sid, claims.generation, now);
                let auth_time = Timestamp(0) + TimeSpan::seconds(claims.auth_time);
                (claims.sub, claims.sid, claims.roles.clone(), auth_time, None)
            }
            PresentedCredential::Cookie(token) => {
                let presented =
                    refresh_token::decode(self.secret(), token).ok_or(Error::Unauthenticated)?;
                let (row, now) = self.active_session(presented).await?;
                // The grace period is for concurrent refreshes only: tokens from before the last
                // password change are rejected.
                if presented.generation < row.session.oldest_generation {
                    return Err(Error::Unauthenticated);
                }
                match refresh_token::decide(
                    presented.generation,
                    self.rotation_state(&row),
                    now,
                    now,
                    self.policy().refresh_grace,
                ) {
                    RefreshDecision::Rotate
                    | RefreshDecision::Reissue
                    | RefreshDecision::ConcurrentRetry
                    | RefreshDecision::Superseded => {}
                    RefreshDecision::BeforePasswordChange
                    | RefreshDecision::ReuseDetected
                    | RefreshDecision::UnknownGeneration => {
                        return Err(Error::Unauthenticated);
                    }
                }
                self.activity().mark(presented.session, presented.generation, now);
                let (user, auth_time) = (row.session.user_id, row.session.auth_time);
                (user, presented.session, row.roles.to_vec(), auth_time, Some(row))
            }
        };
        let context = context.clone();
        Ok(SignedIn { auth: self, context, user, session, roles, auth_time, row })
    }
}

impl Auth {
    /// Returns the operations of a user whose credential was verified earlier in the same request.
    #[must_use]
    pub fn resume(&self, verified: VerifiedSession) -> SignedIn<'_> {
        let VerifiedSession { context, user, session, roles, auth_time, row } = verified;
        SignedIn { auth: self, context, user, session, roles, auth_time, row }
    }
}

impl SignedIn<'_> {
    /// Returns the verified credential, for [`Auth::resume`].
    #[must_use]
    pub fn into_verified(self) -> VerifiedSession {
        let Self { context, user, session, roles, auth_time, row, .. } = self;
        VerifiedSession { context, user, session, roles, auth_time, row }
    }

    /// Returns an error unless this credential has an access level.
    pub fn require(&self, level: Access) -> Result<(), Error> {
        match level {
            Access::Public | Access::SignedIn => Ok(()),
            Access::Fresh => self.fresh().map(drop),
            Access::Admin => self.admin().map(drop),
        }
    }

    /// The user, as the key of other tables.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The roles in the credential.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The session of the credential.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The tag of the session of the credential:
    /// [`countersign_types::views::TaggedAccount::session_tag`].
    #[must_use]
    pub fn session_tag(&self) -> String {
        self.auth.session_tag(self.session)
    }
}
