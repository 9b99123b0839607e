//! Two credentials in one request.

use super::Auth;
use crate::{Error, Presented, refresh, token};

impl Auth {
    /// Returns whether good credentials of two users are among these. Such a request must act for
    /// neither of them: one of the two was added by another program.
    ///
    /// The database is asked only if they name two users.
    pub async fn are_of_two_users(&self, presented: &[Presented<'_>]) -> Result<bool, Error> {
        let (mut users, mut refresh_tokens) = (Vec::new(), Vec::new());
        for shown in presented {
            match shown {
                Presented::Bearer(access) => {
                    let claims = token::verify(
                        &self.keys,
                        &self.verified,
                        &self.policy.issuer,
                        access,
                        self.clock.now(),
                    );
                    users.extend(
                        claims
                            .ok()
                            .filter(|claims| !self.revocations.refuses(claims))
                            .map(|claims| claims.sub),
                    );
                }
                Presented::Cookie(token) => {
                    refresh_tokens.extend(refresh::open(&self.secret, token));
                }
            }
        }
        let named = users.iter().copied().chain(refresh_tokens.iter().map(|token| token.user));
        if are_all_equal(named) {
            return Ok(false);
        }
        for token in refresh_tokens {
            match self.living_session(token).await {
                Ok((row, _)) => users.push(row.session.user_id),
                Err(Error::SignedOut) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(!are_all_equal(users.into_iter()))
    }
}

fn are_all_equal<T: PartialEq>(mut items: impl Iterator<Item = T>) -> bool {
    items.next().is_none_or(|first| items.all(|item| item == first))
}
