//! The last good page of every project of an outside source, so that work goes on while the source
//! is down. What the bytes mean is known to those who save them. Not in the ledger: a page is a
//! memory of what others said, not an act.

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

use crate::columns::{Millis, Word};
use crate::db::Db;
use crate::error::StoreError;

/// A page as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPage {
    /// The body, compressed or not as the caller likes.
    pub body: Vec<u8>,
    /// What the body is, in the caller's words.
    pub content_kind: String,
    /// Its validator for If-None-Match (RFC 9110).
    pub etag: Option<String>,
    /// Its validator for If-Modified-Since (RFC 9110).
    pub last_modified: Option<String>,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// When the source last said that it is current.
    pub checked_at: Timestamp,
    /// The digests that the source first claimed for each file, in the caller's encoding.
    pub claims: Vec<u8>,
}

/// A page that is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptPage {
    /// The body, as it was saved.
    pub body: Vec<u8>,
    /// What the body is.
    pub content_kind: String,
    /// Its validator for If-None-Match.
    pub etag: Option<String>,
    /// Its validator for If-Modified-Since.
    pub last_modified: Option<String>,
    /// When it was fetched.
    #[sqlx(try_from = "Millis")]
    pub fetched_at: Timestamp,
    /// When the source last said that it is current.
    #[sqlx(try_from = "Millis")]
    pub checked_at: Timestamp,
    /// The digests that the source first claimed for each file.
    pub claims: Vec<u8>,
    /// Which version of the row this is, to be handed to [`save`].
    pub generation: i64,
}

/// The answer to [`save`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The page is kept, as this version of the row.
    As(i64),
    /// Somebody else saved in between; load again, merge the claims, and try again.
    Raced,
}

const LOAD: &str = "SELECT body, content_kind, etag, last_modified, fetched_at, checked_at, \
     claims, generation FROM page WHERE source = $1 AND project = $2";

/// The page of a project, if one is kept.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn load(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Option<KeptPage>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(LOAD).bind(source).bind(project.as_str()).fetch_optional(executor).await
    })?)
}

const INSERT: &str = "INSERT INTO page (body, content_kind, etag, last_modified, fetched_at, \
     checked_at, claims, source, project, generation) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10 + 1) \
     ON CONFLICT (source, project) DO NOTHING RETURNING generation";

const UPDATE: &str = "UPDATE page SET body = $1, content_kind = $2, etag = $3, \
     last_modified = $4, fetched_at = $5, checked_at = $6, claims = $7, generation = $10 + 1 \
     WHERE source = $8 AND project = $9 AND generation = $10 RETURNING generation";

/// Keeps a page in place of the one that was loaded as `replaces` ([`KeptPage::generation`]), or as
/// the first one.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn save(
    db: &Db,
    source: &str,
    project: &ProjectName,
    page: &NewPage,
    replaces: Option<i64>,
) -> Result<Saved, StoreError> {
    let statement = if replaces.is_some() { UPDATE } else { INSERT };
    let saved: Option<i64> = alone!(db, executor => {
        sqlx::query_scalar(statement)
            .bind(&page.body)
            .bind(&page.content_kind)
            .bind(page.etag.as_deref())
            .bind(page.last_modified.as_deref())
            .bind(page.fetched_at.as_millis())
            .bind(page.checked_at.as_millis())
            .bind(&page.claims)
            .bind(source)
            .bind(project.as_str())
            .bind(replaces.unwrap_or(0))
            .fetch_optional(executor)
            .await
    })?;
    Ok(saved.map_or(Saved::Raced, Saved::As))
}

const TOUCH: &str = "UPDATE page SET checked_at = $3 \
     WHERE source = $1 AND project = $2 AND checked_at < $3";

/// Notes that the source said the page is still current.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn touch(
    db: &Db,
    source: &str,
    project: &ProjectName,
    checked_at: Timestamp,
) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(TOUCH)
            .bind(source)
            .bind(project.as_str())
            .bind(checked_at.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// A page in a listing.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedPage {
    /// The project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// When its page was fetched.
    #[sqlx(try_from = "Millis")]
    pub fetched_at: Timestamp,
    /// When the source last said that it is current.
    #[sqlx(try_from = "Millis")]
    pub checked_at: Timestamp,
}

const LIST: &str =
    "SELECT project, fetched_at, checked_at FROM page WHERE source = $1 ORDER BY project";

/// The projects of a source whose page is kept, sorted by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(db: &Db, source: &str) -> Result<Vec<ListedPage>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(LIST).bind(source).fetch_all(executor).await)?)
}
