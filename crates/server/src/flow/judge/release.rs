//! One release, judged with what was gathered of its project.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_core::advisory::Affecting;
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, FileFacts, ReleaseFacts};
use portcullis_core::index::{IndexName, SourceKind};
use portcullis_core::licence::Licence;
use portcullis_core::policy::Decision;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::pypi::version::Version;

use super::licences::Licences;
use super::verdict::{JudgedFile, JudgedRelease, Owner, Verdict};
use super::versions::Versions;
use super::{Pin, Records};
use crate::app::App;
use crate::flow::gather::Gathered;

/// Judges a pin.
pub(super) fn judge(
    app: &App,
    gathered: &Gathered,
    (records, licences): (&Records, &Licences),
    pin: &Pin,
) -> JudgedRelease {
    let index = &gathered.facts.index;
    let Some(page) = &gathered.page else {
        let mut judged = without_page(app, index, pin, of_name(app, gathered));
        judged.has_project = Some(false);
        judged.unlisted = unlisted(&[], records, pin);
        return judged;
    };
    let versions = Versions::of(app, gathered);
    let version = match &pin.version {
        Some(version) => Some(version.clone()),
        None => versions.received(&pin.wanted),
    };
    let files = match &version {
        Some(version) => files(app, gathered, records, version),
        None => Vec::new(),
    };
    let verdict = match decisive(files.iter().filter(is_allowed(&files, pin))) {
        Some(decision) => Verdict::Decided(decision),
        None => of_name(app, gathered),
    };
    let nearest = match (&version, verdict.passes()) {
        (Some(version), false) => versions.nearest(version, &pin.wanted),
        _ => None,
    };
    let release = version.as_ref().and_then(|version| page.release(version));
    let unread = || Fact::Unknown(Cow::Borrowed("no source has the release"));
    JudgedRelease {
        project: pin.project.clone(),
        advisories: advisories(app, gathered, version.as_ref()),
        licence: licence(licences, version.as_ref()),
        version,
        verdict,
        first_upload: release.map_or_else(unread, |release| release.first_upload.clone()),
        yanked: yanked(&files),
        status: page.page.status.clone(),
        stale_since: page.freshness.stale_since,
        has_project: Some(true),
        hashes: owners(gathered, pin),
        unlisted: unlisted(&files, records, pin),
        files,
        nearest,
    }
}

/// What is said where there are no files: that there are none, or what speaks against the name.
fn of_name(app: &App, gathered: &Gathered) -> Verdict {
    let name = gathered.judge_name(app);
    match name.lets_through() {
        true => Verdict::Absent,
        false => Verdict::Decided(name),
    }
}

/// What is said of a pin without a page: nothing but what is known beside pages.
pub(super) fn without_page(
    app: &App,
    index: &IndexName,
    pin: &Pin,
    verdict: Verdict,
) -> JudgedRelease {
    let unread = || Cow::Borrowed("its page was not read");
    JudgedRelease {
        project: pin.project.clone(),
        version: pin.version.clone(),
        verdict,
        first_upload: Fact::Unknown(unread()),
        yanked: Yanked::No,
        status: None,
        stale_since: None,
        has_project: None,
        files: Vec::new(),
        hashes: pin.hashes.iter().map(|hash| (*hash, None)).collect(),
        unlisted: Vec::new(),
        nearest: None,
        advisories: public_advisories(app, index, &pin.project, pin.version.as_ref()),
        licence: Fact::Unknown(unread()),
    }
}

/// The files of a release, each with the decision about it.
fn files(app: &App, gathered: &Gathered, records: &Records, version: &Version) -> Vec<JudgedFile> {
    let facts = gathered.page.iter().flat_map(|page| &page.facts);
    let of_release = facts.filter(|facts| facts.version.known() == Some(version));
    let origin = gathered.facts.origin.as_ref();
    // What is published here has the digest that it was uploaded with.
    let is_ours = origin.is_some_and(|origin| origin.kind == SourceKind::Hosted);
    let recorded = |facts: &FileFacts| match is_ours {
        true => facts.sha256.known().copied(),
        false => records.get(&*facts.filename).copied(),
    };
    let judged = of_release.map(|facts| JudgedFile {
        decision: gathered.judge_file(app, facts),
        recorded: recorded(facts),
        facts: facts.clone(),
    });
    judged.collect()
}

