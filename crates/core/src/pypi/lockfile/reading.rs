//! [`Reading`]: what every format hands its findings to. It parses names, versions and digests,
//! joins what is named twice, and counts. What a format looks like is not known here.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::spelled::{SpelledLock, SpelledOrigin, SpelledPackage};
use super::{ITSELF, LockError, LockFormat, Locked, LockedFiles, MAX_LOCK_ENTRIES, Skipped};
use crate::digest::Sha256;
use crate::pypi::filename::MAX_FILENAME_LENGTH;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// The longest version that is parsed, in bytes.
const MAX_VERSION_LENGTH: usize = 200;

/// The most files of one release, and the most projects that it may want.
const MAX_PARTS: usize = 5_000;

/// A release as its file spells it.
#[derive(Default)]
pub(super) struct Found<'v> {
    pub(super) name: &'v str,
    pub(super) version: Option<&'v str>,
    pub(super) hashes: Vec<Sha256>,
    pub(super) filenames: Vec<String>,
    pub(super) dependencies: Vec<&'v str>,
    pub(super) line: Option<u32>,
}

impl<'v> Found<'v> {
    /// Takes a file of the release: the last part of a path or URL, and its SHA-256 digest.
    pub(super) fn file(&mut self, location: Option<&str>, hash: Option<&str>) {
        self.filenames.extend(location.and_then(file_name));
        self.hashes.extend(hash.and_then(sha256));
    }

    /// A package of an index.
    fn spelled(package: SpelledPackage<'v>) -> Self {
        let files = package.files.iter();
        let hashes = files.clone().flat_map(|file| &file.hashes);
        let ours = hashes.filter(|hash| hash.algorithm == "sha256");
        Self {
            name: package.name,
            version: package.version,
            hashes: ours.filter_map(|hash| hash.digest.parse().ok()).collect(),
            filenames: files
                .filter_map(|file| file.location.and_then(file_name))
                .collect(),
            line: Some(package.line),
            dependencies: package.dependencies,
        }
    }
}

/// What a lock in TOML has locked.
pub(super) fn releases(
    format: LockFormat,
    lock: SpelledLock<'_>,
) -> Result<LockedFiles, LockError> {
    let mut reading = Reading::new(format);
    for package in lock.packages {
        match reason(&package.origin) {
            Some(reason) => reading.skip(package.name, Some(package.line), reason)?,
            None => reading.take(Found::spelled(package))?,
        }
    }
    Ok(reading.finish())
}

/// Why a package of this origin is no release of an index.
fn reason(origin: &SpelledOrigin<'_>) -> Option<&'static str> {
    match origin {
        SpelledOrigin::Index(_) => None,
        SpelledOrigin::Itself(_) => Some(ITSELF),
        SpelledOrigin::Vcs(..) => Some("it comes from version control, not from an index"),
        SpelledOrigin::Path(_) => Some("it comes from a path, not from an index"),
        SpelledOrigin::Url(_) => Some("it comes from a direct address, not from an index"),
    }
}

/// What was read of a file up to now.
pub(super) struct Reading {
    files: LockedFiles,
    places: HashMap<(ProjectName, Option<Version>), usize>,
    taken: usize,
    known: Known,
}

/// Which parts which entry has.
#[derive(Default)]
struct Known {
    hashes: HashSet<(usize, Sha256)>,
    filenames: HashSet<(usize, String)>,
    dependencies: HashSet<(usize, ProjectName)>,
}

impl Reading {
    pub(super) fn new(format: LockFormat) -> Self {
        Self {
            files: LockedFiles {
                format,
                entries: Vec::new(),
                skipped: Vec::new(),
            },
            places: HashMap::new(),
            taken: 0,
            known: Known::default(),
        }
    }

    /// Takes a release of an index. One that is named again adds its files to the one before:
    /// formats name a release once for each extra or marker.
    pub(super) fn take(&mut self, found: Found<'_>) -> Result<(), LockError> {
        let Ok(project) = ProjectName::new(found.name) else {
            return self.skip(found.name, found.line, "its name is no project name");
        };
        let version = match found.version.map(parsed_version) {
            Some(None) => return self.skip(found.name, found.line, "its version is no version"),
            version => version.flatten(),
        };
        self.make_room()?;
        let place = self.place_of(project, version, found.line);
        let entry = &mut self.files.entries[place];
        let wanted = found.dependencies.iter();
        let wanted = wanted.filter_map(|name| ProjectName::new(name).ok());
        let known = &mut self.known;
        join(
            place,
            &mut known.dependencies,
            &mut entry.dependencies,
            wanted,
        );
        join(place, &mut known.hashes, &mut entry.hashes, found.hashes);
        join(
            place,
            &mut known.filenames,
            &mut entry.filenames,
            found.filenames,
        );
        Ok(())
    }

    fn place_of(
        &mut self,
        project: ProjectName,
        version: Option<Version>,
        line: Option<u32>,
    ) -> usize {
        let entries = &mut self.files.entries;
        let key = (project.clone(), version.clone());
        *self.places.entry(key).or_insert_with(|| {
            entries.push(Locked {
                project,
                version,
                hashes: Vec::new(),
                filenames: Vec::new(),
                line,
                dependencies: Vec::new(),
            });
            entries.len() - 1
        })
    }

    /// Notes something that is no release of an index.
    pub(super) fn skip(
        &mut self,
        what: &str,
        line: Option<u32>,
        reason: impl Into<String>,
    ) -> Result<(), LockError> {
        self.make_room()?;
        self.files.skipped.push(Skipped {
            what: what.chars().take(120).collect(),
            line,
            reason: reason.into(),
        });
        Ok(())
    }

    pub(super) fn finish(self) -> LockedFiles {
        self.files
    }

    fn make_room(&mut self) -> Result<(), LockError> {
        self.taken += 1;
        match self.taken <= MAX_LOCK_ENTRIES {
            true => Ok(()),
            false => Err(LockError::TooMany),
        }
    }
}

/// Adds what the entry at `place` does not have yet, in order.
fn join<T: Eq + Hash + Clone>(
    place: usize,
    known: &mut HashSet<(usize, T)>,
    all: &mut Vec<T>,
    more: impl IntoIterator<Item = T>,
) {
    for one in more {
        if all.len() < MAX_PARTS && known.insert((place, one.clone())) {
            all.push(one);
        }
    }
}

fn parsed_version(text: &str) -> Option<Version> {
    match text.len() <= MAX_VERSION_LENGTH {
        true => text.parse().ok(),
        false => None,
    }
}

/// The digest in `sha256:HEX` or bare hexadecimal digits; other algorithms are not ours.
pub(super) fn sha256(text: &str) -> Option<Sha256> {
    text.strip_prefix("sha256:").unwrap_or(text).parse().ok()
}

/// The last part of a path or URL, without query and fragment, percent-decoded.
pub(super) fn file_name(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = percent_encoding::percent_decode_str(last)
        .decode_utf8()
        .ok()?;
    let is_plain = !name.is_empty()
        && name.len() <= MAX_FILENAME_LENGTH
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control);
    is_plain.then(|| name.into_owned())
}

/// The project name at the front of a requirement, `flask[async]>=3; …`.
pub(super) fn leading_name(requirement: &str) -> &str {
    let is_name_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let requirement = requirement.trim_start();
    let end = requirement.find(|c| !is_name_part(c));
    &requirement[..end.unwrap_or(requirement.len())]
}
