//! The members of an archive one by one, for rules that look at bytes and at nothing else. What is wrong with
//! an archive is the survey's to tell: here it is only said that something could not be read.

use std::io::{BufReader, Read, Seek, SeekFrom};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use portcullis_core::pypi::filename::DistFilename;

/// The largest member that is handed out, in bytes. Larger ones are data or binaries, on which rules for text
/// say little and take long.
const LARGEST: u64 = 8 << 20;

/// How much is read of one archive, in bytes, when inflated.
const MOST: u64 = 4 << 30;

/// The largest dictionary that an xz file may ask for, in KiB.
const XZ_MEMORY: u32 = 96 << 10;

/// A file in an archive.
pub(super) struct Member<'m> {
    pub(super) name: &'m str,
    pub(super) bytes: &'m [u8],
}

/// Hands every member of at most 8 MiB to `visit`, until it says why not to go on.
///
/// # Errors
/// What was left out, in one clause; larger members are not.
pub(super) fn each_member(
    mut archive: impl Read + Seek,
    filename: &DistFilename,
    visit: impl FnMut(Member<'_>) -> Result<(), String>,
) -> Result<(), String> {
    archive.seek(SeekFrom::Start(0)).map_err(in_words)?;
    let archive = BufReader::new(archive);
    let name = filename.as_str();
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match () {
        () if ends_with(&[".whl", ".zip"]) => of_zip(archive, visit),
        () if ends_with(&[".gz", ".tgz"]) => of_tar(MultiGzDecoder::new(archive), visit),
        () if ends_with(&[".bz2"]) => of_tar(MultiBzDecoder::new(archive), visit),
        () if ends_with(&[".xz"]) => {
            of_tar(XzReader::new_mem_limit(archive, true, XZ_MEMORY), visit)
        }
        () => Err("it is no archive that is known".to_owned()),
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    format!("a part cannot be read: {error}")
}

fn of_zip(
    archive: impl Read + Seek,
    mut visit: impl FnMut(Member<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut archive = zip::ZipArchive::new(archive).map_err(in_words)?;
    let (mut bytes, mut left) = (Vec::new(), MOST);
    let mut unread = Ok(());
    for position in 0..archive.len() {
        let mut member = match archive.by_index(position) {
            Ok(member) => member,
            Err(error) => {
                unread = Err(in_words(error));
                continue;
            }
        };
        if !member.is_file() || member.size() > LARGEST {
            continue;
        }
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        match read(&mut member, &mut bytes, &mut left) {
            Ok(Size::Fits) => visit(Member {
                name: &name,
                bytes: &bytes,
            })?,
            Ok(Size::TooLarge) => {}
            Err(why) => unread = Err(why),
        }
    }
    unread
}

fn of_tar(
    inflated: impl Read,
    mut visit: impl FnMut(Member<'_>) -> Result<(), String>,
) -> Result<(), String> {
    // Members that are left out are inflated as well.
    let mut archive = tar::Archive::new(inflated.take(MOST));
    let (mut bytes, mut left) = (Vec::new(), MOST);
    for member in archive.entries().map_err(in_words)? {
        let mut member = member.map_err(in_words)?;
        if !member.header().entry_type().is_file() || member.size() > LARGEST {
            continue;
        }
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        if read(&mut member, &mut bytes, &mut left)? == Size::Fits {
            visit(Member {
                name: &name,
                bytes: &bytes,
            })?;
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Size {
    Fits,
    TooLarge,
}

/// Reads a member, which may be larger than it says.
fn read(member: &mut impl Read, bytes: &mut Vec<u8>, left: &mut u64) -> Result<Size, String> {
    bytes.clear();
    let read = member.take(LARGEST + 1).read_to_end(bytes);
    read.map_err(in_words)?;
    let size = bytes.len() as u64;
    *left = left
        .checked_sub(size)
        .ok_or_else(|| format!("it has more than {MOST} bytes"))?;
    Ok(match size > LARGEST {
        true => Size::TooLarge,
        false => Size::Fits,
    })
}
