//! The crate's integration tests, in one binary: archives built byte by byte, good and hostile.
#![allow(clippy::unwrap_used, missing_docs)]

mod bytes;

mod arriving;
mod built;
mod compromises;
mod properties;
mod remote;
mod sdists;
mod surveyed;
mod techniques;
mod wheels;
