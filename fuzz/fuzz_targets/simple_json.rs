//! Fuzzes the property `simple_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("simple_json", bytes));
