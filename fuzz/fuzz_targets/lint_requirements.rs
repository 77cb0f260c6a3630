//! Fuzzes the property `lint_requirements`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("lint_requirements", bytes));
