//! Publishing a file: the row that makes it exist. Its bytes are in the vault before this is
//! called. The unique key on source and file name is the arbiter between uploads that race.

use portcullis_core::digest::Sha256;
use portcullis_core::index::OwnedBy;
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;
use serde_json::json;

use super::{HostedFile, file_within, touch};
use crate::columns::{free_text, to_column};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::{ledger, names};

/// A file that is about to exist.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The hosted source that gets it.
    pub source: String,
    /// Its project.
    pub project: ProjectName,
    /// The project's name as the upload spells it.
    pub display_name: String,
    /// Its version.
    pub version: Version,
    /// Its file name, which was checked to be one.
    pub filename: String,
    /// What the upload form calls it: `bdist_wheel` or `sdist`.
    pub filetype: String,
    /// The digest of its content, which the vault has.
    pub sha256: Sha256,
    /// The MD5 of its content.
    pub md5: [u8; 16],
    /// The BLAKE2b-256 of its content.
    pub blake2_256: [u8; 32],
    /// Its size in bytes.
    pub size: u64,
    /// When it was uploaded.
    pub upload_time: Timestamp,
    /// Its `Requires-Python`.
    pub requires_python: Option<String>,
    /// The digest of the blob with its METADATA, which the vault has.
    pub metadata_sha256: Option<Sha256>,
    /// Its metadata, as JSON text.
    pub metadata_json: String,
    /// The name of the token that uploads it.
    pub uploader: String,
}

/// The answer to a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The file exists from now on.
    New,
    /// The same bytes were published under this name before; nothing changed.
    Identical,
    /// Other bytes have this name.
    Conflict {
        /// The file that has it.
        existing: Box<HostedFile>,
    },
    /// A deleted file had this name; it is never used again, not even for the same bytes.
    NameUsed,
}

const INSERT_PROJECT: &str = "INSERT INTO project \
     (source, name, display_name, created_at, generation) VALUES ($1, $2, $3, $4, 0) \
     ON CONFLICT (source, name) DO NOTHING";

const INSERT_FILE: &str = "INSERT INTO file \
     (source, project, version, filename, filetype, sha256, md5, blake2_256, size, upload_time, \
      requires_python, metadata_sha256, metadata_json, uploader, yanked) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, FALSE) \
     ON CONFLICT (source, filename) DO NOTHING";

const REVIVE_PROJECT: &str = "UPDATE project SET deleted_at = NULL WHERE source = $1 AND name = $2";

/// Publishes a file: its row, its project, the ownership of the project's name, the ledger entry
/// and the generation, all or nothing.
///
/// # Errors
/// [`StoreError`] when the database fails; the file is not published then.
pub async fn publish(db: &Db, new: &NewFile, now: Timestamp) -> Result<Published, StoreError> {
    let mut write = db.begin_write().await?;
    insert_project(&mut write, new, now).await?;
    if !insert_file(&mut write, new).await? {
        let existing = file_within(&mut write, &new.source, &new.filename).await?;
        write.rollback().await?;
        return Ok(judge_existing(existing, new));
    }
    revive_project(&mut write, new).await?;
    let pattern = NamePattern::Exact(new.project.clone());
    let who = free_text(&new.uploader);
    names::own_within(&mut write, &pattern, OwnedBy::Published, &who, now).await?;
    let payload = json!({
        "source": new.source, "project": new.project, "version": new.version.to_string(),
        "filename": new.filename, "sha256": new.sha256, "size": new.size, "who": who,
    });
    ledger::append(&mut write, Kind::Publication, &payload, now).await?;
    touch(&mut write, &new.source, &new.project).await?;
    write.commit().await?;
    Ok(Published::New)
}

fn judge_existing(existing: HostedFile, new: &NewFile) -> Published {
    if existing.deleted_at.is_some() {
        return Published::NameUsed;
    }
    if existing.sha256 == new.sha256 && existing.project == new.project {
        return Published::Identical;
    }
    Published::Conflict {
        existing: Box::new(existing),
    }
}

async fn insert_project(
    write: &mut Write,
    new: &NewFile,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(write, executor => {
        sqlx::query(INSERT_PROJECT)
            .bind(&new.source)
            .bind(new.project.as_str())
            .bind(free_text(&new.display_name))
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

async fn revive_project(write: &mut Write, new: &NewFile) -> Result<(), StoreError> {
    within!(write, executor => {
        sqlx::query(REVIVE_PROJECT)
            .bind(&new.source)
            .bind(new.project.as_str())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Whether the row is ours; `false` when the name was taken.
async fn insert_file(write: &mut Write, new: &NewFile) -> Result<bool, StoreError> {
    let size = to_column(new.size)?;
    let metadata_sha256 = new
        .metadata_sha256
        .as_ref()
        .map(|digest| digest.as_bytes().as_slice());
    let inserted = within!(write, executor => {
        sqlx::query(INSERT_FILE)
            .bind(&new.source)
            .bind(new.project.as_str())
            .bind(new.version.to_string())
            .bind(&new.filename)
            .bind(&new.filetype)
            .bind(new.sha256.as_bytes().as_slice())
            .bind(new.md5.as_slice())
            .bind(new.blake2_256.as_slice())
            .bind(size)
            .bind(new.upload_time.as_millis())
            .bind(new.requires_python.as_deref().map(free_text))
            .bind(metadata_sha256)
            .bind(&new.metadata_json)
            .bind(free_text(&new.uploader))
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(inserted == 1)
}
