//! What a token of ours is worth, for other programs that were shown it.

use super::Auth;
use crate::{
    Error,
    refresh::{self, Verdict},
    store::sessions::Session,
    token::{self, Claims},
};

/// A living token, looked at by somebody who is not its owner.
#[derive(Clone, Debug)]
pub enum Inspected {
    /// An access token, and what it says.
    Access(Box<Claims>),
    /// A refresh token, and the session that it can renew.
    Refresh(Box<Session>),
}

impl Auth {
    /// Looks at a token without changing anything. `None`: not ours, over, or revoked.
    pub async fn inspect(&self, token: &str) -> Result<Option<Inspected>, Error> {
        if token.starts_with(refresh::PREFIX) {
            let Some(shown) = refresh::open(&self.secret, token) else { return Ok(None) };
            let (row, now) = match self.living_session(shown).await {
                Ok(living) => living,
                Err(Error::SignedOut) => return Ok(None),
                Err(error) => return Err(error),
            };
            let verdict =
                refresh::judge(shown.counter, self.state_of(&row), now, now, self.policy.grace);
            let good = matches!(verdict, Verdict::Step | Verdict::Parallel | Verdict::Reissue);
            return Ok(good.then(|| Inspected::Refresh(Box::new(row.session))));
        }
        self.not_deaf()?;
        let claims =
            token::verify(&self.keys, &self.verified, &self.policy.issuer, token, self.clock.now())
                .ok();
        Ok(claims
            .filter(|claims| !self.revocations.refuses(claims))
            .map(|claims| Inspected::Access(Box::new(claims))))
    }

    /// Ends the session of a token (RFC 7009): whoever can show it may. What is not ours, or over,
    /// is no error.
    pub async fn revoke(&self, client: &crate::Client, token: &str) -> Result<(), Error> {
        let presented = if token.starts_with(refresh::PREFIX) {
            crate::Presented::Cookie(token)
        } else {
            crate::Presented::Bearer(token)
        };
        match self.log_out(client, presented).await {
            Err(Error::SignedOut) => Ok(()),
            done => done,
        }
    }
}
