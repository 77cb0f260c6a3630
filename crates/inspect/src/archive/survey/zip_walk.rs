//! A zip file from end to end: frame, directory, every member in the order of the archive, what
//! lies between them, and RECORD where there is one.

use std::io::{self, Read, Seek};

use super::ahead::Ahead;
use super::fact::{MemberFact, MemberKind};
use super::flaw::Flaw;
use super::gathering::Gathering;
use super::intake::{Intake, Taken};
use super::names::{Folders, report_clashes};
use super::record_lines::{Check, RecordLines};
use super::second_zip::compare_with_second_reader;
use super::window::Window;
use super::zip_entries::{Entry, read_entries};
use super::zip_frame::{ENTRY, Frame, LOCAL, find_frame};
use super::zip_member::{descriptor_length, read_data, read_local, report};

/// The longest descriptor, in bytes.
const DESCRIPTOR: u64 = 24;

/// Reads the whole archive into `gathering`.
///
/// # Errors
/// Those of the reader; what is wrong with the archive is reported instead.
pub(super) fn walk_zip(
    mut archive: impl Read + Seek,
    gathering: &mut Gathering<'_>,
) -> io::Result<()> {
    let mut ahead = Ahead::read(&mut archive, gathering.limits)?;
    let mut window = Window::new(archive)?;
    let violations = &mut gathering.violations;
    let Some(frame) = find_frame(&mut window, violations)? else {
        return Ok(());
    };
    let size = frame.directory_end - frame.directory;
    if size > gathering.limits.directory_size || frame.members > gathering.limits.members {
        let evidence = format!("{} members, {size} bytes of directory", frame.members);
        violations.container(Flaw::NotInspected, evidence);
        return Ok(());
    }
    let bytes = window.piece(frame.directory, size)?;
    let mut entries = read_entries(&bytes, &frame, gathering.limits, violations);
    compare_with_second_reader(&mut window, &entries, frame.base, violations)?;
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    report_clashes(&names, Folders::Once, violations);
    entries.sort_by_key(|entry| entry.offset);
    announce_sizes(&entries, window.length, gathering);
    let record = read_record(&mut window, &entries, frame.base, gathering)?;
    let mut position = frame.base;
    for entry in &entries {
        let at = frame.base.saturating_add(entry.offset);
        check_between(&mut window, (position, at), entry, gathering)?;
        let mut member = Reading {
            window: &mut window,
            entry,
            record: record.as_ref(),
            ahead: &mut ahead,
        };
        let end = member.read(at, gathering)?;
        position = position.max(end);
    }
    check_last_gap(&mut window, position, &frame, gathering)?;
    if let Some(record) = record {
        record.report_listed_only(&names_of(&entries), &mut gathering.violations);
    }
    check_compiled(&mut window, &entries, frame.base, gathering)
}

fn names_of(entries: &[Entry]) -> std::collections::HashSet<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

/// Stops a bomb before it goes off: by what the directory announces.
fn announce_sizes(entries: &[Entry], length: u64, gathering: &mut Gathering<'_>) {
    let total = entries
        .iter()
        .map(|entry| entry.size)
        .fold(0u64, u64::saturating_add);
    gathering.report_volume(entries.len() as u64, total, length);
}

/// RECORD is read first, so that each member is hashed as its line wants it.
fn read_record(
    window: &mut Window<impl Read + Seek>,
    entries: &[Entry],
    base: u64,
    gathering: &mut Gathering<'_>,
) -> io::Result<Option<RecordLines>> {
    if !gathering.is_wheel() {
        return Ok(None);
    }
    let is_record = |entry: &&Entry| {
        let parts = entry
            .name
            .strip_suffix("/RECORD")
            .map(|top| (top, top.contains('/')));
        matches!(parts, Some((top, false)) if top.to_ascii_lowercase().ends_with(".dist-info"))
    };
    let Some(entry) = entries.iter().find(is_record) else {
        gathering.violations.container(Flaw::RecordMissing, "");
        return Ok(None);
    };
    match read_again(window, entry, base, gathering.limits.record_size)? {
        Some(bytes) => Ok(Some(RecordLines::parse(&bytes, &mut gathering.violations))),
        None => {
            gathering
                .violations
                .member(Flaw::NotInspected, &entry.name, "RECORD");
            Ok(None)
        }
    }
}

/// A member's bytes, unless they are more than `longest` or unreadable. Reports nothing: the walk
/// does.
fn read_again(
    window: &mut Window<impl Read + Seek>,
    entry: &Entry,
    base: u64,
    longest: u64,
) -> io::Result<Option<Vec<u8>>> {
    if entry.size > longest || !entry.is_readable() {
        return Ok(None);
    }
    let mut unreported = Default::default();
    let at = base.saturating_add(entry.offset);
    let Some(data) = read_local(window, at, entry, &mut unreported)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    read_data(window, data, entry, &mut unreported, &mut |piece| {
        bytes.extend_from_slice(piece);
    })?;
    Ok(Some(bytes))
}

/// One member, and what reading it takes.
struct Reading<'r, R> {
    window: &'r mut Window<R>,
    entry: &'r Entry,
    record: Option<&'r RecordLines>,
    ahead: &'r mut Ahead,
}

