//! Inputs made of seeds by chance, the same ones each time: a small share of what fuzzing does, on any
//! toolchain and within seconds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use portcullis_properties::{PROPERTIES, Property, Random, mutated};

use crate::kept::kept_seeds;

/// How many inputs a property is checked with here, by what one check costs.
fn inputs(property: &Property) -> usize {
    match property.name {
        "whole_inspection" | "comparison" => 60,
        "wheel" | "sdist_tar" | "sdist_zip" | "pth" | "record" => 120,
        "python_source" | "python_package" => 60,
        "policy" | "condition" => 100,
        _ => 600,
    }
}

#[test]
fn seeds_and_what_is_made_of_them_break_nothing() {
    for property in PROPERTIES {
        let kept = kept_seeds(property.name).into_iter();
        let mut pool: Vec<Vec<u8>> = kept.map(|(_, bytes)| bytes).collect();
        pool.extend((property.seeds)());
        let mut random = Random::new(property.name.len() as u64);
        for number in 0..inputs(property) {
            let input = match number % 4 {
                0 => pool[random.below(pool.len())].clone(),
                _ => mutated(property, &pool, &mut random),
            };
            holds(property, &input);
        }
    }
}

/// Fails with the input that broke the property, ready to be kept as a file.
fn holds(property: &Property, input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (property.check)(input)));
    if outcome.is_err() {
        let shown = input.escape_ascii();
        panic!(
            "{}: {} is broken by b\"{shown}\"",
            property.name, property.what
        );
    }
}
