//! Whose metadata could name a project among its dependencies: files published here, and the METADATA
//! that is kept of wheels from outside. What the metadata says is read by the caller.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;

use crate::columns::{Hash, Word};
use crate::db::Db;
use crate::error::StoreError;

/// A file whose metadata is kept as a blob.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Dependent {
    /// Its project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// Its name.
    pub filename: String,
    /// The blob that holds its METADATA.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
}

const PUBLISHED: &str = "SELECT project, version, metadata_json FROM file \
     WHERE deleted_at IS NULL AND LOWER(metadata_json) LIKE $1 ORDER BY id DESC LIMIT $2";

/// Files published here whose metadata mentions `project` in any spelling: project, version and metadata
/// as JSON text, the latest `limit` first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn published_here_with(
    db: &Db,
    project: &ProjectName,
    limit: u32,
) -> Result<Vec<(String, String, String)>, StoreError> {
    // `_` stands for any one character, and so for each of the separators.
    let pattern = format!("%{}%", project.as_str().replace('-', "_"));
    Ok(on!(db, executor => {
        sqlx::query_as(PUBLISHED)
            .bind(pattern)
            .bind(i64::from(limit))
            .fetch_all(executor)
            .await
    })?)
}

const SEEN: &str = "SELECT project, filename, sha256 FROM sidecar ORDER BY at DESC LIMIT $1";

/// The METADATA of wheels from outside that was asked for here last.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn seen_metadata(db: &Db, limit: u32) -> Result<Vec<Dependent>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(SEEN).bind(i64::from(limit)).fetch_all(executor).await
    })?)
}
