//! Stored password hashes: how they are computed and written, and which are accepted. That is
//! decided before any work is done.
//!
//! A hash is bound to its user: the argon2 secret is derived from the server secret, and the user
//! id is the associated data (RFC 9106, 3.1). A stolen database is therefore not enough to guess
//! passwords, and the hash of one user is useless in the row of another. `keyid` in the PHC string
//! marks such hashes. Older hashes without it still verify and are replaced at the next log-in.
//!
//! The content of the database is not trusted: comparing with it is bounded in memory and time.

use super::config::HashingConfig;
use crate::{Error, ServerSecret};
use argon2::{
    Algorithm, Argon2, AssociatedData, Block, Params, ParamsBuilder, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use countersign_types::UserId;
use zeroize::Zeroizing;

/// Length of a new hash in bytes.
pub(super) const HASH_LENGTH: usize = 32;
/// Length of a new salt in bytes.
pub(super) const SALT_LENGTH: usize = 16;
/// Minimum length of a stored hash in bytes. A shorter one would match too many passwords.
const MIN_HASH_LENGTH: usize = 16;
/// Maximum length of a stored PHC string in bytes. New ones have about 120.
pub(crate) const MAX_STORED_BYTES: usize = 255;
/// Maximum memory of a stored hash, as a multiple of the setting. Hashes from an earlier, more
/// expensive setting must still verify, and all recommended settings are within the bound: 64 MiB
/// (RFC 9106, 4) are 3.4 times the default of 19 MiB.
const MAX_MEMORY_FACTOR: u64 = 4;
/// Maximum work of a stored hash (memory times passes), as a multiple of the setting. 64 MiB and
/// three passes are 5.1 times the default.
const MAX_WORK_FACTOR: u64 = 8;
/// `keyid` of hashes that are bound to their user.
const KEY_ID: &[u8] = b"user";

/// The argon2 secret that hashes are bound to.
#[derive(Clone)]
pub(super) struct HashKey(Zeroizing<[u8; 32]>);

impl HashKey {
    pub(super) fn new(secret: &ServerSecret) -> Self {
        Self(secret.derive("password_hash", &[]))
    }
}

/// The reason why a stored hash is unusable, for the log. The message never quotes the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnusableHash {
    #[error("not an argon2 PHC string")]
    Malformed,
    #[error("bound to an unknown key")]
    UnknownKey,
    #[error(
        "more memory or passes than COUNTERSIGN_ARGON2 allows: raise that setting if the hash is \
            genuine"
    )]
    TooExpensive,
}

/// A stored hash that is safe to compare with.
#[derive(Clone)]
pub(super) struct StoredHash {
    algorithm: Algorithm,
    version: Version,
    /// With the associated data, if it is bound to a user.
    params: Params,
    is_bound: bool,
    salt: Salt,
    hash: Output,
}

/// The work of a hash: the number of 1 KiB blocks that are filled.
fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

/// Returns the parameters of new hashes.
pub(super) fn params(hashing: &HashingConfig) -> Result<Params, Error> {
    Params::new(hashing.memory_kib, hashing.iterations, hashing.parallelism, Some(HASH_LENGTH))
        .map_err(Error::internal)
}

