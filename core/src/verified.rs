//! Tokens whose signature has been verified, so that it is done once for each and not at every
//! call. What is remembered is only that: whether a token has expired or was revoked, and whether
//! its key is still there, is looked at every time.

use crate::{secret::sha256, token::Claims};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// How many are remembered. An entry has less than a kilobyte: four megabytes at most.
const MOST: usize = 4096;

/// By the digest of the token: what stands in memory cannot be shown as a credential.
pub(crate) struct VerifiedTokens(Cache<[u8; 32], Arc<Verified>>);

/// What a token says that was signed with one of our keys.
pub(crate) struct Verified {
    pub(crate) kid: String,
    pub(crate) claims: Claims,
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl VerifiedTokens {
    /// What is remembered of a token; else what `verify` finds out, which is remembered if it is
    /// good.
    pub(crate) fn get_or<E>(
        &self,
        token: &str,
        verify: impl FnOnce() -> Result<Verified, E>,
    ) -> Result<Arc<Verified>, E> {
        let digest = sha256(token.as_bytes());
        if let Some(known) = self.0.get(&digest) {
            return Ok(known);
        }
        let verified = Arc::new(verify()?);
        self.0.insert(digest, Arc::clone(&verified));
        Ok(verified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::claims;

    #[test]
    fn of_however_many_tokens_no_more_than_so_many_are_remembered() {
        let tokens = VerifiedTokens::default();
        for number in 0..4 * MOST {
            let verified = || Ok::<_, ()>(Verified { kid: String::new(), claims: claims() });
            assert!(tokens.get_or(&number.to_string(), verified).is_ok());
        }
        let held = tokens.0.len();
        assert!((MOST / 2..=MOST).contains(&held), "{held}");
    }
}
