//! Token introspection (RFC 7662) and revocation (RFC 7009).

use crate::{
    Auth, Error,
    sessions::{
        access_token, access_token::Claims, refresh_token, refresh_token::RefreshDecision,
        store::SessionRecord,
    },
};
use std::sync::Arc;

/// An active token.
#[derive(Clone, Debug)]
pub enum IntrospectedToken {
    /// An access token and its claims.
    Access(Arc<Claims>),
    /// A refresh token and its session.
    Refresh(Box<SessionRecord>),
}

impl Auth {
    /// Returns the token without changing anything, or `None` if it is invalid, expired or revoked.
    pub async fn introspect(&self, token: &str) -> Result<Option<IntrospectedToken>, Error> {
        if token.starts_with(refresh_token::PREFIX) {
            let Some(presented) = refresh_token::decode(self.secret(), token) else {
                return Ok(None);
            };
            let (row, now) = match self.active_session(presented).await {
                Ok(living) => living,
                Err(Error::Unauthenticated) => return Ok(None),
                Err(error) => return Err(error),
            };
            let decision = refresh_token::decide(
                presented.generation,
                self.rotation_state(&row),
                now,
                now,
                self.policy().refresh_grace,
            );
            let good = matches!(
                decision,
                RefreshDecision::Rotate
                    | RefreshDecision::ConcurrentRetry
                    | RefreshDecision::Reissue
            );
            return Ok(good.then(|| IntrospectedToken::Refresh(Box::new(row.session.clone()))));
        }
        self.ensure_feed_is_fresh()?;
        let claims = access_token::verify(
            self.keys(),
            self.token_cache(),
            &self.policy().issuer,
            token,
            self.clock().now(),
        )
        .ok();
        Ok(claims
            .filter(|claims| !self.revocations().is_revoked(claims))
            .map(IntrospectedToken::Access))
    }

    /// Revokes the session of a token (RFC 7009). The token itself is the authorization. It is no
    /// error if the token is invalid or expired.
    pub async fn revoke(&self, context: &crate::RequestContext, token: &str) -> Result<(), Error> {
        let presented = if token.starts_with(refresh_token::PREFIX) {
            crate::PresentedCredential::Cookie(token)
        } else {
            crate::PresentedCredential::Bearer(token)
        };
        match self.log_out(context, presented).await {
            Err(Error::Unauthenticated) => Ok(()),
            done => done,
        }
    }
}
