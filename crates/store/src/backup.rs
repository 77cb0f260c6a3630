//! Backups of an embedded database and its blobs, taken while Portcullis runs, and their way back.
//! The database is copied first: every blob that it names was in place before its row was. A
//! server's database is backed up by its own tools.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _};
use portcullis_core::digest::Sha256;
use portcullis_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sqlx::{Connection as _, SqliteConnection};

use crate::blobs::{BlobError, Blobs};
use crate::db::Db;

/// The name of the database file, in a backup and in a data directory.
pub const DATABASE_FILE: &str = "portcullis.db";

/// The name of the file that lists what a backup holds. It is written last: without it, a backup is
/// not finished.
pub const MANIFEST_FILE: &str = "manifest.json";

const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// When the backup was begun.
    pub created_at: Timestamp,
    /// Every file but the manifest.
    pub files: Vec<ManifestFile>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Where it is within the backup, with forward slashes.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its content.
    pub sha256: Sha256,
}

/// A backup could not be taken, verified or brought back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is on a server.
    #[error(
        "the database is on a PostgreSQL server: back it up with pg_dump, and the blobs with the \
         tools of the object store, the database first"
    )]
    NotEmbedded,
    /// The target holds something already.
    #[error("{0} is not empty")]
    NotEmpty(PathBuf),
    /// There is no finished backup there.
    #[error("{path} holds no finished backup: {why}")]
    NoBackup {
        /// Where it was looked for.
        path: PathBuf,
        /// What is missing or wrong.
        why: String,
    },
    /// A file of the backup is not what the manifest says.
    #[error("{path} is not what the manifest says: {why}")]
    Mismatch {
        /// The file, within the backup.
        path: String,
        /// What differs.
        why: String,
    },
    /// The database could not be copied.
    #[error("the database could not be copied: {0}")]
    Database(#[from] sqlx::Error),
    /// A blob could not be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}

fn blob_path(sha256: &Sha256) -> String {
    let hex = sha256.to_hex();
    format!("blobs/sha256/{}/{hex}", &hex[..2])
}

/// Takes a backup into `target`, which must not exist or be empty. Blobs are linked where `target`
/// is on their file system, and copied elsewhere; every one is verified.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup, as it has no manifest.
pub async fn backup(
    db: &Db,
    blobs: &Blobs,
    target: &Path,
    now: Timestamp,
) -> Result<Manifest, BackupError> {
    let Db::Sqlite { read, .. } = db else {
        return Err(BackupError::NotEmbedded);
    };
    make_empty_folder(target)?;
    let database = target.join(DATABASE_FILE);
    let mut connection = SqliteConnection::connect_with(&read.connect_options()).await?;
    sqlx::query("VACUUM INTO $1")
        .bind(database.display().to_string())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    let mut files = vec![describe_elsewhere(target, DATABASE_FILE).await?];
    let mut listed = blobs.list();
    while let Some(blob) = listed.try_next().await? {
        files.push(copy_blob(blobs, &blob.sha256, target).await?);
    }
    files[1..].sort_by(|one, other| one.path.cmp(&other.path));
    let manifest = Manifest {
        format: FORMAT,
        created_at: now,
        files,
    };
    write_manifest(target, &manifest)?;
    Ok(manifest)
}

fn make_empty_folder(target: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(target).map_err(at(target))?;
    match fs::read_dir(target).map_err(at(target))?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty(target.to_owned())),
    }
}

async fn copy_blob(
    blobs: &Blobs,
    sha256: &Sha256,
    target: &Path,
) -> Result<ManifestFile, BackupError> {
    let relative = blob_path(sha256);
    let path = target.join(&relative);
    let folder = path.parent().unwrap_or(target);
    fs::create_dir_all(folder).map_err(at(folder))?;
    let linked = blobs
        .local_path(sha256)?
        .is_some_and(|from| fs::hard_link(from, &path).is_ok());
    if !linked {
        let mut chunks = blobs.open_for_inspection(sha256).await?.whole();
        let mut file = File::create_new(&path).map_err(at(&path))?;
        while let Some(chunk) = chunks.next().await {
            file.write_all(&chunk?).map_err(at(&path))?;
        }
        file.sync_all().map_err(at(&path))?;
    }
    let copied = describe_elsewhere(target, &relative).await?;
    if copied.sha256 != *sha256 {
        return Err(BackupError::Blob(BlobError::Altered {
            expected: *sha256,
            actual: copied.sha256,
        }));
    }
    Ok(copied)
}

fn describe(root: &Path, relative: &str) -> Result<ManifestFile, BackupError> {
    let path = root.join(relative);
    let (sha256, size) = hash_file(&path).map_err(at(&path))?;
    Ok(ManifestFile {
        path: relative.to_owned(),
        size,
        sha256,
    })
}

