//! Fuzzes the property `sdist_zip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("sdist_zip", bytes));
