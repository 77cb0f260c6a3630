//! `portcullis check`: what is unsafe about how a project names, locks, fetches and installs packages.
//! Text in, findings with their places out; which files there are, and what an index says of their pins,
//! is gathered by the caller.
//!
//! Read the modules in this order: which files matter, what a file says whatever its format, the files of a
//! project together, how each format is read, what a rule is, the rules, and how they are applied.

pub mod file;
pub mod contents;
pub mod python;
mod syntax;
pub mod project;
pub mod pins;
pub mod addresses;
pub mod read;
pub mod rule;
pub mod rules;
pub mod check;

pub use check::{Report, check};
pub use contents::Contents;
pub use file::FileKind;
pub use project::{Project, ProjectFile};
pub use rule::{Edit, Finding, Fix, Rule};
pub use rules::RULES;

#[cfg(test)]
pub(crate) mod testing;
