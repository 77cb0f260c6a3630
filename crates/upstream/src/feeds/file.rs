//! Records and documents out of files: a zip of records, a folder of them, a single one, and documents
//! that may be gzipped. What a file is, is told by its first bytes and not by its name.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{Bounds, FeedError};

/// What was found in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'f> {
    /// A record, unread.
    Record {
        /// The name of its file, for complaints.
        name: &'f str,
        /// Its bytes.
        bytes: &'f [u8],
    },
    /// A record that could not even be unpacked.
    Broken {
        /// The name of its file.
        name: &'f str,
        /// What is wrong with it.
        why: &'f str,
    },
}

/// Takes what was found; its error ends the reading.
pub type Each<'e> = &'e mut dyn FnMut(Found<'_>) -> io::Result<()>;

/// Finds the records at `path`, which is a zip, a folder (without the folders in it), or a record, and
/// hands each to `each`. Only names that end in `.json` count in zips and folders. Blocks.
///
/// # Errors
/// [`FeedError`] when the whole cannot be read or is too large; a single record that cannot is
/// [`Found::Broken`].
pub fn read_records(path: &Path, bounds: &Bounds, each: Each<'_>) -> Result<(), FeedError> {
    let failed = at(path);
    if fs::metadata(path).map_err(&failed)?.is_dir() {
        return read_folder(path, bounds, each);
    }
    let mut file = File::open(path).map_err(&failed)?;
    let head = first_bytes(&mut file).map_err(&failed)?;
    if head.starts_with(b"PK") {
        return read_zip(path, file, bounds, each);
    }
    let bytes = read_document(path, bounds.record)?;
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    each(Found::Record {
        name: &name,
        bytes: &bytes,
    })
    .map_err(failed)
}

/// A document of at most `limit` bytes after decompression, gzipped or not. Blocks.
///
/// # Errors
/// [`FeedError`] when it cannot be read or is too large.
pub fn read_document(path: &Path, limit: u64) -> Result<Vec<u8>, FeedError> {
    let mut file = File::open(path).map_err(at(path))?;
    let head = first_bytes(&mut file).map_err(at(path))?;
    let mut bytes = Vec::new();
    let file = BufReader::new(file);
    let read = match head.starts_with(&[0x1f, 0x8b]) {
        true => MultiGzDecoder::new(file)
            .take(limit + 1)
            .read_to_end(&mut bytes),
        false => file.take(limit + 1).read_to_end(&mut bytes),
    };
    read.map_err(at(path))?;
    match bytes.len() as u64 > limit {
        true => Err(FeedError::TooLarge {
            bound: limit,
            what: "bytes",
        }),
        false => Ok(bytes),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> FeedError {
    let path = path.to_owned();
    move |source| FeedError::Io {
        path: path.clone(),
        source,
    }
}

fn first_bytes(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head)
}

fn is_record_name(name: &str) -> bool {
    name.ends_with(".json")
}

fn read_folder(path: &Path, bounds: &Bounds, each: Each<'_>) -> Result<(), FeedError> {
    let mut names = Vec::new();
    for found in fs::read_dir(path).map_err(at(path))? {
        let found = found.map_err(at(path))?;
        if let Some(name) = found
            .file_name()
            .to_str()
            .filter(|name| is_record_name(name))
        {
            names.push(name.to_owned());
        }
        counted(names.len() as u64, bounds)?;
    }
    names.sort_unstable();
    let mut budget = Budget::of(bounds);
    for name in names {
        let file = path.join(&name);
        match read_document(&file, bounds.record) {
            Ok(bytes) => {
                budget.spend(bytes.len() as u64)?;
                each(Found::Record {
                    name: &name,
                    bytes: &bytes,
                })
                .map_err(at(&file))?;
            }
            Err(error) => {
                let why = error.to_string();
                each(Found::Broken {
                    name: &name,
                    why: &why,
                })
                .map_err(at(&file))?;
            }
        }
    }
    Ok(())
}

fn counted(records: u64, bounds: &Bounds) -> Result<(), FeedError> {
    match records > bounds.records {
        true => Err(FeedError::TooLarge {
            bound: bounds.records,
            what: "records",
        }),
        false => Ok(()),
    }
}

/// What may still be unpacked, in bytes.
struct Budget {
    left: u64,
    bound: u64,
}

impl Budget {
    fn of(bounds: &Bounds) -> Self {
        Self {
            left: bounds.total,
            bound: bounds.total,
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), FeedError> {
        self.left = self.left.checked_sub(bytes).ok_or(FeedError::TooLarge {
            bound: self.bound,
            what: "bytes of records",
        })?;
        Ok(())
    }
}

fn read_zip(path: &Path, file: File, bounds: &Bounds, each: Each<'_>) -> Result<(), FeedError> {
    let size = file.metadata().map_err(at(path))?.len();
    if size > bounds.download {
        return Err(FeedError::TooLarge {
            bound: bounds.download,
            what: "bytes",
        });
    }
    let unreadable = |error| FeedError::Unreadable(format!("it is no whole zip file: {error}"));
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    counted(archive.len() as u64, bounds)?;
    let mut budget = Budget::of(bounds);
    let mut bytes = Vec::new();
    for position in 0..archive.len() {
        bytes.clear();
        let (name, unpacked) = unpack(&mut archive, position, bounds.record, &mut bytes);
        budget.spend(bytes.len() as u64)?;
        let name = name.as_str();
        if !is_record_name(name) {
            continue;
        }
        let found = match &unpacked {
            Ok(()) => Found::Record {
                name,
                bytes: &bytes,
            },
            Err(why) => Found::Broken { name, why },
        };
        each(found).map_err(at(path))?;
    }
    Ok(())
}

/// Unpacks one member, never trusting the size that it announces.
fn unpack(
    archive: &mut ZipArchive<BufReader<File>>,
    position: usize,
    limit: u64,
    bytes: &mut Vec<u8>,
) -> (String, Result<(), String>) {
    let name = match archive.name_for_index(position) {
        Some(Ok(name)) => name.into_owned(),
        _ => format!("member {position}"),
    };
    if !is_record_name(&name) {
        return (name, Ok(()));
    }
    let mut member = match archive.by_index(position) {
        Ok(member) => member,
        Err(error) => return (name, Err(error.to_string())),
    };
    let read = member.by_ref().take(limit + 1).read_to_end(bytes);
    let unpacked = match read {
        Err(error) => Err(error.to_string()),
        Ok(_) if bytes.len() as u64 > limit => Err(format!("longer than {limit} bytes")),
        Ok(_) => Ok(()),
    };
    (name, unpacked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn found(bytes: &[u8], bounds: &Bounds) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed");
        fs::write(&path, bytes).unwrap();
        list(&path, bounds)
    }

    fn list(path: &Path, bounds: &Bounds) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        let read = read_records(path, bounds, &mut |found| {
            all.push(match found {
                Found::Record { name, bytes } => format!("{name} {}", bytes.len()),
                Found::Broken { name, why } => format!("{name}: {why}"),
            });
            Ok(())
        });
        read.map(|()| all).map_err(|error| error.to_string())
    }

    #[test]
    fn a_zip_gives_its_records_and_nothing_else() {
        let bytes = zip(&[
            ("a.json", b"{}"),
            ("notes.txt", b"x"),
            ("sub/b.json", b"[1]"),
        ]);
        let all = found(&bytes, &Bounds::default()).unwrap();
        assert_eq!(all, ["a.json 2", "sub/b.json 3"]);
    }

    #[test]
    fn a_truncated_zip_is_no_feed_whatever_is_in_its_first_half() {
        let bytes = zip(&[("a.json", b"{}"), ("b.json", b"{}")]);
        for length in 4..bytes.len() {
            let error = found(&bytes[..length], &Bounds::default()).unwrap_err();
            assert!(error.contains("no whole zip file"), "{length}: {error}");
        }
    }

    #[test]
    fn a_huge_record_is_left_out_and_the_others_stay() {
        let bounds = Bounds {
            record: 1000,
            ..Bounds::default()
        };
        let bytes = zip(&[("a.json", &[b' '; 100_000]), ("b.json", b"{}")]);
        let all = found(&bytes, &bounds).unwrap();
        assert_eq!(all, ["a.json: longer than 1000 bytes", "b.json 2"]);
    }

    #[test]
    fn a_record_whose_bytes_were_altered_is_left_out() {
        let mut bytes = zip(&[("a.json", &[b'x'; 64]), ("b.json", b"{}")]);
        // The checksum of the first member, in its local header and in the directory.
        let directory = bytes
            .windows(4)
            .position(|four| four == b"PK\x01\x02")
            .unwrap();
        bytes[14] ^= 1;
        bytes[directory + 16] ^= 1;
        let all = found(&bytes, &Bounds::default()).unwrap();
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[0].starts_with("a.json: "), "{all:?}");
        assert_eq!(all[1], "b.json 2");
    }

    #[test]
    fn a_bomb_is_refused_as_a_whole() {
        let bounds = Bounds {
            total: 5000,
            ..Bounds::default()
        };
        let members: Vec<(String, Vec<u8>)> = (0..10)
            .map(|number| (format!("{number}.json"), vec![b' '; 1000]))
            .collect();
        let members: Vec<(&str, &[u8])> = members
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        let bytes = zip(&members);
        let error = found(&bytes, &bounds).unwrap_err();
        assert_eq!(error, "it has more than 5000 bytes of records");
        let bounds = Bounds {
            records: 9,
            ..Bounds::default()
        };
        let error = found(&bytes, &bounds).unwrap_err();
        assert_eq!(error, "it has more than 9 records");
    }

    #[test]
    fn folders_and_single_records_are_read_too_gzipped_or_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), b"{}").unwrap();
        fs::write(folder.path().join("b.txt"), b"no").unwrap();
        fs::create_dir(folder.path().join("c.json")).unwrap();
        let all = list(folder.path(), &Bounds::default()).unwrap();
        assert_eq!(all[0], "a.json 2");
        assert!(all[1].starts_with("c.json: "), "{all:?}");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"{\"id\":1}").unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(found(&packed, &Bounds::default()).unwrap(), ["feed 8"]);
        let short = Bounds {
            record: 7,
            ..Bounds::default()
        };
        assert!(found(&packed, &short).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let mut bytes = bytes;
            let _ = found(&bytes, &Bounds::default());
            bytes.splice(0..0, *b"PK\x03\x04");
            let _ = found(&bytes, &Bounds::default());
        }
    }
}
