//! What is kept as files in `fuzz/corpus-seeds`: seeds, and what once broke a property. And the programs in
//! `fuzz/fuzz_targets`, one for each property.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis_properties::PROPERTIES;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The seeds of one property that are kept as files, with their names.
pub(crate) fn kept_seeds(property: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(folder) = fs::read_dir(fuzz().join("corpus-seeds").join(property)) else {
        return Vec::new();
    };
    let paths = folder.map(|entry| entry.expect("the repository can be read").path());
    let mut seeds: Vec<(String, Vec<u8>)> = paths
        .map(|path| {
            let bytes = fs::read(&path).expect("a seed can be read");
            (path.display().to_string(), bytes)
        })
        .collect();
    seeds.sort();
    seeds
}

#[test]
fn what_once_broke_a_property_breaks_it_no_more() {
    for property in PROPERTIES {
        for (path, bytes) in kept_seeds(property.name) {
            println!("{path}");
            (property.check)(&bytes);
        }
    }
}

#[test]
fn every_property_has_a_program_that_fuzzes_it() {
    let names: BTreeSet<String> = PROPERTIES.iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(names.len(), PROPERTIES.len(), "a name is given twice");
    let files = fs::read_dir(fuzz().join("fuzz_targets")).expect("the folder is there");
    let stem = |path: PathBuf| {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
    };
    let programs = files.map(|entry| stem(entry.expect("the repository can be read").path()));
    assert_eq!(programs.flatten().collect::<BTreeSet<_>>(), names);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest is there");
    for name in &names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs")));
        let program = program.expect("the program is there");
        assert!(
            program.contains(&format!("check(\"{name}\", bytes)")),
            "{name}"
        );
    }
}

#[test]
fn kept_seeds_are_few_and_small_and_belong_to_a_property() {
    let mut total = 0;
    let folders = fs::read_dir(fuzz().join("corpus-seeds")).expect("the folder is there");
    for folder in folders {
        let name = folder.expect("the repository can be read").file_name();
        let name = name.to_string_lossy();
        assert!(PROPERTIES.iter().any(|one| one.name == name), "{name}");
        total += kept_seeds(&name)
            .iter()
            .map(|(_, bytes)| bytes.len())
            .sum::<usize>();
    }
    assert!(total < 1_000_000, "{total} bytes of seeds");
}
