//! Fuzzes the property `python_source`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("python_source", bytes));
