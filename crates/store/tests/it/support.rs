//! The engines that the stories run on, and short words for what they are about.

use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_core::time::Timestamp;
use portcullis_store::Db;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// An empty database; a file or a schema of its own.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    pub(crate) folder: TempDir,
    schema: Option<(String, String)>,
}

/// The value of an environment variable that names a server to test on.
pub(crate) fn server(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    let all = std::env::var("PORTCULLIS_TEST_ALL").is_ok_and(|all| all == "1");
    assert!(
        found.is_some() || !all,
        "PORTCULLIS_TEST_ALL=1, but {variable} is not set"
    );
    found
}

fn within(url: &str, schema: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options[search_path]={schema}")
}

/// An empty database on every engine.
pub(crate) async fn databases() -> Vec<TestDb> {
    let mut databases = vec![sqlite().await];
    if let Some(url) = server("PORTCULLIS_TEST_POSTGRES") {
        databases.push(postgres(url).await);
    }
    databases
}

pub(crate) async fn sqlite() -> TestDb {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/portcullis.db");
    let db = Db::open(path.to_str().unwrap()).await.unwrap();
    TestDb {
        db,
        folder,
        schema: None,
    }
}

async fn postgres(url: String) -> TestDb {
    let schema = format!("it_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let db = Db::open(&within(&url, &schema)).await.unwrap();
    TestDb {
        db,
        folder: tempfile::tempdir().unwrap(),
        schema: Some((url, schema)),
    }
}

impl TestDb {
    /// Opens the same database once more, as another process would.
    pub(crate) async fn open_again(&self) -> Result<Db, portcullis_store::StoreError> {
        match &self.schema {
            Some((url, schema)) => Db::open(&within(url, schema)).await,
            None => {
                let path = self.folder.path().join("data/portcullis.db");
                Db::open(path.to_str().unwrap()).await
            }
        }
    }

    /// Runs a statement behind the vault's back.
    pub(crate) async fn tamper(&self, statement: &'static str) {
        let rows = match &self.db {
            Db::Sqlite { write, .. } => sqlx::query(statement)
                .execute(write)
                .await
                .unwrap()
                .rows_affected(),
            Db::Postgres { write, .. } => sqlx::query(statement)
                .execute(write)
                .await
                .unwrap()
                .rows_affected(),
        };
        assert!(rows > 0, "{statement}");
    }

    /// Verifies the ledger, and tidies up.
    pub(crate) async fn end(self) {
        portcullis_store::ledger::verify(&self.db).await.unwrap();
        self.end_altered().await;
    }

    /// Tidies up after a story that altered the ledger.
    pub(crate) async fn end_altered(self) {
        self.db.close().await;
        if let Some((url, schema)) = self.schema {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let drop = AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
            sqlx::query(drop).execute(&mut connection).await.unwrap();
        }
    }

    /// The kinds of the ledger's entries, in order.
    pub(crate) async fn kinds(&self) -> Vec<&'static str> {
        let entries = portcullis_store::ledger::entries(&self.db, 1, 1000)
            .await
            .unwrap();
        entries.iter().map(|entry| entry.kind.as_str()).collect()
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn name(text: &str) -> ProjectName {
    ProjectName::new(text).unwrap()
}

pub(crate) fn pattern(text: &str) -> NamePattern {
    text.parse().unwrap()
}
