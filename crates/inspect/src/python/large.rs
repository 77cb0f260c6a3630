//! [`Large`]: long texts and bytes that folding makes, each kept once however often the code that makes
//! it is followed.

use std::hash::Hasher;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use sha2::{Digest as _, Sha256};

use super::value::Kind;

/// From this length on, in bytes, a text is looked up.
const LARGE: usize = 32 << 10;
/// After so many more bytes it is looked which texts nobody but this holds.
const LOOKED_THROUGH: usize = 2 << 20;

/// The long texts of the module at hand.
#[derive(Default)]
pub(super) struct Large {
    by_content: FxHashMap<u64, (Kind, Made)>,
    /// Where the texts above stand, which tells them without reading them.
    by_address: FxHashSet<usize>,
    /// Bytes of all of them, and how many make it time to look them through.
    held: usize,
    most: usize,
    /// Texts that were let go, which are not counted anew when they are made again.
    gone: FxHashMap<u64, [u8; 32]>,
}

/// How often a text was made. What is made again will be made again: it is not let go a second time, which
/// would cost more than it saves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Once,
    Again,
}

impl Large {
    /// Makes `kind` the one copy of it. Whether there was one already, so that this one takes no room.
    pub(super) fn share(&mut self, kind: &mut Kind) -> bool {
        let Some(bytes) = long_bytes(kind) else {
            return false;
        };
        let (address, length) = (bytes.as_ptr() as usize, bytes.len());
        if self.by_address.contains(&address) {
            return true;
        }
        let mut hasher = FxHasher::default();
        hasher.write(bytes);
        let hash = hasher.finish();
        let held = self.by_content.get(&hash);
        if let Some((held, _)) = held.filter(|(held, _)| is_same(held, kind)) {
            *kind = held.clone();
            return true;
        }
        let gone = self.gone.get(&hash);
        let made = match gone.is_some_and(|gone| *gone == digest(bytes)) {
            true => Made::Again,
            false => Made::Once,
        };
        let replaced = self.by_content.insert(hash, (kind.clone(), made));
        // An address means nothing any more once its text may be gone.
        if let Some(gone) = replaced.as_ref().and_then(|(kind, _)| long_bytes(kind)) {
            self.by_address.remove(&(gone.as_ptr() as usize));
            self.held -= gone.len();
        }
        self.by_address.insert(address);
        self.held += length;
        if self.held > self.most {
            self.let_go();
        }
        made == Made::Again
    }

    /// Lets go of what nothing else holds.
    fn let_go(&mut self) {
        self.by_content.retain(|hash, (kind, made)| {
            let others = match kind {
                Kind::Str(text) => Arc::strong_count(text),
                Kind::Bytes(bytes) => Arc::strong_count(bytes),
                _ => 0,
            };
            let gone = long_bytes(kind).filter(|_| others <= 1 && *made == Made::Once);
            if let Some(bytes) = gone {
                self.gone.insert(*hash, digest(bytes));
                self.by_address.remove(&(bytes.as_ptr() as usize));
                self.held -= bytes.len();
            }
            gone.is_none()
        });
        self.most = self.held + LOOKED_THROUGH;
    }

    /// Forgets the texts of a module that was followed to its end.
    pub(super) fn close(&mut self) {
        self.by_content.clear();
        self.by_address.clear();
        self.gone.clear();
        (self.held, self.most) = (0, 0);
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn long_bytes(kind: &Kind) -> Option<&[u8]> {
    let bytes = match kind {
        Kind::Str(text) => text.as_bytes(),
        Kind::Bytes(bytes) => bytes,
        _ => return None,
    };
    (bytes.len() >= LARGE).then_some(bytes)
}

fn is_same(one: &Kind, other: &Kind) -> bool {
    match (one, other) {
        (Kind::Str(one), Kind::Str(other)) => one == other,
        (Kind::Bytes(one), Kind::Bytes(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(kind: &Kind) -> Option<usize> {
        long_bytes(kind).map(|bytes| bytes.as_ptr() as usize)
    }

    #[test]
    fn equal_texts_are_one() {
        let mut large = Large::default();
        let text = |letter: &str| Kind::str(letter.repeat(LARGE));
        let mut first = text("a");
        assert!(!large.share(&mut first));
        assert!(large.share(&mut first.clone()));
        let mut again = text("a");
        assert!(large.share(&mut again));
        assert_eq!(place(&again), place(&first));
        let mut bytes = Kind::bytes(vec![b'a'; LARGE]);
        assert!(!large.share(&mut bytes) && matches!(bytes, Kind::Bytes(_)));
        assert!(!large.share(&mut text("b")));
        large.close();
        assert!(!large.share(&mut again));
    }

    #[test]
    fn what_nothing_else_holds_is_let_go_and_not_counted_anew() {
        let mut large = Large::default();
        let bytes = |first: usize| Kind::bytes(vec![first as u8; LARGE]);
        let mut kept = bytes(0);
        assert!(!large.share(&mut kept));
        for first in 1..200 {
            assert!(!large.share(&mut bytes(first)), "{first}");
        }
        assert!(large.held <= LOOKED_THROUGH + 2 * LARGE);
        assert!(large.share(&mut bytes(1)));
        let mut again = bytes(0);
        assert!(large.share(&mut again));
        assert_eq!(place(&again), place(&kept));
    }
}
