//! Fuzzes the property `sdist_tar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("sdist_tar", bytes));
