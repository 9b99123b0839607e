//! Form bodies of server functions: decoded, or rejected as a bad request.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    countersign_leptos::testing::assert_form_body_invariants(input)
});
