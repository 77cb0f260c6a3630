//! [`Blobs`]: content, named by its SHA-256, in a folder or an object store. That a file name means
//! one content for ever is the database's business: a conditional put is never relied on, since not
//! every object store has one. Receiving is in [`spool`], reading in [`read`].
//!
//! **Invariant:** a blob's key is its digest, and blobs are put in place whole, so that writing one
//! again changes nothing.

mod leftovers;
mod parts;
mod piece;
mod probe;
mod read;
mod scratch;
mod spool;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use moka::sync::Cache;
use object_store::Error::{AlreadyExists, Precondition};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, RetryConfig};
use portcullis_core::digest::Sha256;
use portcullis_core::gate::Cleared;
use portcullis_core::time::Timestamp;
use sha2::Digest as _;

pub use leftovers::{Leftover, LeftoverKind, Leftovers};
pub use piece::{PIECE, read_piece};
pub use probe::{Probe, Took};
pub use read::{Blob, BlobStream, LocalBlob, RemoteBlob};
pub use spool::{Finished, Spool};

use crate::patience::Patience;
use parts::Parts;
use scratch::Scratch;

/// The blobs could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("no blob {0}")]
    Missing(Sha256),
    /// The bytes that are kept do not have the digest that names them.
    #[error("the blob {expected} was altered: its bytes have the digest {actual}")]
    Altered {
        /// The blob's name.
        expected: Sha256,
        /// The digest that was found.
        actual: Sha256,
    },
    /// The blob is larger than the caller takes into memory.
    #[error("the blob {sha256} has {size} bytes, at most {cap} are taken into memory")]
    TooLarge {
        /// The blob.
        sha256: Sha256,
        /// Its size in bytes.
        size: u64,
        /// The most that the caller takes.
        cap: u64,
    },
    /// The range is not within the blob.
    #[error("bytes {start} to {end} are not within a blob of {size} bytes")]
    Range {
        /// The first byte.
        start: u64,
        /// The byte after the last one.
        end: u64,
        /// The blob's size in bytes.
        size: u64,
    },
    /// The object store sent fewer bytes than the blob has.
    #[error("the object store broke off {missing} bytes early")]
    BrokenOff {
        /// How many bytes are missing.
        missing: u64,
    },
    /// The object store was asked and has not answered.
    #[error("the object store did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The object store acknowledged a blob and does not have it, or not whole.
    #[error("the object store acknowledged the blob {0} and does not have all of it")]
    NotKept(Sha256),
    /// A write was given up half-way, so that what was written is not known.
    #[error("an earlier write was interrupted")]
    Interrupted,
    /// The location is not one.
    #[error("not a place for blobs (a path, file:///path, s3://bucket/prefix or memory:): {0:?}")]
    Location(String),
    /// The file system failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The object store failed.
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
}

/// Names what was being done when the file system failed.
fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> BlobError {
    move |source| BlobError::Io { what, source }
}

/// How long its client repeats what failed. Whoever asks us is not kept waiting for longer, and asks again.
const REPEATED_WITHIN: Duration = Duration::from_secs(5);

/// What an object store answers, or an error when it takes too long.
async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = object_store::Result<T>>,
) -> Result<T, BlobError> {
    let answer = tokio::time::timeout(limit, answer).await;
    Ok(answer.map_err(|_| BlobError::Silent(limit))??)
}

/// Runs what blocks on the file system where that does no harm.
async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| BlobError::Interrupted)?.map_err(io(what))
}

/// Where blobs are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The same store again, when it is a folder: files are then moved into place and read
    /// directly.
    folder: Option<Arc<LocalFileSystem>>,
    /// Blobs that were there a moment ago.
    seen: Cache<Sha256, ObjectMeta>,
    /// Where the store is asked for uploads in parts, when it is one that has them.
    parts: Option<Arc<Parts>>,
    /// How long an object store is waited for.
    patience: Patience,
    scratch: Arc<Scratch>,
}

/// A blob in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedBlob {
    /// Its digest.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// When it was put in place.
    pub modified: Timestamp,
}

/// What [`Blobs::verify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRest {
    /// The bytes have the digest that names them.
    Intact,
    /// They have another one.
    Altered {
        /// The digest that they have.
        actual: Sha256,
    },
    /// There is no such blob.
    Missing,
}

const PREFIX: &str = "blobs/sha256";

/// How long it is relied on that a blob which was there is there still: deleting is rare, and whoever is
/// unlucky finds it missing when it is opened, or gets a transfer that breaks off, and the file again.
const SEEN: Duration = Duration::from_secs(10);

/// How many blobs are remembered.
const SEEN_AT_MOST: u64 = 50_000;

