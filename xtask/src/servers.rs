//! The servers that the tests talk to, PostgreSQL and an S3 imitation, on free ports of 127.0.0.1.
//! They end with the value that holds them; and when this process is killed without a chance to
//! drop it, the kernel tells them (`PR_SET_PDEATHSIG`, through util-linux's setpriv).

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::places::Places;
use crate::run::{command, last_lines, output, succeeds};
use crate::system::{is_root, postgres_programs};

/// Everything that is running. Dropped in the order of the fields: servers, then their files.
pub(crate) struct Servers {
    postgres: Server,
    s3: Server,
    _folder: TemporaryFolder,
}

impl Servers {
    /// Starts both and waits until they answer. Call it from the main thread: the kernel ends the
    /// servers when the thread that started them ends.
    pub(crate) fn start(places: &Places) -> anyhow::Result<Self> {
        let folder = TemporaryFolder::make()?;
        let s3 = start_s3(places, &folder.path)?;
        let postgres = start_postgres(&folder.path)?;
        Ok(Self {
            postgres,
            s3,
            _folder: folder,
        })
    }

    /// The variables that tell the tests what there is, and that nothing may be left out.
    pub(crate) fn variables(&self, places: &Places) -> Vec<(&'static str, OsString)> {
        let postgres = format!(
            "postgres://{DATABASE_USER}@127.0.0.1:{}/postgres",
            self.postgres.port
        );
        let s3 = format!("http://127.0.0.1:{}", self.s3.port);
        vec![
            ("PORTCULLIS_TEST_ALL", "1".into()),
            ("PORTCULLIS_TEST_POSTGRES", postgres.into()),
            ("PORTCULLIS_TEST_S3", s3.into()),
            ("PORTCULLIS_CLIENTS", places.environments().into()),
            (
                "PORTCULLIS_PYTHON",
                places.in_environment("python", "python").into(),
            ),
        ]
    }
}

const DATABASE_USER: &str = "portcullis";

/// A running child process, which is ended by its own id.
struct Server {
    child: Child,
    port: u16,
    /// What makes it end at once, but in good order.
    signal: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let asked = succeeds(command("kill").args(["-s", self.signal, &id]));
        let deadline = Instant::now() + Duration::from_secs(10);
        while asked && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // It is gone already, or will not listen.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that the server's own user can reach, removed when dropped.
struct TemporaryFolder {
    path: PathBuf,
}

const FOLDER_PREFIX: &str = "portcullis-xtask-";

impl TemporaryFolder {
    fn make() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        remove_leftovers(&parent);
        let path = parent.join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        // Made by us or not at all: whoever was there first must not own it.
        DirBuilder::new()
            .mode(0o755)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What killed runs of this user left behind. Nothing depends on it, so failures do not matter.
fn remove_leftovers(parent: &Path) {
    let own = fs::metadata("/proc/self").map(|metadata| metadata.uid());
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix(FOLDER_PREFIX) else {
            continue;
        };
        let is_own = entry.metadata().is_ok_and(|metadata| {
            metadata.is_dir() && own.as_ref().is_ok_and(|own| metadata.uid() == *own)
        });
        if is_own && !Path::new("/proc").join(process).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener
        .local_addr()
        .context("no free port on 127.0.0.1")?
        .port())
}

/// A command whose process is sent `signal` when the thread that started it ends.
fn ended_with_us(program: &Path, signal: &str) -> Command {
    let mut command = command("setpriv");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

fn start_s3(places: &Places, folder: &Path) -> anyhow::Result<Server> {
    let port = free_port()?;
    let log = folder.join("s3.log");
    let mut server = ended_with_us(&places.in_environment("moto", "moto_server"), "TERM");
    server.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    start(server, port, "TERM", &log, is_ready).context("cannot start the S3 imitation")
}

fn start_postgres(folder: &Path) -> anyhow::Result<Server> {
    let programs = postgres_programs().context("PostgreSQL is not installed")?;
    let data = folder.join("postgres");
    DirBuilder::new()
        .mode(0o700)
        .create(&data)
        .context("cannot make a folder for PostgreSQL")?;
    let user = postgres_user()?;
    if let Some((user, group)) = user {
        chown(&data, Some(user), Some(group)).context("cannot hand the folder to PostgreSQL")?;
    }
    let as_user = |mut command: Command| {
        if let Some((user, group)) = user {
            command.uid(user).gid(group);
        }
        command.current_dir(&data);
        command
    };
    let mut make = as_user(command(programs.join("initdb")));
    make.args([
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]);
    output(
        make.arg("--username")
            .arg(DATABASE_USER)
            .arg("--pgdata")
            .arg(&data),
    )?;
    let port = free_port()?;
    let mut server = as_user(ended_with_us(&programs.join("postgres"), "INT"));
    server
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
    for setting in [
        "unix_socket_directories=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=200",
    ] {
        server.args(["-c", setting]);
    }
    let is_ready = || {
        let port = port.to_string();
        let arguments = [
            "-q",
            "-h",
            "127.0.0.1",
            "-U",
            DATABASE_USER,
            "-d",
            "postgres",
        ];
        succeeds(
            command(programs.join("pg_isready"))
                .args(arguments)
                .args(["-p", &port]),
        )
    };
    start(server, port, "INT", &folder.join("postgres.log"), is_ready)
        .context("cannot start PostgreSQL")
}

/// PostgreSQL refuses to run as root, and brings a user of its own.
fn postgres_user() -> anyhow::Result<Option<(u32, u32)>> {
    if !is_root()? {
        return Ok(None);
    }
    let number = |option| -> anyhow::Result<u32> {
        let printed = output(command("id").args([option, "postgres"]))?;
        printed.trim().parse().context("id prints a number")
    };
    Ok(Some((number("-u")?, number("-g")?)))
}

const READY_WITHIN: Duration = Duration::from_secs(60);

fn start(
    mut command: Command,
    port: u16,
    signal: &'static str,
    log: &Path,
    is_ready: impl Fn() -> bool,
) -> anyhow::Result<Server> {
    let file = File::create(log).context("cannot make a log file")?;
    let second = file.try_clone().context("cannot make a log file")?;
    let child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(second)
        .spawn();
    let child = child.context("cannot run setpriv (package util-linux)")?;
    let mut server = Server {
        child,
        port,
        signal,
    };
    let deadline = Instant::now() + READY_WITHIN;
    while !is_ready() {
        let ended = server.child.try_wait().context("cannot watch the server")?;
        if ended.is_some() || Instant::now() > deadline {
            let log = fs::read_to_string(log).unwrap_or_default();
            bail!(
                "it does not answer; its log ends:\n{}",
                last_lines(&log, 20)
            );
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}