/// Hashes on a thread where blocking does no harm, for those who serve at the same time.
async fn describe_elsewhere(root: &Path, relative: &str) -> Result<ManifestFile, BackupError> {
    let (owned_root, owned_relative) = (root.to_owned(), relative.to_owned());
    let described =
        tokio::task::spawn_blocking(move || describe(&owned_root, &owned_relative)).await;
    described.map_err(|error| at(&root.join(relative))(io::Error::other(error)))?
}

fn hash_file(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let (mut hasher, mut size) = (sha2::Sha256::new(), 0);
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let length = reader.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        hasher.update(&chunk[..length]);
        size += length as u64;
    }
    Ok((Sha256::from_bytes(hasher.finalize().into()), size))
}

fn write_manifest(target: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let path = target.join(MANIFEST_FILE);
    let text = serde_json::to_vec_pretty(manifest).map_err(|error| BackupError::Io {
        path: path.clone(),
        source: error.into(),
    })?;
    let partial = target.join("manifest.partial");
    let mut file = File::create_new(&partial).map_err(at(&partial))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(at(&partial))?;
    fs::rename(&partial, &path).map_err(at(&path))?;
    File::open(target)
        .and_then(|folder| folder.sync_all())
        .map_err(at(target))
}

/// Verifies that everything a backup's manifest lists is there and has its digest. Blocks while it
/// reads the whole backup.
///
/// # Errors
/// [`BackupError`] at the first file that does not hold.
pub fn verify_backup(folder: &Path) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(folder)?;
    for expected in &manifest.files {
        check_path(expected)?;
        let found = describe(folder, &expected.path)?;
        compare(expected, &found)?;
    }
    Ok(manifest)
}

fn read_manifest(folder: &Path) -> Result<Manifest, BackupError> {
    let no_backup = |why: String| BackupError::NoBackup {
        path: folder.to_owned(),
        why,
    };
    let text =
        fs::read(folder.join(MANIFEST_FILE)).map_err(|error| no_backup(error.to_string()))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| no_backup(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(no_backup(format!(
            "format {} is not known",
            manifest.format
        )));
    }
    if manifest
        .files
        .first()
        .is_none_or(|file| file.path != DATABASE_FILE)
    {
        return Err(no_backup("it lists no database first".to_owned()));
    }
    Ok(manifest)
}

/// A manifest names the database and blobs, and nothing else: no path of its choice is ever
/// written.
fn check_path(file: &ManifestFile) -> Result<(), BackupError> {
    if file.path == DATABASE_FILE || file.path == blob_path(&file.sha256) {
        return Ok(());
    }
    Err(BackupError::Mismatch {
        path: file.path.clone(),
        why: "neither the database nor a blob under its digest".to_owned(),
    })
}

fn compare(expected: &ManifestFile, found: &ManifestFile) -> Result<(), BackupError> {
    let why = if found.size != expected.size {
        format!("{} bytes instead of {}", found.size, expected.size)
    } else if found.sha256 != expected.sha256 {
        format!("digest {} instead of {}", found.sha256, expected.sha256)
    } else {
        return Ok(());
    };
    Err(BackupError::Mismatch {
        path: expected.path.clone(),
        why,
    })
}

/// Brings a backup back into `data_dir`, which must not exist or be empty: the database as
/// [`DATABASE_FILE`], the blobs in `blobs/`. Everything is verified before the first file is
/// written, and again as it is written; the database comes last. Blocks until everything is on
/// disk.
///
/// # Errors
/// [`BackupError`]; a `data_dir` without a database was not brought back whole.
pub fn restore(folder: &Path, data_dir: &Path) -> Result<Manifest, BackupError> {
    let manifest = verify_backup(folder)?;
    make_empty_folder(data_dir)?;
    for file in manifest.files.iter().rev() {
        restore_file(folder, data_dir, file)?;
    }
    Ok(manifest)
}

fn restore_file(folder: &Path, data_dir: &Path, file: &ManifestFile) -> Result<(), BackupError> {
    let target = data_dir.join(&file.path);
    let parent = target.parent().unwrap_or(data_dir);
    fs::create_dir_all(parent).map_err(at(parent))?;
    let partial = data_dir.join("restoring.partial");
    fs::copy(folder.join(&file.path), &partial).map_err(at(&target))?;
    let (sha256, size) = hash_file(&partial).map_err(at(&partial))?;
    let found = ManifestFile {
        path: file.path.clone(),
        size,
        sha256,
    };
    compare(file, &found)?;
    File::open(&partial)
        .and_then(|copy| copy.sync_all())
        .map_err(at(&partial))?;
    fs::rename(&partial, &target).map_err(at(&target))?;
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(at(parent))
}
