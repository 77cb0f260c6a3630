//! Whether a blob is still needed: asked before its bytes are deleted, because equal content is
//! kept once, whoever refers to it.
//!
//! **Invariant:** bytes are deleted only while nothing can be published: [`delete_unneeded`] holds the
//! lock of all writes while it asks and deletes. Whoever publishes looks after that whether the bytes are
//! there, so that no file is acknowledged whose bytes went away a moment before.

use portcullis_core::digest::Sha256;

use crate::blobs::{BlobError, Blobs};
use crate::db::{Db, Write};
use crate::error::StoreError;

/// Why bytes could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

const COUNT: &str = "SELECT \
     (SELECT COUNT(*) FROM file WHERE sha256 = $1 AND deleted_at IS NULL) \
   + (SELECT COUNT(*) FROM file WHERE metadata_sha256 = $1 AND deleted_at IS NULL) \
   + (SELECT COUNT(*) FROM pin WHERE sha256 = $1) \
   + (SELECT COUNT(*) FROM sidecar WHERE sha256 = $1) \
   + (SELECT COUNT(*) FROM feed WHERE sha256 = $1)";

/// How many rows refer to this content: files that are not deleted, pins, sidecars, and the
/// snapshots of feeds.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count(db: &Db, sha256: &Sha256) -> Result<u64, StoreError> {
    let count: i64 = on!(db, executor => {
        sqlx::query_scalar(COUNT)
            .bind(sha256.as_bytes().as_slice())
            .fetch_one(executor)
            .await
    })?;
    Ok(count.unsigned_abs())
}

/// The same while nothing can be published.
pub(crate) async fn count_within(write: &mut Write, sha256: &Sha256) -> Result<u64, StoreError> {
    let count: i64 = within!(write, executor => {
        sqlx::query_scalar(COUNT)
            .bind(sha256.as_bytes().as_slice())
            .fetch_one(executor)
            .await
    })?;
    Ok(count.unsigned_abs())
}

/// Deletes the bytes of a blob when no row refers to it, and returns how many they were; `None` when the
/// blob is needed or is not there.
///
/// # Errors
/// [`DeleteError`]; the blob stays then.
pub async fn delete_unneeded(
    db: &Db,
    blobs: &Blobs,
    sha256: &Sha256,
) -> Result<Option<u64>, DeleteError> {
    let Some(size) = blobs.size(sha256).await? else {
        return Ok(None);
    };
    let mut write = db.begin_write().await?;
    let count = count_within(&mut write, sha256).await?;
    let freed = match count {
        0 => {
            blobs.delete(sha256).await?;
            Some(size)
        }
        _ => None,
    };
    write.rollback().await?;
    Ok(freed)
}
