//! Filling the gaps of a page from the project's JSON, file by file, and only where both speak of
//! the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{FileDetail, ProjectJson};
use crate::pypi::simple::{CoreMetadata, PageFile, ProjectPage, Yanked};

/// What [`enrich`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrichment {
    /// How many of the page's files the JSON knew, with the same bytes.
    pub matched: usize,
    /// Files for which page and JSON give different hashes. Nothing was filled in for them; the
    /// upstream contradicts itself.
    pub contradictions: Vec<Arc<str>>,
}

/// Fills what `page` lacks from `json`: versions, and for each file size, upload time, SHA-256, the
/// metadata's hash and `Requires-Python`. A yank that only one of the two knows counts.
///
/// A file that has hashes on the page is left alone unless the JSON gives one of the same
/// algorithm, SHA-256 if the page has that, and it is the same.
pub fn enrich(page: &mut ProjectPage, json: &ProjectJson) -> Enrichment {
    let mut enrichment = Enrichment::default();
    if page.versions.is_empty() {
        page.versions.clone_from(&json.versions);
    }
    for file in &mut page.files {
        let Some(detail) = json.files.get(&*file.filename) else {
            continue;
        };
        match compare(&file.hashes, &detail.digests) {
            Comparison::Same => {
                enrichment.matched += 1;
                fill(file, detail);
            }
            Comparison::Different => enrichment.contradictions.push(Arc::clone(&file.filename)),
            Comparison::Incomparable => {}
        }
    }
    enrichment
}

enum Comparison {
    Same,
    Different,
    Incomparable,
}

fn compare(page: &BTreeMap<Box<str>, Box<str>>, json: &BTreeMap<Box<str>, Box<str>>) -> Comparison {
    if page.is_empty() {
        return Comparison::Same;
    }
    let both = || {
        page.iter()
            .filter_map(|(algorithm, digest)| Some((digest, json.get(algorithm)?)))
    };
    if both().any(|(page, json)| page != json) {
        return Comparison::Different;
    }
    let decisive = page
        .get("sha256")
        .map_or(both().next().is_some(), |_| json.contains_key("sha256"));
    if decisive {
        Comparison::Same
    } else {
        Comparison::Incomparable
    }
}

fn fill(file: &mut PageFile, detail: &FileDetail) {
    // The JSON API calls digests by names that are not hashlib's (`blake2b_256`), and pip refuses a
    // file with a hash of a name that it does not know. SHA-256 is the one that everybody has.
    if let Some(digest) = detail.digests.get("sha256") {
        let hash = || digest.clone();
        file.hashes.entry("sha256".into()).or_insert_with(hash);
    }
    file.size = file.size.or(detail.size);
    fill_absent(&mut file.upload_time, &detail.upload_time);
    fill_absent(&mut file.requires_python, &detail.requires_python);
    match file.core_metadata {
        CoreMetadata::Hashed(_) => {}
        CoreMetadata::Unhashed if !detail.core_metadata.is_offered() => {}
        CoreMetadata::Absent | CoreMetadata::Unhashed => {
            file.core_metadata = detail.core_metadata.clone();
        }
    }
    match file.yanked {
        Yanked::No | Yanked::Yes if detail.yanked != Yanked::No => {
            file.yanked = detail.yanked.clone();
        }
        Yanked::No | Yanked::Yes | Yanked::Because(_) => {}
    }
}

fn fill_absent<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
    if slot.is_none() {
        slot.clone_from(value);
    }
}
