//! Fuzzes the property `user_agent`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("user_agent", bytes));
