//! Access tokens, refresh tokens and known browsers: nothing opens that was not made by us.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    countersign_core::testing::token(input);
});
