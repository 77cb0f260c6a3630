//! The frame of a zip file: its end records and where they put the central directory (APPNOTE
//! 6.3.10, 4.3.14 to 4.3.16). Reads on behind every contradiction, the way Python's `zipfile`
//! would, and reports it.

use std::io::{self, Read, Seek};

use memchr::memmem;

use super::flaw::{Flaw, Violations};
use super::window::Window;
use crate::archive::zip_directory::Fields;

const END: &[u8] = b"PK\x05\x06";
const END_SIZE: u64 = 22;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_SIZE: u64 = 20;
const END64: &[u8] = b"PK\x06\x06";
const END64_SIZE: u64 = 56;
pub(super) const ENTRY: &[u8] = b"PK\x01\x02";
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";

/// The longest comment, the end record and what may stand before it.
const TAIL: u64 = 0xffff + END_SIZE + LOCATOR_SIZE + END64_SIZE;

/// Where the central directory is.
pub(super) struct Frame {
    /// How far the file's offsets are off, in bytes: what stands before the zip file.
    pub(super) base: u64,
    /// Where the directory starts, `base` included.
    pub(super) directory: u64,
    /// Where it ends at the latest.
    pub(super) directory_end: u64,
    /// How many members it is said to list.
    pub(super) members: u64,
}

struct Numbers {
    members: u64,
    size: u64,
    offset: u64,
}

/// Finds the frame. `None` when there is none, which is reported as well.
///
/// # Errors
/// Those of the reader.
pub(super) fn find_frame(
    window: &mut Window<impl Read + Seek>,
    violations: &mut Violations,
) -> io::Result<Option<Frame>> {
    let start = window.length.saturating_sub(TAIL);
    let tail = window.piece(start, TAIL)?;
    let ends: Vec<usize> = memmem::find_iter(&tail, END).collect();
    let Some(at) = last_end(&tail, &ends) else {
        violations.container(Flaw::Unreadable, "there is no end record");
        return Ok(None);
    };
    let end_at = start + at as u64;
    check_others(window, (&tail, start), (&ends, at), violations)?;
    let Some(short) = parse_end(&tail[at..], violations) else {
        violations.container(Flaw::Unreadable, "the end record is cut short");
        return Ok(None);
    };
    let (numbers, directory_end) = match locator(&tail, at) {
        Some(locator) => wide(window, &short, (locator, end_at), violations)?,
        None => {
            if short.is_saturated() {
                violations.container(Flaw::Zip64, "no locator, though numbers do not fit");
            }
            (short, end_at)
        }
    };
    place(window, &numbers, directory_end, violations)
}

