//! Exposure: who received what, and when. Every question is answered from an index that holds all that
//! is counted, so that answers stay quick over tens of millions of rows: [`receipts`] counts without
//! handing out rows, [`each_download`] hands them out one by one. Which versions are meant is matched by
//! the caller, out of [`versions`].

use futures_util::TryStreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use sqlx::QueryBuilder;

use crate::columns::{Millis, Word};
use crate::db::Db;
use crate::downloads::{DownloadKind, RecordedDownload, download_columns};
use crate::error::StoreError;

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub enum Exposed<'a> {
    /// Every file of a project.
    Project(&'a ProjectName),
    /// The files of some versions of a project, written as [`versions`] gives them.
    Releases(&'a ProjectName, &'a [String]),
    /// One content, whatever it was called.
    Content(&'a Sha256),
    /// Everything: the window alone says what is meant.
    Anything,
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment, exclusive.
    pub to: Timestamp,
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

/// All that one identity received of one file.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Receipt {
    /// The project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// The version, where the file name says.
    pub version: Option<String>,
    /// The file.
    pub filename: String,
    /// The name of the token that was shown.
    pub token: Option<String>,
    /// What the client called itself.
    pub job: Option<String>,
    /// The client's address.
    pub client_addr: Option<String>,
    /// What was received of the file.
    #[sqlx(try_from = "Word")]
    pub kind: DownloadKind,
    /// How often.
    #[sqlx(try_from = "i64")]
    pub times: u64,
    /// When first.
    #[sqlx(try_from = "Millis")]
    pub first_at: Timestamp,
    /// When last.
    #[sqlx(try_from = "Millis")]
    pub last_at: Timestamp,
    /// The number of the latest row, for its particulars.
    pub last_id: i64,
}

/// Builds a statement for any of the subjects: `$select`, the condition, and `$rest` behind it. Sorting
/// by `at + 0` keeps the engines from walking all of time for the sake of its order where the subject
/// has an index of its own.
macro_rules! asked {
    ($exposed:expr, $select:expr) => {{
        let mut statement = QueryBuilder::new(concat!("SELECT ", $select, " FROM download WHERE "));
        match $exposed {
            Exposed::Project(project) => {
                statement.push("project = ").push_bind(project.as_str());
                statement.push(" AND ");
            }
            Exposed::Releases(project, versions) => {
                statement.push("project = ").push_bind(project.as_str());
                statement.push(" AND version IN (");
                let mut list = statement.separated(", ");
                for version in versions {
                    list.push_bind(version.as_str());
                }
                statement.push(") AND ");
            }
            Exposed::Content(sha256) => {
                statement
                    .push("sha256 = ")
                    .push_bind(sha256.as_bytes().as_slice());
                statement.push(" AND ");
            }
            Exposed::Anything => {}
        }
        statement
    }};
}

/// The rows after `$after` and before `$to`, in the order of their time.
macro_rules! rows {
    ($exposed:expr, $after:expr, $to:expr, $limit:expr) => {{
        let mut statement = asked!($exposed, download_columns!());
        let time = match $exposed {
            Exposed::Project(_) | Exposed::Anything => "at",
            Exposed::Releases(..) | Exposed::Content(_) => "at + 0",
        };
        statement.push("(").push(time).push(", id) > (");
        statement.push_bind($after.at.as_millis()).push(", ");
        statement.push_bind($after.id).push(") AND ");
        statement.push(time).push(" < ");
        statement.push_bind($to.as_millis());
        statement.push(" ORDER BY ").push(time).push(", id LIMIT ");
        statement.push_bind($limit);
        statement
    }};
}

/// Whether a list of versions that is asked about is empty: nothing can be in an empty list.
fn is_void(exposed: Exposed<'_>) -> bool {
    matches!(exposed, Exposed::Releases(_, []))
}

/// The downloads of what is asked about within the window, in the order of their time.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn downloads(
    db: &Db,
    exposed: &Exposed<'_>,
    window: Window,
) -> Result<Vec<RecordedDownload>, StoreError> {
    if is_void(*exposed) {
        return Ok(Vec::new());
    }
    let start = start_of(window.from);
    let after = window.after.filter(|after| after.at >= window.from);
    let after = after.unwrap_or(start);
    Ok(on!(db, executor => {
        let mut statement = rows!(*exposed, after, window.to, i64::from(window.limit));
        statement.build_query_as().fetch_all(executor).await
    })?)
}

