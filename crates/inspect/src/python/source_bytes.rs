//! [`SourceBytes`]: the bytes of one source. The first megabytes of a distribution stay as they are;
//! the rest is packed, together with its neighbours, so that large distributions fit into memory.
//! [`Packer`] packs while an archive is read, [`Unpacker`] gives the bytes back.

use std::ops::Range;
use std::sync::Arc;

/// So many bytes of a distribution's sources are not packed: most distributions have no more.
const PLAIN: usize = 2 << 20;
/// So many bytes are packed together: enough for what sources have in common, and little to unpack.
const BLOCK: usize = 256 << 10;
/// Fast, and four times smaller.
const LEVEL: i32 = 1;

/// The bytes of one source.
#[derive(Clone, Debug)]
pub struct SourceBytes(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Plain(Arc<[u8]>),
    Packed(Arc<Block>, Range<usize>),
}

/// Sources one after the other, packed.
#[derive(Debug)]
struct Block {
    packed: Box<[u8]>,
    length: usize,
}

impl<T: Into<Arc<[u8]>>> From<T> for SourceBytes {
    fn from(bytes: T) -> Self {
        Self(Kept::Plain(bytes.into()))
    }
}

impl SourceBytes {
    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::Plain(bytes) => bytes.len(),
            Kept::Packed(_, range) => range.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Gives bytes back. Unpacks a block once for all neighbours that are read one after the other.
#[derive(Debug, Default)]
pub struct Unpacker {
    /// The block that was unpacked last.
    block: Option<Arc<Block>>,
    bytes: Vec<u8>,
}

impl Unpacker {
    /// The bytes of one source.
    pub fn read<'u>(&'u mut self, source: &'u SourceBytes) -> &'u [u8] {
        let (block, range) = match &source.0 {
            Kept::Plain(bytes) => return bytes,
            Kept::Packed(block, range) => (block, range),
        };
        if !self
            .block
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, block))
        {
            self.bytes.resize(block.length, 0);
            let unpacked = zstd::bulk::decompress_to_buffer(&block.packed, &mut self.bytes[..]);
            unpacked.expect("a block was packed by this process and fits its length");
            self.block = Some(block.clone());
        }
        &self.bytes[range.clone()]
    }
}

/// Takes the sources of a distribution in, one after the other.
#[derive(Default)]
pub(crate) struct Packer {
    done: Vec<SourceBytes>,
    plain: usize,
    /// The sources that wait for being packed, and where each ends.
    open: Vec<u8>,
    ends: Vec<usize>,
}

impl Packer {
    pub(crate) fn add(&mut self, bytes: Vec<u8>) {
        if self.plain + bytes.len() <= PLAIN && self.ends.is_empty() {
            self.plain += bytes.len();
            self.done.push(bytes.into());
            return;
        }
        if self.open.len() + bytes.len() > BLOCK {
            self.pack();
        }
        self.open.extend_from_slice(&bytes);
        self.ends.push(self.open.len());
    }

    /// All of them, in the order in which they came.
    pub(crate) fn finish(mut self) -> Vec<SourceBytes> {
        self.pack();
        self.done
    }

    fn pack(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        let packed = zstd::bulk::compress(&self.open, LEVEL);
        let block = packed.map(|packed| {
            let length = self.open.len();
            let packed = packed.into();
            Arc::new(Block { packed, length })
        });
        let mut start = 0;
        for end in self.ends.drain(..) {
            self.done.push(match &block {
                Ok(block) => SourceBytes(Kept::Packed(block.clone(), start..end)),
                // Packing saves memory and is needed for nothing else.
                Err(_) => self.open[start..end].into(),
            });
            start = end;
        }
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_in_any_order() {
        let source = |at: usize| {
            format!("value = {at}\n")
                .repeat(1 + at * 101 % 9_000)
                .into_bytes()
        };
        let mut packer = Packer::default();
        for at in 0..400 {
            packer.add(source(at));
        }
        packer.add(Vec::new());
        let packed = packer.finish();
        assert!(matches!(packed[0].0, Kept::Plain(_)) && matches!(packed[399].0, Kept::Packed(..)));
        assert!(packed[400].is_empty());
        let mut unpacker = Unpacker::default();
        for at in (0..400).chain([399, 3, 398, 250]) {
            assert_eq!(unpacker.read(&packed[at]), source(at), "{at}");
            assert_eq!(packed[at].len(), source(at).len());
        }
    }
}
