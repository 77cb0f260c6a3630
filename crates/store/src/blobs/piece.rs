//! Reading a piece of an open file: at once where the system has it in memory, elsewhere than on the threads
//! that serve where it has not; into buffers that are used again. Whose file it is, is of no concern here.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The most that is read at once, in bytes. Small pieces cost many times the CPU; larger ones gain nothing.
pub const PIECE: u64 = 256 * 1024;

/// How many buffers are kept to be used again, of [`PIECE`] bytes each. What is in use beyond them is given
/// back to the system.
const KEPT: usize = 32;

static FREE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// A buffer, and how much of it was read. Given back when the last reader lets go of it.
struct Filled {
    buffer: Box<[u8]>,
    length: usize,
}

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.len() as u64 != PIECE {
            return;
        }
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(buffer);
        }
    }
}

/// A buffer for `length` bytes. Short ones are cheaper made than shared.
fn buffer(length: usize) -> Box<[u8]> {
    if (length as u64) <= PIECE / 4 {
        return vec![0; length].into();
    }
    let kept = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    kept.unwrap_or_else(|| vec![0; PIECE as usize].into())
}

/// `length` bytes of `file` from `at` on, at most [`PIECE`] of them.
///
/// # Errors
/// What the system says, and `UnexpectedEof` when the file ends before.
pub async fn read_piece(file: &Arc<File>, at: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length.min(PIECE)).map_err(io::Error::other)?;
    let mut buffer = buffer(length);
    let read = at_once(file, &mut buffer[..length], at);
    if read < length {
        let file = Arc::clone(file);
        let rest = tokio::task::spawn_blocking(move || {
            file.read_exact_at(&mut buffer[read..length], at + read as u64)?;
            Ok::<_, io::Error>(buffer)
        });
        buffer = rest.await.map_err(io::Error::other)??;
    }
    Ok(Bytes::from_owner(Filled { buffer, length }))
}

/// Reads what the system has in memory, without waiting for a disk; how many bytes that were.
#[cfg(target_os = "linux")]
fn at_once(file: &File, buffer: &mut [u8], at: u64) -> usize {
    use rustix::io::{ReadWriteFlags, preadv2};
    let into = &mut [io::IoSliceMut::new(buffer)];
    preadv2(file, into, at, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn at_once(_file: &File, _buffer: &mut [u8], _at: u64) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("room");
        Arc::new(file)
    }

    #[tokio::test]
    async fn pieces_are_what_the_file_has() {
        let bytes: Vec<u8> = (0..600_000_u32).map(|at| (at / 7) as u8).collect();
        let file = file(&bytes);
        for (at, length) in [(0, 1), (5, 70_000), (100, PIECE), (599_999, 1), (7, 0)] {
            let piece = read_piece(&file, at, length).await.expect("there");
            assert_eq!(piece, &bytes[at as usize..(at + length) as usize]);
        }
    }

    #[tokio::test]
    async fn a_file_that_ends_before_is_an_error() {
        let error = read_piece(&file(b"abc"), 1, 3)
            .await
            .expect_err("too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_buffer_that_is_used_again_shows_nothing_of_its_past() {
        let long = file(&[1; 300_000]);
        let first = read_piece(&long, 0, PIECE).await.expect("there");
        drop(first);
        let second = read_piece(&file(&[2; 100_000]), 0, 100_000).await;
        assert!(second.expect("there").iter().all(|byte| *byte == 2));
    }
}