impl StoredHash {
    /// Parses the hash of `user`, and checks its cost against `settings` before anything is hashed.
    pub(super) fn parse(text: &str, user: UserId, settings: &Params) -> Result<Self, UnusableHash> {
        if text.len() > MAX_STORED_BYTES {
            return Err(UnusableHash::Malformed);
        }
        let PasswordHash { algorithm, version, params, salt: Some(salt), hash: Some(hash) } =
            PasswordHash::new(text).map_err(|_| UnusableHash::Malformed)?
        else {
            return Err(UnusableHash::Malformed);
        };
        let algorithm =
            Algorithm::try_from(algorithm.as_str()).map_err(|_| UnusableHash::Malformed)?;
        // A PHC string without a version means the first one.
        let version = version
            .map_or(Ok(Version::V0x10), Version::try_from)
            .map_err(|_| UnusableHash::Malformed)?;
        let written = Params::try_from(&params).map_err(|_| UnusableHash::Malformed)?;
        let is_bound = match written.keyid() {
            KEY_ID => true,
            [] => false,
            _ => return Err(UnusableHash::UnknownKey),
        };
        if !written.data().is_empty() || hash.len() < MIN_HASH_LENGTH {
            return Err(UnusableHash::Malformed);
        }
        let too_expensive = u64::from(written.m_cost())
            > u64::from(settings.m_cost()).saturating_mul(MAX_MEMORY_FACTOR)
            || work(&written) > work(settings).saturating_mul(MAX_WORK_FACTOR);
        if too_expensive {
            return Err(UnusableHash::TooExpensive);
        }
        let params = bound_params(&written, hash.len(), is_bound.then_some(user))
            .map_err(|_| UnusableHash::Malformed)?;
        Ok(Self { algorithm, version, params, is_bound, salt, hash })
    }

    /// Creates a random hash that no password is known for. Comparing with it costs as much as with
    /// any new hash.
    pub(super) fn decoy(settings: &Params, salt: &[u8], hash: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: bound_params(settings, hash.len(), Some(UserId(uuid::Uuid::nil())))
                .map_err(Error::internal)?,
            is_bound: true,
            salt: Salt::new(salt).map_err(Error::internal)?,
            hash: Output::new(hash).map_err(Error::internal)?,
        })
    }

    /// Number of memory blocks that a comparison needs.
    pub(super) fn block_count(&self) -> usize {
        self.params.block_count()
    }

    /// Whether the hash is outdated: another algorithm, less work, or not bound to its user.
    pub(super) fn needs_rehash(&self, settings: &Params) -> bool {
        !self.is_bound
            || self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || self.params.m_cost() < settings.m_cost()
            || self.params.t_cost() < settings.t_cost()
    }

    /// Whether this is the hash of `password`. `memory` has at least [`StoredHash::block_count`]
    /// blocks.
    pub(super) fn matches(
        &self,
        key: &HashKey,
        password: &[u8],
        memory: &mut [Block],
    ) -> Result<bool, Error> {
        let key = self.is_bound.then_some(key);
        let mut out = Zeroizing::new(vec![0; self.hash.len()]);
        compute(
            self.algorithm,
            self.version,
            &self.params,
            key,
            password,
            &self.salt,
            memory,
            &mut out,
        )?;
        Ok(verify_slices_are_equal(&out, self.hash.as_bytes()).is_ok())
    }

    /// Returns the additional work that makes a failed comparison cost as much as one with a new
    /// hash. Otherwise the time would reveal that the account exists. Returns `None` if nothing is
    /// missing.
    pub(super) fn missing_work(&self, settings: &Params) -> Option<Params> {
        let missing =
            work(settings).checked_sub(work(&self.params))? / u64::from(settings.t_cost());
        Params::new(u32::try_from(missing).ok()?, settings.t_cost(), 1, Some(HASH_LENGTH)).ok()
    }

    /// Computes `missing` and discards the result.
    pub(super) fn burn(
        &self,
        missing: &Params,
        password: &[u8],
        memory: &mut [Block],
    ) -> Result<(), Error> {
        let mut out = Zeroizing::new([0; HASH_LENGTH]);
        compute(
            Algorithm::Argon2id,
            Version::V0x13,
            missing,
            None,
            password,
            &self.salt,
            memory,
            out.as_mut_slice(),
        )
    }
}

