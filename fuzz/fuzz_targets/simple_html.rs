//! Fuzzes the property `simple_html`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("simple_html", bytes));