fn seen() -> Cache<Sha256, ObjectMeta> {
    Cache::builder()
        .max_capacity(SEEN_AT_MOST)
        .time_to_live(SEEN)
        .build()
}

fn key(sha256: &Sha256) -> Key {
    let hex = sha256.to_hex();
    Key::from(format!("{PREFIX}/{}/{hex}", &hex[..2]))
}

impl Blobs {
    /// Opens the blobs at `location`: a path or `file:///path`, `s3://bucket/prefix`, or `memory:`.
    /// Credentials, region and endpoint of an object store come from the `AWS_*` ones among
    /// `variables`, such as `AWS_ENDPOINT_URL` and `AWS_ALLOW_HTTP`; hand in `std::env::vars_os()`.
    /// What is being received is kept in `data_dir`, unless the blobs are in a folder themselves:
    /// then it is kept there, so that it can be moved into place.
    ///
    /// # Errors
    /// [`BlobError`] when the location makes no sense, or a folder cannot be made.
    pub fn connect(
        location: &str,
        data_dir: &Path,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, BlobError> {
        if location == "memory:" {
            return Self::over(Arc::new(InMemory::new()), data_dir);
        }
        if let Some(rest) = location.strip_prefix("s3://") {
            let (store, parts) = object_store_s3(rest, variables)?;
            let mut blobs = Self::over(store, data_dir)?;
            blobs.parts = Some(Arc::new(parts));
            return Ok(blobs);
        }
        let path = location.strip_prefix("file://").unwrap_or(location);
        if path.is_empty() || path.contains("://") {
            return Err(BlobError::Location(location.to_owned()));
        }
        Self::in_folder(Path::new(path))
    }

    /// Opens the blobs in the folder `root`, which is made when it does not exist.
    ///
    /// # Errors
    /// [`BlobError`] when it cannot be made.
    pub fn in_folder(root: &Path) -> Result<Self, BlobError> {
        std::fs::create_dir_all(root).map_err(io("cannot make the folder for blobs"))?;
        let folder = Arc::new(LocalFileSystem::new_with_prefix(root)?.with_fsync(true));
        Ok(Self {
            store: folder.clone(),
            folder: Some(folder),
            seen: seen(),
            parts: None,
            patience: Patience::default(),
            scratch: Arc::new(Scratch::open(&root.join("spool"))?),
        })
    }

    /// The blobs in any object store; what is being received is kept in `data_dir`.
    ///
    /// # Errors
    /// [`BlobError`] when the folder for what is being received cannot be made.
    pub fn over(store: Arc<dyn ObjectStore>, data_dir: &Path) -> Result<Self, BlobError> {
        Ok(Self {
            store,
            folder: None,
            seen: seen(),
            parts: None,
            patience: Patience::default(),
            scratch: Arc::new(Scratch::open(&data_dir.join("spool"))?),
        })
    }

    /// The same blobs, waited for with another patience than is usual. What a client of S3 waits for by itself
    /// is set when it is connected.
    #[must_use]
    pub fn patiently(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Opens a blob against the proof that its bytes were judged and let through. This is the only
    /// way by which the bytes of a distribution file leave.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when it is not kept; others when it cannot be read.
    pub async fn open(&self, cleared: &Cleared) -> Result<Blob, BlobError> {
        self.open_digest(&cleared.sha256()).await
    }

    /// Opens a blob for looking into it: inspections, and METADATA. Never for an answer with a
    /// distribution file, which needs [`Blobs::open`].
    ///
    /// # Errors
    /// [`BlobError::Missing`] when it is not kept; others when it cannot be read.
    pub async fn open_for_inspection(&self, sha256: &Sha256) -> Result<Blob, BlobError> {
        self.open_digest(sha256).await
    }

    async fn open_digest(&self, sha256: &Sha256) -> Result<Blob, BlobError> {
        match self.local_path(sha256)? {
            Some(path) => {
                let opened = LocalBlob::open(path, *sha256).await;
                if let Err(BlobError::Missing(_)) = opened {
                    self.seen.invalidate(sha256);
                }
                opened.map(Blob::Local)
            }
            None => {
                let meta = self.seen(sha256).await?;
                let meta = meta.ok_or(BlobError::Missing(*sha256))?;
                let (store, patience) = (self.store.clone(), self.patience);
                Ok(Blob::Remote(RemoteBlob::new(store, meta, patience)))
            }
        }
    }

    /// The file that is or would be this blob, when the blobs are in a folder.
    pub(crate) fn local_path(&self, sha256: &Sha256) -> Result<Option<PathBuf>, BlobError> {
        let path = self
            .folder
            .as_ref()
            .map(|folder| folder.path_to_filesystem(&key(sha256)));
        Ok(path.transpose()?)
    }

    async fn head(&self, sha256: &Sha256) -> Result<Option<ObjectMeta>, BlobError> {
        match in_time(self.patience.answer, self.store.head(&key(sha256))).await {
            Ok(meta) => Ok(Some(meta)),
            Err(BlobError::Store(object_store::Error::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What [`Blobs::head`] says now, or said a moment ago: a download asks more than once.
    async fn seen(&self, sha256: &Sha256) -> Result<Option<ObjectMeta>, BlobError> {
        if let Some(meta) = self.seen.get(sha256) {
            return Ok(Some(meta));
        }
        let meta = self.head(sha256).await?;
        if let Some(meta) = &meta {
            self.seen.insert(*sha256, meta.clone());
        }
        Ok(meta)
    }

    /// A place to receive content whose digest is not known yet.
    ///
    /// # Errors
    /// [`BlobError`] when no file can be made.
    pub async fn spool(&self) -> Result<Spool, BlobError> {
        Spool::begin(self.scratch.clone()).await
    }

    /// Keeps what was received. When this returns, the content survives a power cut (as far as the
    /// object store keeps its word). Keeping what is kept already changes nothing.
    ///
    /// # Errors
    /// [`BlobError`] when it could not be kept.
    pub async fn commit(&self, finished: Finished) -> Result<Sha256, BlobError> {
        let sha256 = finished.sha256();
        match self.local_path(&sha256)? {
            Some(target) => finished.move_to(target).await?,
            None => self.send(finished).await?,
        }
        Ok(sha256)
    }

    /// Sends what was received to an object store, unless it is there, and looks whether it is there then: what
    /// a store acknowledges it may have lost, or cut short.
    async fn send(&self, finished: Finished) -> Result<(), BlobError> {
        let (sha256, size) = (finished.sha256(), finished.size());
        let is_whole = |kept: &ObjectMeta| kept.size == size;
        let kept = self.head(&sha256).await?;
        if kept.is_some_and(|kept| is_whole(&kept) && !is_old(&kept)) {
            return Ok(());
        }
        let key = key(&sha256);
        let sent = finished.upload(self.store.as_ref(), &key, self.patience);
        match sent.await {
            // Somebody else has written the same bytes meanwhile, and the store keeps the first.
            Ok(()) | Err(BlobError::Store(AlreadyExists { .. } | Precondition { .. })) => {}
            Err(error) => return Err(error),
        }
        self.seen.invalidate(&sha256);
        match self.head(&sha256).await? {
            Some(kept) if is_whole(&kept) => return Ok(()),
            // A part of it is nobody's.
            Some(_) => self.delete(&sha256).await?,
            None => {}
        }
        Err(BlobError::NotKept(sha256))
    }

    /// Keeps a small content that is in memory already, such as METADATA.
    ///
    /// # Errors
    /// [`BlobError`] when it could not be kept.
    pub async fn put_bytes(&self, bytes: Bytes) -> Result<Sha256, BlobError> {
        let mut spool = self.spool().await?;
        spool.write(bytes).await?;
        self.commit(spool.finish().await?).await
    }

    /// A small content that is no distribution file, such as METADATA. Its digest is verified.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] when it has more than `cap` bytes, [`BlobError::Altered`] when the
    /// bytes are not what they were, [`BlobError::Missing`] when it is not kept.
    pub async fn get_bytes(&self, sha256: &Sha256, cap: u64) -> Result<Bytes, BlobError> {
        let blob = self.open_digest(sha256).await?;
        let size = blob.size();
        if size > cap {
            return Err(BlobError::TooLarge {
                sha256: *sha256,
                size,
                cap,
            });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let mut chunks = blob.whole();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        let actual = Sha256::of(&bytes);
        if actual != *sha256 {
            return Err(BlobError::Altered {
                expected: *sha256,
                actual,
            });
        }
        Ok(bytes.into())
    }

    /// The size of a blob in bytes, or `None` when it is not kept.
    ///
    /// # Errors
    /// [`BlobError`] when that cannot be found out: not knowing is not absence.
    pub async fn size(&self, sha256: &Sha256) -> Result<Option<u64>, BlobError> {
        Ok(self.head(sha256).await?.map(|meta| meta.size))
    }

    /// A blob as a listing has it, or `None` when it is not kept.
    ///
    /// # Errors
    /// [`BlobError`] when that cannot be found out.
    pub async fn described(&self, sha256: &Sha256) -> Result<Option<ListedBlob>, BlobError> {
        Ok(self.head(sha256).await?.and_then(listed))
    }

    /// Whether a blob is kept.
    ///
    /// # Errors
    /// [`BlobError`] when that cannot be found out.
    pub async fn exists(&self, sha256: &Sha256) -> Result<bool, BlobError> {
        Ok(self.head(sha256).await?.is_some())
    }

    /// The size of a blob in bytes, as far as was known a moment ago, or `None` when it was not kept: for whoever
    /// opens it next, and never for whoever relies on its being kept.
    ///
    /// # Errors
    /// [`BlobError`] when that cannot be found out.
    pub async fn recent_size(&self, sha256: &Sha256) -> Result<Option<u64>, BlobError> {
        Ok(self.seen(sha256).await?.map(|meta| meta.size))
    }

    /// Deletes a blob. One that is not kept is deleted already. Whether it is still needed is told
    /// by [`crate::references`].
    ///
    /// # Errors
    /// [`BlobError`] when it could not be deleted.
    pub async fn delete(&self, sha256: &Sha256) -> Result<(), BlobError> {
        self.seen.invalidate(sha256);
        match in_time(self.patience.answer, self.store.delete(&key(sha256))).await {
            Ok(()) | Err(BlobError::Store(object_store::Error::NotFound { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Every blob, in no order. What does not have a blob's name is passed over.
    pub fn list(&self) -> BoxStream<'static, Result<ListedBlob, BlobError>> {
        let found = self.store.list(Some(&Key::from(PREFIX)));
        let limit = self.patience.answer;
        let in_time = stream::try_unfold(found, move |mut found| async move {
            let next = in_time(limit, found.try_next()).await?;
            Ok(next.map(|meta| (meta, found)))
        });
        in_time
            .try_filter_map(async |meta| Ok(listed(meta)))
            .boxed()
    }

    /// Reads a blob where it rests and compares its digest with its name.
    ///
    /// # Errors
    /// [`BlobError`] when it cannot be read.
    pub async fn verify(&self, sha256: &Sha256) -> Result<AtRest, BlobError> {
        let blob = match self.open_digest(sha256).await {
            Ok(blob) => blob,
            Err(BlobError::Missing(_)) => return Ok(AtRest::Missing),
            Err(error) => return Err(error),
        };
        let mut hasher = sha2::Sha256::new();
        let mut chunks = blob.whole();
        while let Some(chunk) = chunks.next().await {
            hasher.update(&chunk?);
        }
        let actual = Sha256::from_bytes(hasher.finalize().into());
        if actual == *sha256 {
            return Ok(AtRest::Intact);
        }
        Ok(AtRest::Altered { actual })
    }
}

/// After so long an object that is kept again is written again, which makes it young: whoever collects what
/// nothing refers to leaves alone what is younger than an hour at least (see [`crate::garbage`]).
const REWRITTEN_AFTER: Duration = Duration::from_secs(30 * 60);

fn is_old(kept: &ObjectMeta) -> bool {
    let age = SystemTime::now().duration_since(kept.last_modified.into());
    age.is_ok_and(|age| age > REWRITTEN_AFTER)
}

fn object_store_s3(
    bucket_and_prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Arc<dyn ObjectStore>, Parts), BlobError> {
    let (bucket, prefix) = bucket_and_prefix
        .split_once('/')
        .unwrap_or((bucket_and_prefix, ""));
    if bucket.is_empty() {
        return Err(BlobError::Location(format!("s3://{bucket_and_prefix}")));
    }
    let repeating = RetryConfig {
        max_retries: 3,
        retry_timeout: REPEATED_WITHIN,
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new().with_retry(repeating);
    // A large file may take any time; what counts is that bytes go on coming. The store's client would
    // otherwise end whole requests after half a minute, and repeat what failed for three.
    let mut options = ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(Patience::default().kept);
    for (name, value) in variables {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        let key = name
            .starts_with("AWS_")
            .then(|| name.to_ascii_lowercase().parse());
        if let Some(Ok(key)) = key {
            builder = builder.with_config(key, value);
            if let AmazonS3ConfigKey::Client(key) = key {
                options = options.with_config(key, value);
            }
        }
    }
    let store = builder.with_bucket_name(bucket).build()?;
    let parts = Parts::new(store.clone(), prefix, &options)?;
    if prefix.is_empty() {
        return Ok((Arc::new(store), parts));
    }
    Ok((Arc::new(PrefixStore::new(store, prefix)), parts))
}

fn listed(meta: ObjectMeta) -> Option<ListedBlob> {
    let sha256: Sha256 = meta.location.filename()?.parse().ok()?;
    (meta.location == key(&sha256)).then(|| ListedBlob {
        sha256,
        size: meta.size,
        modified: Timestamp::from_millis(meta.last_modified.timestamp_millis()),
    })
}
