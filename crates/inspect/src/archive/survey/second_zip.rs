//! The second opinion on a zip file: the `zip` crate lists it, and both lists have to be the same.
//! Equal places, methods and sizes mean equal bytes, so that nothing is inflated twice.

use std::io::{self, Read, Seek};

use zip::ZipArchive;

use super::flaw::{Flaw, Violations, shown};
use super::window::Window;
use super::zip_entries::Entry;

/// What both readers have to agree on, in an order that does not depend on the reader.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    header: u64,
    name: Vec<u8>,
    size: u64,
    compressed: u64,
    crc32: u32,
    method: u16,
    is_encrypted: bool,
}

/// Reports where the second reader sees other members than `entries`, whose offsets count from
/// `base`.
///
/// # Errors
/// Those of the reader.
pub(super) fn compare_with_second_reader(
    window: &mut Window<impl Read + Seek>,
    entries: &[Entry],
    base: u64,
    violations: &mut Violations,
) -> io::Result<()> {
    let theirs = match list(window) {
        Ok(theirs) => theirs,
        Err(zip::result::ZipError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return match error.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
                    violations.container(Flaw::SecondReaderRefuses, shown(&error.to_string()));
                    Ok(())
                }
                _ => Err(error),
            };
        }
        Err(error) => {
            violations.container(Flaw::SecondReaderRefuses, shown(&error.to_string()));
            return Ok(());
        }
    };
    let mut ours: Vec<Listed> = entries.iter().map(|entry| listed(entry, base)).collect();
    ours.sort_unstable();
    report(&ours, &theirs, violations);
    Ok(())
}

fn list(window: &mut Window<impl Read + Seek>) -> zip::result::ZipResult<Vec<Listed>> {
    let archive = ZipArchive::new(window)?;
    let mut theirs = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_data(index)?;
        theirs.push(Listed {
            header: file.header_start(),
            name: file.name_raw().to_vec(),
            size: file.size(),
            compressed: file.compressed_size(),
            crc32: file.crc32(),
            method: method(file.compression()),
            is_encrypted: file.encrypted(),
        });
    }
    theirs.sort_unstable();
    Ok(theirs)
}

/// Only the two methods of wheels are told apart: every other one is reported already.
fn method(method: zip::CompressionMethod) -> u16 {
    match method {
        zip::CompressionMethod::Stored => 0,
        zip::CompressionMethod::Deflated => 8,
        _ => u16::MAX,
    }
}

fn listed(entry: &Entry, base: u64) -> Listed {
    Listed {
        header: base.saturating_add(entry.offset),
        name: entry.raw_name.clone(),
        size: entry.size,
        compressed: entry.compressed,
        crc32: entry.crc32,
        method: if matches!(entry.method, 0 | 8) {
            entry.method
        } else {
            u16::MAX
        },
        is_encrypted: entry.flags & 1 != 0,
    }
}

fn report(ours: &[Listed], theirs: &[Listed], violations: &mut Violations) {
    if ours.len() != theirs.len() {
        let evidence = format!("{} members and {}", ours.len(), theirs.len());
        violations.container(Flaw::SecondReaderDiffers, evidence);
        return;
    }
    for (our, their) in ours.iter().zip(theirs).filter(|(our, their)| our != their) {
        let name = String::from_utf8_lossy(&our.name);
        let their_name = shown(&String::from_utf8_lossy(&their.name));
        let evidence = format!(
            "{} bytes at {} here, {their_name} of {} bytes at {} there",
            our.size, our.header, their.size, their.header
        );
        violations.member(Flaw::SecondReaderDiffers, &name, evidence);
    }
}
