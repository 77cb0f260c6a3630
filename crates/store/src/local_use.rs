//! Which projects this gateway's own clients use day by day: read out of the download records, and kept
//! as they were counted last, so that every replica knows the same. Not in the ledger: it can be counted
//! again at any time.

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::LocalUse;
use portcullis_core::time::Timestamp;

use crate::columns::Word;
use crate::db::Db;
use crate::error::StoreError;
use crate::generations::{self, Counter};

const OFTEN: &str = "SELECT project FROM download WHERE at >= $1 AND kind = 'file' \
     GROUP BY project HAVING COUNT(*) >= $2 ORDER BY project";

/// The projects of which files were received at least `least` times since `since`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn often_received(
    db: &Db,
    since: Timestamp,
    least: u32,
) -> Result<Vec<ProjectName>, StoreError> {
    let names: Vec<String> = on!(db, executor => {
        sqlx::query_scalar(OFTEN)
            .bind(since.as_millis())
            .bind(i64::from(least))
            .fetch_all(executor)
            .await
    })?;
    Ok(names
        .iter()
        .filter_map(|name| ProjectName::new(name).ok())
        .collect())
}

/// That a project was received on a day by somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct Visit {
    /// The token that was shown.
    pub token: Option<String>,
    /// The client's address, where no token was shown.
    pub client_addr: Option<String>,
    /// The day, counted from 1970-01-01 (UTC).
    pub day: i64,
}

const VISITS: &str = "SELECT token, CASE WHEN token IS NULL THEN client_addr END AS client_addr, \
     at / 86400000 AS day FROM download WHERE project = $1 AND at >= $2 AND kind = 'file' \
     GROUP BY 1, 2, 3";

/// By whom and on which days files of a project were received since `since`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn visits(
    db: &Db,
    project: &ProjectName,
    since: Timestamp,
) -> Result<Vec<Visit>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(VISITS)
            .bind(project.as_str())
            .bind(since.as_millis())
            .fetch_all(executor)
            .await
    })?)
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Word")]
    project: ProjectName,
    clients: i64,
    days: i64,
}

const ALL: &str = "SELECT project, clients, days FROM local_use ORDER BY project";

/// What was counted last, sorted by project.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all(db: &Db) -> Result<Vec<LocalUse>, StoreError> {
    let rows: Vec<Row> = on!(db, executor => sqlx::query_as(ALL).fetch_all(executor).await)?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let used = rows.into_iter().map(|row| LocalUse {
        project: row.project,
        clients: count(row.clients),
        days: count(row.days),
    });
    Ok(used.collect())
}

const CLEAR: &str = "DELETE FROM local_use";

const INSERT: &str = "INSERT INTO local_use (project, clients, days, at) VALUES ($1, $2, $3, $4)";

/// Keeps what was counted in place of what was counted before.
///
/// # Errors
/// [`StoreError`] when the database fails; what was kept before stays.
pub async fn replace(db: &Db, used: &[LocalUse], now: Timestamp) -> Result<(), StoreError> {
    let mut write = db.begin_write().await?;
    within!(&mut write, executor => sqlx::query(CLEAR).execute(executor).await.map(drop))?;
    for one in used {
        within!(&mut write, executor => {
            sqlx::query(INSERT)
                .bind(one.project.as_str())
                .bind(i64::from(one.clients))
                .bind(i64::from(one.days))
                .bind(now.as_millis())
                .execute(executor)
                .await
                .map(drop)
        })?;
    }
    generations::bump(&mut write, Counter::Feeds).await?;
    write.commit().await
}
