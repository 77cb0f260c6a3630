//! `portcullis check`: what is unsafe about how a project names, locks, fetches and installs packages.
//! Text in, findings with their places out; which files there are, and what an index says of their pins,
//! is gathered by the caller.
//!
//! Read the modules in this order: which files matter, what a file says whatever its format, the files of a
//! project together, how each format is read, what a rule is, the rules, what a project
//! says of its checks, what it ignores, how rules are applied, and how what they find is mended.

pub mod file;
pub mod contents;
pub mod python;
mod syntax;
mod address;
pub mod project;
pub mod pins;
pub mod candidates;
pub mod addresses;
pub mod read;
mod asked;
mod requirement_files;
mod markers;
mod machines;
mod dependencies;
pub mod settling;
mod settled_text;
mod revision;
pub mod rule;
pub mod rules;
pub mod globs;
pub mod settings;
pub mod ignore;
pub mod check;
pub mod fix;

pub use address::is_same_index;
pub use candidates::{Candidate, Candidates, Question};
pub use check::{Asked, Extent, Ignored, Report, check, check_as};
pub use contents::Contents;
pub use file::FileKind;
pub use project::{Project, ProjectFile};
pub use rule::{Edit, Finding, Fix, Rule};
pub use rules::RULES;
pub use settings::Settings;

#[cfg(test)]
pub(crate) mod testing;
