//! How a release differs from the newest one before it that is let through: its files, and what its
//! metadata says. The code inside is not looked at here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::pypi::filename::DistKind;
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::simple::{PageFile, Yanked};
use portcullis_core::pypi::version::Version;

use super::evidence::plainly;
use super::judgement::Subject;
use super::told::{Change, Comparison};
use crate::app::App;
use crate::flow::download::Candidate;
use crate::flow::metadata;

/// How long metadata may be waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Compares the newest version that is meant with the newest one below it that is let through; `None`
/// where there is nothing to compare, with a remark where that is so.
pub(super) async fn with_the_one_before(
    app: &Arc<App>,
    subject: &Subject,
    not_known: &mut Vec<String>,
) -> Option<Comparison> {
    let version = subject.newest_meant()?;
    let Some(before) = subject.newest_allowed_below(&version) else {
        not_known.push(format!(
            "no version below {version} is let through: nothing to compare"
        ));
        return None;
    };
    let (now, then) = (subject.files_of(&version), subject.files_of(&before));
    let (files_added, files_removed) = differing(&by_kind(&now), &by_kind(&then));
    let mut comparison = Comparison {
        version: version.to_string(),
        before: before.to_string(),
        files_added,
        files_removed,
        dependencies_added: Vec::new(),
        dependencies_removed: Vec::new(),
        changes: of_pages(&now, &then),
    };
    let metadata_now = metadata_of(app, subject, &now, not_known).await;
    let metadata_then = metadata_of(app, subject, &then, not_known).await;
    if let (Some(now), Some(then)) = (metadata_now, metadata_then) {
        of_metadata(&mut comparison, &now, &then);
    }
    Some(comparison)
}

/// A file of a release with its place on the page.
type Placed = (usize, PageFile);

impl Subject {
    fn newest_meant(&self) -> Option<Version> {
        let page = self.gathered.page.as_ref()?;
        let versions = self
            .meant
            .iter()
            .filter_map(|at| page.facts[*at].version.known());
        versions.max().cloned()
    }

    fn newest_allowed_below(&self, version: &Version) -> Option<Version> {
        let page = self.gathered.page.as_ref()?;
        let files = page.facts.iter().zip(&self.decisions);
        let passing =
            files.filter(|(file, decision)| decision.lets_through() && file.yanked == Yanked::No);
        let below: BTreeSet<&Version> = passing
            .filter_map(|(file, _)| file.version.known())
            .filter(|other| *other < version)
            .collect();
        let is_final = |other: &&&Version| !other.any_prerelease();
        let newest = below.iter().rev().find(is_final).or(below.last());
        newest.map(|version| (*version).clone())
    }

    fn files_of(&self, version: &Version) -> Vec<Placed> {
        let Some(page) = &self.gathered.page else {
            return Vec::new();
        };
        let files = page.page.files.iter().zip(&page.facts).enumerate();
        files
            .filter(|(_, (_, facts))| facts.version.known() == Some(version))
            .map(|(at, (file, _))| (at, file.clone()))
            .collect()
    }
}

/// Files by what they are for, so that those of two versions can be told to be counterparts.
fn by_kind(files: &[Placed]) -> BTreeMap<String, String> {
    let kind = |file: &PageFile| {
        let parsed = portcullis_core::pypi::filename::DistFilename::parse(&file.filename, None);
        match parsed.as_ref().map(|name| name.kind()) {
            Ok(DistKind::Wheel(tags)) => {
                format!("{}-{}-{}", tags.python, tags.abi, tags.platform)
            }
            Ok(DistKind::Sdist) => "sdist".to_owned(),
            Ok(DistKind::Other) | Err(_) => file.filename.to_string(),
        }
    };
    files
        .iter()
        .map(|(_, file)| (kind(file), file.filename.to_string()))
        .collect()
}

/// What only the first has, and what only the second has.
fn differing(
    now: &BTreeMap<String, String>,
    then: &BTreeMap<String, String>,
) -> (Vec<String>, Vec<String>) {
    let only = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let only = one.iter().filter(|(kind, _)| !other.contains_key(*kind));
        only.map(|(_, filename)| filename.clone()).collect()
    };
    (only(now, then), only(then, now))
}

fn of_pages(now: &[Placed], then: &[Placed]) -> Vec<Change> {
    let size = |files: &[Placed]| -> Option<String> {
        let sizes: Option<Vec<u64>> = files.iter().map(|(_, file)| file.size).collect();
        sizes.map(|sizes| format!("{} bytes", sizes.iter().sum::<u64>()))
    };
    let uploaded = |files: &[Placed]| {
        let times = files
            .iter()
            .filter_map(|(_, file)| file.upload_time.as_ref());
        times.map(|time| time.at).min().map(|at| at.to_minute())
    };
    let python = |files: &[Placed]| {
        let all: BTreeSet<&str> = files
            .iter()
            .filter_map(|(_, file)| file.requires_python.as_deref())
            .collect();
        (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join(" / "))
    };
    let mut changes = Vec::new();
    change(&mut changes, "uploaded", (uploaded(then), uploaded(now)));
    change(&mut changes, "size of all files", (size(then), size(now)));
    change(&mut changes, "requires Python", (python(then), python(now)));
    changes
}

