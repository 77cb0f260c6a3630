//! Asking a PostgreSQL server, and not for ever: a server that is gone, silent or slow costs whoever asks a
//! bounded time, and the pool nothing. SQLite bounds its waits itself (`busy_timeout`).
//!
//! **Invariant:** nothing is awaited of a PostgreSQL server without a limit, except while it starts.

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use futures_util::{FutureExt as _, TryStreamExt as _};
use sqlx::postgres::{PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    Connection as _, Describe, Either, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    Transaction,
};

use crate::patience::Patience;

/// A transaction that its replica has left alone for so long is ended by the server: with its replica cut off
/// it would otherwise keep the turn to write from all others for hours.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

/// The part of the wait for a connection in which one that is there has to show that it lives.
const ALIVE: u32 = 5;

/// What every connection is told once. `lock_timeout` bounds the wait for the turn to write.
const SETTINGS: &str = "SELECT set_config('lock_timeout', $1, false), \
     set_config('idle_in_transaction_session_timeout', $2, false)";

/// Options of a pool whose connections are waited for within `patience`.
pub(super) fn bounded(connections: u32, patience: Patience) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience.turn)
        .after_connect(move |connection, _| {
            async move {
                let millis = |limit: Duration| limit.as_millis().to_string();
                let told = sqlx::query(SETTINGS)
                    .bind(millis(patience.answer))
                    .bind(millis(ABANDONED_AFTER))
                    .execute(connection);
                in_time(patience.answer, told).await.map(drop)
            }
            .boxed()
        })
        // Instead of the pool's own test, which waits for a dead connection as long as for all of them.
        .test_before_acquire(false)
        .before_acquire(move |connection, _| is_alive(connection, patience).boxed())
        // A connection on which somebody has given up would wait for its answer before it is used again,
        // with its place in the pool. It is closed instead.
        .after_release(move |connection, _| is_alive(connection, patience).boxed())
}

/// Whether a connection answers, and soon: another one is opened where it does not.
async fn is_alive(connection: &mut PgConnection, patience: Patience) -> sqlx::Result<bool> {
    let answer = in_time(patience.turn / ALIVE, connection.ping()).await;
    Ok(answer.is_ok())
}

/// What a server answers, or an error when it takes too long.
pub(super) async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let answer = tokio::time::timeout(limit, answer).await;
    answer.unwrap_or_else(|_| Err(silent(limit)))
}

fn silent(limit: Duration) -> sqlx::Error {
    let what = format!("no answer within {:.1} s", limit.as_secs_f64());
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, what))
}

/// The same items, each of them within `limit`.
fn each_in_time<T: Send + 'static>(
    items: BoxStream<'_, sqlx::Result<T>>,
    limit: Duration,
) -> BoxStream<'_, sqlx::Result<T>> {
    stream::try_unfold(items, move |mut items| async move {
        let item = in_time(limit, items.try_next()).await?;
        Ok(item.map(|item| (item, items)))
    })
    .boxed()
}

/// A pool, asked with patience.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'p> {
    pool: &'p PgPool,
    limit: Duration,
}

impl<'p> Asking<'p> {
    pub(crate) fn of(pool: &'p PgPool, patience: Patience) -> Self {
        Self {
            pool,
            // The first piece of an answer takes a connection besides.
            limit: patience.turn + patience.answer,
        }
    }
}

impl<'p> Executor<'p> for Asking<'p> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        each_in_time(self.pool.fetch_many(query), self.limit)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        in_time(self.limit, self.pool.fetch_optional(query)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'p: 'e,
    {
        in_time(self.limit, self.pool.prepare_with(sql, parameters)).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'p: 'e,
    {
        in_time(self.limit, self.pool.describe(sql)).boxed()
    }
}

/// A transaction, asked with patience.
#[derive(Debug)]
pub(crate) struct Within<'t> {
    connection: &'t mut PgConnection,
    limit: Duration,
}

impl<'t> Within<'t> {
    pub(crate) fn of(
        transaction: &'t mut Transaction<'static, Postgres>,
        patience: Patience,
    ) -> Self {
        Self::waiting(transaction, patience.answer)
    }

    pub(super) fn waiting(
        transaction: &'t mut Transaction<'static, Postgres>,
        limit: Duration,
    ) -> Self {
        Self {
            connection: &mut *transaction,
            limit,
        }
    }
}

impl<'t> Executor<'t> for Within<'t> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        't: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        each_in_time(self.connection.fetch_many(query), self.limit)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        't: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        in_time(self.limit, self.connection.fetch_optional(query)).boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        't: 'e,
    {
        in_time(self.limit, self.connection.prepare_with(sql, parameters)).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        't: 'e,
    {
        in_time(self.limit, self.connection.describe(sql)).boxed()
    }
}
