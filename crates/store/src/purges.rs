//! Throwing cached content away: the rows that lead to it, and the blobs that nothing else refers to. Files
//! that were published here are not cached content and are never touched.

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::blobs::Blobs;
use crate::columns::{Hash, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;
use crate::references::DeleteError;

/// Whether the digests that files were first seen with stay known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// They stay: the same files may be fetched again, others under their names may not.
    Keep,
    /// They are forgotten: whatever the source serves next counts as seen first.
    Forget,
}

/// What is thrown away.
#[derive(Clone, Copy, Debug)]
pub struct Purge<'a> {
    /// The outside source.
    pub source: &'a str,
    /// The project.
    pub project: &'a ProjectName,
    /// The files.
    pub filenames: &'a [String],
    /// Whether their digests stay known.
    pub memory: Memory,
    /// Who throws them away.
    pub who: &'a str,
}

#[derive(sqlx::FromRow)]
struct ContentRow {
    #[sqlx(try_from = "Hash")]
    sha256: Sha256,
}

const CONTENT: &str = "SELECT sha256 FROM pin WHERE source = $1 AND project = $2 AND filename = $3 \
     UNION SELECT sha256 FROM sidecar WHERE source = $1 AND project = $2 AND filename = $3";

const DROP_SIDECAR: &str =
    "DELETE FROM sidecar WHERE source = $1 AND project = $2 AND filename = $3";

const DROP_PIN: &str = "DELETE FROM pin WHERE source = $1 AND project = $2 AND filename = $3";

const DROP_PAGE: &str = "DELETE FROM page WHERE source = $1 AND project = $2";

const NEEDED: &str = "SELECT \
     (SELECT COUNT(*) FROM file WHERE sha256 = $1 AND deleted_at IS NULL) \
   + (SELECT COUNT(*) FROM file WHERE metadata_sha256 = $1 AND deleted_at IS NULL) \
   + (SELECT COUNT(*) FROM pin WHERE sha256 = $1 AND NOT (source = $2 AND project = $3)) \
   + (SELECT COUNT(*) FROM sidecar WHERE sha256 = $1) \
   + (SELECT COUNT(*) FROM feed WHERE sha256 = $1)";

/// Purges files of a project, deletes the content that nothing else refers to, and returns how many bytes
/// that were. With [`Memory::Forget`], the page that is kept of the project is forgotten too, since it
/// holds digests.
///
/// Bytes are deleted before the rows are committed, while nothing can be published (see
/// [`references`](crate::references)). Should it fail in between, files whose bytes are gone are fetched
/// again when they are asked for.
///
/// # Errors
/// [`DeleteError`] when the database or the blobs fail.
pub async fn purge(
    db: &Db,
    blobs: &Blobs,
    purge: &Purge<'_>,
    now: Timestamp,
) -> Result<u64, DeleteError> {
    let place = (purge.source, purge.project);
    let mut write = db.begin_write().await?;
    let mut content = Vec::new();
    for filename in purge.filenames {
        content.extend(contents_within(&mut write, place, filename).await?);
        drop_within(&mut write, DROP_SIDECAR, place, filename).await?;
        if purge.memory == Memory::Forget {
            drop_within(&mut write, DROP_PIN, place, filename).await?;
        }
    }
    if purge.memory == Memory::Forget {
        drop_page_within(&mut write, place).await?;
    }
    content.sort();
    content.dedup();
    let mut freed = 0;
    for sha256 in content {
        if !is_needed(&mut write, &sha256, place).await? {
            freed += blobs.size(&sha256).await?.unwrap_or(0);
            blobs.delete(&sha256).await?;
        }
    }
    let payload = json!({
        "source": purge.source, "project": purge.project, "files": purge.filenames,
        "forgotten": purge.memory == Memory::Forget, "who": free_text(purge.who),
    });
    ledger::append(&mut write, Kind::Purge, &payload, now).await?;
    generations::bump(&mut write, Counter::Purges).await?;
    write.commit().await?;
    Ok(freed)
}

async fn drop_page_within(
    write: &mut Write,
    (source, project): (&str, &ProjectName),
) -> Result<(), StoreError> {
    within!(write, executor => {
        sqlx::query(DROP_PAGE).bind(source).bind(project.as_str()).execute(executor).await.map(drop)
    })?;
    Ok(())
}

async fn contents_within(
    write: &mut Write,
    (source, project): (&str, &ProjectName),
    filename: &str,
) -> Result<Vec<Sha256>, StoreError> {
    let rows: Vec<ContentRow> = within!(write, executor => {
        sqlx::query_as(CONTENT)
            .bind(source)
            .bind(project.as_str())
            .bind(filename)
            .fetch_all(executor)
            .await
    })?;
    Ok(rows.into_iter().map(|row| row.sha256).collect())
}

async fn drop_within(
    write: &mut Write,
    statement: &'static str,
    (source, project): (&str, &ProjectName),
    filename: &str,
) -> Result<(), StoreError> {
    within!(write, executor => {
        sqlx::query(statement)
            .bind(source)
            .bind(project.as_str())
            .bind(filename)
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

async fn is_needed(
    write: &mut Write,
    sha256: &Sha256,
    (source, project): (&str, &ProjectName),
) -> Result<bool, StoreError> {
    let count: i64 = within!(write, executor => {
        sqlx::query_scalar(NEEDED)
            .bind(sha256.as_bytes().as_slice())
            .bind(source)
            .bind(project.as_str())
            .fetch_one(executor)
            .await
    })?;
    Ok(count > 0)
}
