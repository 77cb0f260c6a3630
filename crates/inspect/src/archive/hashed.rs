//! [`Hashed`]: an archive whose digest is computed while it is read for other reasons, so that its bytes are
//! not read once more for that alone.

use std::io::{self, Read, Seek, SeekFrom};

use portcullis_core::digest::Sha256;
use sha2::Digest as _;

/// A reader that hashes what it reads, each byte once and in the order of the file.
pub(crate) struct Hashed<R> {
    inner: R,
    hasher: sha2::Sha256,
    position: u64,
    /// How many bytes from the start have been hashed.
    hashed: u64,
}

impl<R: Read + Seek> Hashed<R> {
    /// Reads `inner` from its start.
    ///
    /// # Errors
    /// Those of the reader.
    pub(crate) fn new(mut inner: R) -> io::Result<Self> {
        inner.seek(SeekFrom::Start(0))?;
        Ok(Self {
            inner,
            hasher: sha2::Sha256::new(),
            position: 0,
            hashed: 0,
        })
    }

    /// The digest of everything, for which it reads what nobody has read.
    ///
    /// # Errors
    /// Those of the reader.
    pub(crate) fn finish(mut self) -> io::Result<Sha256> {
        self.seek(SeekFrom::Start(self.hashed))?;
        let mut buffer = vec![0; 128 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Sha256::from_bytes(self.hasher.finalize().into()))
    }
}

impl<R: Read + Seek> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let end = self.position + count as u64;
        // What was skipped is hashed later, and what comes behind it after that.
        if self.position <= self.hashed && self.hashed < end {
            let known = (self.hashed - self.position) as usize;
            self.hasher.update(&buffer[known..count]);
            self.hashed = end;
        }
        self.position = end;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Hashed<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_digest_is_that_of_all_bytes_however_they_are_read() {
        let bytes: Vec<u8> = (0..200u8).cycle().take(10_000).collect();
        let expected = Sha256::of(&bytes);
        let visits: [&[(u64, usize)]; 5] = [
            &[],
            &[(0, 10_000)],
            &[(9_000, 1_000), (0, 100), (50, 100)],
            &[(0, 5_000), (6_000, 100), (4_000, 3_000), (20_000, 1)],
            &[(1, 9_999), (0, 1)],
        ];
        for visit in visits {
            let mut hashed = Hashed::new(Cursor::new(&bytes)).expect("memory can be read");
            for (at, count) in visit {
                hashed.seek(SeekFrom::Start(*at)).expect("a place");
                let mut piece = Vec::new();
                let mut some = (&mut hashed).take(*count as u64);
                some.read_to_end(&mut piece).expect("memory can be read");
            }
            assert_eq!(hashed.finish().expect("a digest"), expected, "{visit:?}");
        }
    }
}
