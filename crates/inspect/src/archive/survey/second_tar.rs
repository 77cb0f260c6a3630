//! The second opinion on a tarball: the `tar` crate lists it, and both lists have to be the same.
//! It reads a [`Skeleton`], which has all headers at their places and zeros for the contents, so
//! that nothing is decompressed twice: equal places and sizes mean equal bytes.

use std::io::{self, Read, Seek, SeekFrom};

use super::flaw::{Flaw, Violations, shown};

/// How many bytes of headers are kept.
const LARGEST: usize = 32 << 20;

/// The headers of a tar archive at their places.
#[derive(Default)]
pub(super) struct Skeleton {
    pieces: Vec<(u64, Vec<u8>)>,
    kept: usize,
    length: u64,
    position: u64,
    next: usize,
    /// Whether something had to be left out.
    pub(super) is_incomplete: bool,
}

impl Skeleton {
    /// Keeps `bytes`, which stand at `at`, behind everything kept before.
    pub(super) fn keep(&mut self, at: u64, bytes: &[u8]) {
        if self.kept + bytes.len() > LARGEST {
            self.is_incomplete = true;
            return;
        }
        self.kept += bytes.len();
        match self.pieces.last_mut() {
            Some((start, piece)) if *start + piece.len() as u64 == at => piece.extend(bytes),
            _ => self.pieces.push((at, bytes.to_vec())),
        }
        self.length = at + bytes.len() as u64;
    }

    /// Says how long the whole archive is.
    pub(super) fn finish(&mut self, length: u64) {
        self.length = self.length.max(length);
    }
}

impl Read for Skeleton {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((start, piece)) = self.pieces.get(self.next)
            && self.position >= start + piece.len() as u64
        {
            self.next += 1;
        }
        let left = self
            .length
            .saturating_sub(self.position)
            .min(buffer.len() as u64) as usize;
        let buffer = &mut buffer[..left];
        let count = match self.pieces.get(self.next) {
            Some((start, piece)) if *start <= self.position => {
                let from = (self.position - start) as usize;
                let count = buffer.len().min(piece.len() - from);
                buffer[..count].copy_from_slice(&piece[from..from + count]);
                count
            }
            other => {
                let until = other.map_or(self.length, |(start, _)| *start);
                let count = buffer.len().min((until - self.position) as usize);
                buffer[..count].fill(0);
                count
            }
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Skeleton {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = at.ok_or(io::ErrorKind::InvalidInput)?.min(self.length);
        self.next = self
            .pieces
            .partition_point(|(start, piece)| start + piece.len() as u64 <= self.position);
        Ok(self.position)
    }
}

/// What both readers have to agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: Vec<u8>,
    /// Where the contents start; 0 for what has none.
    pub(super) at: u64,
    pub(super) size: u64,
}

/// Reports where the second reader sees other members than `ours`.
pub(super) fn compare_with_second_reader(
    mut skeleton: Skeleton,
    ours: &[Listed],
    violations: &mut Violations,
) {
    skeleton.position = 0;
    skeleton.next = 0;
    let mut archive = tar::Archive::new(skeleton);
    let mut seen = 0;
    let entries = match archive.entries_with_seek() {
        Ok(entries) => entries,
        Err(error) => return refuse(&error, violations),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return refuse(&error, violations),
        };
        if entry.header().entry_type().is_pax_global_extensions() {
            continue;
        }
        let size = entry.size();
        let at = if size == 0 {
            0
        } else {
            entry.raw_file_position()
        };
        let their = Listed {
            path: entry.path_bytes().into_owned(),
            at,
            size,
        };
        if ours.get(seen) != Some(&their) {
            let name = shown(&String::from_utf8_lossy(&their.path));
            let our = ours
                .get(seen)
                .map(|our| shown(&String::from_utf8_lossy(&our.path)));
            let our = our.unwrap_or_else(|| "nothing".to_owned());
            let evidence = format!("it sees {name} of {size} bytes where {our} was seen");
            violations.container(Flaw::SecondReaderDiffers, evidence);
            return;
        }
        seen += 1;
    }
    if seen != ours.len() {
        let evidence = format!("{} members and {seen}", ours.len());
        violations.container(Flaw::SecondReaderDiffers, evidence);
    }
}

fn refuse(error: &io::Error, violations: &mut Violations) {
    violations.container(Flaw::SecondReaderRefuses, shown(&error.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skeleton_has_its_pieces_at_their_places() {
        let mut skeleton = Skeleton::default();
        skeleton.keep(0, b"ab");
        skeleton.keep(2, b"c");
        skeleton.keep(6, b"d");
        skeleton.finish(9);
        let mut bytes = Vec::new();
        skeleton.read_to_end(&mut bytes).expect("memory is read");
        assert_eq!(bytes, b"abc\0\0\0d\0\0");
        for (at, rest) in [(1, &b"bc\0"[..]), (3, b"\0\0\0"), (6, b"d\0\0")] {
            skeleton.seek(SeekFrom::Start(at)).expect("inside");
            let mut three = [0; 3];
            skeleton
                .read_exact(&mut three)
                .expect("there are three more");
            assert_eq!(three, rest);
        }
    }
}
