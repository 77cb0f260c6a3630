//! [`read_lock`]: a lock file as a question to a gateway.

use std::path::Path;

use anyhow::Context as _;
use portcullis_core::pypi::lockfile::{self, Locked, LockedFiles};

use super::ask::QuestionPin;
use crate::exit::failure;

/// Reads a lock file, pinned requirements or a bill of materials.
pub fn read_lock(path: &Path) -> anyhow::Result<(Vec<u8>, LockedFiles)> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let files = lockfile::read(&path.to_string_lossy(), &bytes).map_err(|error| {
        failure(
            format!("{shown}: {error}"),
            "give a lock file as its tool wrote it",
        )
    })?;
    Ok((bytes, files))
}

/// The question about a release that is locked.
pub fn pin_of(locked: &Locked) -> QuestionPin {
    QuestionPin {
        project: locked.project.to_string(),
        version: locked.version.as_ref().map(ToString::to_string),
        versions: None,
        hashes: locked.hashes.iter().map(|digest| digest.to_hex()).collect(),
        filenames: locked.filenames.clone(),
    }
}