/// Whether the pin allows a file. Where it allows none of them, all count: what is said of them is what is
/// known of the release.
fn is_allowed<'p>(files: &[JudgedFile], pin: &'p Pin) -> impl Fn(&&JudgedFile) -> bool + use<'p> {
    let is_named = |file: &JudgedFile| {
        let has_name = |name: &String| **name == *file.facts.filename;
        let digest = file.facts.sha256.known();
        digest.is_some_and(|digest| pin.hashes.contains(digest))
            || pin.filenames.iter().any(has_name)
    };
    let names_any = files.iter().any(is_named);
    move |file: &&JudgedFile| !names_any || is_named(file)
}

/// The decision that stands for a release: the strictest about any of its files. Files that are only left out,
/// such as those of other platforms, count where there are no others.
pub(super) fn decisive<'f>(files: impl Iterator<Item = &'f JudgedFile>) -> Option<Arc<Decision>> {
    let (left_out, counting): (Vec<_>, Vec<_>) =
        files.partition(|file| file.decision.is_filtered());
    let strictest = |files: &[&JudgedFile]| {
        // Of those that are equally strict, the first one.
        let files = files.iter().rev();
        let strictest = files.max_by_key(|file| file.decision.effect());
        strictest.map(|file| Arc::clone(&file.decision))
    };
    strictest(&counting).or_else(|| strictest(&left_out))
}

/// A release is yanked when all of its files are (PEP 592).
fn yanked(files: &[JudgedFile]) -> Yanked {
    let mut markers = files.iter().map(|file| &file.facts.yanked);
    match markers.clone().any(|marker| *marker == Yanked::No) {
        true => Yanked::No,
        false => markers
            .find(|marker| matches!(marker, Yanked::Because(_)))
            .or_else(|| files.first().map(|file| &file.facts.yanked))
            .cloned()
            .unwrap_or_default(),
    }
}

/// To which file of the project each digest belongs that the pin gives.
fn owners(gathered: &Gathered, pin: &Pin) -> Vec<(Sha256, Option<Owner>)> {
    let files = || gathered.page.iter().flat_map(|page| &page.facts);
    let owner = |hash: &Sha256| {
        let file = files().find(|facts| facts.sha256.known() == Some(hash))?;
        Some(Owner {
            filename: Arc::clone(&file.filename),
            version: file.version.known().cloned(),
        })
    };
    let each = pin.hashes.iter();
    each.map(|hash| (*hash, owner(hash))).collect()
}

/// What is on record of files that the pin names and the release does not have.
fn unlisted(files: &[JudgedFile], records: &Records, pin: &Pin) -> Vec<(String, Option<Sha256>)> {
    let is_listed = |name: &str| files.iter().any(|file| *file.facts.filename == *name);
    let names = pin.filenames.iter().filter(|name| !is_listed(name));
    names
        .map(|name| (name.clone(), records.get(name).copied()))
        .collect()
}

fn licence(licences: &Licences, version: Option<&Version>) -> Fact<Licence> {
    match version.and_then(|version| licences.get(version)) {
        Some(licence) => Fact::Known(licence.clone()),
        None => Fact::Unknown(Cow::Borrowed("its metadata is not on record here")),
    }
}

fn advisories(app: &App, gathered: &Gathered, version: Option<&Version>) -> Fact<Vec<Affecting>> {
    let Some(version) = version else {
        return Fact::Known(Vec::new());
    };
    let mut facts = ReleaseFacts::of(version.clone());
    app.knowledge.of_release(&gathered.facts, &mut facts);
    facts.advisories
}

/// The vulnerabilities of a public release whose page is not at hand. What is owned here is another project
/// than the public one of that name.
fn public_advisories(
    app: &App,
    index: &IndexName,
    project: &ProjectName,
    version: Option<&Version>,
) -> Fact<Vec<Affecting>> {
    let names = app.names.load();
    let route = app
        .indexes
        .get(index)
        .map(|index| index.route(project, &names.owned));
    let is_owned = route.is_some_and(|route| route.ownership.is_some());
    let Some(version) = version.filter(|_| !is_owned) else {
        return Fact::Known(Vec::new());
    };
    let known = app.knowledge.feeds.load().advisories();
    known.map(|known| known.index.affecting(project, version))
}
