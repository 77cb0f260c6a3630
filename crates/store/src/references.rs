//! Whether a blob is still needed: asked before its bytes are deleted, because equal content is
//! kept once, whoever refers to it.

use portcullis_core::digest::Sha256;

use crate::db::Db;
use crate::error::StoreError;

const COUNT: &str = "SELECT \
     (SELECT COUNT(*) FROM file WHERE sha256 = $1 AND deleted_at IS NULL) \
   + (SELECT COUNT(*) FROM file WHERE metadata_sha256 = $1 AND deleted_at IS NULL) \
   + (SELECT COUNT(*) FROM pin WHERE sha256 = $1) \
   + (SELECT COUNT(*) FROM sidecar WHERE sha256 = $1)";

/// How many rows refer to this content: files that are not deleted, pins, and sidecars.
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
