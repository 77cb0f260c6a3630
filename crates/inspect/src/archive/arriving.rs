//! [`Arriving`]: an archive that can be read while it is still being written by somebody else. Who writes it,
//! and how far they are, is told by an [`Arrival`]; nothing here knows where from.

use std::io::{self, Read, Seek, SeekFrom};

/// How far a file has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// So many bytes of it can be read.
    SoFar(u64),
    /// It has these many bytes, and all of them are there.
    Whole(u64),
}

/// Tells how far a file has arrived.
pub trait Arrival {
    /// Waits until more of it is there than was told last.
    ///
    /// # Errors
    /// It will never arrive whole.
    fn wait(&mut self) -> io::Result<Arrived>;
}

/// A file of an announced length that is still arriving: whoever reads further than it has arrived waits.
#[derive(Debug)]
pub struct Arriving<F, A> {
    file: F,
    arrival: A,
    total: u64,
    arrived: u64,
    position: u64,
}

impl<F: Read + Seek, A: Arrival> Arriving<F, A> {
    /// Reads `file`, which will have `total` bytes, from its start.
    pub fn new(file: F, arrival: A, total: u64) -> Self {
        Self {
            file,
            arrival,
            total,
            arrived: 0,
            position: 0,
        }
    }

    /// How many bytes can be read from where the reader is; waits until there are some. Zero at the end.
    fn available(&mut self) -> io::Result<u64> {
        while self.position >= self.arrived && self.position < self.total {
            self.arrived = match self.arrival.wait()? {
                Arrived::SoFar(bytes) if bytes <= self.total => bytes,
                Arrived::Whole(bytes) if bytes == self.total => bytes,
                Arrived::SoFar(_) | Arrived::Whole(_) => {
                    let problem = "it has another length than was announced";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
            };
        }
        Ok(self.arrived.saturating_sub(self.position))
    }
}

impl<F: Read + Seek, A: Arrival> Read for Arriving<F, A> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = usize::try_from(self.available()?).unwrap_or(usize::MAX);
        let most = available.min(buffer.len());
        let count = self.file.read(&mut buffer[..most])?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<F: Read + Seek, A: Arrival> Seek for Arriving<F, A> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(distance) => self.total.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.position = self.file.seek(SeekFrom::Start(at))?;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Tells the given steps, one at a time, and then that nothing more comes.
    struct Steps<'a>(std::slice::Iter<'a, Arrived>);

    impl Arrival for Steps<'_> {
        fn wait(&mut self) -> io::Result<Arrived> {
            self.0
                .next()
                .copied()
                .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
        }
    }

    fn arriving(total: u64, steps: &[Arrived]) -> Arriving<Cursor<Vec<u8>>, Steps<'_>> {
        let steps = Steps(steps.iter());
        Arriving::new(Cursor::new((0..10).collect()), steps, total)
    }

    #[test]
    fn no_byte_is_read_before_it_has_arrived() {
        let steps = [Arrived::SoFar(3), Arrived::SoFar(3), Arrived::Whole(10)];
        let mut file = arriving(10, &steps);
        let mut buffer = [0; 8];
        assert_eq!(file.read(&mut buffer).expect("three are there"), 3);
        assert_eq!(file.read(&mut buffer).expect("all are there"), 7);
        assert_eq!(file.read(&mut buffer).expect("the end"), 0);
    }

    #[test]
    fn the_end_is_known_before_it_is_there() {
        let mut file = arriving(10, &[Arrived::SoFar(5), Arrived::Whole(10)]);
        assert_eq!(file.seek(SeekFrom::End(-2)).expect("a place"), 8);
        let mut end = Vec::new();
        file.read_to_end(&mut end).expect("it arrives");
        assert_eq!(end, [8, 9]);
        assert!(file.seek(SeekFrom::Current(-11)).is_err());
    }

    #[test]
    fn what_never_arrives_whole_or_otherwise_than_announced_is_an_error() {
        let cases: [(&[Arrived], io::ErrorKind); 3] = [
            (&[Arrived::SoFar(9)], io::ErrorKind::BrokenPipe),
            (&[Arrived::SoFar(11)], io::ErrorKind::InvalidData),
            (
                &[Arrived::SoFar(9), Arrived::Whole(9)],
                io::ErrorKind::InvalidData,
            ),
        ];
        for (steps, expected) in cases {
            let read = arriving(10, steps).read_to_end(&mut Vec::new());
            assert_eq!(read.expect_err("not whole").kind(), expected, "{steps:?}");
        }
    }
}
