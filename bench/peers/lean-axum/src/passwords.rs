//! Password hashes: Argon2id with m=19456, t=2, p=1, as many at a time as there are cores.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::{cell::RefCell, num::NonZero, thread};
use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
};

pub const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
pub type Salt = [u8; SALT_BYTES];

thread_local! {
    /// Working memory, which would otherwise be allocated for each hash.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

pub struct Hasher {
    slots: Semaphore,
}

impl Hasher {
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { slots: Semaphore::new(cores) }
    }

    pub async fn hash(&self, password: String, salt: Salt) -> Result<Vec<u8>, JoinError> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        spawn_blocking(move || hash(password.as_bytes(), &salt)).await
    }
}

fn hash(password: &[u8], salt: &Salt) -> Vec<u8> {
    let params = Params::new(19_456, 2, 1, Some(HASH_BYTES)).expect("the parameters are valid");
    MEMORY.with_borrow_mut(|memory| {
        memory.resize(params.block_count(), Block::new());
        let mut hash = vec![0; HASH_BYTES];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, salt, &mut hash, memory)
            .expect("the memory and the lengths are valid");
        hash
    })
}
