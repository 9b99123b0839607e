//! Passwords: hashing, the queue in front of it, strength, and changing one's own password.

pub(crate) mod change;
pub mod hasher;
pub(crate) mod strength;
