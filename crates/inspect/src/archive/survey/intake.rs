//! [`Intake`]: takes one member's inflated bytes in piece by piece, hashes them, looks at what they
//! are, and keeps no more of them than somebody will want to read.

use portcullis_core::digest::Sha256;
use sha2::Digest as _;

use super::appended::{Ending, ending};
use super::content::{Content, HEAD};
use super::fact::PycHeader;
use super::nested::{Nested, look_into};
use super::place::{Interest, interest};
use crate::archive::limits::Limits;

/// The longest Python source that is handed out whole, in bytes. Of a longer one a byte more is
/// handed out, so that whoever reads it sees that it is too long.
pub const LONGEST_SOURCE: u64 = 4 << 20;

/// The longest picture, sound or archive whose end is looked at, in bytes.
const LONGEST_MEDIA: u64 = 8 << 20;

/// One member on its way in.
pub(super) struct Intake<'a> {
    name: &'a str,
    metadata_size: u64,
    hasher: sha2::Sha256,
    size: u64,
    kept: Vec<u8>,
    /// What it is and how much is kept; known once the first bytes are there.
    known: Option<(Content, u64)>,
}

/// What was learnt of a member's bytes.
pub(super) struct Taken {
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) content: Content,
    pub(super) ending: Ending,
    pub(super) pyc: Option<PycHeader>,
    pub(super) nested: Option<Box<Nested>>,
    /// The bytes, where somebody wants to read them.
    pub(super) bytes: Option<Vec<u8>>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(name: &'a str, limits: &Limits) -> Self {
        Self {
            name,
            metadata_size: limits.metadata_size,
            hasher: sha2::Sha256::new(),
            size: 0,
            kept: Vec::new(),
            known: None,
        }
    }

    /// Takes the next bytes in.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.size += piece.len() as u64;
        if self.known.is_none() && self.kept.len() + piece.len() >= HEAD {
            let mut head = self.kept.clone();
            head.extend_from_slice(&piece[..HEAD - self.kept.len()]);
            let content = Content::of(&head);
            self.known = Some((content, self.cap_of(content)));
        }
        let cap = self.known.map_or(HEAD as u64, |(_, cap)| cap);
        let room = cap
            .saturating_sub(self.kept.len() as u64)
            .min(piece.len() as u64);
        self.kept.extend_from_slice(&piece[..room as usize]);
    }

    fn cap_of(&self, content: Content) -> u64 {
        match interest(self.name, content) {
            Interest::Document => self.metadata_size,
            Interest::Source => LONGEST_SOURCE + 1,
            Interest::None if content.is_media() || content == Content::Zip => LONGEST_MEDIA,
            Interest::None => HEAD as u64,
        }
    }

    pub(super) fn finish(self) -> Taken {
        let head = &self.kept[..self.kept.len().min(HEAD)];
        let content = match self.known {
            Some((content, _)) => content,
            None => Content::of(head),
        };
        let is_whole = self.kept.len() as u64 == self.size;
        let pyc = (content == Content::Pyc)
            .then(|| PycHeader::parse(head))
            .flatten();
        Taken {
            size: self.size,
            sha256: Sha256::from_bytes(self.hasher.finalize().into()),
            content,
            ending: if is_whole {
                ending(content, &self.kept)
            } else {
                Ending::Unknown
            },
            pyc,
            nested: (is_whole && content == Content::Zip).then(|| Box::new(look_into(&self.kept))),
            bytes: (interest(self.name, content) != Interest::None).then_some(self.kept),
        }
    }
}
