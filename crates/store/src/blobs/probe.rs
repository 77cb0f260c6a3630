//! The probe at start-up: whether the place for blobs does what it has to, before anybody depends
//! on it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use uuid::Uuid;

use super::{BlobError, Blobs, in_time, io};

/// What [`Blobs::probe`] found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether the store refuses to put an object that exists when asked to. Nothing relies on it;
    /// it is reported for those who run the store.
    pub conditional_create: bool,
    /// How long it took to write an object, to read a range of it, to list it and to delete it.
    pub took: Took,
}

/// How long things took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Writing.
    pub write: Duration,
    /// Reading a range.
    pub read: Duration,
    /// Listing.
    pub list: Duration,
    /// Deleting.
    pub delete: Duration,
}

impl Blobs {
    /// Writes, lists, reads back and deletes an object.
    ///
    /// # Errors
    /// [`BlobError`] when any of that fails, or what is read is not what was written.
    pub async fn probe(&self) -> Result<Probe, BlobError> {
        let id = Uuid::now_v7().to_string();
        let folder = Key::from("blobs/probe");
        let key = Key::from(format!("{folder}/{id}"));
        let payload = Bytes::from(id);
        let found = self.write_and_read(&folder, &key, &payload).await;
        let begun = Instant::now();
        let limit = self.patience.answer;
        let deleted = in_time(limit, self.store.delete(&key)).await;
        let mut probe = found?;
        deleted?;
        probe.took.delete = begun.elapsed();
        Ok(probe)
    }

    async fn write_and_read(
        &self,
        folder: &Key,
        key: &Key,
        payload: &Bytes,
    ) -> Result<Probe, BlobError> {
        let mut took = Took::default();
        let limit = self.patience.answer;
        let begun = Instant::now();
        let put = self.store.put(key, PutPayload::from(payload.clone()));
        in_time(limit, put).await?;
        took.write = begun.elapsed();
        let mismatch = |what| io(what)(std::io::Error::other("not what was written"));
        let begun = Instant::now();
        let read = self.store.get_range(key, 0..payload.len() as u64);
        let read = in_time(limit, read).await?;
        took.read = begun.elapsed();
        if read != *payload {
            return Err(mismatch("cannot read back a probe"));
        }
        let begun = Instant::now();
        let listed = self.store.list(Some(folder)).try_collect();
        let listed: Vec<_> = in_time(limit, listed).await?;
        took.list = begun.elapsed();
        if !listed.iter().any(|meta| meta.location == *key) {
            return Err(mismatch("cannot list a probe"));
        }
        let options = PutOptions::from(PutMode::Create);
        let again = self
            .store
            .put_opts(key, PutPayload::from(payload.clone()), options);
        let refused = matches!(
            in_time(limit, again).await,
            Err(BlobError::Store(
                object_store::Error::AlreadyExists { .. }
                    | object_store::Error::Precondition { .. }
            ))
        );
        Ok(Probe {
            conditional_create: refused,
            took,
        })
    }
}