fn change(changes: &mut Vec<Change>, what: &str, (before, now): (Option<String>, Option<String>)) {
    if before != now {
        changes.push(Change {
            what: what.to_owned(),
            before,
            now,
        });
    }
}

/// The metadata of a wheel of the release, where there is one and its metadata can be had without judging
/// the wheel: reading what a release says of itself lets nothing of it through.
async fn metadata_of(
    app: &Arc<App>,
    subject: &Subject,
    files: &[Placed],
    not_known: &mut Vec<String>,
) -> Option<CoreMetadata> {
    let wheel = files
        .iter()
        .find(|(_, file)| file.filename.ends_with(".whl"));
    let Some((at, _)) = wheel else {
        let name = files
            .first()
            .map_or("the release", |(_, file)| &*file.filename);
        not_known.push(format!("the metadata beside {name}: there is no wheel"));
        return None;
    };
    let page = subject.gathered.page.as_ref()?;
    let facts = page.facts.get(*at)?.clone();
    let (file, _) = page.file(&facts.filename)?;
    let filename = Arc::clone(&facts.filename);
    let candidate = Candidate {
        gathered: Arc::clone(&subject.gathered),
        file,
        facts,
        decision: Arc::clone(&subject.decisions[*at]),
    };
    let why = match tokio::time::timeout(PATIENCE, metadata::metadata(app, &candidate)).await {
        Ok(Ok((_, bytes))) => match CoreMetadata::parse(&bytes) {
            Ok(metadata) => return Some(metadata),
            Err(error) => error.to_string(),
        },
        Ok(Err(error)) => plainly(&error),
        Err(_) => "it takes too long".to_owned(),
    };
    not_known.push(format!("the metadata of {filename}: {why}"));
    None
}

fn of_metadata(comparison: &mut Comparison, now: &CoreMetadata, then: &CoreMetadata) {
    let dependencies = |metadata: &CoreMetadata| -> BTreeSet<String> {
        metadata
            .requires_dist
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let (has, had) = (dependencies(now), dependencies(then));
    comparison.dependencies_added = has.difference(&had).cloned().collect();
    comparison.dependencies_removed = had.difference(&has).cloned().collect();
    let first = |fields: &[&Option<Box<str>>]| -> Option<String> {
        fields
            .iter()
            .find_map(|field| field.as_deref().map(str::to_owned))
    };
    let licence = |metadata: &CoreMetadata| {
        let text = first(&[&metadata.license_expression, &metadata.license]);
        text.map(|text| text.lines().next().unwrap_or_default().to_owned())
    };
    let author = |metadata: &CoreMetadata| first(&[&metadata.author, &metadata.author_email]);
    let maintainer =
        |metadata: &CoreMetadata| first(&[&metadata.maintainer, &metadata.maintainer_email]);
    let homepage = |metadata: &CoreMetadata| {
        let links = metadata.project_urls.iter().map(ToString::to_string);
        let links: Vec<String> = metadata
            .home_page
            .iter()
            .map(ToString::to_string)
            .chain(links)
            .collect();
        (!links.is_empty()).then(|| links.join("; "))
    };
    let changes = &mut comparison.changes;
    change(changes, "licence", (licence(then), licence(now)));
    change(changes, "author", (author(then), author(now)));
    change(changes, "maintainer", (maintainer(then), maintainer(now)));
    change(changes, "links", (homepage(then), homepage(now)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(more: &str) -> CoreMetadata {
        let text = format!("Metadata-Version: 2.1\nName: x\nVersion: 1\n{more}\n");
        CoreMetadata::parse(text.as_bytes()).expect("sound metadata")
    }

    #[test]
    fn what_the_metadata_says_otherwise_is_told() {
        let then = metadata("Requires-Dist: a>=1\nLicense: MIT\nAuthor: Ann\n");
        let now = metadata("Requires-Dist: b\nLicense-Expression: GPL-3.0-only\nAuthor: Ann\n");
        let mut comparison = Comparison {
            version: "2".to_owned(),
            before: "1".to_owned(),
            files_added: Vec::new(),
            files_removed: Vec::new(),
            dependencies_added: Vec::new(),
            dependencies_removed: Vec::new(),
            changes: Vec::new(),
        };
        of_metadata(&mut comparison, &now, &then);
        assert_eq!(comparison.dependencies_added, ["b"]);
        assert_eq!(comparison.dependencies_removed, ["a>=1"]);
        let licence = Change {
            what: "licence".to_owned(),
            before: Some("MIT".to_owned()),
            now: Some("GPL-3.0-only".to_owned()),
        };
        assert_eq!(comparison.changes, [licence]);
    }
}
