//! Requests with two credentials.

use crate::{
    Auth, Error, PresentedCredential,
    sessions::{access_token, refresh_token},
};

impl Auth {
    /// Returns whether the valid credentials among these belong to different users. Such a request
    /// must be rejected: one of the credentials was added by another program.
    ///
    /// The database is only read if two users are named.
    pub async fn belong_to_different_users(
        &self,
        presented: &[PresentedCredential<'_>],
    ) -> Result<bool, Error> {
        if presented.len() < 2 {
            return Ok(false);
        }
        let (mut users, mut refresh_tokens) = (Vec::new(), Vec::new());
        for credential in presented {
            match credential {
                PresentedCredential::Bearer(access) => {
                    let claims = access_token::verify(
                        self.keys(),
                        self.token_cache(),
                        &self.policy().issuer,
                        access,
                        self.clock().now(),
                    );
                    users.extend(
                        claims
                            .ok()
                            .filter(|claims| !self.revocations().is_revoked(claims))
                            .map(|claims| claims.sub),
                    );
                }
                PresentedCredential::Cookie(token) => {
                    refresh_tokens.extend(refresh_token::decode(self.secret(), token));
                }
            }
        }
        let named = users.iter().copied().chain(refresh_tokens.iter().map(|token| token.user));
        if are_all_equal(named) {
            return Ok(false);
        }
        for token in refresh_tokens {
            match self.active_session(token).await {
                Ok((row, _)) => users.push(row.session.user_id),
                Err(Error::Unauthenticated) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(!are_all_equal(users.into_iter()))
    }
}

fn are_all_equal<T: PartialEq>(mut items: impl Iterator<Item = T>) -> bool {
    items.next().is_none_or(|first| items.all(|item| item == first))
}
