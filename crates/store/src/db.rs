//! [`Db`]: SQLite or PostgreSQL behind one SQL text. `on!` runs a statement on either, `within!`
//! inside a transaction. No tables are named here; how long a server is waited for is [`asking`]'s.

pub(crate) mod asking;

use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::time::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::error::StoreError;
use crate::patience::Patience;
use asking::{Asking, Within};

/// Those that a newer program has applied are no reason to refuse: see [`Db::check_compatible`].
static SQLITE_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("./migrations/sqlite");
    migrations.set_ignore_missing(true);
    migrations
});
static POSTGRES_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("./migrations/postgres");
    migrations.set_ignore_missing(true);
    migrations
});

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// An embedded database.
    Sqlite {
        /// Connections that cannot write.
        read: SqlitePool,
        /// The one connection that can: SQLite has one writer at a time, and queueing for it here
        /// is fairer than polling for its lock.
        write: SqlitePool,
    },
    /// A PostgreSQL server, shared by any number of replicas.
    Postgres {
        /// Connections for reading.
        read: PgPool,
        /// The few connections for writing: writers wait for each other, and must not take the
        /// readers' connections while they do.
        write: PgPool,
        /// How long the server is waited for.
        patience: Patience,
    },
}

/// How long a server may take to be there when Portcullis starts: the two are often started together.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// How far the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The last migration that was applied.
    pub version: i64,
    /// How many were applied.
    pub applied: usize,
    /// How many this program knows that were not.
    pub pending: usize,
}

/// Runs `$body` with an executor that reads, in the SQL dialect of the database.
macro_rules! on {
    ($db:expr, $executor:ident => $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite {
                read: $executor, ..
            } => $body,
            $crate::db::Db::Postgres { read, patience, .. } => {
                let $executor = $crate::db::asking::Asking::of(read, *patience);
                $body
            }
        }
    };
}

/// Runs `$body`, a single statement that is a transaction of its own, with an executor that writes.
macro_rules! alone {
    ($db:expr, $executor:ident => $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite {
                write: $executor, ..
            } => $body,
            $crate::db::Db::Postgres {
                write, patience, ..
            } => {
                let $executor = $crate::db::asking::Asking::of(write, *patience);
                $body
            }
        }
    };
}

/// Runs `$body` with the connection of a write transaction.
macro_rules! within {
    ($write:expr, $executor:ident => $body:expr) => {
        match $write {
            $crate::db::Write::Sqlite(transaction) => {
                let $executor = &mut **transaction;
                $body
            }
            $crate::db::Write::Postgres(transaction, patience) => {
                let $executor = $crate::db::asking::Within::of(transaction, *patience);
                $body
            }
        }
    };
}

/// A transaction that writes. It is rolled back when dropped without [`Write::commit`].
pub(crate) enum Write {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>, Patience),
}

impl Write {
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction, patience) => {
                asking::in_time(patience.answer, transaction.commit()).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await?,
            Self::Postgres(transaction, patience) => {
                asking::in_time(patience.answer, transaction.rollback()).await?;
            }
        }
        Ok(())
    }
}

