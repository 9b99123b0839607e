//! Addresses: short words of ASCII with one key.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_types::testing::email(input));
