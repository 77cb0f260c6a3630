//! Locks on record: what teams have settled on, whether or not they fetched it here. A lock is replaced
//! as a whole. Reading lock files is `core::pypi::lockfile`; the files themselves are not kept.

use std::fmt;
use std::str::FromStr;

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::lockfile::LockedFiles;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::json;
use sqlx::QueryBuilder;

use crate::columns::{Hash, MaybeHash, Millis, Word, free_text, to_column};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::ledger;

/// The longest name of a lock, in bytes.
const MAX_NAME: usize = 200;

/// The name of a lock: words of letters, digits, `.`, `-` and `_` with slashes between them, such as
/// `payments/build`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct LockName(Box<str>);

/// The text is not the name of a lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a lock: {0:?} (letters, digits, '.', '-' and '_', with '/' between words, at \
     most {MAX_NAME})"
)]
pub struct InvalidLockName(String);

impl FromStr for LockName {
    type Err = InvalidLockName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        match text.len() <= MAX_NAME && text.split('/').all(is_word) {
            true => Ok(Self(text.into())),
            false => Err(InvalidLockName(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<Word> for LockName {
    type Error = InvalidLockName;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

impl LockName {
    /// Whether a client that calls itself `job` builds from this lock: `payments-build-4412` and
    /// `payments/build#4412` do from `payments/build`.
    pub fn is_of_job(&self, job: &str) -> bool {
        let folded = |text: &str| -> String {
            let one = |c: char| match c.is_ascii_alphanumeric() {
                true => c.to_ascii_lowercase(),
                false => '-',
            };
            text.chars().map(one).collect()
        };
        let (name, job) = (folded(&self.0), folded(job));
        let rest = job.strip_prefix(&name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// A lock on record.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Lock {
    /// Its name.
    #[sqlx(try_from = "Word")]
    pub name: LockName,
    /// The form of the file, such as `uv.lock`.
    pub format: String,
    /// The digest of the file.
    #[sqlx(try_from = "Hash")]
    pub digest: Sha256,
    /// How many releases it locks.
    #[sqlx(try_from = "i64")]
    pub entries: u64,
    /// How much of it is no release of an index.
    #[sqlx(try_from = "i64")]
    pub skipped: u64,
    /// The token whose downloads are those of this lock's builds.
    pub token: Option<String>,
    /// Who put it on record.
    pub who: String,
    /// When.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

/// A lock file that is about to be put on record.
#[derive(Clone, Debug)]
pub struct NewLock<'l> {
    /// The name of the lock.
    pub name: &'l LockName,
    /// What the file says.
    pub files: &'l LockedFiles,
    /// The digest of the file.
    pub digest: Sha256,
    /// The token whose downloads are those of this lock's builds.
    pub token: Option<&'l str>,
    /// Who puts it on record.
    pub who: &'l str,
}

const REMOVE_ENTRIES: &str = "DELETE FROM lock_entry WHERE lock_name = $1";

const PUT: &str = "INSERT INTO lock_file (name, format, digest, entries, skipped, token, who, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (name) DO UPDATE SET format = excluded.format, digest = excluded.digest, \
     entries = excluded.entries, skipped = excluded.skipped, token = excluded.token, \
     who = excluded.who, at = excluded.at";

/// Puts a lock on record in the place of what it was before.
///
/// # Errors
/// [`StoreError`] when the database fails; the lock is as it was then.
pub async fn put(db: &Db, lock: &NewLock<'_>, now: Timestamp) -> Result<(), StoreError> {
    let name = lock.name.to_string();
    let (token, who) = (lock.token.map(free_text), free_text(lock.who));
    let entries = to_column(lock.files.entries.len() as u64)?;
    let skipped = to_column(lock.files.skipped.len() as u64)?;
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(REMOVE_ENTRIES).bind(&name).execute(executor).await.map(drop)
    })?;
    within!(&mut write, executor => {
        sqlx::query(PUT)
            .bind(&name)
            .bind(lock.files.format.as_str())
            .bind(lock.digest.as_bytes().as_slice())
            .bind(entries)
            .bind(skipped)
            .bind(&token)
            .bind(&who)
            .bind(now.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    insert_entries(&mut write, &name, lock.files).await?;
    let payload = json!({
        "act": "put", "lock": name, "format": lock.files.format.as_str(), "digest": lock.digest,
        "entries": entries, "token": token, "who": who,
    });
    ledger::append(&mut write, Kind::Lock, &payload, now).await?;
    write.commit().await
}

const INSERT_ENTRY: &str = "INSERT INTO lock_entry (lock_name, project, version, sha256) ";

/// Rows per statement: 4 values each, well under the 32,766 that SQLite binds.
const ROWS_PER_STATEMENT: usize = 1000;

async fn insert_entries(
    write: &mut Write,
    name: &str,
    files: &LockedFiles,
) -> Result<(), StoreError> {
    let rows: Vec<_> = files
        .entries
        .iter()
        .flat_map(|entry| {
            let version = entry.version.as_ref().map(ToString::to_string);
            let hashes = entry.hashes.iter().copied().map(Some);
            let without = entry.hashes.is_empty().then_some(None);
            let hashes = hashes.chain(without);
            hashes.map(move |sha256| (entry.project.as_str(), version.clone(), sha256))
        })
        .collect();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        within!(&mut *write, executor => {
            let mut statement = QueryBuilder::new(INSERT_ENTRY);
            statement.push_values(rows, |mut values, (project, version, sha256)| {
                values
                    .push_bind(name)
                    .push_bind(*project)
                    .push_bind(version.as_deref())
                    .push_bind(sha256.as_ref().map(|sha256| sha256.as_bytes().as_slice()));
            });
            statement.build().execute(executor).await.map(drop)
        })?;
    }
    Ok(())
}

const REMOVE: &str = "DELETE FROM lock_file WHERE name = $1";

/// Takes a lock off the record. Returns whether there was one.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn remove(
    db: &Db,
    name: &LockName,
    who: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = name.to_string();
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(REMOVE_ENTRIES).bind(&text).execute(executor).await.map(drop)
    })?;
    let removed = within!(&mut write, executor => {
        sqlx::query(REMOVE).bind(&text).execute(executor).await.map(|done| done.rows_affected())
    })?;
    if removed == 0 {
        write.rollback().await?;
        return Ok(false);
    }
    let payload = json!({"act": "remove", "lock": text, "who": free_text(who)});
    ledger::append(&mut write, Kind::Lock, &payload, now).await?;
    write.commit().await?;
    Ok(true)
}

const LIST: &str = "SELECT name, format, digest, entries, skipped, token, who, at \
     FROM lock_file ORDER BY name";

/// Every lock, sorted by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(db: &Db) -> Result<Vec<Lock>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(LIST).fetch_all(executor).await)?)
}

/// A release, or one of its files, that a lock names.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LockEntry {
    /// The lock.
    #[sqlx(try_from = "Word", rename = "lock_name")]
    pub lock: LockName,
    /// The token whose downloads are those of this lock's builds.
    pub token: Option<String>,
    /// The version, where the lock tells.
    pub version: Option<String>,
    /// The content, where the lock tells.
    #[sqlx(try_from = "MaybeHash")]
    pub sha256: Option<Sha256>,
}

const OF_PROJECT: &str = "SELECT DISTINCT lock_name, token, version, sha256 FROM lock_entry \
     JOIN lock_file ON name = lock_name WHERE project = $1 ORDER BY lock_name, version";

/// What locks name of a project.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_project(db: &Db, project: &ProjectName) -> Result<Vec<LockEntry>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(OF_PROJECT).bind(project.as_str()).fetch_all(executor).await
    })?)
}

const OF_CONTENT: &str = "SELECT DISTINCT lock_name, token, version, sha256 FROM lock_entry \
     JOIN lock_file ON name = lock_name WHERE sha256 = $1 ORDER BY lock_name";

/// The locks that name a content.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_content(db: &Db, sha256: &Sha256) -> Result<Vec<LockEntry>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(OF_CONTENT).bind(sha256.as_bytes().as_slice()).fetch_all(executor).await
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_with_slashes_between() {
        for text in ["payments/build", "a", "a.b-c_d/E/1"] {
            assert!(text.parse::<LockName>().is_ok(), "{text}");
        }
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a b",
            "../a",
            ".a",
            &"a".repeat(201),
        ] {
            assert!(text.parse::<LockName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_job_is_of_the_lock_whose_name_it_begins_with() {
        let name: LockName = "payments/build".parse().expect("a name");
        for (job, expected) in [
            ("payments-build-4412", true),
            ("Payments/build#4412", true),
            ("payments/build", true),
            ("payments-buildx", false),
            ("payments", false),
            ("", false),
        ] {
            assert_eq!(name.is_of_job(job), expected, "{job}");
        }
    }
}
