//! New passwords: however strong they are, judging them does not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    countersign_core::testing::password(input);
});
