//! One member of a zip file: its local header held against the directory, its data inflated, and
//! what follows the data (APPNOTE 6.3.10, 4.3.7 to 4.3.9).

use std::io::{self, Read, Seek};

use flate2::{Decompress, FlushDecompress, Status};

use super::flaw::{Flaw, Violations};
use super::window::Window;
use super::zip_entries::{Entry, FLAG_DESCRIPTOR, is_readable, widen};
use super::zip_frame::LOCAL;
use crate::archive::zip_directory::Fields;

const CHUNK: usize = 64 << 10;
/// All but bits 1 and 2, which tell how hard the compressor tried.
const COMPARED_FLAGS: u16 = !(1 << 1 | 1 << 2);

/// Reads the local header at `at` and compares it. Where the member's data starts; `None` when
/// there is no header.
///
/// # Errors
/// Those of the reader.
pub(super) fn read_local(
    window: &mut Window<impl Read + Seek>,
    at: u64,
    entry: &Entry,
    violations: &mut Violations,
) -> io::Result<Option<u64>> {
    let fixed = window.piece(at, Header::SIZE)?;
    let Some(header) = parse_local(&fixed) else {
        violations.member(Flaw::NoLocalHeader, &entry.name, format!("at byte {at}"));
        return Ok(None);
    };
    let names = window.piece(at + Header::SIZE, header.names())?;
    let Some(names_and_extra) = header.split(&names) else {
        violations.member(Flaw::NoLocalHeader, &entry.name, "cut short");
        return Ok(None);
    };
    compare(&header, names_and_extra, entry, violations);
    Ok(Some(at + Header::SIZE + names.len() as u64))
}

/// A local header, without the name and the extra fields that follow it.
pub(super) struct Header {
    pub(super) flags: u16,
    method: u16,
    crc32: u32,
    compressed: u32,
    size: u32,
    name: u16,
    extra: u16,
}

impl Header {
    /// Of what is always there, in bytes.
    pub(super) const SIZE: u64 = 30;

    /// How long name and extra fields are together, in bytes.
    pub(super) fn names(&self) -> u64 {
        u64::from(self.name) + u64::from(self.extra)
    }

    /// Name and extra fields, unless `bytes` end before.
    fn split<'b>(&self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (name, extra) = bytes.split_at_checked(self.name.into())?;
        (extra.len() == usize::from(self.extra)).then_some((name, extra))
    }

    /// What it announces by itself; `None` where that cannot be read.
    pub(super) fn announced<'b>(&self, names: &'b [u8]) -> Option<(&'b [u8], Data)> {
        let (name, extra) = self.split(names)?;
        let mut numbers = [u64::from(self.size), u64::from(self.compressed)];
        widen(&mut numbers, name, extra).ok()?;
        let [size, compressed] = numbers;
        let data = Data {
            method: self.method,
            compressed,
            size,
        };
        Some((name, data))
    }

    /// Whether the member's data can be read here.
    pub(super) fn is_readable(&self) -> bool {
        is_readable(self.method, self.flags)
    }
}

/// A local header at the start of `bytes`.
pub(super) fn parse_local(bytes: &[u8]) -> Option<Header> {
    let mut fields = Fields(bytes.strip_prefix(LOCAL)?);
    fields.take(2)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.take(4)?;
    let (crc32, compressed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (name, extra) = (fields.u16()?, fields.u16()?);
    Some(Header {
        flags,
        method,
        crc32,
        compressed,
        size,
        name,
        extra,
    })
}

/// Where a descriptor follows, the local header may leave checksum and sizes at zero.
fn compare(
    header: &Header,
    (name, extra): (&[u8], &[u8]),
    entry: &Entry,
    violations: &mut Violations,
) {
    let mut numbers = [u64::from(header.size), u64::from(header.compressed)];
    if let Err(evidence) = widen(&mut numbers, name, extra) {
        violations.member(
            Flaw::ExtraField,
            &entry.name,
            format!("local header: {evidence}"),
        );
    }
    let may_be_zero = (entry.flags | header.flags) & FLAG_DESCRIPTOR != 0;
    let agrees = |here: u64, there: u64| here == there || (may_be_zero && here == 0);
    let mut add = |applies: bool, flaw, evidence: String| {
        if applies {
            violations.member(flaw, &entry.name, evidence);
        }
    };
    let other = super::flaw::shown(&String::from_utf8_lossy(name));
    add(
        name != entry.raw_name,
        Flaw::LocalName,
        format!("there it is {other}"),
    );
    let methods = format!("{} and {}", header.method, entry.method);
    add(header.method != entry.method, Flaw::LocalMethod, methods);
    let flags = (header.flags ^ entry.flags) & COMPARED_FLAGS;
    add(flags != 0, Flaw::LocalFlags, format!("bits {flags:#06x}"));
    let [size, compressed] = numbers;
    let agree = agrees(size, entry.size) && agrees(compressed, entry.compressed);
    let sizes = format!(
        "{size} and {} bytes, {compressed} and {}",
        entry.size, entry.compressed
    );
    add(!agree, Flaw::LocalSize, sizes);
    let agree = agrees(header.crc32.into(), entry.crc32.into());
    add(
        !agree,
        Flaw::LocalChecksum,
        format!("{:08x} and {:08x}", header.crc32, entry.crc32),
    );
}

/// How a member's data is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Data {
    method: u16,
    /// In bytes, as it stands in the archive.
    pub(super) compressed: u64,
    /// In bytes, as it was announced.
    pub(super) size: u64,
}