/// Hashes a new password of `user` to a PHC string.
pub(super) fn hash(
    settings: &Params,
    key: &HashKey,
    user: UserId,
    password: &[u8],
    salt: &[u8],
    memory: &mut [Block],
) -> Result<String, Error> {
    let mut out = Zeroizing::new([0; HASH_LENGTH]);
    let params = bound_params(settings, HASH_LENGTH, Some(user)).map_err(Error::internal)?;
    compute(
        Algorithm::Argon2id,
        Version::V0x13,
        &params,
        Some(key),
        password,
        salt,
        memory,
        out.as_mut_slice(),
    )?;
    // The user is not written: the row names it.
    let mut written = ParamsString::new();
    for (name, value) in [("m", params.m_cost()), ("t", params.t_cost()), ("p", params.p_cost())] {
        written.add_decimal(name, value).map_err(Error::internal)?;
    }
    written.add_b64_bytes("keyid", KEY_ID).map_err(Error::internal)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: written,
        salt: Some(Salt::new(salt).map_err(Error::internal)?),
        hash: Some(Output::new(out.as_slice()).map_err(Error::internal)?),
    };
    Ok(hash.to_string())
}

fn bound_params(params: &Params, length: usize, user: Option<UserId>) -> argon2::Result<Params> {
    let mut builder = ParamsBuilder::new();
    builder
        .m_cost(params.m_cost())
        .t_cost(params.t_cost())
        .p_cost(params.p_cost())
        .output_len(length);
    if let Some(user) = user {
        builder.data(AssociatedData::new(user.0.as_bytes())?);
    }
    builder.build()
}

