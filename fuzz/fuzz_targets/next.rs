//! Where somebody is led after a log-in: a path of this origin.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign_types::testing::next(input));