/// The end record that reaches to the end of the file, or else the last one.
fn last_end(tail: &[u8], ends: &[usize]) -> Option<usize> {
    let complete = ends.iter().rev().find(|at| {
        let comment = tail.get(**at + 20..**at + 22);
        let comment = comment.map(|bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
        comment.is_some_and(|length| **at + 22 + length == tail.len())
    });
    complete.or(ends.last()).copied()
}

/// Reports further end records that could be taken for the one: those that point at a directory,
/// and all that stand behind it or in its comment.
fn check_others(
    window: &mut Window<impl Read + Seek>,
    (tail, start): (&[u8], u64),
    (ends, chosen): (&[usize], usize),
    violations: &mut Violations,
) -> io::Result<()> {
    for at in ends.iter().copied().filter(|at| *at != chosen) {
        let Some(other) = parse_numbers(&tail[at..]) else {
            continue;
        };
        let position = start + at as u64;
        let places = [Some(other.offset), position.checked_sub(other.size)];
        let mut leads = at > chosen;
        for place in places.into_iter().flatten() {
            leads |= window.piece(place, 4)? == ENTRY || (other.members == 0 && place == position);
        }
        if leads {
            let evidence = format!("at bytes {position} and {}", start + chosen as u64);
            violations.container(Flaw::SecondEnd, evidence);
        }
    }
    let comment = tail.get(chosen + 22..).unwrap_or_default();
    let hidden = [LOCAL, ENTRY, END64, LOCATOR];
    if hidden
        .iter()
        .any(|record| memmem::find(comment, record).is_some())
    {
        violations.container(
            Flaw::CommentRecords,
            format!("{} bytes of comment", comment.len()),
        );
    }
    Ok(())
}

fn parse_numbers(bytes: &[u8]) -> Option<Numbers> {
    let mut fields = Fields(bytes.get(10..)?);
    Some(Numbers {
        members: fields.u16()?.into(),
        size: fields.u32()?.into(),
        offset: fields.u32()?.into(),
    })
}

fn parse_end(bytes: &[u8], violations: &mut Violations) -> Option<Numbers> {
    let mut fields = Fields(bytes.get(END.len()..)?);
    let disks = (fields.u16()?, fields.u16()?);
    let here = u64::from(fields.u16()?);
    let numbers = parse_numbers(bytes)?;
    let comment = usize::from(u16::from_le_bytes(bytes.get(20..22)?.try_into().ok()?));
    if disks != (0, 0) || here != numbers.members {
        violations.container(
            Flaw::ManyDisks,
            format!("disks {} and {}", disks.0, disks.1),
        );
    }
    match bytes.get(22 + comment..) {
        None => violations.container(Flaw::Unreadable, "the comment is cut short"),
        Some([]) => {}
        Some(rest) if rest.iter().all(|byte| *byte == 0) => {
            violations.container(Flaw::Padding, format!("{} bytes", rest.len()));
        }
        Some(rest) => violations.container(Flaw::Trailing, format!("{} bytes", rest.len())),
    }
    Some(numbers)
}

impl Numbers {
    fn is_saturated(&self) -> bool {
        let wide = u64::from(u32::MAX);
        self.members == u64::from(u16::MAX) || self.size == wide || self.offset == wide
    }

    /// Whether each number is that of `full`, or says that it does not fit.
    fn agrees_with(&self, full: &Self) -> bool {
        let wide = u64::from(u32::MAX);
        (self.members == u64::from(u16::MAX) || self.members == full.members)
            && (self.size == wide || self.size == full.size)
            && (self.offset == wide || self.offset == full.offset)
    }
}

/// The locator directly before the end record.
fn locator(tail: &[u8], end: usize) -> Option<&[u8]> {
    let from = end.checked_sub(LOCATOR_SIZE as usize)?;
    tail.get(from..end)
        .filter(|bytes| bytes.starts_with(LOCATOR))
}

/// The zip64 record, which Python looks for directly before its locator, whatever that says.
fn wide(
    window: &mut Window<impl Read + Seek>,
    short: &Numbers,
    (locator, end_at): (&[u8], u64),
    violations: &mut Violations,
) -> io::Result<(Numbers, u64)> {
    let as_short = || Numbers {
        members: short.members,
        size: short.size,
        offset: short.offset,
    };
    let mut fields = Fields(&locator[LOCATOR.len()..]);
    let said = (fields.u32(), fields.u64(), fields.u32());
    let expected = end_at.checked_sub(LOCATOR_SIZE + END64_SIZE);
    let (Some(at), (Some(0), Some(named), Some(0 | 1))) = (expected, said) else {
        violations.container(Flaw::Zip64, "the locator cannot be followed");
        return Ok((as_short(), end_at - LOCATOR_SIZE));
    };
    let record = window.piece(at, END64_SIZE)?;
    let Some(full) = parse_end64(&record) else {
        violations.container(Flaw::Zip64, "the zip64 record is not where it should be");
        return Ok((as_short(), end_at - LOCATOR_SIZE));
    };
    if named != at {
        violations.container(
            Flaw::Zip64,
            format!("the locator says {named}, it is at {at}"),
        );
    }
    if !short.agrees_with(&full) {
        violations.container(Flaw::Zip64, "the two end records contradict each other");
    }
    Ok((full, at))
}

fn parse_end64(record: &[u8]) -> Option<Numbers> {
    let mut fields = Fields(record.strip_prefix(END64)?);
    let rest = fields.u64()?;
    fields.take(4)?;
    let disks = (fields.u32()?, fields.u32()?);
    let here = fields.u64()?;
    let (members, size, offset) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let is_plain = rest == END64_SIZE - 12 && disks == (0, 0) && here == members;
    is_plain.then_some(Numbers {
        members,
        size,
        offset,
    })
}

/// Goes where the directory is: directly before the end record, as Python does, or where the record
/// says.
fn place(
    window: &mut Window<impl Read + Seek>,
    numbers: &Numbers,
    directory_end: u64,
    violations: &mut Violations,
) -> io::Result<Option<Frame>> {
    let frame = |base, directory| {
        let members = numbers.members;
        Ok(Some(Frame {
            base,
            directory,
            directory_end,
            members,
        }))
    };
    let before = directory_end.checked_sub(numbers.size);
    if before == Some(numbers.offset) {
        return frame(0, numbers.offset);
    }
    let evidence = format!(
        "said to be at {} with {} bytes",
        numbers.offset, numbers.size
    );
    if let Some(before) = before
        && (window.piece(before, 4)? == ENTRY || numbers.members == 0)
        && let Some(base) = before.checked_sub(numbers.offset)
    {
        violations.container(Flaw::Prefix, format!("{base} bytes"));
        return frame(base, before);
    }
    violations.container(Flaw::DirectoryMoved, evidence);
    if numbers.offset < directory_end && window.piece(numbers.offset, 4)? == ENTRY {
        return frame(0, numbers.offset);
    }
    violations.container(Flaw::Unreadable, "there is no central directory");
    Ok(None)
}
