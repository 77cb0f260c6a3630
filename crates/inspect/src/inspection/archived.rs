//! [`inspect_archive`]: a wheel or an sdist, surveyed once and its Python followed.

use std::io::{self, Read, Seek};

use portcullis_core::pypi::filename::DistFilename;

use super::contents::contents;
use super::{Budget, Gathered, Inspection, Texts, conclude, engine};
use crate::archive::Hashed;
use crate::archive::survey::{Survey, survey_with_sources};
use crate::python::{LargeStack, Package, Unpacker, analyse_on, on_large_stack};
use crate::rules::archive::check_archive;

/// Inspects the wheel or sdist in `archive`, whose name is `filename`. What cannot be read of it is an
/// observation, and makes the inspection incomplete. It is read from front to back first, so that one that
/// is still [`Arriving`](crate::archive::Arriving) is nearly done with when the last byte is there.
///
/// # Errors
/// Those of `archive`, which say nothing about what it holds.
pub fn inspect_archive(
    archive: impl Read + Seek + Send,
    filename: &DistFilename,
    budget: &Budget,
) -> io::Result<Inspection> {
    // All on one thread: allocators keep what a thread gave back for that thread, so that what reading the
    // archive took serves the analysis, too.
    on_large_stack(&budget.python, |stack| {
        inspect_on(stack, archive, filename, budget)
    })
}

fn inspect_on(
    stack: Result<&LargeStack, &str>,
    archive: impl Read + Seek,
    filename: &DistFilename,
    budget: &Budget,
) -> io::Result<Inspection> {
    let mut archive = Hashed::new(archive)?;
    let (survey, package) = survey_with_sources(&mut archive, filename, &budget.archive)?;
    let mut observations = check_archive(&survey);
    let looked = budget
        .own_rules
        .look(&mut archive, filename, budget.python.time / 2);
    observations.extend(looked.observations);
    let left_out = looked
        .left_out
        .map(|why| engine::left_out(filename.as_str(), &why));
    let is_whole = left_out.is_none();
    observations.extend(left_out);
    let inspected = conclude(Gathered {
        sha256: archive.finish()?,
        analysis: analyse_on(stack, &package, &budget.python),
        observations,
        texts: &mut Archived {
            survey: &survey,
            package: &package,
            unpacker: Unpacker::default(),
        },
        files: survey.files().count(),
        bytes: survey.inflated,
        complete: survey.is_complete() && is_whole,
    });
    Ok(Inspection {
        inspected,
        contents: contents(&survey),
    })
}

/// The texts of an archive: a startup list is shown as it stands, not as the code made of it.
struct Archived<'a> {
    survey: &'a Survey,
    package: &'a Package,
    unpacker: Unpacker,
}

impl Texts for Archived<'_> {
    fn text(&mut self, name: &str) -> Option<&[u8]> {
        if let Some(bytes) = self.survey.documents.get(name) {
            return Some(bytes);
        }
        let mut sources = self.package.sources.iter().rev();
        let source = sources.find(|source| &*source.path == name)?;
        Some(self.unpacker.read(&source.bytes))
    }
}
