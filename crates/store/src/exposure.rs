//! Exposure: who received what, and when. Both questions are answered from an index, so that they
//! stay quick over tens of millions of rows. Which versions are meant is matched by the caller.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

use crate::db::Db;
use crate::downloads::{RecordedDownload, download_columns};
use crate::error::StoreError;

/// What is asked about.
#[derive(Clone, Debug)]
pub enum Exposed<'a> {
    /// Every file of a project.
    Project(&'a ProjectName),
    /// One content, whatever it was called.
    Content(&'a Sha256),
}

/// Where the rows before ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The time of the last row.
    pub at: Timestamp,
    /// The number of the last row.
    pub id: i64,
}

/// Which rows are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment, exclusive.
    pub to: Timestamp,
    /// After this row, where earlier ones were had.
    pub after: Option<After>,
    /// At most so many rows.
    pub limit: u32,
}

const BY_PROJECT: &str = concat!(
    "SELECT ",
    download_columns!(),
    " FROM download WHERE project = $1 AND (at, id) > ($2, $3) AND at < $4 \
     ORDER BY at, id LIMIT $5"
);

const BY_CONTENT: &str = concat!(
    "SELECT ",
    download_columns!(),
    " FROM download WHERE sha256 = $1 AND (at, id) > ($2, $3) AND at < $4 \
     ORDER BY at, id LIMIT $5"
);

/// The downloads of what is asked about within the window, in the order of their time.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn downloads(
    db: &Db,
    exposed: &Exposed<'_>,
    window: Window,
) -> Result<Vec<RecordedDownload>, StoreError> {
    let start = After {
        at: window.from,
        id: 0,
    };
    let after = window
        .after
        .filter(|after| after.at >= window.from)
        .unwrap_or(start);
    let rows = on!(db, executor => {
        let statement = match exposed {
            Exposed::Project(project) => sqlx::query_as(BY_PROJECT).bind(project.as_str()),
            Exposed::Content(sha256) => {
                sqlx::query_as(BY_CONTENT).bind(sha256.as_bytes().as_slice())
            }
        };
        statement
            .bind(after.at.as_millis())
            .bind(after.id)
            .bind(window.to.as_millis())
            .bind(i64::from(window.limit))
            .fetch_all(executor)
            .await
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sqlx::{AssertSqlSafe, Row as _};

    #[tokio::test]
    async fn both_questions_are_answered_from_an_index_without_sorting() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("x.db")).await.unwrap();
        let Db::Sqlite { read, .. } = &db else {
            panic!("not SQLite")
        };
        for (statement, index) in [
            (
                BY_PROJECT,
                "download_by_project (project=? AND at>? AND at<?)",
            ),
            (
                BY_CONTENT,
                "download_by_sha256 (sha256=? AND at>? AND at<?)",
            ),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let rows = sqlx::query(explain).fetch_all(read).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            assert_eq!(plan, [format!("SEARCH download USING INDEX {index}")]);
        }
    }
}
