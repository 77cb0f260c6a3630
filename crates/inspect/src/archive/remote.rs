//! [`MetadataReader`]: METADATA out of a wheel that is still far away, in two or three range
//! requests. No I/O: it says which bytes it wants and is fed them. The rest of the wheel is not
//! looked at, so that what comes out is only as good as what [`read_wheel`](super::read_wheel)
//! later says of the whole file.

use std::ops::Range;

use portcullis_core::pypi::filename::DistFilename;

use super::dist_info::find_dist_info;
use super::error::{ArchiveError, Problem};
use super::limits::Limits;
use super::wheel::{find, require_wheel};
use super::zip_directory::{End, Entry, TAIL, check_directory_size, read_directory, read_end};
use super::zip_member::{HEADER_SIZE, LONGEST_DESCRIPTOR, read_member};

/// Wants one range of a remote wheel.
#[derive(Clone, Debug)]
pub struct MetadataReader {
    /// Boxed, so that a [`Step`] stays small.
    filename: Box<DistFilename>,
    limits: Limits,
    total: u64,
    /// The last bytes of the archive: a directory or member that lies in them is not asked for
    /// again. Empty until the first answer.
    tail: Vec<u8>,
    wants: Wants,
}

/// What to do after a range was fed.
#[derive(Clone, Debug)]
pub enum Step {
    /// Fetch [`MetadataReader::range`] and feed it.
    Need(MetadataReader),
    /// METADATA, byte for byte.
    Done(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Wants {
    Tail,
    Directory(End),
    Member(Entry),
}

impl MetadataReader {
    /// A reader for the wheel `filename` of `total` bytes, which first wants its last 64 KiB.
    ///
    /// # Errors
    /// [`ArchiveError::FileName`] when the file name is not a wheel's.
    pub fn start(
        filename: &DistFilename,
        total: u64,
        limits: &Limits,
    ) -> Result<Self, ArchiveError> {
        require_wheel(filename)?;
        let (filename, limits) = (Box::new(filename.clone()), limits.clone());
        Ok(Self {
            filename,
            limits,
            total,
            tail: Vec::new(),
            wants: Wants::Tail,
        })
    }

    /// The bytes wanted next, counted from the start of the archive. Never longer than what the
    /// limits allow to be kept in memory.
    pub fn range(&self) -> Range<u64> {
        match &self.wants {
            Wants::Tail => self.total.saturating_sub(TAIL)..self.total,
            Wants::Directory(end) => end.directory.clone(),
            Wants::Member(entry) => entry.span.clone(),
        }
    }

    /// Takes the bytes of [`MetadataReader::range`].
    ///
    /// # Errors
    /// [`ArchiveError::RangeLength`] when there are more or fewer, else what is wrong with the
    /// archive as far as it was seen.
    pub fn feed(mut self, bytes: &[u8]) -> Result<Step, ArchiveError> {
        let range = self.range();
        let (wanted, got) = (range.end - range.start, bytes.len() as u64);
        if wanted != got {
            return Err(ArchiveError::RangeLength { wanted, got });
        }
        match self.wants {
            Wants::Tail => {
                let end = read_end(bytes, self.total)?;
                check_directory_size(&end, &self.limits)?;
                self.tail = bytes.to_vec();
                self.wants = Wants::Directory(end);
                self.go_on()
            }
            Wants::Directory(end) => {
                let entries = read_directory(bytes, &end, &self.limits)?;
                self.wants = Wants::Member(find_metadata(entries, &self.filename, &self.limits)?);
                self.go_on()
            }
            Wants::Member(entry) => {
                let mut metadata = Vec::with_capacity(entry.size as usize);
                read_member(bytes, &entry, |piece| metadata.extend_from_slice(piece))?;
                Ok(Step::Done(metadata))
            }
        }
    }

    /// Feeds itself from the tail as long as that has what is wanted.
    fn go_on(self) -> Result<Step, ArchiveError> {
        let range = self.range();
        let tail_start = self.total - self.tail.len() as u64;
        match range.start.checked_sub(tail_start) {
            None => Ok(Step::Need(self)),
            Some(from) => {
                let length = (range.end - range.start) as usize;
                let bytes = self.tail[from as usize..][..length].to_vec();
                self.feed(&bytes)
            }
        }
    }
}

/// METADATA's entry, small enough to be fetched and kept.
fn find_metadata(
    entries: Vec<Entry>,
    filename: &DistFilename,
    limits: &Limits,
) -> Result<Entry, ArchiveError> {
    let names = entries.iter().map(|entry| entry.name.as_str());
    let dist_info = find_dist_info(names, filename)?;
    let entry = find(&entries, &format!("{dist_info}/METADATA"))?;
    let largest = limits.metadata_size;
    if entry.size > largest || entry.compressed > largest {
        return Err(entry.refuse(Problem::TooLarge(largest)));
    }
    let longest_header = (HEADER_SIZE + usize::from(u16::MAX) * 2) as u64;
    let longest_span = longest_header + entry.compressed + LONGEST_DESCRIPTOR;
    if entry.span.end - entry.span.start > longest_span {
        return Err(entry.refuse(Problem::Gap));
    }
    Ok(entry.clone())
}
