//! Receiving content: a file that others may read while it grows, and the digest of what went into
//! it. Nothing is kept until it is handed to [`Blobs::commit`](super::Blobs::commit).

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart};
use portcullis_core::digest::Sha256;
use sha2::Digest as _;
use tempfile::TempPath;
use tokio::sync::watch;

use super::leftovers::RECEIVING;
use super::{BlobError, blocking, in_time};
use crate::blobs::scratch::Scratch;
use crate::patience::Patience;

/// So much is gathered before it is hashed and written, off the threads that serve others.
const WRITE_SIZE: usize = 128 * 1024;

/// Parts of an upload to an object store; so many are under way at once.
const PART_SIZE: u64 = 8 * 1024 * 1024;
const PARTS_AT_ONCE: usize = 4;

/// Content that is being received. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Spool {
    file: Arc<File>,
    path: TempPath,
    /// Absent while it is away writing; for ever, when that was interrupted.
    hasher: Option<sha2::Sha256>,
    gathered: Vec<Bytes>,
    gathered_length: usize,
    flushed: watch::Sender<u64>,
    scratch: Arc<Scratch>,
}

/// Content that was received whole. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Finished {
    sha256: Sha256,
    size: u64,
    file: Arc<File>,
    path: TempPath,
    /// Held so that the folder outlives the file.
    _scratch: Arc<Scratch>,
}

impl Spool {
    pub(super) async fn begin(scratch: Arc<Scratch>) -> Result<Self, BlobError> {
        let folder = scratch.folder().to_owned();
        let made = blocking("cannot make a file for what is being received", move || {
            tempfile::Builder::new()
                .prefix(RECEIVING)
                .tempfile_in(folder)
        });
        let (file, path) = made.await?.into_parts();
        Ok(Self {
            file: Arc::new(file),
            path,
            hasher: Some(sha2::Sha256::new()),
            gathered: Vec::new(),
            gathered_length: 0,
            flushed: watch::Sender::new(0),
            scratch,
        })
    }

    /// Takes the next bytes. They may be gathered before they reach the file; see [`Spool::flush`].
    ///
    /// # Errors
    /// [`BlobError`] when the file cannot be written, and ever after an earlier call was cancelled.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.gathered_length += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_length < WRITE_SIZE {
            return Ok(());
        }
        self.flush().await
    }

    /// Writes what was gathered, so that those who read along can have it.
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub async fn flush(&mut self) -> Result<(), BlobError> {
        let mut hasher = self.hasher.take().ok_or(BlobError::Interrupted)?;
        let chunks = std::mem::take(&mut self.gathered);
        let length = std::mem::take(&mut self.gathered_length) as u64;
        let file = self.file.clone();
        let written = blocking("cannot write what is being received", move || {
            for chunk in chunks {
                hasher.update(&chunk);
                (&*file).write_all(&chunk)?;
            }
            Ok(hasher)
        });
        self.hasher = Some(written.await?);
        self.flushed.send_modify(|flushed| *flushed += length);
        Ok(())
    }

    /// The file. It may be opened and read by others up to [`Spool::flushed`]; an open file stays
    /// readable after the spool is gone.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to be read at places up to [`Spool::flushed`], also when it was moved into the vault.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// How many bytes are in the file.
    pub fn flushed(&self) -> u64 {
        *self.flushed.borrow()
    }

    /// Tells whoever reads along how many bytes are in the file, whenever that changes. It closes
    /// when the spool is finished or dropped.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.flushed.subscribe()
    }

    /// Ends receiving.
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub async fn finish(mut self) -> Result<Finished, BlobError> {
        self.flush().await?;
        let hasher = self.hasher.take().ok_or(BlobError::Interrupted)?;
        Ok(Finished {
            sha256: Sha256::from_bytes(hasher.finalize().into()),
            size: self.flushed(),
            file: self.file,
            path: self.path,
            _scratch: self.scratch,
        })
    }
}

impl Finished {
    /// The digest of the content.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file, to be looked into before it is decided whether to keep it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file to where it stays. The bytes reach the disk before the name does.
    pub(super) async fn move_to(self, target: PathBuf) -> Result<(), BlobError> {
        blocking("cannot keep what was received", move || {
            self.file.sync_all()?;
            let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
            create_folder_on_disk(folder)?;
            self.path.persist(&target).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()
        })
        .await
    }

    /// Sends the file to an object store, in parts when it is large.
    pub(super) async fn upload(
        self,
        store: &dyn ObjectStore,
        key: &Key,
        patience: Patience,
    ) -> Result<(), BlobError> {
        if self.size <= PART_SIZE {
            let bytes = self.part(0).await?;
            in_time(patience.kept, store.put(key, PutPayload::from(bytes))).await?;
            return Ok(());
        }
        let part_size = usize::try_from(PART_SIZE).expect("8 MiB fit any address space");
        let upload = in_time(patience.answer, store.put_multipart(key)).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, part_size);
        if let Err(error) = self.send_parts(&mut upload, patience).await {
            // The first error is the one to report; parts left behind expire in the object store.
            let _ = in_time(patience.answer, upload.abort()).await;
            return Err(error);
        }
        in_time(patience.kept, upload.finish()).await?;
        Ok(())
    }

    async fn send_parts(
        &self,
        upload: &mut WriteMultipart,
        patience: Patience,
    ) -> Result<(), BlobError> {
        let mut sent = 0;
        while sent < self.size {
            in_time(patience.kept, upload.wait_for_capacity(PARTS_AT_ONCE)).await?;
            let part = self.part(sent).await?;
            sent += part.len() as u64;
            upload.put(part);
        }
        Ok(())
    }

    async fn part(&self, offset: u64) -> Result<Bytes, BlobError> {
        let length = (self.size - offset).min(PART_SIZE);
        let length = usize::try_from(length).expect("8 MiB fit any address space");
        let file = self.file.clone();
        let read = blocking("cannot read what was received", move || {
            let mut part = vec![0; length];
            file.read_exact_at(&mut part, offset)?;
            Ok(part)
        });
        Ok(read.await?.into())
    }
}

/// Makes a folder and those above it, each of them on disk before this returns.
fn create_folder_on_disk(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().ok_or(io::ErrorKind::NotFound)?;
    create_folder_on_disk(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}
