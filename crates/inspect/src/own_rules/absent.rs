//! Stands in for `compiled` in builds without the feature: there are no such rules.

use std::io::{Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::pypi::filename::DistFilename;

use super::Looked;

/// Nothing: this build has no compiler for rules.
pub(super) enum Compiled {}

impl Compiled {
    pub(super) fn new(_: &[PathBuf]) -> Result<Self, String> {
        Err("this portcullis was built without YARA: build it with --features yara".to_owned())
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        match *self {}
    }

    pub(super) fn look(&self, _: impl Read + Seek, _: &DistFilename, _: Duration) -> Looked {
        match *self {}
    }
}
