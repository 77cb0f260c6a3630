//! The end of a zip file and its central directory, from bytes alone (APPNOTE 6.3.10, sections 4.3.12
//! to 4.3.16 and 4.5.3). No I/O: whoever has the bytes, from a disk or by range, may ask.
//!
//! Written here although good zip crates exist: they look for a directory that works, and this one
//! must know that there is no other one, nor a byte that belongs to nothing.

use std::ops::Range;

use super::error::{ArchiveError, Problem};
use super::limits::{Limits, too_large};
use super::member_name::{Names, check_name};

/// The end record must start within this many last bytes, which leaves room for some 65,000 bytes of
/// comment.
pub(super) const TAIL: u64 = 64 << 10;

const END: [u8; 4] = *b"PK\x05\x06";
const END_SIZE: usize = 22;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_SIZE: usize = 20;
const END64: [u8; 4] = *b"PK\x06\x06";
const END64_SIZE: usize = 56;
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const EXTRA_ZIP64: u16 = 0x0001;
const EXTRA_UNICODE_PATH: u16 = 0x7075;

/// Where the central directory is, and how many members it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) directory: Range<u64>,
    pub(super) members: u64,
}

/// One member, as the central directory tells of it and after its name was found safe.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) flags: u16,
    pub(super) method: Method,
    pub(super) crc32: u32,
    /// Bytes in the archive.
    pub(super) compressed: u64,
    /// Bytes when inflated.
    pub(super) size: u64,
    /// From its local header to the next member's, or to the central directory.
    pub(super) span: Range<u64>,
}

/// How a member is kept. Nothing else is read by every installer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// Bit 3 of the flags: sizes and checksum follow the data.
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// Bit 11: the name is UTF-8.
const FLAG_UTF8: u16 = 1 << 11;
/// Bits 0, 6 and 13: encrypted, strongly encrypted, headers masked.
const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Bits 1 and 2 tell how hard the compressor tried.
const FLAGS_UNDERSTOOD: u16 = 1 << 1 | 1 << 2 | FLAG_DESCRIPTOR | FLAG_UTF8;

impl Entry {
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    pub(super) fn refuse(&self, problem: Problem) -> ArchiveError {
        ArchiveError::member(&self.name, problem)
    }
}

/// Reads little-endian numbers off the front of a slice.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

const CUT_SHORT: ArchiveError = ArchiveError::Broken("the zip central directory is cut short");

/// Finds the end record in `tail`, the last bytes of an archive of `total` bytes.
pub(super) fn read_end(tail: &[u8], total: u64) -> Result<End, ArchiveError> {
    let no_end = ArchiveError::Broken("no end of a zip central directory in the last 64 KiB");
    let last_start = tail.len().checked_sub(END_SIZE);
    let at = last_start
        .and_then(|last| rfind(&tail[..last + END.len()], END))
        .ok_or(no_end)?;
    let tail_start = total.saturating_sub(tail.len() as u64);
    let found = parse_end(&tail[at..]).ok_or(CUT_SHORT)??;
    let locator = at
        .checked_sub(LOCATOR_SIZE)
        .filter(|from| tail[*from..].starts_with(&LOCATOR));
    let (end, ends_at) = match locator {
        Some(from) => read_end64(tail, tail_start, from, &found)?,
        None if found.is_saturated() => {
            return Err(ArchiveError::Broken("zip64 sizes without a zip64 record"));
        }
        None => (found, tail_start + at as u64),
    };
    let directory_end = end.offset.checked_add(end.size);
    if directory_end != Some(ends_at) {
        return Err(ArchiveError::Broken(
            "the zip central directory is not where the end says",
        ));
    }
    Ok(End {
        directory: end.offset..ends_at,
        members: end.members,
    })
}

/// The three numbers of either end record.
#[derive(Debug, PartialEq, Eq)]
struct EndNumbers {
    members: u64,
    size: u64,
    offset: u64,
}

const MEMBERS_ELSEWHERE: u64 = u16::MAX as u64;
const SIZE_ELSEWHERE: u64 = u32::MAX as u64;

impl EndNumbers {
    fn is_saturated(&self) -> bool {
        self.members == MEMBERS_ELSEWHERE
            || self.size == SIZE_ELSEWHERE
            || self.offset == SIZE_ELSEWHERE
    }

    fn agrees_with(&self, full: &Self) -> bool {
        let agree = |short, long, elsewhere| short == elsewhere || short == long;
        agree(self.members, full.members, MEMBERS_ELSEWHERE)
            && agree(self.size, full.size, SIZE_ELSEWHERE)
            && agree(self.offset, full.offset, SIZE_ELSEWHERE)
    }
}

fn rfind(bytes: &[u8], signature: [u8; 4]) -> Option<usize> {
    bytes
        .windows(signature.len())
        .rposition(|window| window == signature)
}

