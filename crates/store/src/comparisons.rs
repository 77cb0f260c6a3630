//! What comparing a file with another one came to: with the one before it that was let through, or a wheel
//! with its sdist. One row for a file and a kind, replaced when it is compared again. Not in the ledger: it
//! follows from two inspections, which are.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

use crate::columns::{Hash, UnknownWord, Word};
use crate::db::Db;
use crate::error::StoreError;

/// What a file was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ComparisonKind {
    /// A file of the version before.
    Before,
    /// The sdist of the same release.
    Sdist,
}

impl ComparisonKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Sdist => "sdist",
        }
    }
}

impl TryFrom<Word> for ComparisonKind {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        match column.0.as_str() {
            "before" => Ok(Self::Before),
            "sdist" => Ok(Self::Sdist),
            _ => Err(UnknownWord {
                what: "a kind of comparison",
                text: column.0,
            }),
        }
    }
}

/// What comparing two files came to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Comparison {
    /// The file's name.
    pub filename: String,
    /// What it was compared with.
    #[sqlx(try_from = "Word")]
    pub kind: ComparisonKind,
    /// The digest of the file's bytes.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// The digest of the other one's bytes.
    #[sqlx(try_from = "Hash")]
    pub other: Sha256,
    /// The other one's name.
    pub other_filename: String,
    /// The revision of the engine that compared.
    #[sqlx(try_from = "i64")]
    pub revision: u32,
    /// What it came to, as JSON.
    pub record: String,
}

const KEEP: &str = "INSERT INTO comparison (source, project, filename, kind, sha256, other, \
     other_filename, revision, record, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
     ON CONFLICT (source, project, filename, kind) DO UPDATE SET sha256 = excluded.sha256, \
     other = excluded.other, other_filename = excluded.other_filename, \
     revision = excluded.revision, record = excluded.record, at = excluded.at";

/// Keeps what a comparison came to, in the place of the one before.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn keep(
    db: &Db,
    source: &str,
    project: &ProjectName,
    comparison: &Comparison,
    now: Timestamp,
) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(KEEP)
            .bind(source)
            .bind(project.as_str())
            .bind(&comparison.filename)
            .bind(comparison.kind.as_str())
            .bind(comparison.sha256.as_bytes().as_slice())
            .bind(comparison.other.as_bytes().as_slice())
            .bind(&comparison.other_filename)
            .bind(i64::from(comparison.revision))
            .bind(&comparison.record)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const OF_PROJECT: &str = "SELECT filename, kind, sha256, other, other_filename, revision, record \
     FROM comparison WHERE source = $1 AND project = $2 ORDER BY filename, kind";

/// What is kept of a project's files, sorted by file name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_project(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Vec<Comparison>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(OF_PROJECT)
            .bind(source)
            .bind(project.as_str())
            .fetch_all(executor)
            .await
    })?)
}
