//! A cache of tokens with a verified signature, so that each is verified once and not with every
//! request. Expiry, revocation and the existence of the key are checked every time.

use crate::{server_secret::sha256, sessions::claims::Claims};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Maximum number of entries. An entry has less than a kilobyte, so the cache has at most 4 MB.
const CAPACITY: usize = 4096;

/// Keyed by the digest of the token: memory holds no usable credential.
pub(crate) struct TokenCache(Cache<[u8; 32], Arc<CachedToken>>);

/// The verified content of a token.
pub(crate) struct CachedToken {
    pub(crate) kid: String,
    pub(crate) claims: Arc<Claims>,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl TokenCache {
    /// Returns the cached token, or the result of `verify`, which is cached on success.
    pub(crate) fn get_or<E>(
        &self,
        token: &str,
        verify: impl FnOnce() -> Result<CachedToken, E>,
    ) -> Result<Arc<CachedToken>, E> {
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
    fn token_cache_size_is_bounded() {
        let tokens = TokenCache::default();
        for number in 0..4 * CAPACITY {
            let verified =
                || Ok::<_, ()>(CachedToken { kid: String::new(), claims: Arc::new(claims()) });
            assert!(tokens.get_or(&number.to_string(), verified).is_ok());
        }
        let held = tokens.0.len();
        assert!((CAPACITY / 2..=CAPACITY).contains(&held), "{held}");
    }
}
