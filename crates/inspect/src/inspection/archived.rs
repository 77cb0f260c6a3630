//! [`inspect_archive`]: a wheel or an sdist, surveyed once and its Python followed.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::Contents;
use portcullis_core::pypi::filename::DistFilename;
use sha2::Digest as _;

use super::{Budget, Gathered, Inspection, conclude};
use crate::archive::survey::survey_with_sources;
use crate::python::analyse;
use crate::rules::archive::check_archive;

/// Inspects the wheel or sdist in `archive`, whose name is `filename`. What cannot be read of it is an
/// observation, and makes the inspection incomplete.
///
/// # Errors
/// Those of `archive`, which say nothing about what it holds.
pub fn inspect_archive(
    mut archive: impl Read + Seek,
    filename: &DistFilename,
    budget: &Budget,
) -> io::Result<Inspection> {
    let sha256 = digest(&mut archive)?;
    let (survey, package) = survey_with_sources(archive, filename, &budget.archive)?;
    let sources = package.sources.iter();
    let mut texts: Vec<(Arc<str>, &[u8])> = sources
        .map(|source| (source.path.clone(), &*source.bytes))
        .collect();
    texts.extend(
        survey
            .documents
            .iter()
            .map(|(name, bytes)| (name.clone(), &**bytes)),
    );
    let inspected = conclude(Gathered {
        sha256,
        analysis: analyse(&package, &budget.python),
        observations: check_archive(&survey),
        texts,
        files: survey.files().count(),
        bytes: survey.inflated,
        complete: survey.is_complete(),
    });
    Ok(Inspection {
        inspected,
        contents: Contents::default(),
    })
}

fn digest(archive: &mut (impl Read + Seek)) -> io::Result<Sha256> {
    archive.seek(SeekFrom::Start(0))?;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match archive.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Sha256::from_bytes(hash.finalize().into()))
}
