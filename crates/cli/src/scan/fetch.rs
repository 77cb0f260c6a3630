//! [`Remote`]: a file of an index, fetched into a file without a name that is gone when it is closed. Its
//! bytes are what the lock and the index say they are, or they are not looked at.

use std::fs::File;
use std::io::Write as _;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_upstream::files::{Extent, FileRequest};
use sha2::Digest as _;
use tokio::runtime::Handle;
use url::Url;

use super::choice::Chosen;
use super::index::Asked;
use crate::exit::failure;

/// The largest file that is fetched, in bytes.
const LARGEST: u64 = 4 << 30;

/// A file of an index.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) filename: DistFilename,
    asked: Asked,
    url: Url,
    size: Option<u64>,
    /// The digests that the lock allows; any where there are none.
    allowed: Vec<Sha256>,
    /// The digest that the index gives.
    listed: Option<Sha256>,
    runtime: Handle,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote")
            .field("filename", &self.filename)
            .field("allowed", &self.allowed)
            .field("listed", &self.listed)
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// The file that was chosen from a page of `asked`; where it has no address, why.
    pub(super) fn new(chosen: Chosen<'_>, asked: &Asked, runtime: &Handle) -> Result<Self, String> {
        let url = Url::parse(&chosen.file.url);
        Ok(Self {
            url: url.map_err(|_| "the index gives it no address".to_owned())?,
            size: chosen.file.size,
            listed: chosen.file.sha256(),
            filename: chosen.name,
            allowed: chosen.allowed,
            asked: asked.clone(),
            runtime: runtime.clone(),
        })
    }

    /// Where it is, so that what is named twice is fetched once.
    pub(super) fn identity(&self) -> (&str, &Url, &[Sha256]) {
        (self.filename.as_str(), &self.url, &self.allowed)
    }

    /// Fetches it. Blocks.
    pub(super) fn fetch(&self) -> anyhow::Result<File> {
        self.runtime.block_on(self.fetched())
    }

    async fn fetched(&self) -> anyhow::Result<File> {
        let name = self.filename.as_str();
        let remedy = "try again, or see what is wrong with the index or its answer";
        let not_fetched = |why: &dyn std::fmt::Display| {
            failure(format!("{name} cannot be fetched: {why}"), remedy)
        };
        if self.size.is_some_and(|size| size > LARGEST) {
            return Err(not_fetched(&"it is larger than 4 GiB"));
        }
        let request = FileRequest {
            expected_size: Some(self.size.unwrap_or(LARGEST)),
            ..FileRequest::whole(&self.url)
        };
        let opened = self.asked.source().open_file(&request).await;
        let stream = opened.map_err(|error| not_fetched(&error))?;
        let Some(stream) = stream.filter(|stream| stream.extent == Extent::Whole) else {
            return Err(not_fetched(&"the index does not have it"));
        };
        let cannot_write = "cannot write to the folder for temporary files";
        let mut file = tempfile::tempfile().context(cannot_write)?;
        let mut hash = sha2::Sha256::new();
        let mut bytes = stream.bytes;
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|error| not_fetched(&error))?;
            hash.update(&piece);
            file.write_all(&piece).context(cannot_write)?;
        }
        self.check(Sha256::from_bytes(hash.finalize().into()))?;
        Ok(file)
    }

    fn check(&self, sha256: Sha256) -> anyhow::Result<()> {
        let name = self.filename.as_str();
        let is_locked = self.allowed.is_empty() || self.allowed.contains(&sha256);
        let is_listed = self.listed.is_none_or(|listed| listed == sha256);
        let who = match (is_locked, is_listed) {
            (true, true) => return Ok(()),
            (false, _) => "the lock allows",
            (true, false) => "the index lists",
        };
        Err(failure(
            format!("{name} is not what {who}: its sha256 is {sha256}"),
            "do not install it before somebody has found out why",
        ))
    }
}
