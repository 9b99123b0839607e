//! The bodies of calls: decoded, or a bad request.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_leptos::testing::function(input));
