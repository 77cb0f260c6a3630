//! Fuzzes the property `lint_yaml_pipelines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portcullis_properties::check("lint_yaml_pipelines", bytes));
