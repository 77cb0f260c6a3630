//! Everything that is Python packaging and nothing that is not: names, versions, file names,
//! metadata, and the two forms of the simple repository API. No policy and no I/O.

pub mod name;
pub mod version;
pub mod requirement;
pub(crate) mod requirements_lines;
pub mod requirements_file;
pub mod filename;
pub mod metadata;
pub mod simple;
mod json_values;
pub mod simple_json;
pub mod simple_html;
pub mod project_json;
pub mod provenance;
pub mod negotiate;
pub mod lockfile;
pub mod upload;
