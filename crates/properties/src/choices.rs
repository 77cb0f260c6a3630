//! [`Choices`]: bytes as a row of choices, so that whoever changes the bytes changes what is built from
//! them; and [`Random`], bytes where nobody gives any.

use arbitrary::Unstructured;

/// Choices read off bytes. At their end the first possibility is always chosen, so that every input means
/// something and ends.
pub(crate) struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    /// The choices that `bytes` stand for.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below `bound`; 0 when `bound` is.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let last = bound.saturating_sub(1);
        self.0.int_in_range(0..=last).unwrap_or(0)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// A number that is likely to be at the edge of something.
    pub(crate) fn edge(&mut self) -> u64 {
        const EDGES: [u64; 12] = [
            0,
            1,
            0x7f,
            0xff,
            0xfffe,
            0xffff,
            0x1_0000,
            0x7fff_ffff,
            0xffff_fffe,
            0xffff_ffff,
            0x7fff_ffff_ffff_ffff,
            u64::MAX,
        ];
        match self.below(3) {
            0 => self.number(),
            1 => self.one_of(&EDGES),
            _ => self.below(300) as u64,
        }
    }

    /// True once in `rarity` times, and never when the bytes are used up.
    pub(crate) fn seldom(&mut self, rarity: usize) -> bool {
        rarity > 1 && self.below(rarity) == rarity - 1
    }

    /// One of `all`, which must not be empty.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// The next bytes, at most `most`.
    pub(crate) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let count = self.below(most + 1).min(self.0.len());
        self.0.bytes(count).unwrap_or_default()
    }

    /// The next bytes as text, at most `most` bytes of them.
    pub(crate) fn text(&mut self, most: usize) -> String {
        String::from_utf8_lossy(self.bytes(most)).into_owned()
    }
}

/// Numbers that look random and are the same each time (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The row of numbers that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`; 0 when `bound` is.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() >> 16) as usize % bound.max(1)
    }

    /// `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| (self.number() >> 56) as u8)
            .take(count)
            .collect()
    }
}

/// A few inputs that are nothing but choices, for properties that build what they look at.
pub(crate) fn rows_of_choices() -> Vec<Vec<u8>> {
    let rows = (0..24).map(|index| Random::new(index).bytes(64 << (index % 5)));
    rows.collect()
}
