//! [`read_wheel`]: a wheel read from end to end, its members held against RECORD (PEP 427). What
//! METADATA says is core's to understand; only its licence files are looked for here.

use std::io::{Read, Seek, SeekFrom};

use portcullis_core::pypi::filename::{DistFilename, DistKind};

use super::dist_info::{check_license_files, find_dist_info};
use super::error::{ArchiveError, Member, Problem};
use super::limits::Limits;
use super::member_name::Names;
use super::record::{Exempt, Record};
use super::zip_directory::{Entry, TAIL, check_directory_size, read_directory, read_end};
use super::zip_member::read_member;

/// What a publication and a metadata request need of a wheel that was found intact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelContents {
    /// The `.dist-info` folder as the archive spells it, without a slash.
    pub dist_info: String,
    /// METADATA, byte for byte (core metadata specification).
    pub metadata: Vec<u8>,
    /// WHEEL, byte for byte.
    pub wheel: Vec<u8>,
    /// Members, folders included.
    pub members: u64,
    /// All members when inflated, in bytes.
    pub inflated_size: u64,
}

/// Reads a whole wheel once and checks everything that can be checked without running it: the
/// container, every member's bytes against RECORD, and that `filename` means this distribution.
///
/// # Errors
/// [`ArchiveError`], which names the first member at fault.
pub fn read_wheel(
    mut archive: impl Read + Seek,
    filename: &DistFilename,
    limits: &Limits,
) -> Result<WheelContents, ArchiveError> {
    require_wheel(filename)?;
    let entries = read_entries(&mut archive, limits)?;
    let inflated_size = entries.iter().map(|entry| entry.size).sum();
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let dist_info = find_dist_info(names.iter().copied(), filename)?;
    let record = read_record(&mut archive, &entries, dist_info, limits)?;
    let names = Names::new(names)?;
    check_listed(&record, &names)?;
    let (metadata, wheel) = verify(&mut archive, &entries, dist_info, &record, limits)?;
    check_license_files(&metadata, &format!("{dist_info}/licenses"), &names)?;
    let dist_info = dist_info.to_owned();
    Ok(WheelContents {
        dist_info,
        metadata,
        wheel,
        members: entries.len() as u64,
        inflated_size,
    })
}

pub(super) fn require_wheel(filename: &DistFilename) -> Result<(), ArchiveError> {
    match filename.kind() {
        DistKind::Wheel(_) => Ok(()),
        _ => Err(ArchiveError::FileName(Member::new(filename.as_str()))),
    }
}

/// All members of a zip archive in the order in which they lie in it, none of them inflated yet.
pub(super) fn read_entries(
    archive: &mut (impl Read + Seek),
    limits: &Limits,
) -> Result<Vec<Entry>, ArchiveError> {
    let total = archive.seek(SeekFrom::End(0))?;
    let tail_start = total.saturating_sub(TAIL);
    let tail = read_range(archive, tail_start, total)?;
    let end = read_end(&tail, total)?;
    check_directory_size(&end, limits)?;
    let directory = read_range(archive, end.directory.start, end.directory.end)?;
    let entries = read_directory(&directory, &end, limits)?;
    let sizes = entries.iter().map(|entry| entry.size);
    let inflated = sizes.fold(0u64, u64::saturating_add);
    limits.check_total(inflated, total)?;
    Ok(entries)
}

fn read_range(
    archive: &mut (impl Read + Seek),
    start: u64,
    end: u64,
) -> Result<Vec<u8>, ArchiveError> {
    archive.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::with_capacity((end - start) as usize);
    archive.take(end - start).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == end - start {
        true => Ok(bytes),
        false => Err(ArchiveError::Broken("shorter than it was a moment ago")),
    }
}

/// Hands a member's inflated bytes to `sink`.
pub(super) fn read_entry(
    archive: &mut (impl Read + Seek),
    entry: &Entry,
    sink: impl FnMut(&[u8]),
) -> Result<(), ArchiveError> {
    archive.seek(SeekFrom::Start(entry.span.start))?;
    read_member(archive.take(entry.span.end - entry.span.start), entry, sink)
}

/// A member's inflated bytes, which are at most `longest`.
pub(super) fn read_small(
    archive: &mut (impl Read + Seek),
    entry: &Entry,
    longest: u64,
) -> Result<Vec<u8>, ArchiveError> {
    if entry.size > longest {
        return Err(entry.refuse(Problem::TooLarge(longest)));
    }
    let mut bytes = Vec::with_capacity(entry.size as usize);
    read_entry(archive, entry, |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}

pub(super) fn find<'a>(entries: &'a [Entry], name: &str) -> Result<&'a Entry, ArchiveError> {
    let found = entries.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| ArchiveError::Missing(Member::new(name)))
}

fn read_record(
    archive: &mut (impl Read + Seek),
    entries: &[Entry],
    dist_info: &str,
    limits: &Limits,
) -> Result<Record, ArchiveError> {
    let entry = find(entries, &format!("{dist_info}/RECORD"))?;
    Record::parse(&read_small(archive, entry, limits.record_size)?)
}

fn check_listed(record: &Record, names: &Names<'_>) -> Result<(), ArchiveError> {
    let missing = record.paths().filter(|path| !names.contains(path)).min();
    match missing {
        Some(path) => Err(ArchiveError::member(path, Problem::ListedOnly)),
        None => Ok(()),
    }
}

/// Inflates every member once and holds it against RECORD. METADATA and WHEEL are kept on the way, so
/// that the bytes handed out are the ones that were checked.
fn verify(
    archive: &mut (impl Read + Seek),
    entries: &[Entry],
    dist_info: &str,
    record: &Record,
    limits: &Limits,
) -> Result<(Vec<u8>, Vec<u8>), ArchiveError> {
    let [metadata_name, wheel_name] =
        ["METADATA", "WHEEL"].map(|name| format!("{dist_info}/{name}"));
    for kept in [find(entries, &metadata_name)?, find(entries, &wheel_name)?] {
        if kept.size > limits.metadata_size {
            return Err(kept.refuse(Problem::TooLarge(limits.metadata_size)));
        }
    }
    let (mut metadata, mut wheel) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut expectation = record.expect(&entry.name, exemption(entry, dist_info))?;
        let mut kept = if entry.name == metadata_name {
            Some(&mut metadata)
        } else if entry.name == wheel_name {
            Some(&mut wheel)
        } else {
            None
        };
        read_entry(archive, entry, |bytes| {
            expectation.update(bytes);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(bytes);
            }
        })?;
        expectation.finish()?;
    }
    Ok((metadata, wheel))
}

fn exemption(entry: &Entry, dist_info: &str) -> Exempt {
    let in_dist_info = entry.name.strip_prefix(dist_info);
    let unlisted = ["/RECORD", "/RECORD.jws", "/RECORD.p7s"];
    match entry.is_folder() || in_dist_info.is_some_and(|name| unlisted.contains(&name)) {
        true => Exempt::Yes,
        false => Exempt::No,
    }
}
