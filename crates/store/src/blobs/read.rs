//! Reading content, piece by piece: nothing in here takes a whole blob into memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta, ObjectStore};
use portcullis_core::digest::Sha256;

use super::piece::{PIECE, read_piece};
use super::{BlobError, blocking, in_time, io as failed};
use crate::patience::Patience;

/// The bytes of a blob, piece by piece.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// A blob that was opened.
#[derive(Debug)]
pub enum Blob {
    /// A file in a folder.
    Local(LocalBlob),
    /// An object in an object store.
    Remote(RemoteBlob),
}

/// A blob in a folder. It stays readable while it is open, even when it is deleted.
#[derive(Clone, Debug)]
pub struct LocalBlob {
    file: Arc<File>,
    path: PathBuf,
    size: u64,
}

/// A blob in an object store.
#[derive(Clone, Debug)]
pub struct RemoteBlob {
    store: Arc<dyn ObjectStore>,
    key: Key,
    size: u64,
    patience: Patience,
}

impl Blob {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Local(blob) => blob.size,
            Self::Remote(blob) => blob.size,
        }
    }

    /// All of its bytes.
    pub fn whole(&self) -> BlobStream {
        self.stream(0..self.size())
    }

    /// The bytes of `range`. The stream fails rather than end early.
    ///
    /// # Errors
    /// [`BlobError::Range`] when the range is not within the blob.
    pub fn range(&self, range: Range<u64>) -> Result<BlobStream, BlobError> {
        let size = self.size();
        if range.start > range.end || range.end > size {
            return Err(BlobError::Range {
                start: range.start,
                end: range.end,
                size,
            });
        }
        Ok(self.stream(range))
    }

    fn stream(&self, range: Range<u64>) -> BlobStream {
        match self {
            Self::Local(blob) => blob.stream(range),
            Self::Remote(blob) => blob.stream(range),
        }
    }
}

impl LocalBlob {
    pub(super) async fn open(path: PathBuf, sha256: Sha256) -> Result<Self, BlobError> {
        let of_file = |file: File, path: PathBuf| {
            let size = file.metadata()?.len();
            Ok(Self {
                file: Arc::new(file),
                path,
                size,
            })
        };
        const WHAT: &str = "cannot open a blob";
        let opened = match open_at_once(&path) {
            Some(file) => of_file(file, path).map_err(failed(WHAT)),
            None => blocking(WHAT, move || of_file(File::open(&path)?, path)).await,
        };
        opened.map_err(|error| match error {
            BlobError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                BlobError::Missing(sha256)
            }
            other => other,
        })
    }

    /// The open file, whose position nobody relies on.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn stream(&self, range: Range<u64>) -> BlobStream {
        let file = self.file.clone();
        stream::try_unfold((file, range.start), move |(file, at)| async move {
            let length = (range.end - at).min(PIECE);
            if length == 0 {
                return Ok(None);
            }
            let piece = read_piece(&file, at, length).await;
            let piece = piece.map_err(failed("cannot read a blob"))?;
            Ok(Some((piece, (file, at + length))))
        })
        .boxed()
    }
}

/// Opens a file where the system has its name in memory, so that it has to wait for no disk. `None` where
/// that is not so, or not known.
#[cfg(target_os = "linux")]
fn open_at_once(path: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
    opened.ok().map(File::from)
}

#[cfg(not(target_os = "linux"))]
fn open_at_once(_path: &Path) -> Option<File> {
    None
}

impl RemoteBlob {
    pub(super) fn new(store: Arc<dyn ObjectStore>, meta: ObjectMeta, patience: Patience) -> Self {
        Self {
            store,
            key: meta.location,
            size: meta.size,
            patience,
        }
    }

    fn stream(&self, range: Range<u64>) -> BlobStream {
        if range.is_empty() {
            return stream::empty().boxed();
        }
        let Self { store, key, .. } = self.clone();
        let limit = self.patience.answer;
        let expected = range.end - range.start;
        let answer = async move {
            let options = GetOptions::new().with_range(Some(range));
            let answer = in_time(limit, store.get_opts(&key, options)).await?;
            Ok::<_, BlobError>(counted(answer.into_stream(), expected, limit))
        };
        stream::once(answer).flat_map(flatten).boxed()
    }
}

fn flatten(answer: Result<BlobStream, BlobError>) -> BlobStream {
    match answer {
        Ok(chunks) => chunks,
        Err(error) => stream::iter([Err(error)]).boxed(),
    }
}

/// The same bytes in pieces of at most [`PIECE`], with an error at the end when there are fewer
/// than `expected`.
fn counted(
    chunks: BoxStream<'static, object_store::Result<Bytes>>,
    expected: u64,
    limit: Duration,
) -> BlobStream {
    stream::try_unfold(
        (chunks, Bytes::new(), expected),
        move |(mut chunks, mut rest, missing)| async move {
            while rest.is_empty() {
                let next = tokio::time::timeout(limit, chunks.next()).await;
                match next.map_err(|_| BlobError::Silent(limit))? {
                    Some(chunk) => rest = chunk?,
                    None if missing > 0 => return Err(BlobError::BrokenOff { missing }),
                    None => return Ok(None),
                }
            }
            let piece = rest.split_to(rest.len().min(PIECE as usize));
            let missing = missing.saturating_sub(piece.len() as u64);
            Ok(Some((piece, (chunks, rest, missing))))
        },
    )
    .boxed()
}
