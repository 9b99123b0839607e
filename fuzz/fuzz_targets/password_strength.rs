//! New passwords: the strength check never panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    countersign_core::testing::is_weak_password(input);
});
