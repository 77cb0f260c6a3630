//! Fuzzes the property `whole_inspection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("whole_inspection", bytes));
