//! What was really asked for in a span of time, grouped, so that a policy can be tried on it: files that
//! were received, by whom and on which day, and files that were refused. Judging is elsewhere.

use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

use crate::columns::{Millis, Word};
use crate::db::Db;
use crate::error::StoreError;

/// A span of time, its end exclusive.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment after its last.
    pub to: Timestamp,
}

/// A file that was received, on one day by one team.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Received {
    /// Through which index.
    #[sqlx(rename = "index_name")]
    pub index: String,
    /// Which file.
    pub filename: String,
    /// Who: what the client calls its job, else the token's name, else empty.
    pub team: String,
    /// When it was received first on that day.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// How often it was received on that day.
    pub times: i64,
}

/// A file or a name that was refused.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Refused {
    /// By which index.
    #[sqlx(rename = "index_name")]
    pub index: String,
    /// Which file; empty where the name was refused.
    pub filename: String,
    /// Whether it was held or denied.
    #[sqlx(try_from = "Word")]
    pub effect: Effect,
    /// The rule that decided.
    pub rule: String,
    /// When that was decided last.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

const RECEIVED_PROJECTS: &str = "SELECT DISTINCT project FROM download WHERE at >= $1 AND at < $2 AND kind = 'file' \
     ORDER BY project";

const REFUSED_PROJECTS: &str = "SELECT DISTINCT project FROM decision WHERE at >= $1 AND at < $2 \
     AND effect IN ('hold', 'deny') AND superseded_at IS NULL ORDER BY project";

/// The projects of which something was received or refused within the span, in the order of the
/// alphabet.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn projects(db: &Db, span: Span) -> Result<Vec<ProjectName>, StoreError> {
    let mut names: Vec<String> = Vec::new();
    for statement in [RECEIVED_PROJECTS, REFUSED_PROJECTS] {
        let found: Vec<String> = on!(db, executor => {
            sqlx::query_scalar(statement)
                .bind(span.from.as_millis())
                .bind(span.to.as_millis())
                .fetch_all(executor)
                .await
        })?;
        names.extend(found);
    }
    names.sort_unstable();
    names.dedup();
    // A name that cannot be read was not written by this program, and nothing can be judged of it.
    Ok(names
        .iter()
        .filter_map(|name| ProjectName::new(name).ok())
        .collect())
}

const RECEIVED: &str = "SELECT index_name, filename, COALESCE(job, token, '') AS team, \
     MIN(at) AS at, COUNT(*) AS times FROM download \
     WHERE project = $1 AND at >= $2 AND at < $3 AND kind = 'file' \
     GROUP BY index_name, filename, COALESCE(job, token, ''), at / 86400000 \
     ORDER BY 4, 1, 2, 3";

/// What was received of a project within the span, a row for each index, file, team and day (UTC).
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn received(
    db: &Db,
    project: &ProjectName,
    span: Span,
) -> Result<Vec<Received>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(RECEIVED)
            .bind(project.as_str())
            .bind(span.from.as_millis())
            .bind(span.to.as_millis())
            .fetch_all(executor)
            .await
    })?)
}

const REFUSED: &str = "SELECT index_name, filename, effect, rule, at FROM decision \
     WHERE project = $1 AND at >= $2 AND at < $3 AND effect IN ('hold', 'deny') \
     AND superseded_at IS NULL ORDER BY at, index_name, filename";

/// What was refused of a project within the span and not decided otherwise since.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn refused(
    db: &Db,
    project: &ProjectName,
    span: Span,
) -> Result<Vec<Refused>, StoreError> {
    Ok(on!(db, executor => {
        sqlx::query_as(REFUSED)
            .bind(project.as_str())
            .bind(span.from.as_millis())
            .bind(span.to.as_millis())
            .fetch_all(executor)
            .await
    })?)
}
