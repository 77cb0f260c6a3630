//! What must hold for any bytes that strangers send: one [`Property`] for each reader of such bytes.
//! Fuzzing (`fuzz/`, `cargo xtask fuzz`) and the tests of this crate check the same properties; nothing in
//! here generates load, keeps a corpus or is used by the product.
//!
//! Read the modules in this order: the bytes as choices, packages and Python made of them, what must hold of
//! an inspection, then the properties themselves.

mod choices;
mod packages;
mod python_text;
mod holding;

mod archives;
mod commands;
mod comparison;
mod lint;
mod locks_and_configuration;
mod metadata;
mod names;
mod pages;
mod policies;
mod records;
mod requests;
mod sources;
mod clients;
mod publishing;
mod configuration;

// Files of the server itself: linking all of the server to look at some hundred lines would cost minutes.
/// Which part of a file is asked for.
#[path = "../../server/src/http/ranges.rs"]
pub mod ranges;
/// Which client asks.
#[path = "../../server/src/http/user_agent.rs"]
pub mod user_agent;
#[path = "../../server/src/http/client_address.rs"]
mod client_address;
/// `portcullis.toml`.
#[expect(dead_code, reason = "the server takes more of it than what reads it")]
#[path = "../../server/src/config/mod.rs"]
pub mod config;

mod mutation;

pub use choices::Random;
pub use mutation::mutated;

/// Something that must hold for any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// What fuzzing calls it; also the name of the folder of its seeds.
    pub name: &'static str,
    /// What must hold, in one line.
    pub what: &'static str,
    /// Panics where it does not hold.
    pub check: fn(&[u8]),
    /// Bytes to start from, beside those that are kept as files.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that its input is likely to be made of.
    pub words: &'static [&'static str],
}

/// Every property: archives and Python first, then the smaller readers.
pub static PROPERTIES: &[&Property] = &[
    &archives::WHOLE_INSPECTION,
    &archives::WHEEL,
    &archives::SDIST_TAR,
    &archives::SDIST_ZIP,
    &sources::PYTHON_SOURCE,
    &sources::PYTHON_PACKAGE,
    &sources::PTH,
    &records::RECORD,
    &comparison::COMPARISON,
    &metadata::METADATA,
    &names::FILENAME,
    &names::REQUIREMENT,
    &names::MARKER,
    &names::VERSION,
    &pages::SIMPLE_HTML,
    &pages::SIMPLE_JSON,
    &metadata::LOCKFILES,
    &lint::LINT_REQUIREMENTS,
    &lint::LINT_PYPROJECT,
    &locks_and_configuration::LINT_LOCKS,
    &locks_and_configuration::LINT_CONFIGURATION,
    &metadata::OSV_RECORD,
    &policies::POLICY,
    &policies::CONDITION,
    &commands::SHELL,
    &commands::DOCKERFILE,
    &commands::YAML_PIPELINES,
    &requests::ACCEPT,
    &requests::RANGE,
    &clients::USER_AGENT,
    &clients::FORWARDED,
    &publishing::UPLOAD_FORM,
    &configuration::CONFIGURATION,
    &configuration::NETRC,
];

/// The property called `name`.
#[must_use]
pub fn property(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().copied().find(|one| one.name == name)
}

/// Checks the property called `name`, for the programs that fuzz it.
///
/// # Panics
/// Where it does not hold, and when there is no such property.
pub fn check(name: &str, bytes: &[u8]) {
    let property = property(name).expect("a program is named after its property");
    (property.check)(bytes);
}
