//! Everything that is Python packaging and nothing that is not: names, versions, file names,
//! metadata, and the two forms of the simple repository API. No policy and no I/O.

pub mod name;
pub mod version;
pub mod filename;
pub mod simple;
