//! Fuzzes the property `lint_dockerfile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("lint_dockerfile", bytes));
