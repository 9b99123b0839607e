//! Redirect paths: always a path on this origin.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_types::testing::assert_redirect_invariants(
    input
));