fn start_of(from: Timestamp) -> After {
    After { at: from, id: 0 }
}

/// Calls `act` with every download of what is asked about, in the order of their time, without holding
/// more than one of them. `act` ends it by returning `false`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn each_download(
    db: &Db,
    exposed: Exposed<'_>,
    span: Span,
    mut act: impl FnMut(RecordedDownload) -> bool,
) -> Result<(), StoreError> {
    if is_void(exposed) {
        return Ok(());
    }
    on!(db, executor => {
        let mut statement = rows!(exposed, start_of(span.from), span.to, i64::MAX);
        let mut rows = statement.build_query_as().fetch(executor);
        while let Some(row) = rows.try_next().await? {
            if !act(row) {
                break;
            }
        }
    });
    Ok(())
}

/// What is counted: all of it is in the indexes by release and by content.
macro_rules! receipt_columns {
    () => {
        "project, version, filename, token, job, client_addr, kind, COUNT(*) AS times, \
         MIN(at) AS first_at, MAX(at) AS last_at, MAX(id) AS last_id"
    };
}

const GROUPED: &str = " GROUP BY project, version, filename, token, job, client_addr, kind";

/// Calls `act` with what each identity received of each file within the span, in no particular order.
/// Of a project that is downloaded a million times, this hands out as many receipts as it has pairs of
/// a file and an identity.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn receipts(
    db: &Db,
    exposed: Exposed<'_>,
    span: Span,
    mut act: impl FnMut(Receipt),
) -> Result<(), StoreError> {
    // One version at a time: then its receipts stand together in the index, and nothing is sorted.
    let Exposed::Releases(project, versions) = exposed else {
        return receipts_of(db, exposed, span, &mut act).await;
    };
    for version in versions.chunks(1) {
        receipts_of(db, Exposed::Releases(project, version), span, &mut act).await?;
    }
    Ok(())
}

async fn receipts_of(
    db: &Db,
    exposed: Exposed<'_>,
    span: Span,
    act: &mut impl FnMut(Receipt),
) -> Result<(), StoreError> {
    on!(db, executor => {
        let mut statement = asked!(exposed, receipt_columns!());
        let time = match exposed {
            Exposed::Anything => "at",
            // So that the index that holds everything is taken, and not the one by time.
            _ => "at + 0",
        };
        statement.push(time).push(" >= ").push_bind(span.from.as_millis());
        statement.push(" AND ").push(time).push(" < ").push_bind(span.to.as_millis());
        statement.push(GROUPED);
        let mut rows = statement.build_query_as().fetch(executor);
        while let Some(receipt) = rows.try_next().await? {
            act(receipt);
        }
    });
    Ok(())
}

const BY_IDS: &str = concat!(
    "SELECT ",
    download_columns!(),
    " FROM download WHERE id IN ("
);

/// The rows with these numbers, in the order of their numbers.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn by_ids(db: &Db, ids: &[i64]) -> Result<Vec<RecordedDownload>, StoreError> {
    let mut found = Vec::new();
    for ids in ids.chunks(1000) {
        let rows: Vec<RecordedDownload> = on!(db, executor => {
            let mut statement = QueryBuilder::new(BY_IDS);
            let mut list = statement.separated(", ");
            for id in ids {
                list.push_bind(*id);
            }
            statement.push(") ORDER BY id");
            statement.build_query_as().fetch_all(executor).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// From one version to the next by looking each up, since neither engine leaps from one value of an
/// index to the next by itself.
const VERSIONS: &str = "WITH RECURSIVE known(version) AS ( \
     SELECT MIN(version) FROM download WHERE project = $1 \
     UNION ALL \
     SELECT (SELECT MIN(version) FROM download WHERE project = $1 AND version > known.version) \
     FROM known WHERE known.version IS NOT NULL) \
     SELECT version FROM known WHERE version IS NOT NULL";

/// The versions of a project that were ever downloaded, as their records spell them.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn versions(db: &Db, project: &ProjectName) -> Result<Vec<String>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_scalar(VERSIONS).bind(project.as_str()).fetch_all(executor).await
    })?)
}

