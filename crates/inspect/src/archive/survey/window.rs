//! [`Window`]: a buffered view of an archive that goes to any place, cheaply when that is near.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

const BUFFER: usize = 256 << 10;

/// The archive, buffered.
pub(super) struct Window<R> {
    inner: BufReader<R>,
    position: u64,
    /// The archive's length in bytes.
    pub(super) length: u64,
}

impl<R: Read + Seek> Window<R> {
    /// # Errors
    /// Those of the reader.
    pub(super) fn new(mut archive: R) -> io::Result<Self> {
        let length = archive.seek(SeekFrom::End(0))?;
        archive.seek(SeekFrom::Start(0))?;
        Ok(Self {
            inner: BufReader::with_capacity(BUFFER, archive),
            position: 0,
            length,
        })
    }

    /// # Errors
    /// Those of the reader.
    pub(super) fn go_to(&mut self, at: u64) -> io::Result<()> {
        let distance = at as i64 - self.position as i64;
        if distance != 0 {
            self.inner.seek_relative(distance)?;
            self.position = at;
        }
        Ok(())
    }

    /// Up to `count` bytes from `at`; fewer where the archive ends.
    ///
    /// # Errors
    /// Those of the reader.
    pub(super) fn piece(&mut self, at: u64, count: u64) -> io::Result<Vec<u8>> {
        let count = count.min(self.length.saturating_sub(at));
        if count == 0 {
            return Ok(Vec::new());
        }
        self.go_to(at)?;
        let mut bytes = Vec::with_capacity(count as usize);
        self.by_ref().take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        let at = at.filter(|at| *at <= i64::MAX as u64);
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.go_to(at)?;
        Ok(at)
    }
}
