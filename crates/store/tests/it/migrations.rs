//! Both engines have the same tables, and a database survives being opened again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use portcullis_store::{Db, StoreError};

use crate::support::{databases, sqlite};

/// Tables with their columns and the kind of value in each, and the names of the indexes.
type Shape = (
    BTreeMap<String, BTreeMap<String, &'static str>>,
    BTreeSet<String>,
);

fn shape(engine: &str) -> Shape {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(engine);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|found| found.unwrap().path())
        .collect();
    files.sort();
    let (mut tables, mut indexes) = (BTreeMap::new(), BTreeSet::new());
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        for statement in text
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            if let Some(table) = statement.strip_prefix("CREATE TABLE ") {
                let (name, columns) = table.split_once(" (\n").unwrap();
                let columns = columns.rsplit_once("\n)").unwrap().0;
                tables.insert(
                    name.to_owned(),
                    columns.lines().filter_map(column).collect(),
                );
            } else if let Some(change) = statement.strip_prefix("ALTER TABLE ") {
                let (name, added) = change.split_once(" ADD COLUMN ").unwrap();
                let table: &mut BTreeMap<_, _> = tables.get_mut(name).unwrap();
                table.extend(column(added));
            } else if let Some(told) = statement.strip_prefix("INSERT INTO compatibility ") {
                assert!(told.starts_with("(oldest) VALUES ("), "{statement}");
            } else {
                // Anything else might take something away that an older replica asks for.
                let words: Vec<&str> = statement.split_whitespace().collect();
                assert!(words.contains(&"INDEX"), "not understood: {statement}");
                indexes.insert(words.join(" "));
            }
        }
    }
    (tables, indexes)
}

fn column(line: &str) -> Option<(String, &'static str)> {
    let mut words = line.trim().trim_end_matches(',').split_whitespace();
    let name = words.next().unwrap();
    if ["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].contains(&name) {
        return None;
    }
    let kind = match words.next().unwrap() {
        "INTEGER" | "BIGINT" | "BOOLEAN" => "number",
        "TEXT" => "text",
        "BLOB" | "BYTEA" => "bytes",
        other => panic!("{other} is not a type that both engines have"),
    };
    Some((name.to_owned(), kind))
}

#[test]
fn both_folders_declare_the_same_tables() {
    let (sqlite, postgres) = (shape("sqlite"), shape("postgres"));
    assert_eq!(sqlite, postgres);
    assert!(sqlite.0.len() > 10);
}

#[tokio::test]
async fn a_database_opens_again() {
    let test = sqlite().await;
    let path = test.folder.path().join("data/portcullis.db");
    test.db.close().await;
    let again = Db::open(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    again.ping().await.unwrap();
    assert_eq!(again.engine(), "SQLite");
    again.close().await;
}

#[tokio::test]
async fn sqlite_is_durable_and_readers_cannot_write() {
    let test = sqlite().await;
    let Db::Sqlite { read, write } = &test.db else {
        panic!("not SQLite")
    };
    let (journal,): (String,) = sqlx::query_as("PRAGMA journal_mode")
        .fetch_one(write)
        .await
        .unwrap();
    let (full,): (i64,) = sqlx::query_as("PRAGMA synchronous")
        .fetch_one(write)
        .await
        .unwrap();
    let (keys,): (i64,) = sqlx::query_as("PRAGMA foreign_keys")
        .fetch_one(write)
        .await
        .unwrap();
    assert_eq!((journal.as_str(), full, keys), ("wal", 2, 1));
    assert!(
        sqlx::query("DELETE FROM ledger")
            .execute(read)
            .await
            .is_err()
    );
    test.end().await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_serves_until_that_says_otherwise() {
    for test in databases().await {
        test.tamper(
            "INSERT INTO _sqlx_migrations \
             (version, description, success, checksum, execution_time) \
             SELECT 999999, 'newer', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
        let again = test.open_again().await.unwrap();
        portcullis_store::ledger::verify(&again).await.unwrap();
        again.close().await;
        test.tamper("UPDATE compatibility SET oldest = 999999")
            .await;
        let refused = test.open_again().await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Newer { oldest: 999_999, known } if known >= 21),
            "{refused}"
        );
        test.end().await;
    }
}

#[tokio::test]
async fn what_is_no_location_is_refused_without_repeating_it() {
    for location in ["", "sqlite:", "mysql://root:hunter2@db.example/x"] {
        let error = Db::open(location).await.unwrap_err().to_string();
        assert!(
            error.starts_with("not a database location") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
