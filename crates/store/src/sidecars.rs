//! Sidecars: which blob holds the METADATA of a wheel from outside (PEP 658). What was read out of
//! the wheel itself outranks what its source claimed. Files published here carry theirs in their
//! row.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

use crate::columns::{Hash, UnknownWord, Word};
use crate::db::Db;
use crate::error::StoreError;

/// Where a wheel's METADATA was got from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarOrigin {
    /// The source offered it beside the wheel.
    Claimed,
    /// It was read out of the wheel itself.
    Extracted,
}

impl SidecarOrigin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Extracted => "extracted",
        }
    }
}

impl TryFrom<Word> for SidecarOrigin {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        match column.0.as_str() {
            "claimed" => Ok(Self::Claimed),
            "extracted" => Ok(Self::Extracted),
            _ => Err(UnknownWord {
                what: "an origin of metadata",
                text: column.0,
            }),
        }
    }
}

/// The METADATA of a wheel.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sidecar {
    /// The wheel's file name.
    pub filename: String,
    /// The digest of the blob with its METADATA.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// Where it was got from.
    #[sqlx(try_from = "Word")]
    pub origin: SidecarOrigin,
}

/// The answer to [`keep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing was known before.
    First,
    /// The same was known before.
    Same,
    /// Something else is known and stays.
    Differs {
        /// What is known.
        first: Sha256,
    },
    /// Something else was claimed before, and the wheel itself set it right.
    Corrected {
        /// What was claimed.
        claimed: Sha256,
    },
}

const INSERT: &str = "INSERT INTO sidecar (source, project, filename, sha256, origin, at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source, project, filename) DO NOTHING";

const CORRECT: &str = "UPDATE sidecar SET sha256 = $4, origin = 'extracted', at = $5 \
     WHERE source = $1 AND project = $2 AND filename = $3 AND origin = 'claimed'";

/// Keeps which blob holds the METADATA of a wheel.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn keep(
    db: &Db,
    source: &str,
    project: &ProjectName,
    sidecar: &Sidecar,
    now: Timestamp,
) -> Result<Kept, StoreError> {
    let inserted = alone!(db, executor => {
        sqlx::query(INSERT)
            .bind(source)
            .bind(project.as_str())
            .bind(&sidecar.filename)
            .bind(sidecar.sha256.as_bytes().as_slice())
            .bind(sidecar.origin.as_str())
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if inserted == 1 {
        return Ok(Kept::First);
    }
    let known = find(db, source, project, &sidecar.filename).await?;
    let known = known.ok_or(sqlx::Error::RowNotFound)?;
    if sidecar.origin == SidecarOrigin::Extracted && known.origin == SidecarOrigin::Claimed {
        correct(db, source, project, sidecar, now).await?;
        if known.sha256 != sidecar.sha256 {
            return Ok(Kept::Corrected {
                claimed: known.sha256,
            });
        }
    }
    if known.sha256 == sidecar.sha256 {
        return Ok(Kept::Same);
    }
    Ok(Kept::Differs {
        first: known.sha256,
    })
}

async fn correct(
    db: &Db,
    source: &str,
    project: &ProjectName,
    sidecar: &Sidecar,
    now: Timestamp,
) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(CORRECT)
            .bind(source)
            .bind(project.as_str())
            .bind(&sidecar.filename)
            .bind(sidecar.sha256.as_bytes().as_slice())
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const FIND: &str = "SELECT filename, sha256, origin FROM sidecar \
     WHERE source = $1 AND project = $2 AND filename = $3";

/// What is known of the METADATA of one wheel.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(
    db: &Db,
    source: &str,
    project: &ProjectName,
    filename: &str,
) -> Result<Option<Sidecar>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FIND)
            .bind(source)
            .bind(project.as_str())
            .bind(filename)
            .fetch_optional(executor)
            .await
    })?)
}

const LIST: &str = "SELECT filename, sha256, origin FROM sidecar \
     WHERE source = $1 AND project = $2 ORDER BY filename";

/// What is known of the METADATA of a project's wheels, sorted by file name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Vec<Sidecar>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(LIST).bind(source).bind(project.as_str()).fetch_all(executor).await
    })?)
}
