//! Cookie headers: only one plain cookie of our name is ours.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_leptos::testing::cookie(input));