const RELEASES_OF_CONTENT: &str = "SELECT DISTINCT project, version FROM download \
     WHERE sha256 = $1 LIMIT 1000";

/// The releases as whose files a content was downloaded.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn releases_of(
    db: &Db,
    sha256: &Sha256,
) -> Result<Vec<(ProjectName, Option<String>)>, StoreError> {
    let rows: Vec<(String, Option<String>)> = on!(db, executor => {
        sqlx::query_as(RELEASES_OF_CONTENT)
            .bind(sha256.as_bytes().as_slice())
            .fetch_all(executor)
            .await
    })?;
    let named = rows.into_iter().map(|(project, version)| {
        let project = ProjectName::new(&project);
        project.map(|project| (project, version))
    });
    let named: Result<_, _> = named.collect();
    named.map_err(|error| StoreError::from(sqlx::Error::Decode(Box::new(error))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sqlx::{AssertSqlSafe, Row as _};

    const AFTER: After = After {
        at: Timestamp::from_millis(1),
        id: 1,
    };

    /// Rows and receipts by turns, for each subject in turn.
    const EXPECTED: &str = "
SEARCH download USING INDEX download_by_project (project=? AND at>? AND at<?)
SEARCH download USING COVERING INDEX download_by_release (project=?)
SEARCH download USING INDEX download_by_release (project=? AND version=?); USE TEMP B-TREE FOR ORDER BY
SEARCH download USING COVERING INDEX download_by_release (project=? AND version=?)
SEARCH download USING INDEX download_by_content (sha256=?); USE TEMP B-TREE FOR ORDER BY
SEARCH download USING COVERING INDEX download_by_content (sha256=?)
SEARCH download USING INDEX download_by_time (at>? AND at<?)
SEARCH download USING INDEX download_by_time (at>? AND at<?); USE TEMP B-TREE FOR GROUP BY
CO-ROUTINE known; SETUP; SEARCH download USING COVERING INDEX download_by_release (project=?); \
RECURSIVE STEP; SCAN known; CORRELATED SCALAR SUBQUERY 2; \
SEARCH download USING COVERING INDEX download_by_release (project=? AND version>?); SCAN known
";

    /// How SQLite goes about a statement.
    async fn plan(statement: &str, values: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("x.db")).await.unwrap();
        let Db::Sqlite { read, .. } = &db else {
            panic!("not SQLite")
        };
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let mut query = sqlx::query(explain);
        for _ in 0..values {
            query = query.bind(1);
        }
        let rows = query.fetch_all(read).await.unwrap();
        rows.iter().map(|row| row.get("detail")).collect()
    }

    #[tokio::test]
    async fn every_question_is_answered_from_an_index() {
        let project = ProjectName::new("x").unwrap();
        let versions = ["1".to_owned()];
        let content = Sha256::of(b"");
        let mut table = String::new();
        for exposed in [
            Exposed::Project(&project),
            Exposed::Releases(&project, &versions),
            Exposed::Content(&content),
            Exposed::Anything,
        ] {
            let rows: QueryBuilder<sqlx::Sqlite> = rows!(exposed, AFTER, AFTER.at, 1_i64);
            let mut receipts: QueryBuilder<sqlx::Sqlite> = asked!(exposed, receipt_columns!());
            receipts.push(match exposed {
                Exposed::Anything => "at >= 1 AND at < 2",
                _ => "at + 0 >= 1 AND at + 0 < 2",
            });
            receipts.push(GROUPED);
            for statement in [rows.sql(), receipts.sql()] {
                let values = statement.as_str().matches('?').count();
                let plan = plan(statement.as_str(), values).await;
                table.push_str(&format!("{}\n", plan.join("; ")));
            }
        }
        table.push_str(&plan(VERSIONS, 1).await.join("; "));
        assert_eq!(table.trim_end(), EXPECTED.trim());
    }
}
