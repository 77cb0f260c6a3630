//! [`Place`]: replicas of the program over one PostgreSQL and one object store, each with links of its own to
//! both, and an index that they all ask.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use portcullis_fixtures::{FixtureIndex, Link};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::gateway::greeted;
use crate::wire::{self, Answer};

/// The servers that tests run on, where there are any.
pub(super) struct Servers {
    postgres: String,
    s3: String,
}

impl Servers {
    /// Those that the environment names; `None` where it names none and need not.
    pub(super) fn find() -> Option<Self> {
        let all = std::env::var("PORTCULLIS_TEST_ALL").is_ok_and(|all| all == "1");
        let server = |variable: &str| {
            let found = std::env::var(variable).ok();
            assert!(
                found.is_some() || !all,
                "PORTCULLIS_TEST_ALL=1, but {variable} is not set"
            );
            found
        };
        Some(Self {
            postgres: server("PORTCULLIS_TEST_POSTGRES")?,
            s3: server("PORTCULLIS_TEST_S3")?,
        })
    }
}

/// Some replicas, and what they share.
pub(super) struct Place {
    pub(super) index: FixtureIndex,
    pub(super) replicas: Vec<Replica>,
    servers: Servers,
    schema: String,
    folder: TempDir,
}

/// One replica, running or not.
pub(super) struct Replica {
    pub(super) name: String,
    pub(super) database: Link,
    pub(super) store: Link,
    environment: Vec<(String, String)>,
    folder: TempDir,
    shared: std::path::PathBuf,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    url: String,
    _greeting: BufReader<ChildStdout>,
}

