//! How long exposure takes to answer: fills a database with made-up download records and asks what a
//! bad day asks. Run as
//! `cargo xtask with cargo run --release -p portcullis-store --example exposure -- ROWS [sqlite|postgres]`;
//! it asks SQLite, and PostgreSQL too where `PORTCULLIS_TEST_POSTGRES` is set, and leaves nothing behind.
//! Ten million rows take 7 GB at a time. They are not in the ledger, so that such a database does not
//! verify.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, run by hand"
)]

use std::time::{Duration, Instant};

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_store::Db;
use portcullis_store::exposure::{self, Exposed, Span};
use sqlx::AssertSqlSafe;

/// The first download.
const START: i64 = 1_760_000_000_000;

/// The days over which the downloads are spread.
const DAYS: i64 = 400;

/// Rows by one statement.
const BATCH: i64 = 500_000;

/// Every tenth row is of `hot`, 17 are of `rare`, the others of 2,000 projects with 50 versions each;
/// 40 tokens, 5,000 names of jobs, 250 addresses.
const FILL: &str = "INSERT INTO download (id, at, index_name, source, project, version, filename, \
     sha256, size, kind, token, job, client_addr, user_agent, installer, installer_version, python, ci) \
     WITH RECURSIVE series(i) AS (SELECT CAST({from} AS BIGINT) UNION ALL \
     SELECT i + 1 FROM series WHERE i < {to}), \
     named AS (SELECT i, i / 10 % 50 AS minor, \
     CASE WHEN i % {rare} = 1 THEN 'rare' WHEN i % 10 = 0 THEN 'hot' \
     ELSE 'project-' || CAST(i * 7919 % 2000 AS TEXT) END AS project FROM series) \
     SELECT i, {start} + i * {step}, 'main', 'pypi', project, '1.' || CAST(minor AS TEXT), \
     project || '-1.' || CAST(minor AS TEXT) || '-py3-none-any.whl', \
     CAST(substr('00000000000000000000000000000000' || project || CAST(minor AS TEXT), \
     length(project || CAST(minor AS TEXT)) + 1) AS {bytes}), 100000, 'file', \
     'team-' || CAST(i / 10 % 40 AS TEXT), 'build-' || CAST(i / 70 % 5000 AS TEXT), \
     '10.2.8.' || CAST(i * 13 % 250 AS TEXT), 'pip/26.3', 'pip', '26.3', '3.13.1', {true} FROM named";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: i64 = arguments
        .next()
        .map_or(1_000_000, |rows| rows.parse().unwrap());
    let only = arguments.next();
    let wanted = |engine: &str| only.as_ref().is_none_or(|only| only == engine);
    if wanted("sqlite") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exposure.db");
        let db = Db::open_sqlite(&path).await.unwrap();
        measure(&db, rows).await;
        let size = std::fs::metadata(path).unwrap().len() >> 20;
        println!("  the file has {size} MiB");
    }
    if let Ok(url) = std::env::var("PORTCULLIS_TEST_POSTGRES")
        && wanted("postgres")
    {
        let schema = "exposure_example";
        let admin = Db::open(&url).await.unwrap();
        run(&admin, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await;
        run(&admin, &format!("CREATE SCHEMA {schema}")).await;
        let separator = if url.contains('?') { '&' } else { '?' };
        let place = format!("{url}{separator}options[search_path]={schema}");
        let db = Db::open(&place).await.unwrap();
        measure(&db, rows).await;
        db.close().await;
        run(&admin, &format!("DROP SCHEMA {schema} CASCADE")).await;
    }
}

async fn run(db: &Db, statement: &str) {
    let statement = AssertSqlSafe(statement);
    match db {
        Db::Sqlite { write, .. } => drop(sqlx::query(statement).execute(write).await.unwrap()),
        Db::Postgres { write, .. } => drop(sqlx::query(statement).execute(write).await.unwrap()),
    }
}

async fn fill(db: &Db, rows: i64) {
    let is_sqlite = matches!(db, Db::Sqlite { .. });
    let indexes = indexes(db).await;
    for (name, _) in &indexes {
        run(db, &format!("DROP INDEX {name}")).await;
    }
    let step = DAYS * Timestamp::DAY / rows;
    for from in (1..=rows).step_by(BATCH as usize) {
        let statement = FILL
            .replace("{from}", &from.to_string())
            .replace("{to}", &(from + BATCH - 1).min(rows).to_string())
            .replace("{rare}", &(rows / 17).to_string())
            .replace("{start}", &START.to_string())
            .replace("{step}", &step.to_string())
            .replace("{bytes}", if is_sqlite { "BLOB" } else { "BYTEA" })
            .replace("{true}", if is_sqlite { "1" } else { "TRUE" });
        run(db, &statement).await;
    }
    for (_, statement) in &indexes {
        run(db, statement).await;
    }
    // As the engines do by themselves after a while of many rows.
    match is_sqlite {
        true => run(db, "PRAGMA wal_checkpoint(TRUNCATE)").await,
        false => run(db, "VACUUM (ANALYZE) download").await,
    }
}

