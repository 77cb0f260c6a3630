//! A database that is locked, gone, silent or slow: whoever asks is told within a bound, and nothing has to be
//! opened again when it is back.

use std::future::Future;
use std::time::{Duration, Instant};

use portcullis_core::pypi::name::ProjectName;
use portcullis_fixtures::{Cut, Link};
use portcullis_store::pins::{self, NewPin};
use portcullis_store::{Db, Patience, StoreError, Trouble};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use crate::support::{at, name, server};

/// What is waited here.
const PATIENCE: Patience = Patience {
    turn: Duration::from_millis(400),
    answer: Duration::from_millis(400),
    kept: Duration::from_millis(400),
};

/// Far more than any sum of waits, and far less than for ever.
const BOUND: Duration = Duration::from_secs(20);

async fn bounded<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = tokio::time::timeout(BOUND, work).await;
    done.unwrap_or_else(|_| panic!("{what} was not over after {:?}", begun.elapsed()))
}

/// Something that is written, with its ledger entry.
async fn write(db: &Db, project: &ProjectName, filename: &str) -> Result<(), StoreError> {
    let pin = NewPin {
        filename: filename.to_owned(),
        sha256: portcullis_core::digest::Sha256::of(filename.as_bytes()),
        size: 1,
    };
    Box::pin(pins::pin(db, "public", project, &pin, at(1)))
        .await
        .map(drop)
}

async fn read(db: &Db, project: &ProjectName) -> Result<usize, StoreError> {
    Ok(pins::pins(db, "public", project).await?.len())
}

#[track_caller]
fn trouble<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Trouble {
    Trouble::from(&result.expect_err("it should have failed"))
}

#[tokio::test]
async fn a_file_that_another_program_has_locked_is_read_and_waited_for_within_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portcullis.db");
    let db = Db::open_patiently(path.to_str().unwrap(), PATIENCE)
        .await
        .unwrap();
    let foo = name("foo");
    write(&db, &foo, "before").await.unwrap();
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let files = ["a", "b", "c"];
    let writes = files.map(|file| bounded("a write", write(&db, &foo, file)));
    for written in futures_util::future::join_all(writes).await {
        let trouble = trouble(written);
        assert!(
            matches!(trouble, Trouble::Locked | Trouble::Unanswered),
            "{trouble:?}"
        );
    }
    assert_eq!(
        trouble(bounded("a write", write(&db, &foo, "d")).await),
        Trouble::Locked
    );
    assert_eq!(read(&db, &foo).await.unwrap(), 1);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    for file in files {
        bounded("a write", write(&db, &foo, file)).await.unwrap();
    }
    assert_eq!(read(&db, &foo).await.unwrap(), 4);
    portcullis_store::ledger::verify(&db).await.unwrap();
    eprintln!("4 writes to a locked file refused, 0 lost");
}

/// PostgreSQL, asked over a line that can be cut.
struct Far {
    link: Link,
    db: Db,
    url: String,
    schema: String,
}

impl Far {
    async fn open() -> Option<Self> {
        let url = server("PORTCULLIS_TEST_POSTGRES")?;
        let schema = format!("outages_{}", Uuid::now_v7().simple());
        run(&url, &format!("CREATE SCHEMA {schema}")).await;
        let mut through = url::Url::parse(&url).unwrap();
        let target = through.socket_addrs(|| Some(5432)).unwrap()[0];
        let link = Link::to(target);
        through.set_host(Some("127.0.0.1")).unwrap();
        through.set_port(Some(link.address().port())).unwrap();
        through
            .query_pairs_mut()
            .append_pair("options[search_path]", &schema);
        let db = Db::open_patiently(through.as_str(), PATIENCE)
            .await
            .unwrap();
        Some(Self {
            link,
            db,
            url,
            schema,
        })
    }

