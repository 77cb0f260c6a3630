//! One member of a zip file: its local header held against the central directory, its data inflated
//! piece by piece and checked, and what follows the data (APPNOTE 6.3.10, sections 4.3.7 to 4.3.9).

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::error::{ArchiveError, Problem};
use super::zip_directory::{Entry, FLAG_DESCRIPTOR, Fields, Method, Sizes, widen_local};

/// A local header without its name and extra field, in bytes.
pub(super) const HEADER_SIZE: usize = 30;

/// The longest data descriptor, in bytes: signature, checksum and two 64-bit sizes.
pub(super) const LONGEST_DESCRIPTOR: u64 = 24;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// All but bits 1 and 2, which tell how hard the compressor tried.
const COMPARED_FLAGS: u16 = !(1 << 1 | 1 << 2);
const CHUNK: usize = 64 << 10;

/// Reads one member from `span`, which holds the bytes of [`Entry::span`], and hands its inflated
/// data to `sink` in pieces. Every byte of the span must have a purpose.
pub(super) fn read_member(
    mut span: impl Read,
    entry: &Entry,
    mut sink: impl FnMut(&[u8]),
) -> Result<(), ArchiveError> {
    let header_size = read_header(&mut span, entry)?;
    let mut data = (&mut span).take(entry.compressed);
    let mut tally = Tally {
        entry,
        crc32: crc32fast::Hasher::new(),
        size: 0,
    };
    match entry.method {
        Method::Stored => copy(&mut data, &mut tally, &mut sink)?,
        Method::Deflated => inflate(&mut data, &mut tally, &mut sink)?,
    }
    tally.finish()?;
    let span_size = entry.span.end - entry.span.start;
    let rest = span_size.checked_sub(header_size + entry.compressed);
    check_rest(span, entry, rest.ok_or_else(|| entry.refuse(Problem::Gap))?)
}

/// Returns the header's whole size in bytes.
fn read_header(span: &mut impl Read, entry: &Entry) -> Result<u64, ArchiveError> {
    let mut fixed = [0; HEADER_SIZE];
    read_exact(span, &mut fixed, entry)?;
    let header = parse_header(&fixed).ok_or_else(|| entry.refuse(Problem::Gap))?;
    let mut names = vec![0; usize::from(header.name) + usize::from(header.extra)];
    read_exact(span, &mut names, entry)?;
    let (name, extra) = names.split_at(header.name.into());
    let sizes = widen_local(header.size, header.compressed, name, extra);
    match sizes.map(|sizes| disagreement(&header, &sizes, name, entry)) {
        Some(None) => Ok((HEADER_SIZE + names.len()) as u64),
        Some(Some(what)) => Err(entry.refuse(Problem::HeadersDisagree(what))),
        None => Err(entry.refuse(Problem::HeadersDisagree("extra field"))),
    }
}

struct Header {
    flags: u16,
    method: u16,
    crc32: u32,
    compressed: u32,
    size: u32,
    name: u16,
    extra: u16,
}

fn parse_header(bytes: &[u8]) -> Option<Header> {
    let mut fields = Fields(bytes);
    if fields.take(4)? != LOCAL {
        return None;
    }
    fields.take(2)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.take(4)?;
    let (crc32, compressed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
    Some(Header {
        flags,
        method,
        crc32,
        compressed,
        size,
        name: fields.u16()?,
        extra: fields.u16()?,
    })
}

/// Where a descriptor follows, the header may leave checksum and sizes at zero.
fn disagreement(
    header: &Header,
    sizes: &Sizes,
    name: &[u8],
    entry: &Entry,
) -> Option<&'static str> {
    let may_be_zero = entry.flags & FLAG_DESCRIPTOR != 0;
    let agrees = |here: u64, there: u64| here == there || (may_be_zero && here == 0);
    let method = match entry.method {
        Method::Stored => 0,
        Method::Deflated => 8,
    };
    if name != entry.name.as_bytes() {
        Some("name")
    } else if header.method != method {
        Some("method")
    } else if (header.flags ^ entry.flags) & COMPARED_FLAGS != 0 {
        Some("flags")
    } else if !agrees(sizes.size, entry.size) || !agrees(sizes.compressed, entry.compressed) {
        Some("size")
    } else if !agrees(header.crc32.into(), entry.crc32.into()) {
        Some("checksum")
    } else {
        None
    }
}

