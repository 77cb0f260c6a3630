//! The members as the central directory lists them (APPNOTE 6.3.10, 4.3.12), read without refusing
//! any; what is wrong with each is reported.

use super::flaw::{Flaw, Violations};
use super::names::name_flaws;
use super::zip_frame::{ENTRY, Frame};
use crate::archive::limits::Limits;
use crate::archive::zip_directory::Fields;

pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;
const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const FLAGS_UNDERSTOOD: u16 = 1 << 1 | 1 << 2 | FLAG_DESCRIPTOR | FLAG_UTF8 | FLAGS_ENCRYPTED;
/// What Python and others read: 6.3.
const NEWEST: u16 = 63;
const ELSEWHERE: u64 = u32::MAX as u64;

/// One member as the directory lists it.
pub(super) struct Entry {
    pub(super) raw_name: Vec<u8>,
    pub(super) name: String,
    /// The version of the format that a reader needs, ten times.
    pub(super) needs: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc32: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    /// Where its local header is, as the directory says; the frame's base is not included.
    pub(super) offset: u64,
    /// The Unix mode with its type bits, where one is kept.
    pub(super) mode: u32,
    pub(super) modified: Option<i64>,
}

impl Entry {
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    pub(super) fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & FLAGS_ENCRYPTED != 0
    }

    pub(super) fn is_readable(&self) -> bool {
        is_readable(self.method, self.flags)
    }
}

/// Whether a member's data can be read here: stored or deflated, and in the clear.
pub(super) fn is_readable(method: u16, flags: u16) -> bool {
    matches!(method, 0 | 8) && flags & FLAGS_ENCRYPTED == 0
}

/// Reads all members out of `bytes`, which start with the directory.
pub(super) fn read_entries(
    bytes: &[u8],
    frame: &Frame,
    limits: &Limits,
    violations: &mut Violations,
) -> Vec<Entry> {
    let mut fields = Fields(bytes);
    let mut entries = Vec::new();
    while fields.0.starts_with(ENTRY) && (entries.len() as u64) < limits.members {
        match read_entry(&mut fields, violations) {
            Some(entry) => entries.push(entry),
            None => {
                violations.container(Flaw::Miscounted, "the directory is cut short");
                break;
            }
        }
    }
    if entries.len() as u64 != frame.members || !fields.0.is_empty() {
        let (listed, said, rest) = (entries.len(), frame.members, fields.0.len());
        let evidence = format!("{listed} listed, {said} counted, {rest} bytes behind them");
        violations.container(Flaw::Miscounted, evidence);
    }
    for entry in &entries {
        check(entry, limits, violations);
    }
    entries
}

fn read_entry(fields: &mut Fields<'_>, violations: &mut Violations) -> Option<Entry> {
    fields.take(4)?;
    let made_by = fields.u16()? >> 8;
    let needs = fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let (time, date) = (fields.u16()?, fields.u16()?);
    let crc32 = fields.u32()?;
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let disk = fields.u16()?;
    fields.take(2)?;
    let attributes = fields.u32()?;
    let offset = fields.u32()?;
    let (raw_name, extra) = (fields.take(name.into())?, fields.take(extra.into())?);
    fields.take(comment.into())?;
    let name = String::from_utf8_lossy(raw_name).into_owned();
    let mut numbers = [u64::from(size), u64::from(compressed), u64::from(offset)];
    if let Err(evidence) = widen(&mut numbers, raw_name, extra) {
        violations.member(Flaw::ExtraField, &name, evidence);
    }
    if disk != 0 {
        violations.member(Flaw::ManyDisks, &name, format!("disk {disk}"));
    }
    Some(Entry {
        raw_name: raw_name.to_vec(),
        name,
        needs,
        flags,
        method,
        crc32,
        size: numbers[0],
        compressed: numbers[1],
        offset: numbers[2],
        mode: if matches!(made_by, 3 | 19) {
            attributes >> 16
        } else {
            0
        },
        modified: dos_time(date, time),
    })
}

