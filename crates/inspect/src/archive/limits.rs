//! [`Limits`]: how much of an archive is read before it is refused, so that a bomb costs bounded
//! time and memory. The defaults let the largest wheels in the wild pass.

use super::error::ArchiveError;

/// How much an archive may hold. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Members, folders included.
    pub members: u64,
    /// One member when inflated.
    pub member_size: u64,
    /// All members together when inflated.
    pub total_size: u64,
    /// Inflated bytes for each byte of the archive. Only counted above [`Limits::RATIO_FREE`],
    /// since small text compresses better than any sensible ratio.
    pub ratio: u64,
    /// A member's name.
    pub name_length: usize,
    /// METADATA, WHEEL and PKG-INFO, which are kept in memory.
    pub metadata_size: u64,
    /// RECORD, which is kept in memory.
    pub record_size: u64,
    /// The zip central directory, which is kept in memory.
    pub directory_size: u64,
}

impl Limits {
    /// Up to this many inflated bytes no ratio is asked for.
    pub const RATIO_FREE: u64 = 64 << 20;

    /// Refuses `inflated` bytes out of an archive of `archive_size` bytes when they are too many.
    pub(super) fn check_total(&self, inflated: u64, archive_size: u64) -> Result<(), ArchiveError> {
        if inflated > self.total_size {
            return Err(too_large(self.total_size, "bytes when inflated"));
        }
        if inflated > Self::RATIO_FREE && inflated / self.ratio > archive_size {
            return Err(too_large(
                self.ratio,
                "bytes when inflated for each of its own",
            ));
        }
        Ok(())
    }

    pub(super) fn check_members(&self, members: u64) -> Result<(), ArchiveError> {
        if members > self.members {
            return Err(too_large(self.members, "members"));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            members: 200_000,
            member_size: 8 << 30,
            total_size: 16 << 30,
            ratio: 250,
            name_length: 1024,
            metadata_size: 8 << 20,
            record_size: 64 << 20,
            directory_size: 64 << 20,
        }
    }
}

pub(super) fn too_large(limit: u64, unit: &'static str) -> ArchiveError {
    ArchiveError::TooLarge { limit, unit }
}
