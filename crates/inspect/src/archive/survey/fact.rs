//! [`MemberFact`]: what is known of one member after it was read, and [`PycHeader`], what compiled
//! Python says of its source.

use std::sync::Arc;

use portcullis_core::digest::Sha256;

use super::appended::Ending;
use super::content::Content;
use super::nested::Nested;

/// What is known of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFact {
    /// As the archive names it, `/` at the end of a folder; bytes that are not UTF-8 are replaced.
    pub name: Arc<str>,
    /// File, folder, link or something else.
    pub kind: MemberKind,
    /// In bytes when inflated: what was read, or what was announced when nothing was.
    pub size: u64,
    /// In bytes inside the archive; in a tarball the same as `size`.
    pub compressed: u64,
    /// Of the inflated bytes; `None` when they were not read.
    pub sha256: Option<Sha256>,
    /// What it is by its first bytes.
    pub content: Content,
    /// The Unix mode, type bits included in zip archives; 0 where none is kept.
    pub mode: u32,
    /// Where its header starts, in bytes from the start of the (decompressed) archive.
    pub offset: u64,
    /// When it was changed, in seconds since 1970. Zip archives keep a local time without saying of
    /// which place; it is taken for UTC.
    pub modified: Option<i64>,
    /// How the file ends.
    pub ending: Ending,
    /// For compiled Python.
    pub pyc: Option<PycHeader>,
    /// For zip files up to 8 MiB.
    pub nested: Option<Box<Nested>>,
}

/// What a member is in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic or hard link and where it leads.
    Link(String),
    /// A device, pipe, socket or something unknown.
    Special,
}

/// The header of compiled Python (PEP 3147, PEP 552).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PycHeader {
    /// Which Python made it; 3394 is the first with flags (3.7).
    pub magic: u16,
    /// What ties it to its source.
    pub source: PycSource,
}

/// What ties compiled Python to its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PycSource {
    /// The source's time of change, in seconds since 1970, and its size modulo 2³².
    Time {
        /// In seconds.
        modified: u32,
        /// In bytes.
        size: u32,
    },
    /// The source's SipHash under the magic number.
    Hash {
        /// The hash.
        hash: u64,
        /// Whether Python compares it before it runs the file.
        checked: bool,
    },
}

impl MemberFact {
    /// Whether it is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == MemberKind::File
    }

    /// The last part of its name.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// Its ending in lower case, without the dot; empty when there is none.
    #[must_use]
    pub fn extension(&self) -> String {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}

impl PycHeader {
    /// Reads the first 16 bytes of a `.pyc` file.
    #[must_use]
    pub fn parse(head: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_le_bytes(bytes))
        };
        let magic = u16::from_le_bytes(head.get(..2)?.try_into().ok()?);
        if !(3394..=4000).contains(&magic) {
            let (modified, size) = (word(4)?, word(8).unwrap_or(0));
            return Some(Self {
                magic,
                source: PycSource::Time { modified, size },
            });
        }
        let flags = word(4)?;
        let source = match flags & 1 {
            0 => PycSource::Time {
                modified: word(8)?,
                size: word(12)?,
            },
            _ => {
                let hash = u64::from(word(8)?) | u64::from(word(12)?) << 32;
                PycSource::Hash {
                    hash,
                    checked: flags & 2 != 0,
                }
            }
        };
        Some(Self { magic, source })
    }

    /// Whether `source` is what it was compiled from, as far as hash or size can tell. Python has
    /// used SipHash-2-4 and, since 3.11, SipHash-1-3.
    #[must_use]
    pub fn is_of(&self, source: &[u8]) -> bool {
        match self.source {
            PycSource::Time { size, .. } => source.len() as u32 == size,
            PycSource::Hash { hash, .. } => {
                let key = u64::from(u32::from_le_bytes([
                    self.magic.to_le_bytes()[0],
                    self.magic.to_le_bytes()[1],
                    b'\r',
                    b'\n',
                ]));
                [(1, 3), (2, 4)]
                    .iter()
                    .any(|rounds| siphash(key, *rounds, source) == hash)
            }
        }
    }
}

/// SipHash with the given rounds of compression and finalisation and the key `(key, 0)`.
fn siphash(key: u64, (compression, finalisation): (usize, usize), bytes: &[u8]) -> u64 {
    let mut v = [
        key ^ 0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        key ^ 0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let absorb = |word: u64, v: &mut [u64; 4]| {
        v[3] ^= word;
        (0..compression).for_each(|_| sip_round(v));
        v[0] ^= word;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        absorb(u64::from_le_bytes(*word), &mut v);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    absorb(u64::from_le_bytes(last), &mut v);
    v[2] ^= 0xff;
    (0..finalisation).for_each(|_| sip_round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `importlib.util.source_hash(b"x = 1\n")` of Python 3.11 and 3.10, whose magic numbers are
    /// 3495 and 3439.
    #[test]
    fn source_hashes_are_those_of_python() {
        for (magic, hash) in [(3495, PYTHON_311), (3439, PYTHON_310)] {
            let source = PycSource::Hash {
                hash: u64::from_le_bytes(hash),
                checked: true,
            };
            let header = PycHeader { magic, source };
            assert!(header.is_of(b"x = 1\n"), "{magic}");
            assert!(!header.is_of(b"x = 2\n"), "{magic}");
        }
    }

    const PYTHON_311: [u8; 8] = [76, 3, 114, 170, 147, 247, 82, 82];
    const PYTHON_310: [u8; 8] = [217, 74, 173, 226, 140, 140, 190, 191];

    #[test]
    fn both_forms_of_header_are_read() {
        let old = b"\x16\r\r\n\x01\0\0\0\x06\0\0\0";
        let timed = b"\xa7\r\r\n\0\0\0\0\x01\0\0\0\x06\0\0\0";
        for head in [&old[..], timed] {
            let source = PycHeader::parse(head).map(|header| header.source);
            assert_eq!(
                source,
                Some(PycSource::Time {
                    modified: 1,
                    size: 6
                })
            );
        }
        let hashed = b"\xa7\r\r\n\x03\0\0\0\x01\0\0\0\0\0\0\0";
        let source = PycHeader::parse(hashed).map(|header| header.source);
        assert_eq!(
            source,
            Some(PycSource::Hash {
                hash: 1,
                checked: true
            })
        );
        assert_eq!(PycHeader::parse(b"\xa7\r\r\n\0\0\0\0"), None);
    }
}
