//! [`SharedFile`], a file that arrives while many read it: they are all at about the same place, so that each
//! piece is read once and shared. How far they may read is not decided here.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use portcullis_store::blobs::{PIECE, read_piece};
use tokio::sync::OnceCell;

/// How many pieces are kept for those who come to them next, of [`PIECE`] bytes each.
const RECENT: usize = 16;

type Piece = Arc<OnceCell<Bytes>>;

/// A file in scratch space, which stays readable when it is moved into the vault.
#[derive(Debug)]
pub struct SharedFile {
    file: Arc<File>,
    recent: Mutex<VecDeque<(u64, Piece)>>,
}

impl SharedFile {
    /// Nothing of it was read yet.
    pub(super) fn new(file: Arc<File>) -> Self {
        Self {
            file,
            recent: Mutex::default(),
        }
    }

    /// Where the piece that has the byte `at` ends, in a file of any length.
    pub(super) fn end_of_piece(at: u64) -> u64 {
        (at / PIECE + 1).saturating_mul(PIECE)
    }

    /// The bytes from `at` on that belong to the same piece and come before `until`. All bytes before `until`
    /// have to be there.
    ///
    /// # Errors
    /// What the system says.
    pub(super) async fn read(&self, at: u64, until: u64) -> io::Result<Bytes> {
        let end = Self::end_of_piece(at);
        if until < end {
            // Part of a piece is of interest to few.
            return read_piece(&self.file, at, until.saturating_sub(at)).await;
        }
        let number = at / PIECE;
        let start = number * PIECE;
        let piece = self.piece(number);
        let piece = piece.get_or_try_init(|| read_piece(&self.file, start, PIECE));
        let from = usize::try_from(at - start).map_err(io::Error::other)?;
        Ok(piece.await?.slice(from..))
    }

    fn piece(&self, number: u64) -> Piece {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.iter().rev().find(|(known, _)| *known == number);
        if let Some((_, piece)) = found {
            return Arc::clone(piece);
        }
        if recent.len() == RECENT {
            recent.pop_front();
        }
        let piece = Piece::default();
        recent.push_back((number, Arc::clone(&piece)));
        piece
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn whoever_reads_a_piece_gets_the_same_memory_and_the_right_bytes() {
        let length = PIECE * 20 + 1_000;
        let bytes: Vec<u8> = (0..length).map(|at| (at / 251) as u8).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("room");
        let shared = SharedFile::new(Arc::new(file));
        let first = shared.read(0, length).await.expect("there");
        let second = shared.read(0, length).await.expect("there");
        assert_eq!(first.as_ptr(), second.as_ptr());
        for (at, until) in [
            (0, 10),
            (PIECE - 1, PIECE),
            (PIECE - 1, length),
            (5 * PIECE + 7, length),
            (20 * PIECE, length),
            (length, length),
        ] {
            let read = shared.read(at, until).await.expect("there");
            let end = until.min(SharedFile::end_of_piece(at));
            assert_eq!(read, &bytes[at as usize..end as usize], "{at}..{until}");
        }
        for number in 0..20 {
            shared.read(number * PIECE, length).await.expect("there");
        }
        let kept = shared.recent.lock().expect("sound").len();
        assert_eq!(kept, RECENT);
    }

    #[tokio::test]
    async fn what_is_not_there_is_an_error_and_is_tried_again() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&[1; 10]).expect("room");
        let shared = SharedFile::new(Arc::new(file.try_clone().expect("a handle")));
        assert!(shared.read(0, PIECE).await.is_err());
        file.write_all(&vec![2; PIECE as usize]).expect("room");
        assert_eq!(
            shared.read(0, PIECE).await.expect("there").len() as u64,
            PIECE
        );
    }
}