impl<R: Read + Seek> Reading<'_, R> {
    /// Reads the member at `at`. Where it ends, its descriptor included.
    fn read(&mut self, at: u64, gathering: &mut Gathering<'_>) -> io::Result<u64> {
        let entry = self.entry;
        let Some(data) = read_local(self.window, at, entry, &mut gathering.violations)? else {
            gathering.add(unread(entry, at), None);
            return Ok(at);
        };
        let end = data.saturating_add(entry.compressed);
        if end > self.window.length {
            gathering
                .violations
                .member(Flaw::DataShorter, &entry.name, "it leaves the archive");
            gathering.add(unread(entry, at), None);
            return Ok(self.window.length);
        }
        match gathering.may_read(entry.size) && entry.is_readable() {
            true => self.take((at, data), gathering)?,
            false => {
                gathering
                    .violations
                    .member(Flaw::NotInspected, &entry.name, "");
                gathering.add(unread(entry, at), None);
            }
        }
        let behind = self.window.piece(end, DESCRIPTOR)?;
        match descriptor_length(&behind, entry) {
            Some(length) => Ok(end + length as u64),
            None => {
                gathering
                    .violations
                    .member(Flaw::Descriptor, &entry.name, "");
                Ok(end)
            }
        }
    }

    fn take(&mut self, (at, data): (u64, u64), gathering: &mut Gathering<'_>) -> io::Result<()> {
        let entry = self.entry;
        let mut taken = self.taken(data, gathering)?;
        let bytes = taken.bytes.take();
        let mut fact = unread(entry, at);
        fact.size = taken.size;
        fact.sha256 = Some(taken.sha256);
        (fact.content, fact.ending, fact.pyc) = (taken.content, taken.ending, taken.pyc);
        fact.nested = taken.nested;
        if entry.is_link() {
            fact.kind = MemberKind::Link(String::new());
        }
        gathering.add(fact, bytes);
        Ok(())
    }

    /// The member's bytes, as they were read ahead or else now, held against RECORD.
    fn taken(&mut self, data: u64, gathering: &mut Gathering<'_>) -> io::Result<Taken> {
        let entry = self.entry;
        let is_folder = entry.is_folder();
        let mut check = self
            .record
            .map(|record| record.check(&entry.name, is_folder));
        let learnt = self.ahead.take(data, entry);
        let taken = match learnt.filter(|_| check.as_ref().is_none_or(Check::needs_no_bytes)) {
            Some((inflated, taken)) => {
                report(&inflated, entry, &mut gathering.violations);
                taken
            }
            None => {
                let mut intake = Intake::new(&entry.name, gathering.limits);
                let sink = &mut |piece: &[u8]| {
                    intake.take(piece);
                    if let Some(check) = &mut check {
                        check.take(piece);
                    }
                };
                read_data(self.window, data, entry, &mut gathering.violations, sink)?;
                intake.finish()
            }
        };
        if let Some(check) = check {
            check.finish(&taken.sha256, taken.size, &mut gathering.violations);
        }
        Ok(taken)
    }
}

fn unread(entry: &Entry, at: u64) -> MemberFact {
    let kind = match entry.mode & 0o170_000 {
        0o120_000 => MemberKind::Link(String::new()),
        0 | 0o040_000 | 0o100_000 if entry.is_folder() => MemberKind::Folder,
        0 | 0o040_000 | 0o100_000 => MemberKind::File,
        _ => MemberKind::Special,
    };
    MemberFact {
        name: entry.name.as_str().into(),
        kind,
        size: entry.size,
        compressed: entry.compressed,
        sha256: None,
        content: super::content::Content::Binary,
        mode: entry.mode,
        offset: at,
        modified: entry.modified,
        ending: super::appended::Ending::Unknown,
        pyc: None,
        nested: None,
    }
}

/// Judges the bytes from where the last member ended to where the next one starts.
fn check_between(
    window: &mut Window<impl Read + Seek>,
    (from, to): (u64, u64),
    entry: &Entry,
    gathering: &mut Gathering<'_>,
) -> io::Result<()> {
    if to < from {
        let evidence = format!("it starts at {to}, the one before ends at {from}");
        gathering
            .violations
            .member(Flaw::Overlap, &entry.name, evidence);
        return Ok(());
    }
    check_gap(window, (from, to.min(window.length)), gathering)
}

fn check_last_gap(
    window: &mut Window<impl Read + Seek>,
    position: u64,
    frame: &Frame,
    gathering: &mut Gathering<'_>,
) -> io::Result<()> {
    if position > frame.directory {
        let evidence = "the last member reaches into the central directory";
        gathering.violations.container(Flaw::Overlap, evidence);
        return Ok(());
    }
    check_gap(window, (position, frame.directory), gathering)
}

/// How much of a gap is read to judge it, in bytes.
const GAP: u64 = 1 << 20;

fn check_gap(
    window: &mut Window<impl Read + Seek>,
    (from, to): (u64, u64),
    gathering: &mut Gathering<'_>,
) -> io::Result<()> {
    if from >= to {
        return Ok(());
    }
    let bytes = window.piece(from, (to - from).min(GAP))?;
    let hides = [LOCAL, ENTRY]
        .iter()
        .any(|record| memchr::memmem::find(&bytes, record).is_some());
    let flaw = match from == 0 {
        true => Flaw::Prefix,
        false if hides => Flaw::HiddenMember,
        false if to - from <= GAP && bytes.iter().all(|byte| *byte == 0) => Flaw::ZeroGap,
        false => Flaw::Gap,
    };
    gathering
        .violations
        .container(flaw, format!("{} bytes at {from}", to - from));
    Ok(())
}

/// Holds compiled Python against its source, which is read once more for that.
fn check_compiled(
    window: &mut Window<impl Read + Seek>,
    entries: &[Entry],
    base: u64,
    gathering: &mut Gathering<'_>,
) -> io::Result<()> {
    for (pyc, source) in super::compiled::pairs(&gathering.members) {
        let Some(entry) = entries.iter().find(|entry| entry.name == *source) else {
            continue;
        };
        if let Some(bytes) = read_again(window, entry, base, super::intake::LONGEST_SOURCE)? {
            gathering.compare_compiled(&pyc, &bytes);
        }
    }
    Ok(())
}
