//! Passwords: hashing, the queue in front of it, strength, changing one's own password, and reset
//! by email.

pub(crate) mod change;
pub mod hasher;
pub(crate) mod reset;
pub(crate) mod strength;
