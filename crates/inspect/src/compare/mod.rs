//! Comparisons of what is inside two distributions of one project: a version with the one before it, and a
//! wheel with its sdist. Pure functions over what inspections saw; no archive is opened, and nothing is
//! decided.
//!
//! Read the modules in this order: where a file is installed, what its code is able to do, what a version
//! changes, what a wheel has that its sdist has not.

mod located;
mod seen;
mod since;
mod with_sdist;

pub use seen::Seen;
pub use since::{Beside, Release, new_dependencies, since};
pub use with_sdist::with_sdist;

pub(crate) use located::located;
