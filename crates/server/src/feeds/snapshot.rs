//! The form in which a feed is kept: its content in pieces, each a zstd frame (RFC 8878) of its own, so
//! that one record can be read without the others. The whole is a zstd file like any other.
//!
//! A snapshot of advisories has one record a line, sorted by id, so that equal advisories are equal
//! bytes; other feeds are kept as the documents that they are.

use std::io::{self, Write};
use std::ops::Range;

use bytes::Bytes;
use zstd::zstd_safe;

/// How much content goes into a frame, in bytes, where records are short.
const FRAME: usize = 256 << 10;

/// The most content that a frame may have, in bytes: one that was begun, and the longest record.
const LONGEST_FRAME: usize = FRAME + (8 << 20);

const LEVEL: i32 = 3;

/// A snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot is damaged: {0}")]
pub struct SnapshotError(&'static str);

/// Writes a snapshot.
pub struct SnapshotWriter<W: Write> {
    out: W,
    content: Vec<u8>,
}

impl<W: Write> SnapshotWriter<W> {
    /// A writer of a snapshot without content yet.
    pub fn new(out: W) -> Self {
        Self {
            out,
            content: Vec::new(),
        }
    }

    /// Adds a record as a line. Its line breaks become blanks, which in JSON mean the same: within
    /// strings there are none.
    ///
    /// # Errors
    /// The writer's.
    pub fn line(&mut self, record: &[u8]) -> io::Result<()> {
        let plain = |byte: &u8| match byte {
            b'\n' | b'\r' => b' ',
            other => *other,
        };
        self.content.extend(record.iter().map(plain));
        self.content.push(b'\n');
        match self.content.len() >= FRAME {
            true => self.end_frame(),
            false => Ok(()),
        }
    }

    /// Adds a document, whatever is in it.
    ///
    /// # Errors
    /// The writer's.
    pub fn document(&mut self, document: &[u8]) -> io::Result<()> {
        for piece in document.chunks(FRAME) {
            self.content.extend_from_slice(piece);
            self.end_frame()?;
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.content.is_empty() {
            self.end_frame()?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let frame = zstd::bulk::compress(&self.content, LEVEL)?;
        self.out.write_all(&frame)?;
        self.content.clear();
        Ok(())
    }
}

/// A snapshot in memory, compressed as it is.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    bytes: Bytes,
    frames: Vec<Range<usize>>,
}

impl Snapshot {
    /// Finds the frames.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes are no zstd frames one after the other.
    pub fn new(bytes: Bytes) -> Result<Self, SnapshotError> {
        let mut frames = Vec::new();
        let mut start = 0;
        while start < bytes.len() {
            let length = zstd_safe::find_frame_compressed_size(&bytes[start..])
                .map_err(|_| SnapshotError("it is not made of zstd frames"))?;
            frames.push(start..start + length);
            start += length;
        }
        Ok(Self { bytes, frames })
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The size in memory, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The content of one frame.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is no such frame or it cannot be decompressed.
    pub fn content(&self, frame: usize) -> Result<Vec<u8>, SnapshotError> {
        let range = self
            .frames
            .get(frame)
            .ok_or(SnapshotError("it is too short"))?;
        zstd::bulk::decompress(&self.bytes[range.clone()], LONGEST_FRAME)
            .map_err(|_| SnapshotError("a frame cannot be decompressed"))
    }

    /// Hands each line to `each`, with the frame that it is in and its place within.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn lines(
        &self,
        mut each: impl FnMut(usize, Range<usize>, &[u8]),
    ) -> Result<(), SnapshotError> {
        for frame in 0..self.frames() {
            let content = self.content(frame)?;
            let mut start = 0;
            for line in content.split(|byte| *byte == b'\n') {
                let range = start..start + line.len();
                start = range.end + 1;
                if !line.is_empty() {
                    each(frame, range, line);
                }
            }
        }
        Ok(())
    }

    /// The whole content, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn document(&self, limit: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut document = Vec::new();
        for frame in 0..self.frames() {
            document.extend(self.content(frame)?);
            if document.len() > limit {
                return Err(SnapshotError("it is too long"));
            }
        }
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn written(lines: &[Vec<u8>]) -> Snapshot {
        let mut writer = SnapshotWriter::new(Vec::new());
        for line in lines {
            writer.line(line).unwrap();
        }
        Snapshot::new(writer.finish().unwrap().into()).unwrap()
    }

    #[test]
    fn many_lines_take_many_frames_and_each_is_found_again() {
        let lines: Vec<Vec<u8>> = (0..20_000)
            .map(|number| format!("{{\"id\":\"A-{number}\",\n\"x\":1}}").into_bytes())
            .collect();
        let snapshot = written(&lines);
        assert!(snapshot.frames() > 1);
        let mut read = 0;
        snapshot
            .lines(|frame, range, line| {
                assert_eq!(snapshot.content(frame).unwrap()[range], *line);
                assert_eq!(line, format!("{{\"id\":\"A-{read}\", \"x\":1}}").as_bytes());
                read += 1;
            })
            .unwrap();
        assert_eq!(read, lines.len());
    }

    #[test]
    fn damage_is_noticed() {
        let whole = written(&[b"{\"id\":\"A\"}".to_vec()]);
        for length in 1..whole.size() {
            assert!(
                Snapshot::new(whole.bytes.slice(..length)).is_err(),
                "{length}"
            );
        }
        assert!(Snapshot::new(Bytes::from_static(b"{}")).is_err());
        assert_eq!(Snapshot::new(Bytes::new()).unwrap().frames(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_document_is_read_as_it_was_written(
            document in proptest::collection::vec(any::<u8>(), 0..2000), times in 0..300_usize,
        ) {
            let document = document.repeat(times);
            let mut writer = SnapshotWriter::new(Vec::new());
            writer.document(&document).unwrap();
            let snapshot = Snapshot::new(writer.finish().unwrap().into()).unwrap();
            prop_assert_eq!(snapshot.document(document.len()).unwrap(), document);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(snapshot) = Snapshot::new(bytes.into()) {
                let _ = snapshot.document(1 << 20);
            }
        }
    }
}
