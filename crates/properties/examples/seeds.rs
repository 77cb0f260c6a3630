//! Writes what fuzzing a property starts from into a folder: its seeds, one a file, and its words as a
//! dictionary of libFuzzer.
//!
//! ```console
//! $ cargo run --package portcullis-properties --example seeds -- PROPERTY FOLDER DICTIONARY
//! $ cargo run --package portcullis-properties --example seeds          # lists the properties
//! ```
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use portcullis_core::digest::Sha256;
use portcullis_properties::{PROPERTIES, Property, property};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder, dictionary] = &arguments[..] else {
        for property in PROPERTIES {
            println!("{}", property.name);
        }
        return ExitCode::SUCCESS;
    };
    let Some(property) = property(name) else {
        eprintln!("error: there is no property {name:?}");
        return ExitCode::from(2);
    };
    match write(property, Path::new(folder), Path::new(dictionary)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write the seeds of {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(property: &Property, folder: &Path, dictionary: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for seed in (property.seeds)() {
        fs::write(folder.join(Sha256::of(&seed).to_string()), seed)?;
    }
    let mut words = String::new();
    for word in property.words.iter().filter(|word| !word.is_empty()) {
        let bytes = word.bytes().map(|byte| format!("\\x{byte:02x}"));
        let _ = writeln!(words, "\"{}\"", bytes.collect::<String>());
    }
    fs::write(dictionary, words)
}
