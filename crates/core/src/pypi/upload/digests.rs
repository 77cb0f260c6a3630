//! The three digests that upload forms know, as claimed by the client and as computed by whoever
//! received the bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::Sha256;

/// The digests that an upload form claims for the file; at least one is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimedDigests {
    /// `md5_digest`.
    pub md5: Option<[u8; 16]>,
    /// `sha256_digest`.
    pub sha256: Option<Sha256>,
    /// `blake2_256_digest`.
    pub blake2_256: Option<[u8; 32]>,
}

/// The digests of the bytes that were received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedDigests {
    /// MD5 (RFC 1321), for the clients that claim nothing better.
    pub md5: [u8; 16],
    /// SHA-256, the content's name in this house.
    pub sha256: Sha256,
    /// BLAKE2b with 256 bits of output (RFC 7693).
    pub blake2_256: [u8; 32],
}

impl ClaimedDigests {
    /// Whether nothing is claimed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads a digest in hexadecimal digits, of either case.
pub(super) fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Reads the MD5 digest: hexadecimal, or URL-safe Base64 as the oldest form of the API has it.
pub(super) fn md5(text: &str) -> Option<[u8; 16]> {
    let base64 = || {
        URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .ok()?
            .try_into()
            .ok()
    };
    hexadecimal(text).or_else(base64)
}
