//! What mirrors hold, file by file, and why some of it could not be had: what `portcullis mirror status`
//! tells. What is to be mirrored is the configuration's.

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

use crate::columns::{Millis, UnknownWord, Word, free_text, to_column};
use crate::db::Db;
use crate::error::StoreError;

/// How a file of a mirror stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MirrorState {
    /// It is here, inspected and allowed.
    Here,
    /// The policy holds it back for a reviewer.
    Held,
    /// The policy denies it.
    Denied,
    /// The source does not have it.
    Absent,
    /// The source could not be asked.
    Unreachable,
    /// Something else went wrong.
    Failed,
}

impl MirrorState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Here,
        Self::Held,
        Self::Denied,
        Self::Absent,
        Self::Unreachable,
        Self::Failed,
    ];

    /// A word for machines and people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Held => "held",
            Self::Denied => "denied",
            Self::Absent => "absent",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
        }
    }
}

impl TryFrom<Word> for MirrorState {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        let found = Self::ALL
            .into_iter()
            .find(|state| state.as_str() == column.0);
        found.ok_or(UnknownWord {
            what: "a state of a mirrored file",
            text: column.0,
        })
    }
}

/// A file of a mirror, or, with an empty file name, something about a whole project.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Mirrored {
    /// The mirror's name.
    pub mirror: String,
    /// The project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// The file; empty for the project as a whole.
    pub filename: String,
    /// How it stands.
    #[sqlx(try_from = "Word")]
    pub state: MirrorState,
    /// Why it is not here; empty when it is.
    pub why: String,
    /// Its size in bytes, 0 when unknown.
    #[sqlx(try_from = "i64")]
    pub size: u64,
    /// As of when.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

const CLEAR: &str = "DELETE FROM mirrored WHERE mirror = $1 AND project = $2";

const INSERT: &str = "INSERT INTO mirrored (mirror, project, filename, state, why, size, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (mirror, project, filename) DO NOTHING";

/// Keeps how the files of one project stand in a mirror, in place of what was kept of it before.
///
/// # Errors
/// [`StoreError`] when the database fails; what was kept before stays.
pub async fn keep(
    db: &Db,
    mirror: &str,
    project: &ProjectName,
    files: &[Mirrored],
) -> Result<(), StoreError> {
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => {
        sqlx::query(CLEAR).bind(mirror).bind(project.as_str()).execute(executor).await.map(drop)
    })?;
    for file in files {
        let size = to_column(file.size)?;
        within!(&mut write, executor => {
            sqlx::query(INSERT)
                .bind(mirror)
                .bind(project.as_str())
                .bind(&file.filename)
                .bind(file.state.as_str())
                .bind(free_text(&file.why))
                .bind(size)
                .bind(file.at.as_millis())
                .execute(executor)
                .await
                .map(drop)
        })?;
    }
    write.commit().await
}

const FORGET: &str = "DELETE FROM mirrored WHERE mirror = $1 AND at < $2";

/// Forgets what a mirror was last told of before `before`: it does not want that any more.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn forget_before(db: &Db, mirror: &str, before: Timestamp) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(FORGET)
            .bind(mirror)
            .bind(before.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

const ALL: &str = "SELECT mirror, project, filename, state, why, size, at FROM mirrored \
     ORDER BY mirror, project, filename";

/// Everything, sorted by mirror, project and file name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all(db: &Db) -> Result<Vec<Mirrored>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(ALL).fetch_all(executor).await)?)
}