impl Data {
    /// As the directory announces it.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            method: entry.method,
            compressed: entry.compressed,
            size: entry.size,
        }
    }
}

/// What inflating a member came to.
pub(super) struct Inflated {
    size: u64,
    crc32: crc32fast::Hasher,
    flaw: Option<(Flaw, &'static str)>,
}

/// Inflates the data that starts at `at`, hands it to `sink` in pieces, and reports what is wrong
/// with it.
///
/// # Errors
/// Those of the reader.
pub(super) fn read_data(
    window: &mut Window<impl Read + Seek>,
    at: u64,
    entry: &Entry,
    violations: &mut Violations,
    sink: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    window.go_to(at)?;
    let inflated = inflate_member(&mut window.take(entry.compressed), Data::of(entry), sink)?;
    report(&inflated, entry, violations);
    Ok(())
}

/// Inflates `packed`, all of a member's data, and hands it to `sink` in pieces. Stops when there is more than
/// was announced.
///
/// # Errors
/// Those of the reader.
pub(super) fn inflate_member(
    packed: &mut impl Read,
    data: Data,
    sink: &mut dyn FnMut(&[u8]),
) -> io::Result<Inflated> {
    let mut inflated = Inflated {
        size: 0,
        crc32: crc32fast::Hasher::new(),
        flaw: None,
    };
    let mut take = |piece: &[u8], inflated: &mut Inflated| {
        inflated.size += piece.len() as u64;
        inflated.crc32.update(piece);
        sink(piece);
        inflated.size <= data.size
    };
    match data.method {
        0 => copy(packed, &mut inflated, &mut take)?,
        _ => inflate(packed, data.compressed, &mut inflated, &mut take)?,
    }
    Ok(inflated)
}

/// Reports what is wrong with a member's data.
pub(super) fn report(inflated: &Inflated, entry: &Entry, violations: &mut Violations) {
    let sizes = format!("{} announced, {} read", entry.size, inflated.size);
    if inflated.size > entry.size {
        violations.member(Flaw::DataLonger, &entry.name, sizes);
        return;
    }
    if let Some((flaw, evidence)) = inflated.flaw {
        violations.member(flaw, &entry.name, evidence);
    }
    if inflated.size < entry.size {
        violations.member(Flaw::DataShorter, &entry.name, sizes);
    } else if inflated.crc32.clone().finalize() != entry.crc32 {
        violations.member(Flaw::DataChecksum, &entry.name, "");
    }
}

type Take<'a> = dyn FnMut(&[u8], &mut Inflated) -> bool + 'a;

fn copy(data: &mut impl Read, inflated: &mut Inflated, take: &mut Take<'_>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = read_some(data, &mut buffer)?;
        if count == 0 || !take(&buffer[..count], inflated) {
            return Ok(());
        }
    }
}

/// The stream must end exactly with the compressed bytes.
fn inflate(
    data: &mut impl Read,
    compressed: u64,
    inflated: &mut Inflated,
    take: &mut Take<'_>,
) -> io::Result<()> {
    let mut inflater = Decompress::new(false);
    let (mut input, mut output) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut start, mut end, mut at_end) = (0, 0, false);
    loop {
        if start == end && !at_end {
            (start, end) = (0, read_some(data, &mut input)?);
            at_end = end == 0;
        }
        let before = (inflater.total_in(), inflater.total_out());
        let done = inflater.decompress(&input[start..end], &mut output, FlushDecompress::None);
        let Ok(status) = done else {
            inflated.flaw = Some((Flaw::DataBroken, "not a deflate stream"));
            return Ok(());
        };
        let consumed = inflater.total_in() - before.0;
        let produced = (inflater.total_out() - before.1) as usize;
        start += consumed as usize;
        if !take(&output[..produced], inflated) {
            return Ok(());
        }
        if status == Status::StreamEnd {
            break;
        }
        if at_end && consumed == 0 && produced == 0 {
            inflated.flaw = Some((Flaw::DataBroken, "cut short"));
            return Ok(());
        }
    }
    if inflater.total_in() != compressed {
        inflated.flaw = Some((Flaw::DataBehindEnd, "the stream ends before"));
    }
    Ok(())
}

fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// How many of `bytes`, which follow the member's data, are its descriptor: with or without
/// signature, with sizes of 32 or 64 bits, as writers in the wild do it. `None` when one was
/// announced and none of them is there.
pub(super) fn descriptor_length(bytes: &[u8], entry: &Entry) -> Option<usize> {
    if entry.flags & FLAG_DESCRIPTOR == 0 {
        return Some(0);
    }
    let crc32 = entry.crc32.to_le_bytes();
    let wide = [entry.compressed.to_le_bytes(), entry.size.to_le_bytes()].concat();
    let narrow = [
        (entry.compressed as u32).to_le_bytes(),
        (entry.size as u32).to_le_bytes(),
    ];
    let bodies = [wide, narrow.concat()];
    let signatures: [&[u8]; 2] = [b"PK\x07\x08", b""];
    signatures.iter().find_map(|signature| {
        let mut forms = bodies
            .iter()
            .map(|body| [signature, &crc32[..], body].concat());
        forms
            .find(|form| bytes.starts_with(form))
            .map(|form| form.len())
    })
}