/// The names of the indexes and the statements that make them.
async fn indexes(db: &Db) -> Vec<(String, String)> {
    const SQLITE: &str = "SELECT name, sql FROM sqlite_master \
         WHERE type = 'index' AND tbl_name = 'download' AND sql IS NOT NULL";
    const POSTGRES: &str = "SELECT indexname::TEXT, indexdef FROM pg_indexes \
         WHERE tablename = 'download' AND schemaname = current_schema() \
         AND indexname <> 'download_pkey'";
    match db {
        Db::Sqlite { write, .. } => sqlx::query_as(SQLITE).fetch_all(write).await.unwrap(),
        Db::Postgres { write, .. } => sqlx::query_as(POSTGRES).fetch_all(write).await.unwrap(),
    }
}

async fn measure(db: &Db, rows: i64) {
    let begun = Instant::now();
    fill(db, rows).await;
    println!(
        "{}: {rows} rows, made in {:.0?}",
        db.engine(),
        begun.elapsed()
    );
    let all = span(0, DAYS + 1);
    let day = span(200, 201);
    for (what, project, versions, within) in [
        ("a rare project", "rare", None, all),
        ("a project of the 2,000", "project-7", None, all),
        ("two versions of a hot project", "hot", Some(2), all),
        ("the same in one day", "hot", Some(2), day),
        ("a hot project in one day", "hot", None, day),
        ("a hot project", "hot", None, all),
    ] {
        let project = ProjectName::new(project).unwrap();
        ask(what, async || {
            let Some(versions) = versions else {
                return receipts(db, Exposed::Project(&project), within).await;
            };
            let mut known = exposure::versions(db, &project).await.unwrap();
            known.truncate(versions);
            receipts(db, Exposed::Releases(&project, &known), within).await
        })
        .await;
    }
    for (what, project) in [("a rare content", "rare"), ("a hot content", "hot")] {
        let sha256 = content(db, project).await;
        let exposed = Exposed::Content(&sha256);
        ask(what, async || receipts(db, exposed, all).await).await;
    }
    for (what, hours) in [
        ("two hours", 2),
        ("a day", 24),
        ("a week", 7 * 24),
        ("30 days", 30 * 24),
    ] {
        let within = Span {
            to: day.from.plus_millis(hours * 3_600_000),
            ..day
        };
        let question = async || receipts(db, Exposed::Anything, within).await;
        ask(&format!("a window of {what}"), question).await;
    }
    let project = ProjectName::new("hot").unwrap();
    let mut known = exposure::versions(db, &project).await.unwrap();
    known.truncate(2);
    ask("every row of two versions of a hot project", async || {
        every_row(db, Exposed::Releases(&project, &known), all).await
    })
    .await;
}

fn span(from: i64, to: i64) -> Span {
    Span {
        from: Timestamp::from_millis(START + from * Timestamp::DAY),
        to: Timestamp::from_millis(START + to * Timestamp::DAY),
    }
}

async fn content(db: &Db, project: &str) -> Sha256 {
    let project = ProjectName::new(project).unwrap();
    let mut found = None;
    let exposed = Exposed::Project(&project);
    exposure::each_download(db, exposed, span(0, DAYS + 1), |row| {
        found = Some(row.download.sha256);
        false
    })
    .await
    .unwrap();
    found.unwrap()
}

/// How many downloads and how many receipts there are.
async fn receipts(db: &Db, exposed: Exposed<'_>, within: Span) -> (u64, u64) {
    let (mut downloads, mut receipts) = (0, 0);
    let count = |receipt: exposure::Receipt| {
        downloads += receipt.times;
        receipts += 1;
    };
    exposure::receipts(db, exposed, within, count)
        .await
        .unwrap();
    (downloads, receipts)
}

async fn every_row(db: &Db, exposed: Exposed<'_>, within: Span) -> (u64, u64) {
    let mut rows = 0;
    exposure::each_download(db, exposed, within, |_| {
        rows += 1;
        true
    })
    .await
    .unwrap();
    (rows, rows)
}

/// Asks five times and tells the first and the middle answer's time.
async fn ask(what: &str, question: impl AsyncFn() -> (u64, u64)) {
    let mut times: Vec<Duration> = Vec::new();
    let mut found = (0, 0);
    for _ in 0..5 {
        let begun = Instant::now();
        found = question().await;
        times.push(begun.elapsed());
    }
    let first = times[0];
    times.sort();
    let (downloads, receipts) = found;
    println!(
        "  {what}: {downloads} downloads, {receipts} receipts: first {first:.1?}, middle {:.1?}",
        times[2]
    );
}
