//! [`Large`]: long texts and bytes that folding makes, each kept once however often the code that makes
//! it is followed.

use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::value::Kind;

/// From this length on, in bytes, a text is looked up.
const LARGE: usize = 32 << 10;

/// The long texts of the module at hand.
#[derive(Default)]
pub(super) struct Large {
    by_content: FxHashMap<u64, Kind>,
    /// Where the texts above stand, which tells them without reading them.
    by_address: FxHashSet<usize>,
}

impl Large {
    /// Makes `kind` the one copy of it. Whether there was one already, so that this one takes no room.
    pub(super) fn share(&mut self, kind: &mut Kind) -> bool {
        let Some(bytes) = long_bytes(kind) else {
            return false;
        };
        let address = bytes.as_ptr() as usize;
        if self.by_address.contains(&address) {
            return true;
        }
        let mut hasher = FxHasher::default();
        hasher.write(bytes);
        let hash = hasher.finish();
        let held = self.by_content.get(&hash);
        if let Some(held) = held.filter(|held| is_same(held, kind)) {
            *kind = held.clone();
            return true;
        }
        let replaced = self.by_content.insert(hash, kind.clone());
        // An address means nothing any more once its text may be gone.
        if let Some(gone) = replaced.as_ref().and_then(long_bytes) {
            self.by_address.remove(&(gone.as_ptr() as usize));
        }
        self.by_address.insert(address);
        false
    }

    /// Forgets the texts of a module that was followed to its end.
    pub(super) fn close(&mut self) {
        self.by_content.clear();
        self.by_address.clear();
    }
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
}