/// Whether a connection can begin another transaction; one that cannot is closed, and another one opened. SQLite
/// rolls back by itself when its disk is full, and then there is nothing left for us to roll back: what counts
/// transactions in the connection takes that for a failure, and for one that is still under way.
async fn is_at_rest(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // Behind a rollback that was asked for and is not done yet.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Held until the transaction ends, so that ledger entries are appended one after the other. It is
/// taken before anything is written, since locks that are taken in one order cannot dead-lock.
const LOCK_LEDGER: &str = "SELECT pg_advisory_xact_lock(20823)";

impl Db {
    /// Opens the database at `location`, `postgres://…` or the path of an SQLite file (with or
    /// without `sqlite:` before it), and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be reached or made, or was made by a newer version.
    pub async fn open(location: &str) -> Result<Self, StoreError> {
        Self::open_patiently(location, Patience::default()).await
    }

    /// The same, with another patience than is usual.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_patiently(location: &str, patience: Patience) -> Result<Self, StoreError> {
        if location.starts_with("postgres://") || location.starts_with("postgresql://") {
            return Self::open_postgres(location, patience).await;
        }
        let path = location.strip_prefix("sqlite:").unwrap_or(location);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(StoreError::Location("it is empty"));
        }
        if path.contains("://") {
            return Err(StoreError::Location("unknown scheme"));
        }
        Self::open_file(Path::new(path), patience).await
    }

    /// Opens or makes the SQLite database in the file `path`.
    ///
    /// `synchronous` is FULL: what was acknowledged survives a power cut, not only a killed
    /// process. Committing in groups makes that affordable.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be opened or made, or was made by a newer version.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(path, Patience::default()).await
    }

    async fn open_file(path: &Path, patience: Patience) -> Result<Self, StoreError> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
                path: folder.display().to_string(),
                source,
            })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(patience.answer)
            .foreign_keys(true);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            // Whoever is before may wait for the file's lock.
            .acquire_timeout(patience.turn + patience.answer)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _| is_at_rest(connection).boxed())
            .connect_with(options.clone())
            .await?;
        SQLITE_MIGRATIONS.run(&write).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(patience.turn)
            .connect_with(options.create_if_missing(false).read_only(true))
            .await?;
        let db = Self::Sqlite { read, write };
        db.check_compatible(&SQLITE_MIGRATIONS).await?;
        Ok(db)
    }

    /// Opens the PostgreSQL database that `url` names. Durability is what the server is set to
    /// (`synchronous_commit`, on by default). Tables are brought up to date over a connection of its own:
    /// what that waits for, other replicas that do the same, may take as long as it takes.
    async fn open_postgres(url: &str, patience: Patience) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?.application_name("portcullis");
        let first = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(STARTED_WITHIN)
            .connect_with(options.clone())
            .await?;
        POSTGRES_MIGRATIONS.run(&first).await?;
        first.close().await;
        let pool = |connections| asking::bounded(connections, patience);
        let write = pool(4).connect_with(options.clone()).await?;
        let read = pool(12).connect_with(options).await?;
        let db = Self::Postgres {
            read,
            write,
            patience,
        };
        db.check_compatible(&POSTGRES_MIGRATIONS).await?;
        Ok(db)
    }

    /// Whether this program may work with tables that a newer one may have made: replicas of two versions
    /// run side by side while one is replaced, and the older one may have to come back.
    async fn check_compatible(&self, migrations: &Migrator) -> Result<(), StoreError> {
        let known = migrations.iter().map(|migration| migration.version).max();
        let known = known.unwrap_or_default();
        let oldest: i64 = on!(self, executor => {
            sqlx::query_scalar("SELECT MAX(oldest) FROM compatibility").fetch_one(executor).await
        })?;
        match oldest <= known {
            true => Ok(()),
            false => Err(StoreError::Newer { oldest, known }),
        }
    }

    /// Whether other replicas may use it at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// `SQLite` or `PostgreSQL`, for people.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Whether the database answers, for readiness probes.
    ///
    /// # Errors
    /// [`StoreError`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        on!(self, executor => sqlx::query("SELECT 1").execute(executor).await.map(drop))?;
        Ok(())
    }

    /// What time it is where the database is. An embedded one has this machine's clock.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        match self {
            Self::Sqlite { .. } => Ok(None),
            Self::Postgres { read, patience, .. } => {
                let read = Asking::of(read, *patience);
                let millis: i64 = sqlx::query_scalar(NOW).fetch_one(read).await?;
                Ok(Some(Timestamp::from_millis(millis)))
            }
        }
    }

    /// Which migrations of the tables were applied. They are all applied when the database is opened, so that
    /// others than this program knows are those of a newer one.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let applied: Vec<i64> =
            on!(self, executor => sqlx::query_scalar(APPLIED).fetch_all(executor).await)?;
        let known = match self {
            Self::Sqlite { .. } => &SQLITE_MIGRATIONS,
            Self::Postgres { .. } => &POSTGRES_MIGRATIONS,
        };
        let pending = known
            .iter()
            .filter(|migration| !applied.contains(&migration.version));
        Ok(Schema {
            version: applied.last().copied().unwrap_or_default(),
            applied: applied.len(),
            pending: pending.count(),
        })
    }

    /// Closes every connection, after what is under way has ended.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
        }
    }

    /// Begins a transaction that may append to the ledger. Only one of them runs at a time, on all
    /// replicas together.
    pub(crate) async fn begin_write(&self) -> Result<Write, StoreError> {
        match self {
            Self::Sqlite { write, .. } => {
                Ok(Write::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?))
            }
            Self::Postgres {
                write, patience, ..
            } => {
                // To begin takes a connection and an answer.
                let limit = patience.turn + patience.answer;
                let mut transaction = asking::in_time(limit, write.begin()).await?;
                let turn = Within::waiting(&mut transaction, patience.turn + patience.answer);
                sqlx::query(LOCK_LEDGER).execute(turn).await?;
                Ok(Write::Postgres(transaction, *patience))
            }
        }
    }
}
