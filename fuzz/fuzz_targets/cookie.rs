//! `Cookie` headers: only one plain cookie with the right name is accepted.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_http::testing::assert_cookie_invariants(
    input
));
