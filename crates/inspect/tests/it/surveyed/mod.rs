//! Archives that are wrong in one way each, built byte by byte and inert, and the rule that has to see
//! it; and the ways of honest tools, of which nothing above information may be said.

mod disguises;
mod properties;
mod quirks;
mod sources;
mod tarballs;
mod wheels;
mod zips;

use std::io::Cursor;

use portcullis_core::inspection::{Observation, Severity};
use portcullis_inspect::archive::Limits;
use portcullis_inspect::archive::survey::{Flaw, Survey, survey};
use portcullis_inspect::rules::archive::check_archive;

use crate::bytes::filename;

/// What is seen in `bytes` under the file name `name`.
fn look(bytes: &[u8], name: &str) -> (Survey, Vec<Observation>) {
    let limits = Limits::default();
    let survey = survey(Cursor::new(bytes), &filename(name), &limits, &mut |_| {}).unwrap();
    let observations = check_archive(&survey);
    (survey, observations)
}

/// Fails unless `rule` says something at least as bad as `least`.
fn finds(what: &str, (bytes, name): (&[u8], &str), rule: &str, least: Severity) {
    let (_, observations) = look(bytes, name);
    let is_meant = |each: &&Observation| each.rule == rule && each.severity >= least;
    assert!(
        observations.iter().any(|each| is_meant(&each)),
        "{what}: {observations:#?}"
    );
}

/// Fails unless the container is found to have `flaw`, and the flaw's rule says so.
fn finds_flaw(what: &str, (bytes, name): (&[u8], &str), flaw: Flaw) {
    let (survey, _) = look(bytes, name);
    let has_flaw = survey.violations.iter().any(|each| each.flaw == flaw);
    assert!(has_flaw, "{what}: {:#?}", survey.violations);
    finds(what, (bytes, name), flaw.rule(), flaw.severity());
}

/// Fails if anything worse than `most` is said.
fn is_quiet(what: &str, (bytes, name): (&[u8], &str), most: Severity) {
    let (_, observations) = look(bytes, name);
    let loud: Vec<_> = observations
        .iter()
        .filter(|each| each.severity > most)
        .collect();
    assert!(loud.is_empty(), "{what}: {loud:#?}");
}
