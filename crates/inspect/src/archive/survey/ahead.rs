//! [`Ahead`]: the large members of a zip file, read from front to back before its directory is known. While
//! an archive is still arriving, nearly all of its bytes are inflated and hashed by the time that the last
//! one is there. What local headers say is believed for no longer than that: the walk through the directory
//! takes what was learnt where both say the same of a member, and reads it again where they do not.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::content::Content;
use super::intake::{Intake, Taken};
use super::place::{Interest, interest};
use super::zip_entries::{Entry, FLAG_DESCRIPTOR};
use super::zip_member::{Data, Header, Inflated, inflate_member, parse_local};
use crate::archive::limits::Limits;

/// From how many compressed bytes on a member is worth reading ahead.
const LARGE: u64 = 256 << 10;

const BUFFER: usize = 256 << 10;

/// What was learnt of members, by where their data starts.
#[derive(Default)]
pub(super) struct Ahead(HashMap<u64, Learnt>);

struct Learnt {
    raw_name: Vec<u8>,
    data: Data,
    inflated: Inflated,
    taken: Taken,
}

impl Ahead {
    /// Reads `archive` from its start as far as members follow each other and say how long they are, within
    /// `limits`.
    ///
    /// # Errors
    /// Those of the reader.
    pub(super) fn read(mut archive: impl Read + Seek, limits: &Limits) -> io::Result<Self> {
        let length = archive.seek(SeekFrom::End(0))?;
        archive.seek(SeekFrom::Start(0))?;
        let mut reading = Reading {
            archive: BufReader::with_capacity(BUFFER, archive),
            position: 0,
            length,
            limits,
            inflated: 0,
            ahead: Self::default(),
        };
        while reading.member()? {}
        Ok(reading.ahead)
    }

    /// What was learnt of the member whose data starts at `at`, if the directory's `entry` says the same of
    /// it as its local header.
    pub(super) fn take(&mut self, at: u64, entry: &Entry) -> Option<(Inflated, Taken)> {
        let learnt = self.0.remove(&at)?;
        let is_same = learnt.raw_name == entry.raw_name && learnt.data == Data::of(entry);
        is_same.then_some((learnt.inflated, learnt.taken))
    }
}

struct Reading<'a, R> {
    archive: BufReader<R>,
    position: u64,
    length: u64,
    limits: &'a Limits,
    inflated: u64,
    ahead: Ahead,
}

impl<R: Read> Reading<'_, R> {
    /// Reads one member; false when there is none, or its end is not known.
    fn member(&mut self) -> io::Result<bool> {
        let fixed = self.piece(Header::SIZE)?;
        let Some(header) = parse_local(&fixed) else {
            return Ok(false);
        };
        let names = self.piece(header.names())?;
        let Some((name, data)) = header.announced(&names) else {
            return Ok(false);
        };
        let end = self.position.saturating_add(data.compressed);
        if header.flags & FLAG_DESCRIPTOR != 0 || end > self.length {
            return Ok(false);
        }
        if header.is_readable() && self.is_worth_it(name, &data) {
            self.learn(name, data)?;
        }
        self.skip_to(end)?;
        Ok(true)
    }

    /// Whether the member is large, within the limits, and nobody wants to keep its bytes.
    fn is_worth_it(&self, name: &[u8], data: &Data) -> bool {
        let limits = self.limits;
        let total = self.inflated.saturating_add(data.size);
        let is_bomb = total > limits.total_size
            || (total > Limits::RATIO_FREE && total / limits.ratio > self.length);
        let name = String::from_utf8_lossy(name);
        data.compressed >= LARGE
            && data.size <= limits.member_size
            && !is_bomb
            && interest(&name, Content::Binary) == Interest::None
    }

    fn learn(&mut self, raw_name: &[u8], data: Data) -> io::Result<()> {
        let at = self.position;
        self.inflated += data.size;
        let name = String::from_utf8_lossy(raw_name);
        let mut intake = Intake::new(&name, self.limits);
        let mut member = (&mut self.archive).take(data.compressed);
        let inflated = inflate_member(&mut member, data, &mut |piece| intake.take(piece))?;
        self.position += data.compressed - member.limit();
        let taken = intake.finish();
        // Bytes that somebody wants to read are not kept until the directory is known.
        if taken.bytes.is_none() {
            let learnt = Learnt {
                raw_name: raw_name.to_vec(),
                data,
                inflated,
                taken,
            };
            self.ahead.0.insert(at, learnt);
        }
        Ok(())
    }

    fn piece(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.archive).take(count).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        Ok(bytes)
    }

    fn skip_to(&mut self, end: u64) -> io::Result<()> {
        let left = end.saturating_sub(self.position);
        let mut rest = (&mut self.archive).take(left);
        self.position += io::copy(&mut rest, &mut io::sink())?;
        Ok(())
    }
}
