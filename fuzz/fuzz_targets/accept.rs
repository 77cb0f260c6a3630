//! Fuzzes the property `accept`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("accept", bytes));
