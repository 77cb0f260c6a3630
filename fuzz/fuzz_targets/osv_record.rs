//! Fuzzes the property `osv_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("osv_record", bytes));
