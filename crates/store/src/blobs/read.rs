//! Reading content, piece by piece: nothing in here takes a whole blob into memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta, ObjectStore};
use portcullis_core::digest::Sha256;

use super::{ANSWERED_WITHIN, BlobError, blocking, in_time};

/// The most that is read from a file at once. Small pieces cost many times the CPU; larger ones
/// gain nothing.
const CHUNK: u64 = 256 * 1024;

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
        let opened = blocking("cannot open a blob", move || {
            let file = File::open(&path)?;
            let size = file.metadata()?.len();
            Ok(Self {
                file: Arc::new(file),
                path,
                size,
            })
        });
        opened.await.map_err(|error| match error {
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
            let length = (range.end - at).min(CHUNK);
            if length == 0 {
                return Ok(None);
            }
            let reader = file.clone();
            let chunk =
                blocking("cannot read a blob", move || read_at(&reader, at, length)).await?;
            Ok(Some((chunk, (file, at + length))))
        })
        .boxed()
    }
}

fn read_at(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut chunk = vec![0; length];
    file.read_exact_at(&mut chunk, at)?;
    Ok(chunk.into())
}

impl RemoteBlob {
    pub(super) fn new(store: Arc<dyn ObjectStore>, meta: ObjectMeta) -> Self {
        Self {
            store,
            key: meta.location,
            size: meta.size,
        }
    }

    fn stream(&self, range: Range<u64>) -> BlobStream {
        if range.is_empty() {
            return stream::empty().boxed();
        }
        let Self { store, key, .. } = self.clone();
        let expected = range.end - range.start;
        let answer = async move {
            let options = GetOptions::new().with_range(Some(range));
            let answer = in_time(ANSWERED_WITHIN, store.get_opts(&key, options)).await?;
            Ok::<_, BlobError>(counted(answer.into_stream(), expected))
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

/// The same bytes in pieces of at most [`CHUNK`], with an error at the end when there are fewer
/// than `expected`.
fn counted(chunks: BoxStream<'static, object_store::Result<Bytes>>, expected: u64) -> BlobStream {
    stream::try_unfold(
        (chunks, Bytes::new(), expected),
        |(mut chunks, mut rest, missing)| async move {
            while rest.is_empty() {
                let next = tokio::time::timeout(ANSWERED_WITHIN, chunks.next()).await;
                match next.map_err(|_| BlobError::Silent(ANSWERED_WITHIN))? {
                    Some(chunk) => rest = chunk?,
                    None if missing > 0 => return Err(BlobError::BrokenOff { missing }),
                    None => return Ok(None),
                }
            }
            let piece = rest.split_to(rest.len().min(CHUNK as usize));
            let missing = missing.saturating_sub(piece.len() as u64);
            Ok(Some((piece, (chunks, rest, missing))))
        },
    )
    .boxed()
}