/// What has been inflated so far, held against what was announced.
struct Tally<'a> {
    entry: &'a Entry,
    crc32: crc32fast::Hasher,
    size: u64,
}

impl Tally<'_> {
    fn add(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.size += bytes.len() as u64;
        if self.size > self.entry.size {
            return Err(self.entry.refuse(Problem::Data("longer than announced")));
        }
        self.crc32.update(bytes);
        Ok(())
    }

    fn finish(self) -> Result<(), ArchiveError> {
        if self.size != self.entry.size {
            return Err(self.entry.refuse(Problem::Data("shorter than announced")));
        }
        if self.crc32.finalize() != self.entry.crc32 {
            return Err(self.entry.refuse(Problem::Data("checksum")));
        }
        Ok(())
    }
}

fn copy(
    data: &mut impl Read,
    tally: &mut Tally<'_>,
    sink: &mut impl FnMut(&[u8]),
) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = read_some(data, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        tally.add(&buffer[..count])?;
        sink(&buffer[..count]);
    }
}

/// The stream must end exactly with the compressed bytes: whatever hides behind its end would be
/// there for nobody but an attacker.
fn inflate(
    data: &mut impl Read,
    tally: &mut Tally<'_>,
    sink: &mut impl FnMut(&[u8]),
) -> Result<(), ArchiveError> {
    let mut inflater = Decompress::new(false);
    let (mut input, mut output) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut start, mut end, mut at_end) = (0, 0, false);
    loop {
        if start == end && !at_end {
            (start, end) = (0, read_some(data, &mut input)?);
            at_end = end == 0;
        }
        let before = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(&input[start..end], &mut output, FlushDecompress::None)
            .map_err(|_| tally.entry.refuse(Problem::Data("not a deflate stream")))?;
        let consumed = inflater.total_in() - before.0;
        let produced = inflater.total_out() - before.1;
        start += consumed as usize;
        let piece = &output[..produced as usize];
        tally.add(piece)?;
        sink(piece);
        if status == Status::StreamEnd {
            break;
        }
        if at_end && consumed == 0 && produced == 0 {
            return Err(tally.entry.refuse(Problem::Data("cut short")));
        }
    }
    if inflater.total_in() != tally.entry.compressed {
        return Err(tally.entry.refuse(Problem::Data("bytes behind its end")));
    }
    Ok(())
}

/// After the data comes nothing, or the descriptor that the flags announced: with or without its
/// signature, with 32 or 64 bit sizes, as writers in the wild do it.
fn check_rest(mut span: impl Read, entry: &Entry, rest: u64) -> Result<(), ArchiveError> {
    if rest > LONGEST_DESCRIPTOR {
        return Err(entry.refuse(Problem::Gap));
    }
    let mut bytes = vec![0; rest as usize];
    read_exact(&mut span, &mut bytes, entry)?;
    match (entry.flags & FLAG_DESCRIPTOR != 0, bytes.is_empty()) {
        (false, true) => Ok(()),
        (false, false) => Err(entry.refuse(Problem::Gap)),
        (true, _) if descriptors(entry).contains(&bytes) => Ok(()),
        (true, _) => Err(entry.refuse(Problem::HeadersDisagree("data descriptor"))),
    }
}

fn descriptors(entry: &Entry) -> Vec<Vec<u8>> {
    let crc32 = entry.crc32.to_le_bytes();
    let wide = [entry.compressed.to_le_bytes(), entry.size.to_le_bytes()].concat();
    let bodies = match (u32::try_from(entry.compressed), u32::try_from(entry.size)) {
        (Ok(compressed), Ok(size)) => {
            vec![
                wide,
                [compressed.to_le_bytes(), size.to_le_bytes()].concat(),
            ]
        }
        _ => vec![wide],
    };
    let prefixes: [&[u8]; 2] = [&DESCRIPTOR, &[]];
    let all = prefixes.iter().flat_map(|prefix| {
        bodies
            .iter()
            .map(move |body| [prefix, crc32.as_slice(), body].concat())
    });
    all.collect()
}

fn read_exact(span: &mut impl Read, into: &mut [u8], entry: &Entry) -> Result<(), ArchiveError> {
    span.read_exact(into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => entry.refuse(Problem::Data("cut short")),
        _ => error.into(),
    })
}

fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
