//! Fuzzes the property `upload_form`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("upload_form", bytes));
