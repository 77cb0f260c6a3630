//! Projects and files published here: what they are and how they are looked up. Publishing is in
//! [`publish`], yanking and deleting in [`withdraw`].

mod publish;
mod withdraw;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::time::Timestamp;

pub use publish::{NewFile, Published, publish};
pub use withdraw::{Target, Withdrawal, delete, unyank, yank};

use crate::columns::{Hash, MaybeHash, MaybeMillis, Millis, Word};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};

/// A file published here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HostedFile {
    /// The hosted source that has it.
    pub source: String,
    /// Its project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// Its version (PEP 440), as it was published.
    pub version: String,
    /// Its file name, verbatim.
    pub filename: String,
    /// What the upload form calls it: `bdist_wheel` or `sdist`.
    pub filetype: String,
    /// The digest of its content.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// The MD5 of its content, 16 bytes, for old clients.
    pub md5: Vec<u8>,
    /// The BLAKE2b-256 of its content, 32 bytes.
    pub blake2_256: Vec<u8>,
    /// Its size in bytes.
    #[sqlx(try_from = "i64")]
    pub size: u64,
    /// When it was published.
    #[sqlx(try_from = "Millis")]
    pub upload_time: Timestamp,
    /// Its `Requires-Python`.
    pub requires_python: Option<String>,
    /// The digest of the blob with its METADATA (PEP 658).
    #[sqlx(try_from = "MaybeHash")]
    pub metadata_sha256: Option<Sha256>,
    /// Its metadata, as JSON text (PEP 566).
    pub metadata_json: String,
    /// The name of the token that published it.
    pub uploader: String,
    /// Whether it is yanked (PEP 592).
    pub yanked: bool,
    /// Why it was yanked.
    pub yanked_reason: Option<String>,
    /// When it was deleted. The row stays, so that its name is never used again.
    #[sqlx(try_from = "MaybeMillis")]
    pub deleted_at: Option<Timestamp>,
}

impl HostedFile {
    /// Its yank marker, as pages have it.
    pub fn yank_marker(&self) -> Yanked {
        match (&self.yanked_reason, self.yanked) {
            (_, false) => Yanked::No,
            (None, true) => Yanked::Yes,
            (Some(reason), true) => Yanked::Because(reason.as_str().into()),
        }
    }
}

/// A project with files published here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HostedProject {
    /// The hosted source that has it.
    pub source: String,
    /// Its normalised name.
    #[sqlx(try_from = "Word")]
    pub name: ProjectName,
    /// Its name as its first upload spelt it.
    pub display_name: String,
    /// When it was first published.
    #[sqlx(try_from = "Millis")]
    pub created_at: Timestamp,
    /// The value that [`Counter::Hosted`] had after the project's last change.
    pub generation: i64,
}

macro_rules! file_columns {
    () => {
        "source, project, version, filename, filetype, sha256, md5, blake2_256, size, upload_time, \
         requires_python, metadata_sha256, metadata_json, uploader, yanked, yanked_reason, \
         deleted_at"
    };
}
use file_columns;

const FILES: &str = concat!(
    "SELECT ",
    file_columns!(),
    " FROM file WHERE source = $1 AND project = $2 AND deleted_at IS NULL ORDER BY id"
);

/// The files of a project, in the order of their publication.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn files(
    db: &Db,
    source: &str,
    project: &ProjectName,
) -> Result<Vec<HostedFile>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FILES).bind(source).bind(project.as_str()).fetch_all(executor).await
    })?)
}

const FILE: &str = concat!(
    "SELECT ",
    file_columns!(),
    " FROM file WHERE source = $1 AND filename = $2"
);

/// The file that has or had this name; look at [`HostedFile::deleted_at`].
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn file(db: &Db, source: &str, filename: &str) -> Result<Option<HostedFile>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(FILE).bind(source).bind(filename).fetch_optional(executor).await
    })?)
}

async fn file_within(
    write: &mut Write,
    source: &str,
    filename: &str,
) -> Result<HostedFile, StoreError> {
    Ok(within!(write, executor => {
        sqlx::query_as(FILE).bind(source).bind(filename).fetch_one(executor).await
    })?)
}

const PROJECTS: &str = "SELECT source, name, display_name, created_at, generation FROM project \
     WHERE source = $1 AND deleted_at IS NULL ORDER BY name";

/// The projects of a hosted source, sorted by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn projects(db: &Db, source: &str) -> Result<Vec<HostedProject>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(PROJECTS).bind(source).fetch_all(executor).await)?)
}

const PROJECT: &str = "SELECT source, name, display_name, created_at, generation FROM project \
     WHERE source = $1 AND name = $2 AND deleted_at IS NULL";

/// The project with this name, unless it was deleted.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn project(
    db: &Db,
    source: &str,
    name: &ProjectName,
) -> Result<Option<HostedProject>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(PROJECT).bind(source).bind(name.as_str()).fetch_optional(executor).await
    })?)
}

#[derive(sqlx::FromRow)]
struct ChangedRow {
    source: String,
    #[sqlx(try_from = "Word")]
    name: ProjectName,
}

const CHANGED: &str = "SELECT source, name FROM project WHERE generation > $1";

/// The source and name of every project that changed, by deletion too, after [`Counter::Hosted`]
/// had the value `generation`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn changed_since(
    db: &Db,
    generation: i64,
) -> Result<Vec<(String, ProjectName)>, StoreError> {
    let rows: Vec<ChangedRow> = on!(db, executor => {
        sqlx::query_as(CHANGED).bind(generation).fetch_all(executor).await
    })?;
    Ok(rows.into_iter().map(|row| (row.source, row.name)).collect())
}

const TOUCH: &str = "UPDATE project SET generation = $3 WHERE source = $1 AND name = $2";

async fn touch(write: &mut Write, source: &str, name: &ProjectName) -> Result<(), StoreError> {
    let generation = generations::bump(write, Counter::Hosted).await?;
    within!(write, executor => {
        sqlx::query(TOUCH)
            .bind(source)
            .bind(name.as_str())
            .bind(generation)
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}