/// The last record must reach exactly to the end of the file, or a reader that starts elsewhere
/// would see another archive.
fn parse_end(bytes: &[u8]) -> Option<Result<EndNumbers, ArchiveError>> {
    let mut fields = Fields(bytes.get(END.len()..)?);
    let disks = (fields.u16()?, fields.u16()?);
    let (here, members) = (fields.u16()?, fields.u16()?);
    let (size, offset) = (fields.u32()?, fields.u32()?);
    let comment = usize::from(fields.u16()?);
    if comment != fields.0.len() {
        return Some(Err(ArchiveError::Broken(
            "bytes follow the end of the zip file",
        )));
    }
    if disks != (0, 0) || here != members {
        return Some(Err(MANY_DISKS));
    }
    let numbers = EndNumbers {
        members: members.into(),
        size: size.into(),
        offset: offset.into(),
    };
    Some(Ok(numbers))
}

const MANY_DISKS: ArchiveError = ArchiveError::Broken("a zip file in several parts");

fn read_end64(
    tail: &[u8],
    tail_start: u64,
    locator: usize,
    short: &EndNumbers,
) -> Result<(EndNumbers, u64), ArchiveError> {
    let broken = || ArchiveError::Broken("the zip64 end record is not where it should be");
    let record = locator.checked_sub(END64_SIZE).ok_or_else(broken)?;
    let at = tail_start + record as u64;
    if parse_locator(&tail[locator..]) != Some(at) || !tail[record..].starts_with(&END64) {
        return Err(broken());
    }
    let full = parse_end64(&tail[record..]).ok_or(CUT_SHORT)??;
    if !short.agrees_with(&full) {
        return Err(ArchiveError::Broken(
            "the two ends of the zip file disagree",
        ));
    }
    Ok((full, at))
}

/// Where the zip64 record is; `None` when it is on another disk.
fn parse_locator(bytes: &[u8]) -> Option<u64> {
    let mut fields = Fields(bytes.get(LOCATOR.len()..)?);
    let (disk, at, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    (disk == 0 && disks <= 1).then_some(at)
}

fn parse_end64(bytes: &[u8]) -> Option<Result<EndNumbers, ArchiveError>> {
    let mut fields = Fields(bytes.get(END64.len()..)?);
    let rest = fields.u64()?;
    fields.take(4)?;
    let disks = (fields.u32()?, fields.u32()?);
    let (here, members) = (fields.u64()?, fields.u64()?);
    let (size, offset) = (fields.u64()?, fields.u64()?);
    if rest != (END64_SIZE - 12) as u64 || disks != (0, 0) || here != members {
        return Some(Err(MANY_DISKS));
    }
    Some(Ok(EndNumbers {
        members,
        size,
        offset,
    }))
}

/// Reads the members out of the central directory's bytes, in the order in which they lie in the
/// archive, and proves that they lie there one after the other without a gap.
pub(super) fn read_directory(
    bytes: &[u8],
    end: &End,
    limits: &Limits,
) -> Result<Vec<Entry>, ArchiveError> {
    check_directory_size(end, limits)?;
    let mut fields = Fields(bytes);
    let mut entries = Vec::new();
    for _ in 0..end.members {
        entries.push(read_entry(&mut fields, limits).ok_or(CUT_SHORT)??);
    }
    if !fields.0.is_empty() {
        return Err(ArchiveError::Broken(
            "the zip central directory lists more than it counts",
        ));
    }
    lay_out(&mut entries, end.directory.start)?;
    Names::new(entries.iter().map(|entry| entry.name.as_str()).collect())?;
    Ok(entries)
}

/// Refuses a directory that is too large to be kept, before its bytes are asked for.
pub(super) fn check_directory_size(end: &End, limits: &Limits) -> Result<(), ArchiveError> {
    limits.check_members(end.members)?;
    if end.directory.end - end.directory.start > limits.directory_size {
        return Err(too_large(
            limits.directory_size,
            "bytes of zip central directory",
        ));
    }
    Ok(())
}

/// Gives each member the bytes up to the next one. Overlaps show when its header and data turn out
/// longer than that, gaps when they turn out shorter; prefixed data shows here.
fn lay_out(entries: &mut [Entry], directory_start: u64) -> Result<(), ArchiveError> {
    entries.sort_by_key(|entry| entry.span.start);
    if entries.first().map_or(0, |first| first.span.start) != 0 {
        return Err(ArchiveError::Broken("bytes before the first member"));
    }
    let starts: Vec<u64> = entries.iter().map(|entry| entry.span.start).collect();
    let ends = starts.into_iter().skip(1).chain([directory_start]);
    for (entry, end) in entries.iter_mut().zip(ends) {
        entry.span.end = end;
        let least = entry
            .compressed
            .saturating_add(super::zip_member::HEADER_SIZE as u64);
        if entry.span.start.saturating_add(least) > end {
            return Err(entry.refuse(Problem::Gap));
        }
    }
    Ok(())
}

/// Outer `None` when the bytes run out.
fn read_entry(fields: &mut Fields<'_>, limits: &Limits) -> Option<Result<Entry, ArchiveError>> {
    if fields.take(4)? != ENTRY {
        return Some(Err(ArchiveError::Broken(
            "the zip central directory is not one",
        )));
    }
    let made_by = fields.u16()? >> 8;
    fields.take(2)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.take(4)?;
    let crc32 = fields.u32()?;
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let disk = fields.u16()?;
    fields.take(2)?;
    let attributes = fields.u32()?;
    let offset = fields.u32()?;
    let (name, extra) = (fields.take(name.into())?, fields.take(extra.into())?);
    fields.take(comment.into())?;
    let raw = RawEntry {
        name,
        flags,
        method,
        crc32,
        mode: unix_mode(made_by, attributes),
    };
    let sizes = Sizes {
        size: size.into(),
        compressed: compressed.into(),
        offset: offset.into(),
    };
    Some(raw.checked(sizes, extra, disk, limits))
}

struct RawEntry<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc32: u32,
    mode: u32,
}

