//! What is held or was handed out, by project: where a new advisory looks for what it is about.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::{InvalidName, ProjectName};

use crate::columns::{Hash, Word};
use crate::db::Db;
use crate::error::StoreError;

/// From one project to the next by looking each up, since neither engine leaps from one value of an
/// index to the next by itself.
const PROJECTS: &str = "WITH RECURSIVE known(project) AS ( \
     SELECT MIN(project) FROM download \
     UNION ALL \
     SELECT (SELECT MIN(project) FROM download WHERE project > known.project) \
     FROM known WHERE known.project IS NOT NULL) \
     SELECT project FROM known WHERE project IS NOT NULL \
     UNION SELECT DISTINCT project FROM pin";

/// The projects of which files from outside are held, or of which any were ever downloaded, in no order.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn projects(db: &Db) -> Result<Vec<ProjectName>, StoreError> {
    let names: Vec<String> =
        on!(db, executor => sqlx::query_scalar(PROJECTS).fetch_all(executor).await)?;
    let names: Result<_, InvalidName> = names.iter().map(|name| ProjectName::new(name)).collect();
    names.map_err(|error| StoreError::from(sqlx::Error::Decode(Box::new(error))))
}

/// A file from outside whose content is known.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldFile {
    /// The source that it came from.
    pub source: String,
    /// Its name.
    pub filename: String,
    /// Its content.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
}

const FILES: &str = "SELECT source, filename, sha256 FROM pin WHERE project = $1 \
     ORDER BY filename, source";

/// The files of a project that came from outside, sorted by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn files(db: &Db, project: &ProjectName) -> Result<Vec<HeldFile>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FILES).bind(project.as_str()).fetch_all(executor).await
    })?)
}

/// A file that has a certain content: from outside, or published here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Holder {
    /// Its source.
    pub source: String,
    /// Its project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// Its name.
    pub filename: String,
    /// Its size in bytes.
    #[sqlx(try_from = "i64")]
    pub size: u64,
}

const OF_CONTENT: &str = "SELECT source, project, filename, size FROM pin WHERE sha256 = $1 \
     UNION SELECT source, project, filename, size FROM file \
     WHERE sha256 = $1 AND deleted_at IS NULL ORDER BY source, project, filename";

/// The files that have this content, sorted by source, project and name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_content(db: &Db, sha256: &Sha256) -> Result<Vec<Holder>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(OF_CONTENT)
            .bind(sha256.as_bytes().as_slice())
            .fetch_all(executor)
            .await
    })?)
}
