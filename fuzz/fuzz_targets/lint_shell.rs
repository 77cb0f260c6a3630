//! Fuzzes the property `lint_shell`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("lint_shell", bytes));