#[expect(clippy::too_many_arguments, reason = "the parameters of argon2 (RFC 9106, 3.1)")]
fn compute(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    key: Option<&HashKey>,
    password: &[u8],
    salt: &[u8],
    memory: &mut [Block],
    out: &mut [u8],
) -> Result<(), Error> {
    let argon2 = match key {
        Some(key) => Argon2::new_with_secret(key.0.as_slice(), algorithm, version, params.clone())
            .map_err(Error::internal)?,
        None => Argon2::new(algorithm, version, params.clone()),
    };
    argon2.hash_password_into_with_memory(password, salt, out, memory).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomSource;
    use proptest::prelude::*;
    use uuid::Uuid;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const EVE: UserId = UserId(Uuid::from_u128(2));

    fn settings() -> Params {
        Params::new(64, 2, 1, Some(HASH_LENGTH)).expect("parameters")
    }

    fn key() -> HashKey {
        HashKey::new(&ServerSecret::generate(&RandomSource::seeded(1)).expect("seeded"))
    }

    fn made(user: UserId) -> String {
        hash(
            &settings(),
            &key(),
            user,
            b"a password",
            &[7; SALT_LENGTH],
            &mut vec![Block::new(); 64],
        )
        .expect("a hash")
    }

    fn matches(text: &str, user: UserId, key: &HashKey) -> bool {
        let stored = StoredHash::parse(text, user, &settings()).expect("usable");
        stored
            .matches(key, b"a password", &mut vec![Block::new(); stored.block_count()])
            .expect("an answer")
    }

    #[test]
    fn hash_matches_only_its_user_and_secret() {
        let other =
            HashKey::new(&ServerSecret::generate(&RandomSource::seeded(2)).expect("seeded"));
        assert!(
            made(ADA).starts_with("$argon2id$v=19$m=64,t=2,p=1,keyid=dXNlcg$"),
            "{}",
            made(ADA)
        );
        assert!(matches(&made(ADA), ADA, &key()));
        assert!(!matches(&made(ADA), EVE, &key()));
        assert!(!matches(&made(ADA), ADA, &other));
        assert!(
            !matches(&made(ADA).replace(",keyid=dXNlcg", ""), ADA, &key()),
            "nor as one that is bound to nothing"
        );
    }

    #[test]
    fn unbound_hash_needs_rehash() {
        let bare = Argon2::new(Algorithm::Argon2id, Version::V0x13, settings());
        let mut out = [0; HASH_LENGTH];
        bare.hash_password_into(b"a password", b"somesaltsomesalt", &mut out).expect("a hash");
        let text = format!(
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA${}",
            Output::new(&out).expect("a hash")
        );
        assert!(matches(&text, ADA, &key()) && matches(&text, EVE, &key()));
        assert!(
            StoredHash::parse(&text, ADA, &settings()).expect("usable").needs_rehash(&settings())
        );
        assert!(
            !StoredHash::parse(&made(ADA), ADA, &settings())
                .expect("usable")
                .needs_rehash(&settings())
        );
    }

    #[test]
    fn expensive_hash_is_rejected_before_work() {
        let with = |params: &str| {
            StoredHash::parse(&made(ADA).replace("m=64,t=2,p=1", params), ADA, &settings()).err()
        };
        for bearable in ["m=64,t=2,p=1", "m=256,t=4,p=1", "m=64,t=16,p=8", "m=8,t=1,p=1"] {
            assert_eq!(with(bearable), None, "{bearable}");
        }
        for expensive in [
            "m=257,t=1,p=1",
            "m=256,t=5,p=1",
            "m=64,t=17,p=1",
            "m=4294967295,t=4294967295,p=1",
            "m=4194304,t=1000000,p=1",
            "m=8,t=4294967295,p=1",
        ] {
            assert_eq!(with(expensive), Some(UnusableHash::TooExpensive), "{expensive}");
        }
        for malformed in [
            "m=64,t=2,p=9",
            "m=7,t=2,p=1",
            "m=64,t=0,p=1",
            "m=64,t=2,p=0",
            "m=64,t=2,p=16777216",
            "m=64,t=2,p=1,data=AAAA",
            "m=-1,t=2,p=1",
            "x=1",
        ] {
            assert_eq!(with(malformed), Some(UnusableHash::Malformed), "{malformed}");
        }
        let other_key = made(ADA).replace("keyid=dXNlcg", "keyid=AAAA");
        assert_eq!(
            StoredHash::parse(&other_key, ADA, &settings()).err(),
            Some(UnusableHash::UnknownKey)
        );
    }

    #[test]
    fn malformed_hash_matches_no_password() {
        let genuine = made(ADA);
        let cut = (0..genuine.len()).map(|length| genuine[..length].to_owned());
        let others = [
            "",
            " ",
            "$",
            "$$$$$",
            "password",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=20$m=64,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2g",
            "\u{fffd}\u{0}",
        ];
        let long = "$argon2id".repeat(1000);
        for text in cut.chain(others.map(str::to_owned)).chain([
            long,
            format!("{genuine}$"),
            format!("{genuine} "),
            format!(" {genuine}"),
        ]) {
            if let Ok(stored) = StoredHash::parse(&text, ADA, &settings()) {
                // With a shortened last part it is still a hash, but of another length and of no
                // password.
                assert!(
                    !stored
                        .matches(
                            &key(),
                            b"a password",
                            &mut vec![Block::new(); stored.block_count()]
                        )
                        .expect("an answer"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn missing_work_equalizes_failed_comparisons() {
        for (stored, expected) in [
            ("m=64,t=2,p=1", None),
            ("m=64,t=3,p=1", None),
            ("m=32,t=2,p=1", Some(64)),
            ("m=32,t=1,p=1", Some(96)),
            ("m=64,t=1,p=1", Some(64)),
        ] {
            let stored =
                StoredHash::parse(&made(ADA).replace("m=64,t=2,p=1", stored), ADA, &settings())
                    .expect("usable");
            assert_eq!(stored.missing_work(&settings()).map(|missing| work(&missing)), expected);
        }
    }

    proptest! {
        #[test]
        fn any_stored_text_is_compared_in_bounded_work(text in prop_oneof![
            any::<String>(),
            concat!(
                r"\$argon2(d|i|id|x)?(\$v=[0-9]{1,3})?",
                r"(\$m=[0-9]{1,12},t=[0-9]{1,12},p=[0-9]{1,9}(,keyid=[A-Za-z0-9+/]{0,12})?)?",
                r"(\$[A-Za-z0-9+/]{0,90}){0,3}",
            ),
        ]) {
            if let Ok(stored) = StoredHash::parse(&text, ADA, &settings()) {
                prop_assert!(stored.block_count() <= 256 && work(&stored.params) <= 8 * 128);
                stored.matches(&key(), b"a \
                    password", &mut vec![Block::new(); stored.block_count()]).expect("an answer");
            }
        }
    }
}
