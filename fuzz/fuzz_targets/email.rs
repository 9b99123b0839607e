//! Email addresses: accepted ones are short ASCII and have one lookup key.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_types::testing::assert_email_invariants(
    input
));
