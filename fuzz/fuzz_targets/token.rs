//! Access tokens, refresh tokens and device cookies: only issued ones are accepted.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    countersign_core::testing::decode_any_token(input);
});
