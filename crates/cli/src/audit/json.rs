//! An audit as one JSON document, whose keys stay as they are documented in docs/audit.md.

use std::sync::Arc;

use portcullis_core::advisory::audit::{Unchecked, Vulnerable};
use portcullis_core::advisory::{Probability, Rating, Score};
use portcullis_core::inventory::FoundAt;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;
use serde::Serialize;

use super::Told;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'t> {
    findings: Vec<Finding<'t>>,
    unchecked: Vec<Doubt<'t>>,
    ignored: Vec<Finding<'t>>,
    accepted: Vec<Doubt<'t>>,
    unused_ignores: Vec<&'t str>,
    checked: usize,
    inputs: &'t [String],
    advisories: Vec<Source<'t>>,
    exit: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Finding<'t> {
    project: &'t ProjectName,
    version: &'t Version,
    id: &'t str,
    aliases: &'t [Arc<str>],
    summary: &'t str,
    severity: Option<Rating>,
    score: Option<Score>,
    malicious: Option<&'t str>,
    exploited: Option<bool>,
    epss: Option<Probability>,
    fixed_in: Option<&'t Version>,
    unaffected: Option<&'t Version>,
    remedy: String,
    places: Vec<Place<'t>>,
    /// Of what counts or does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<bool>,
    /// Of what is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'t str>,
}

#[derive(Serialize)]
struct Doubt<'t> {
    what: &'t str,
    project: Option<&'t ProjectName>,
    why: &'t str,
    places: Vec<Place<'t>>,
    /// Of what is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'t str>,
}

#[derive(Serialize)]
struct Place<'t> {
    path: &'t str,
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Source<'t> {
    source: &'t str,
    as_of: Option<Timestamp>,
    records: usize,
}

pub(super) fn document(told: &Told) -> serde_json::Result<String> {
    let audit = &told.audit;
    let found = audit.found.iter().map(|one| Finding {
        counts: Some(told.threshold.counts(one)),
        ..Finding::of(one)
    });
    let ignored = audit.ignored.iter().map(|(one, reason)| Finding {
        reason: Some(reason),
        ..Finding::of(one)
    });
    let accepted = audit.accepted.iter().map(|(one, reason)| Doubt {
        reason: Some(reason),
        ..Doubt::of(one)
    });
    let sources = told.heads.iter().map(|head| Source {
        source: &head.source,
        as_of: head.as_of,
        records: head.records,
    });
    let document = Document {
        findings: found.collect(),
        unchecked: audit.unchecked.iter().map(Doubt::of).collect(),
        ignored: ignored.collect(),
        accepted: accepted.collect(),
        unused_ignores: audit.unused.iter().map(|one| one.id.as_str()).collect(),
        checked: audit.checked,
        inputs: &told.of,
        advisories: sources.collect(),
        exit: told.exit().code(),
    };
    serde_json::to_string_pretty(&document)
}

impl<'t> Finding<'t> {
    fn of(one: &'t Vulnerable) -> Self {
        let affecting = &one.affecting;
        let group = &affecting.group;
        let score = group.severity.as_ref().map(|severity| severity.score);
        Self {
            project: &one.project,
            version: &one.version,
            id: &group.id,
            aliases: &group.aliases,
            summary: &group.summary,
            severity: score.map(Score::rating),
            score,
            malicious: affecting.malicious.as_deref(),
            exploited: group.exploited.known().map(Option::is_some),
            epss: one.epss(),
            fixed_in: affecting.lowest_fix.as_ref(),
            unaffected: affecting.lowest_unaffected.as_ref(),
            remedy: one.remedy(),
            places: places(&one.found),
            counts: None,
            reason: None,
        }
    }
}

impl<'t> Doubt<'t> {
    fn of(one: &'t Unchecked) -> Self {
        Self {
            what: &one.what,
            project: one.project.as_ref(),
            why: &one.why,
            places: places(&one.found),
            reason: None,
        }
    }
}

fn places(found: &[FoundAt]) -> Vec<Place<'_>> {
    let places = found.iter().map(|one| Place {
        path: &one.path,
        line: one.line,
    });
    places.collect()
}