impl Place {
    /// `count` replicas that run, with `tables` in their configuration.
    pub(super) fn with(count: usize, tables: &str) -> Option<Self> {
        let servers = Servers::find()?;
        let index = FixtureIndex::start_blocking();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), "").unwrap();
        std::fs::write(
            folder.path().join("portcullis.toml"),
            configuration(&index, tables),
        )
        .unwrap();
        let schema = format!("replicas_{}", Uuid::now_v7().simple());
        statement(&servers.postgres, &format!("CREATE SCHEMA {schema}"));
        let bucket = format!("replicas-{}", Uuid::now_v7());
        make_bucket(&servers.s3, &bucket);
        let mut place = Self {
            index,
            replicas: Vec::new(),
            servers,
            schema,
            folder,
        };
        place.replicas = (0..count)
            .map(|number| place.replica(number, &bucket))
            .collect();
        // All at once, over a database without any tables.
        std::thread::scope(|scope| {
            for replica in &place.replicas {
                scope.spawn(|| replica.start());
            }
        });
        Some(place)
    }

    fn replica(&self, number: usize, bucket: &str) -> Replica {
        let postgres = url::Url::parse(&self.servers.postgres).unwrap();
        let s3 = url::Url::parse(&self.servers.s3).unwrap();
        let database = Link::to(address_of(&postgres));
        let store = Link::to(address_of(&s3));
        let mut through = postgres;
        through.set_port(Some(database.address().port())).unwrap();
        through
            .query_pairs_mut()
            .append_pair("options[search_path]", &self.schema);
        let environment = [
            ("PORTCULLIS_DATABASE", through.to_string()),
            ("PORTCULLIS_BLOBS", format!("s3://{bucket}/files")),
            ("AWS_ENDPOINT_URL", format!("http://{}", store.address())),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("PORTCULLIS_LOG_LEVEL", "info,sqlx=warn".to_owned()),
            ("NO_COLOR", "1".to_owned()),
        ];
        Replica {
            name: format!("replica {number}"),
            database,
            store,
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            folder: tempfile::tempdir().unwrap(),
            shared: self.folder.path().to_owned(),
            running: Mutex::default(),
        }
    }

    /// Runs statements in the database that the replicas share.
    pub(super) fn in_the_database(&self, statements: &[&str]) {
        for text in statements {
            let text = text.replace("SCHEMA", &self.schema);
            statement(&self.servers.postgres, &text);
        }
    }

    /// Transactions and bytes of write-ahead log, since whenever.
    pub(super) fn database_sums(&self) -> [f64; 2] {
        const SUMS: &str = "SELECT (xact_commit + xact_rollback)::float8, \
             pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 \
             FROM pg_stat_database WHERE datname = current_database()";
        in_runtime(async {
            let mut connection = PgConnection::connect(&self.servers.postgres).await.unwrap();
            let sums: (f64, f64) = sqlx::query_as(SUMS)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            [sums.0, sums.1]
        })
    }

    pub(super) fn write_policy(&self, text: &str) {
        std::fs::write(self.folder.path().join("policy.toml"), text).unwrap();
    }

    /// Waits until `holds` of every replica, and says how long the last one took.
    pub(super) fn everywhere(&self, what: &str, holds: impl Fn(&Replica) -> bool) -> Duration {
        let begun = Instant::now();
        for replica in &self.replicas {
            while !holds(replica) {
                let waited = begun.elapsed();
                assert!(
                    waited < Duration::from_secs(10),
                    "{what}: {} has not heard of it after {waited:?}",
                    replica.name
                );
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        begun.elapsed()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for replica in &self.replicas {
            replica.kill();
            if std::thread::panicking() {
                eprintln!("the log of {}:\n{}", replica.name, replica.log());
            }
        }
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        statement(&self.servers.postgres, &drop);
    }
}

impl Replica {
    /// `http://127.0.0.1:<port>` where it runs.
    pub(super) fn url(&self) -> Option<String> {
        let running = self.running.lock().unwrap();
        running.as_ref().map(|running| running.url.clone())
    }

    /// GET of a path of a replica that runs.
    pub(super) fn get(&self, path: &str) -> Answer {
        wire::get(&self.url().expect("it runs"), path)
    }

    pub(super) fn page_has(&self, project: &str, text: &str) -> bool {
        self.get(&format!("/simple/{project}/"))
            .text()
            .contains(text)
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let variables = self.environment.iter().map(|(name, value)| (name, value));
        program.env_clear().envs(variables).stdin(Stdio::null());
        program.args(arguments).current_dir(&self.shared);
        program.args(["--config", "portcullis.toml", "--data"]);
        program.arg(self.folder.path());
        program
    }

    /// Runs a command beside it.
    pub(super) fn command(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }

    /// Runs a command beside it that succeeds, and returns what it prints.
    pub(super) fn says(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn start(&self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log.txt"))
            .unwrap();
        let mut command = self.program(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let Some((url, greeting)) = greeted(&mut child) else {
            panic!("{} did not start:\n{}", self.name, self.log());
        };
        *self.running.lock().unwrap() = Some(Running {
            child,
            url,
            _greeting: greeting,
        });
    }

    /// SIGKILL, if it runs.
    pub(super) fn kill(&self) {
        if let Some(mut running) = self.running.lock().unwrap().take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }

    /// SIGTERM, and waits until it has ended as it should.
    pub(super) fn leave(&self) {
        let running = self.running.lock().unwrap().take();
        let mut child = running.expect("it runs").child;
        let process = i32::try_from(child.id()).ok();
        let process = process.and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        let ended = child.wait().unwrap();
        assert!(ended.success(), "{} ended with {ended}", self.name);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default()
    }
}

fn configuration(index: &FixtureIndex, tables: &str) -> String {
    format!(
        "anonymous-read = true\n\
         [sources.hosted]\nkind = \"hosted\"\n\
         [sources.public]\nkind = \"upstream\"\nurl = \"{}\"\n\
         [indexes.main]\ndefault = true\nsources = [\"hosted\", \"public\"]\n\
         policy = \"policy.toml\"\n{tables}",
        index.simple_url()
    )
}

fn address_of(url: &url::Url) -> SocketAddr {
    let addresses = url.socket_addrs(|| None).unwrap();
    addresses[0]
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn statement(url: &str, text: &str) {
    in_runtime(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let text = AssertSqlSafe(text.to_owned());
        sqlx::query(text).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

fn make_bucket(endpoint: &str, bucket: &str) {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
