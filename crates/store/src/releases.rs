//! What was read in the metadata of releases, one row for each version of a project in a source. Not in the
//! ledger: it is a memory of what others said, not an act. What it means is read anew each time.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use portcullis_core::release_metadata::ReleaseObservation;
use portcullis_core::time::Timestamp;

use crate::columns::{Hash, UnknownWord};
use crate::db::Db;
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::sidecars::SidecarOrigin;

/// What a reading rests on, from the least weight to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Metadata that the source offered beside a distribution.
    Claimed,
    /// Metadata out of a distribution.
    Extracted,
    /// Metadata and licence texts out of a distribution.
    Inspected,
}

impl Basis {
    const fn weight(self) -> i64 {
        match self {
            Self::Claimed => 1,
            Self::Extracted => 2,
            Self::Inspected => 3,
        }
    }
}

impl From<SidecarOrigin> for Basis {
    fn from(origin: SidecarOrigin) -> Self {
        match origin {
            SidecarOrigin::Claimed => Self::Claimed,
            SidecarOrigin::Extracted => Self::Extracted,
        }
    }
}

impl TryFrom<i64> for Basis {
    type Error = UnknownWord;

    fn try_from(weight: i64) -> Result<Self, Self::Error> {
        let all = [Self::Claimed, Self::Extracted, Self::Inspected];
        all.into_iter()
            .find(|basis| basis.weight() == weight)
            .ok_or_else(|| UnknownWord {
                what: "what a reading rests on",
                text: weight.to_string(),
            })
    }
}

/// What was read of one release.
#[derive(Clone, Debug)]
pub struct NewRelease<'r> {
    /// The source whose release it is.
    pub source: &'r str,
    /// The project.
    pub project: &'r ProjectName,
    /// The version.
    pub version: &'r Version,
    /// What was read.
    pub observed: &'r ReleaseObservation,
    /// The digest of the metadata file.
    pub metadata_sha256: Sha256,
    /// What the reading rests on.
    pub basis: Basis,
}

/// The answer to [`learn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was not known before, and is kept.
    New,
    /// It was known, or something of at least the same weight was; that stays.
    Known,
}

const LEARN: &str = "INSERT INTO release_metadata \
     (source, project, version, observed, metadata_sha256, basis, learned_at, generation) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (source, project, version) DO UPDATE SET observed = excluded.observed, \
     metadata_sha256 = excluded.metadata_sha256, basis = excluded.basis, \
     learned_at = excluded.learned_at, generation = excluded.generation \
     WHERE release_metadata.basis < excluded.basis";

/// Keeps what was read of a release. The first reading stays, unless a later one rests on more.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn learn(
    db: &Db,
    release: &NewRelease<'_>,
    now: Timestamp,
) -> Result<Learned, StoreError> {
    let observed = serde_json::to_string(release.observed).expect("texts and flags are JSON");
    // PostgreSQL's text cannot hold it, and no name or licence does.
    let observed = observed.replace("\\u0000", "\u{fffd}");
    let mut write = db.begin_write().await?;
    let generation = generations::bump(&mut write, Counter::Releases).await?;
    let rows = within!(&mut write, executor => {
        sqlx::query(LEARN)
            .bind(release.source)
            .bind(release.project.as_str())
            .bind(release.version.to_string())
            .bind(&observed)
            .bind(release.metadata_sha256.as_bytes().as_slice())
            .bind(release.basis.weight())
            .bind(now.as_millis())
            .bind(generation)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if rows == 0 {
        write.rollback().await?;
        return Ok(Learned::Known);
    }
    write.commit().await?;
    Ok(Learned::New)
}

/// What is known of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRelease {
    /// The version.
    pub version: Version,
    /// What was read.
    pub observed: ReleaseObservation,
    /// The digest of the metadata file.
    pub metadata_sha256: Sha256,
    /// What the reading rests on.
    pub basis: Basis,
}

#[derive(sqlx::FromRow)]
struct Row {
    version: String,
    observed: String,
    #[sqlx(try_from = "Hash")]
    metadata_sha256: Sha256,
    #[sqlx(try_from = "i64")]
    basis: Basis,
}

const OF_PROJECT: &str = "SELECT version, observed, metadata_sha256, basis FROM release_metadata \
     WHERE source = $1 AND project = $2";

/// Everything that is known of the releases of a project. A row that cannot be read any more counts as not
/// known.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_project(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Vec<KnownRelease>, StoreError> {
    let rows: Vec<Row> = on!(db, executor => {
        sqlx::query_as(OF_PROJECT).bind(source).bind(project.as_str()).fetch_all(executor).await
    })?;
    let known = |row: Row| {
        Some(KnownRelease {
            version: Version::from_str(&row.version).ok()?,
            observed: serde_json::from_str(&row.observed).ok()?,
            metadata_sha256: row.metadata_sha256,
            basis: row.basis,
        })
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

const CHANGED: &str = "SELECT DISTINCT project FROM release_metadata WHERE generation > $1 \
     UNION SELECT DISTINCT project FROM signal WHERE generation > $1";

/// The projects of which something was learned after the counter [`Counter::Releases`] stood at
/// `generation`: about their releases, or by signals.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn changed_since(db: &Db, generation: i64) -> Result<BTreeSet<ProjectName>, StoreError> {
    let names: Vec<String> = on!(db, executor => {
        sqlx::query_scalar(CHANGED).bind(generation).fetch_all(executor).await
    })?;
    Ok(names
        .iter()
        .filter_map(|name| ProjectName::new(name).ok())
        .collect())
}
