//! [`Nested`]: what a zip file inside an archive holds, looked at one level deep and by first bytes
//! only.

use std::io::{Cursor, Read};

use portcullis_core::digest::Sha256;
use sha2::Digest as _;

use super::content::{Content, HEAD};

/// How many members of a nested archive are looked at.
const MOST_MEMBERS: usize = 2_000;
/// How many programs are remembered.
const MOST_NATIVE: usize = 20;
/// The longest program whose hash is computed, in bytes.
const LONGEST: u64 = 1 << 20;

/// What a zip file inside an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nested {
    /// Programs and libraries for a processor, with the SHA-256 of those up to 1 MiB.
    pub native: Vec<(String, Option<Sha256>)>,
    /// Whether a member is encrypted.
    pub is_encrypted: bool,
}

/// Looks into `bytes`, a whole zip file. What cannot be read is passed over: nothing installs it.
pub(super) fn look_into(bytes: &[u8]) -> Nested {
    let mut nested = Nested::default();
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return nested;
    };
    for index in 0..archive.len().min(MOST_MEMBERS) {
        let encrypted = archive
            .by_index_data(index)
            .is_ok_and(|file| file.encrypted());
        nested.is_encrypted |= encrypted;
        if encrypted || nested.native.len() >= MOST_NATIVE {
            continue;
        }
        let Ok(mut file) = archive.by_index(index) else {
            continue;
        };
        let mut head = Vec::new();
        let is_read = (&mut file).take(HEAD as u64).read_to_end(&mut head).is_ok();
        if !is_read || !Content::of(&head).is_native() {
            continue;
        }
        let name = file
            .name()
            .map(|name| super::flaw::shown(&name))
            .unwrap_or_default();
        nested.native.push((name, hash(&head, file)));
    }
    nested
}

/// The hash of `head` and everything behind it; `None` when that is too much or cannot be read.
fn hash(head: &[u8], rest: impl Read) -> Option<Sha256> {
    let mut bytes = Vec::new();
    rest.take(LONGEST).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 == LONGEST {
        return None;
    }
    let hasher = sha2::Sha256::new().chain_update(head).chain_update(&bytes);
    Some(Sha256::from_bytes(hasher.finalize().into()))
}