/// Sizes and place, before and after the zip64 field has had its say.
pub(super) struct Sizes {
    pub(super) size: u64,
    pub(super) compressed: u64,
    pub(super) offset: u64,
}

impl RawEntry<'_> {
    fn checked(
        &self,
        sizes: Sizes,
        extra: &[u8],
        disk: u16,
        limits: &Limits,
    ) -> Result<Entry, ArchiveError> {
        let name = check_name(self.name, limits.name_length)?;
        let refuse = |problem| Err(ArchiveError::member(name, problem));
        if self.flags & FLAGS_ENCRYPTED != 0 {
            return refuse(Problem::Encrypted);
        }
        if self.flags & !FLAGS_UNDERSTOOD != 0 {
            return refuse(Problem::Flags);
        }
        if self.flags & FLAG_UTF8 == 0 && !name.is_ascii() {
            return refuse(Problem::Name("not ASCII and not marked as UTF-8"));
        }
        let method = match self.method {
            0 => Method::Stored,
            8 => Method::Deflated,
            other => return refuse(Problem::Method(other)),
        };
        match check_mode(self.mode, name.ends_with('/')) {
            Some(problem) => return refuse(problem),
            None if disk != 0 => return Err(MANY_DISKS),
            None => {}
        }
        let Some(sizes) = widen(sizes, self.name, extra) else {
            return refuse(Problem::HeadersDisagree("extra field"));
        };
        let Sizes {
            size,
            compressed,
            offset,
        } = sizes;
        if size > limits.member_size {
            return refuse(Problem::TooLarge(limits.member_size));
        }
        if (name.ends_with('/') && size != 0) || (method == Method::Stored && compressed != size) {
            return refuse(Problem::HeadersDisagree("size"));
        }
        let (flags, crc32, span) = (self.flags, self.crc32, offset..offset);
        Ok(Entry {
            name: name.to_owned(),
            flags,
            method,
            crc32,
            compressed,
            size,
            span,
        })
    }
}

/// The Unix mode where the maker (3 Unix, 19 macOS) kept one, else 0.
fn unix_mode(made_by: u16, attributes: u32) -> u32 {
    if matches!(made_by, 3 | 19) {
        attributes >> 16
    } else {
        0
    }
}

fn check_mode(mode: u32, is_folder: bool) -> Option<Problem> {
    match (mode & 0o170_000, is_folder) {
        (0, _) | (0o100_000, false) | (0o040_000, true) => None,
        (0o120_000, _) => Some(Problem::Link),
        (0o100_000 | 0o040_000, _) => Some(Problem::FileAsFolder),
        _ => Some(Problem::Special),
    }
}

/// Applies the zip64 extra field (APPNOTE 4.5.3): it holds, in this order, those of the numbers that
/// do not fit. `None` when it is broken, or when a Unicode path says another name than the header.
fn widen(mut sizes: Sizes, name: &[u8], extra: &[u8]) -> Option<Sizes> {
    let mut wide = None;
    let mut fields = Fields(extra);
    while fields.0.len() >= 4 {
        let (kind, length) = (fields.u16()?, fields.u16()?);
        let body = fields.take(length.into())?;
        match kind {
            EXTRA_ZIP64 if wide.is_some() => return None,
            EXTRA_ZIP64 => wide = Some(body),
            EXTRA_UNICODE_PATH if body.get(5..) != Some(name) => return None,
            _ => {}
        }
    }
    let mut wide = Fields(wide.unwrap_or_default());
    for number in [&mut sizes.size, &mut sizes.compressed, &mut sizes.offset] {
        if *number == SIZE_ELSEWHERE {
            *number = wide.u64()?;
        }
    }
    Some(sizes)
}

/// The same for a local header, which has no offset.
pub(super) fn widen_local(size: u32, compressed: u32, name: &[u8], extra: &[u8]) -> Option<Sizes> {
    widen(
        Sizes {
            size: size.into(),
            compressed: compressed.into(),
            offset: 0,
        },
        name,
        extra,
    )
}
