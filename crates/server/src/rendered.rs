//! Pages as bytes: rendered once for each form, compressed in advance, and kept under what could make
//! them untrue. A hot request compares a few numbers and writes bytes.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use portcullis_core::digest::Sha256;
use portcullis_core::index::IndexName;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::negotiate::{Encoding, Format};
use portcullis_core::time::Timestamp;
use tokio::sync::OnceCell;

use crate::source_page::Freshness;
use crate::statistics::Verdict;

/// Pages smaller than this gain nothing from compression.
const WORTH_COMPRESSING: usize = 512;

/// A page in one form, with its compressed copies.
#[derive(Debug)]
pub struct Rendered {
    /// The bytes as they are.
    pub identity: Bytes,
    /// Strong validators (RFC 9110) of the three representations.
    etags: [HeaderValue; 3],
    /// What must still hold for the page to be true.
    pub valid: Validity,
    /// What was decided where nothing on the page can be installed, for the statistics.
    pub refused: Option<Verdict>,
    gzip: OnceCell<Bytes>,
    zstd: OnceCell<Bytes>,
}

/// What a page rests on.
#[derive(Clone, Debug)]
pub struct Validity {
    /// The epoch of names and policies under which it was made.
    pub epoch: u64,
    /// The earliest moment at which one of its decisions changes by itself.
    pub changes_at: Option<Timestamp>,
    /// How long the source's page counts as fresh.
    pub freshness: Freshness,
}

impl Validity {
    /// Whether a page that rests on this is still true.
    pub fn holds(&self, epoch: u64, now: Timestamp) -> bool {
        self.epoch == epoch
            && self.changes_at.is_none_or(|change| now < change)
            && self.freshness.is_fresh(now)
    }
}

/// Which page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// The index.
    pub index: IndexName,
    /// The project.
    pub project: ProjectName,
    /// The form.
    pub format: Format,
}

impl Rendered {
    /// A page of these bytes.
    pub fn new(identity: Vec<u8>, valid: Validity) -> Self {
        let digest = Sha256::of(&identity).to_hex();
        let tag = |suffix: &str| {
            let tag = format!("\"{}{suffix}\"", &digest[..32]);
            HeaderValue::try_from(tag).expect("digits and letters")
        };
        Self {
            identity: identity.into(),
            etags: [tag(""), tag("-gzip"), tag("-zstd")],
            valid,
            refused: None,
            gzip: OnceCell::new(),
            zstd: OnceCell::new(),
        }
    }

    /// The same page, with what was decided where nothing on it can be installed.
    #[must_use]
    pub fn refusing(self, refused: Option<Verdict>) -> Self {
        Self { refused, ..self }
    }

    /// The encoding that is used when a client prefers `asked`: small pages are never compressed.
    pub fn encoding(&self, asked: Encoding) -> Encoding {
        if self.identity.len() < WORTH_COMPRESSING {
            Encoding::Identity
        } else {
            asked
        }
    }

    /// The strong validator of the representation with `encoding`.
    pub fn etag(&self, encoding: Encoding) -> &HeaderValue {
        &self.etags[match encoding {
            Encoding::Identity => 0,
            Encoding::Gzip => 1,
            Encoding::Zstd => 2,
        }]
    }

    /// Whether `if_none_match` names this page in any representation: the bytes that a client holds
    /// are still true whichever of them it got.
    pub fn is_known(&self, if_none_match: &str) -> bool {
        if_none_match.split(',').any(|tag| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || self.etags.iter().any(|etag| etag == tag)
        })
    }

    /// The bytes with `encoding`, unless they have yet to be compressed.
    pub fn bytes_at_hand(&self, encoding: Encoding) -> Option<&Bytes> {
        match encoding {
            Encoding::Identity => Some(&self.identity),
            Encoding::Gzip => self.gzip.get(),
            Encoding::Zstd => self.zstd.get(),
        }
    }

    /// The bytes with `encoding`, compressed now where they were not in advance.
    pub async fn bytes(self: &Arc<Self>, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Identity => self.identity.clone(),
            Encoding::Gzip => self.compressed(&self.gzip, gzip).await,
            Encoding::Zstd => self.compressed(&self.zstd, zstd).await,
        }
    }

    /// Compresses the page in the background, so that the first to ask for it does not wait.
    pub fn compress_in_advance(self: &Arc<Self>) {
        if self.identity.len() < WORTH_COMPRESSING {
            return;
        }
        let page = Arc::clone(self);
        tokio::spawn(async move {
            page.bytes(Encoding::Zstd).await;
            page.bytes(Encoding::Gzip).await;
        });
    }

    /// How much memory the page takes, in bytes, compressed copies included.
    pub fn weight(&self) -> usize {
        let compressed =
            |cell: &OnceCell<Bytes>| cell.get().map_or(self.identity.len() / 6, Bytes::len);
        self.identity.len() + compressed(&self.gzip) + compressed(&self.zstd) + 512
    }

    async fn compressed(&self, cell: &OnceCell<Bytes>, compress: fn(&[u8]) -> Vec<u8>) -> Bytes {
        let make = || async {
            let identity = self.identity.clone();
            let plain = self.identity.clone();
            match tokio::task::spawn_blocking(move || Bytes::from(compress(&identity))).await {
                Ok(bytes) => bytes,
                // The blocking pool is gone only while the program ends: do it here.
                Err(_) => compress(&plain).into(),
            }
        };
        cell.get_or_init(make).await.clone()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 5), Compression::new(6));
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory can be written to")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 6).expect("memory can be written to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn page(bytes: &[u8]) -> Arc<Rendered> {
        let valid = Validity {
            epoch: 0,
            changes_at: None,
            freshness: Freshness::forever(),
        };
        Arc::new(Rendered::new(bytes.to_vec(), valid))
    }

    #[tokio::test]
    async fn every_representation_is_the_same_page() {
        let text = b"<a href=x>flask</a>".repeat(100);
        let page = page(&text);
        let gzip = page.bytes(Encoding::Gzip).await;
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_end(&mut plain)
            .expect("gzip");
        assert_eq!(plain, text);
        let zstd = page.bytes(Encoding::Zstd).await;
        assert_eq!(
            zstd::bulk::decompress(&zstd, text.len()).expect("zstd"),
            text
        );
        assert!(zstd.len() < text.len() && gzip.len() < text.len());
    }

    #[test]
    fn each_representation_has_its_own_validator_and_all_are_known() {
        let page = page(b"x");
        let tags = [Encoding::Identity, Encoding::Gzip, Encoding::Zstd].map(|e| page.etag(e));
        assert!(tags[0] != tags[1] && tags[1] != tags[2]);
        for tag in tags {
            let tag = tag.to_str().expect("text");
            assert!(page.is_known(tag) && page.is_known(&format!("\"a\", W/{tag}")));
        }
        assert!(page.is_known("*") && !page.is_known("\"x\"") && !page.is_known(""));
        assert_eq!(page.encoding(Encoding::Gzip), Encoding::Identity);
    }
}