/// Applies the zip64 field, which holds those of the numbers that do not fit, in their order; and
/// holds the Unicode name, where there is one, against the header's.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn widen(numbers: &mut [u64], name: &[u8], extra: &[u8]) -> Result<(), &'static str> {
    let mut fields = Fields(extra);
    let mut wide: Option<&[u8]> = None;
    while let (Some(kind), Some(length)) = (fields.u16(), fields.u16()) {
        let Some(body) = fields.take(length.into()) else {
            return Err("a field is longer than all of them");
        };
        match kind {
            0x0001 if wide.is_some() => return Err("two zip64 fields"),
            0x0001 => wide = Some(body),
            0x7075 if body.get(5..).is_some_and(|other| other != name) => {
                return Err("the Unicode name is another one");
            }
            _ => {}
        }
    }
    let mut wide = Fields(wide.unwrap_or_default());
    for number in numbers.iter_mut().filter(|number| **number == ELSEWHERE) {
        *number = wide
            .u64()
            .ok_or("a number that does not fit is in no zip64 field")?;
    }
    Ok(())
}

fn check(entry: &Entry, limits: &Limits, violations: &mut Violations) {
    for flaw in name_flaws(&entry.raw_name, limits.name_length) {
        violations.member(flaw, &entry.name, "");
    }
    let mut add = |applies: bool, flaw, evidence: String| {
        if applies {
            violations.member(flaw, &entry.name, evidence);
        }
    };
    let is_marked = entry.flags & FLAG_UTF8 != 0;
    add(
        !is_marked && !entry.raw_name.is_ascii(),
        Flaw::UnmarkedName,
        String::new(),
    );
    add(entry.is_encrypted(), Flaw::Encrypted, String::new());
    let is_newer = entry.needs > NEWEST;
    add(is_newer, Flaw::NewerVersion, format!("{}", entry.needs));
    let flags = entry.flags & !FLAGS_UNDERSTOOD;
    add(flags != 0, Flaw::Flags, format!("flags {flags:#06x}"));
    let is_known = matches!(entry.method, 0 | 8);
    add(!is_known, Flaw::Method, format!("method {}", entry.method));
    let kind = entry.mode & 0o170_000;
    add(kind == 0o120_000, Flaw::Link, String::new());
    add(
        !matches!(kind, 0 | 0o040_000 | 0o100_000 | 0o120_000),
        Flaw::Special,
        format!("{kind:o}"),
    );
    let disagrees =
        (kind == 0o040_000) != entry.is_folder() && matches!(kind, 0o040_000 | 0o100_000);
    add(
        disagrees,
        Flaw::FileAsFolder,
        format!("mode {:o}", entry.mode),
    );
    add(
        entry.mode & 0o6000 != 0,
        match entry.is_folder() {
            true => Flaw::SetIdFolder,
            false => Flaw::SetId,
        },
        format!("mode {:o}", entry.mode),
    );
    let has_data = entry.is_folder() && entry.size != 0;
    add(
        has_data,
        Flaw::FolderWithData,
        format!("{} bytes", entry.size),
    );
    // Who reads the archive as a stream cannot tell where such a member ends.
    let is_endless = entry.method == 0 && entry.flags & FLAG_DESCRIPTOR != 0 && entry.size > 0;
    add(is_endless, Flaw::StoredDescriptor, String::new());
    let is_stored_otherwise = entry.method == 0 && entry.size != entry.compressed;
    let evidence = format!("{} bytes stored as {}", entry.size, entry.compressed);
    add(
        is_stored_otherwise && !entry.is_encrypted(),
        Flaw::LocalSize,
        evidence,
    );
}

/// Seconds since 1970 of an MS-DOS date and time, taken for UTC. Days per civil calendar.
fn dos_time(date: u16, time: u16) -> Option<i64> {
    let (year, month, day) = (
        1980 + i64::from(date >> 9),
        i64::from(date >> 5 & 15),
        date & 31,
    );
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5;
    let days = days + i64::from(day) - 1 - 719_468;
    let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2);
    Some(days * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        assert_eq!(dos_time(0x21, 0), Some(315_532_800));
        assert_eq!(
            dos_time(((2024 - 1980) << 9) | (2 << 5) | 29, 0),
            Some(1_709_164_800)
        );
        assert_eq!(dos_time(0, 0), None);
    }
}
