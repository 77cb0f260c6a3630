//! Versions and version specifiers (PEP 440), as `pep440_rs` reads them: the parser that grew up in
//! uv, so that we order releases as installers do. This module only gives them one name in the house.

pub use pep440_rs::{Version, VersionSpecifiers};
