//! Fuzzes the property `lint_pyproject`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("lint_pyproject", bytes));