    /// Reads and writes, all of which are to fail within the bound; some are given up earlier by those who asked.
    async fn fails(&self, project: &ProjectName) -> usize {
        let asked = (0..24).map(|number| async move {
            let file = format!("lost-{number}");
            match number % 4 {
                0 => trouble(bounded("a write", write(&self.db, project, &file)).await),
                1 => trouble(bounded("a read", read(&self.db, project)).await),
                2 => {
                    let given_up = tokio::time::timeout(
                        Duration::from_millis(150),
                        write(&self.db, project, &file),
                    );
                    given_up.await.map_or(Trouble::Unanswered, trouble)
                }
                _ => {
                    let given_up =
                        tokio::time::timeout(Duration::from_millis(150), read(&self.db, project));
                    given_up.await.map_or(Trouble::Unanswered, trouble)
                }
            }
        });
        let failed = futures_util::future::join_all(asked).await;
        assert!(
            failed.iter().all(|trouble| *trouble == Trouble::Unanswered),
            "{failed:?}"
        );
        failed.len()
    }

    /// Waits until it works again, which nobody has to do anything for.
    async fn works(&self, project: &ProjectName, file: &str) {
        let again = async {
            while write(&self.db, project, file).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            while read(&self.db, project).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        bounded("coming back", again).await;
    }

    async fn end(self) {
        portcullis_store::ledger::verify(&self.db).await.unwrap();
        drop(self.link);
        run(&self.url, &format!("DROP SCHEMA {} CASCADE", self.schema)).await;
    }
}

async fn run(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let statement = AssertSqlSafe(statement.to_owned());
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_is_told_within_a_bound_and_used_again_when_it_is_back() {
    let Some(far) = Far::open().await else { return };
    let foo = name("foo");
    write(&far.db, &foo, "before").await.unwrap();
    let mut failed = 0;
    for (number, cut) in [Cut::Silent, Cut::Reset, Cut::Silent]
        .into_iter()
        .enumerate()
    {
        far.link.cut(cut);
        failed += far.fails(&foo).await;
        far.link.mend();
        far.works(&foo, &format!("after-{number}")).await;
    }
    eprintln!("{failed} questions to a silent or gone server failed in time, 0 wrong");
    far.end().await;
}

/// As a firewall does it that is restarted: the connections are there, and nothing ever comes over them.
#[tokio::test]
async fn connections_that_are_silent_for_ever_do_not_keep_their_places() {
    let Some(far) = Far::open().await else { return };
    let foo = name("foo");
    for round in 0..3 {
        // All connections of both pools are open then.
        let busy = (0..24).map(|number| {
            let (db, foo) = (&far.db, &foo);
            async move {
                write(db, foo, &format!("{round}-{number}")).await.unwrap();
                read(db, foo).await.unwrap();
            }
        });
        futures_util::future::join_all(busy).await;
        far.link.forget_connections();
        let begun = Instant::now();
        far.works(&foo, &format!("after-{round}")).await;
        eprintln!("came back after {:?}", begun.elapsed());
    }
    far.end().await;
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let Some(far) = Far::open().await else { return };
    let foo = name("foo");
    far.link.slow_down(Duration::from_millis(15));
    for number in 0..3 {
        write(&far.db, &foo, &format!("{number}")).await.unwrap();
    }
    assert_eq!(read(&far.db, &foo).await.unwrap(), 3);
    far.link.mend();
    far.end().await;
}

#[tokio::test]
async fn the_turn_to_write_is_waited_for_within_a_bound_and_not_kept_by_the_dead() {
    let Some(far) = Far::open().await else { return };
    let foo = name("foo");
    let mut other = PgConnection::connect(&far.url).await.unwrap();
    let mut holding = other.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(20823)")
        .execute(&mut *holding)
        .await
        .unwrap();
    let refused = bounded("a write", write(&far.db, &foo, "a")).await;
    holding.rollback().await.unwrap();
    assert_eq!(trouble(refused), Trouble::Locked);
    far.works(&foo, "a").await;
    let Db::Postgres { write, .. } = &far.db else {
        panic!("not PostgreSQL")
    };
    // That the server acts on it is the server's; that every connection asks for it is ours.
    let left_alone: String = sqlx::query_scalar("SHOW idle_in_transaction_session_timeout")
        .fetch_one(write)
        .await
        .unwrap();
    assert_eq!(left_alone, "1min");
    far.end().await;
}
