//! [`Gateway`]: the program under test in a process of its own, with a data directory that is thrown
//! away, and its log kept for the test that fails.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use portcullis_fixtures::FixtureIndex;
use tempfile::TempDir;

use crate::wire::{self, Answer};

/// Which source the configuration lists first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Hosted,
    Upstream,
}

/// A gateway before it runs: what its files say, and what is done before it starts.
pub(crate) struct Setup {
    upstream: String,
    first: First,
    owned: Vec<String>,
    policy: String,
    reading: String,
    tables: String,
    prepared: Vec<Vec<String>>,
    files: Vec<(String, String)>,
    socket: Option<TcpListener>,
}

/// A running gateway with the sources `hosted` and `public`. It ends when dropped.
pub(crate) struct Gateway {
    folder: TempDir,
    running: Running,
}

struct Running {
    child: Child,
    url: String,
    /// Kept, so that the pipe stays open.
    _greeting: BufReader<ChildStdout>,
}

/// A gateway in front of `index`. Pages are asked for again each time, so that a changed or stopped
/// index acts at once.
pub(crate) fn before(index: &FixtureIndex) -> Setup {
    Setup {
        upstream: index.simple_url(),
        first: First::Hosted,
        owned: Vec::new(),
        policy: String::new(),
        reading: String::new(),
        tables: String::new(),
        prepared: Vec::new(),
        files: Vec::new(),
        socket: None,
    }
}

impl Setup {
    pub(crate) fn first(mut self, first: First) -> Self {
        self.first = first;
        self
    }

    pub(crate) fn owned(mut self, pattern: &str) -> Self {
        self.owned.push(pattern.to_owned());
        self
    }

    pub(crate) fn policy(mut self, text: &str) -> Self {
        text.clone_into(&mut self.policy);
        self
    }

    /// Nobody reads without a token.
    pub(crate) fn reading_with_token(mut self) -> Self {
        self.reading = "anonymous-read = false\n".to_owned();
        self
    }

    /// Further tables of the configuration.
    pub(crate) fn tables(mut self, text: &str) -> Self {
        text.clone_into(&mut self.tables);
        self
    }

    /// Runs a command before the gateway starts.
    pub(crate) fn prepare(mut self, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        self.prepared.push(arguments.collect());
        self
    }

    /// Has a file beside its configuration.
    pub(crate) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Is handed this listening socket, as systemd would.
    pub(crate) fn socket(mut self, socket: &TcpListener) -> Self {
        self.socket = Some(socket.try_clone().unwrap());
        self
    }

    pub(crate) fn start(self) -> Gateway {
        let folder = tempfile::Builder::new().prefix("gateway-").tempdir();
        let folder = folder.unwrap();
        std::fs::write(folder.path().join("policy.toml"), &self.policy).unwrap();
        std::fs::write(folder.path().join("portcullis.toml"), self.configuration()).unwrap();
        for (name, text) in &self.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        for arguments in &self.prepared {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            run(folder.path(), &arguments);
        }
        let running = serve(folder.path(), self.socket);
        Gateway { folder, running }
    }

    fn configuration(&self) -> String {
        let sources = match self.first {
            First::Hosted => r#""hosted", "public""#,
            First::Upstream => r#""public", "hosted""#,
        };
        let (upstream, owned, reading) = (&self.upstream, &self.owned, &self.reading);
        format!(
            "{reading}\
             [sources.hosted]\nkind = \"hosted\"\n\
             [sources.public]\nkind = \"upstream\"\nurl = \"{upstream}\"\nfresh-for = \"0s\"\n\
             [indexes.main]\ndefault = true\nsources = [{sources}]\npolicy = \"policy.toml\"\n\
             [names]\nowned = {owned:?}\n{}",
            self.tables
        )
    }
}

impl Gateway {
    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> &str {
        &self.running.url
    }

    /// What installers point at.
    pub(crate) fn simple_url(&self) -> String {
        format!("{}/simple/", self.url())
    }

    /// The same with credentials in it.
    pub(crate) fn simple_url_with(&self, token: &str) -> String {
        let address = self.url().trim_start_matches("http://");
        format!("http://__token__:{token}@{address}/simple/")
    }

    /// What publishers point at.
    pub(crate) fn upload_url(&self) -> String {
        format!("{}/legacy/", self.url())
    }

    pub(crate) fn database(&self) -> PathBuf {
        let data = std::fs::read_dir(self.folder.path().join("data")).unwrap();
        let mut files = data.map(|entry| entry.unwrap().path());
        let is_database = |path: &PathBuf| {
            let ending = path.extension().and_then(|ending| ending.to_str());
            matches!(ending, Some("db" | "sqlite" | "sqlite3"))
        };
        files.find(is_database).expect("a database file")
    }

    /// Runs a command beside the gateway; it must succeed. Returns what it printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        run(self.folder.path(), arguments)
    }

    /// Runs a command beside the gateway, whatever comes of it.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        program(self.folder.path(), arguments).output().unwrap()
    }

    /// Where the gateway's configuration lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file beside the gateway's configuration.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A new token with this scope.
    pub(crate) fn token(&self, name: &str, scope: &str) -> String {
        let printed = self.command(&["token", "create", name, "--scope", scope]);
        let token = printed.trim().to_owned();
        assert!(token.starts_with("pc_"), "no token: {printed:?}");
        token
    }

    /// GET of a path, for example `/simple/flask/`.
    pub(crate) fn get(&self, path: &str) -> Answer {
        wire::get(self.url(), path)
    }

    /// SIGKILL: no chance to write anything down.
    pub(crate) fn kill(&mut self) {
        self.running.child.kill().unwrap();
        self.running.child.wait().unwrap();
    }

    /// Serves again from the same data, on another port.
    pub(crate) fn start_again(&mut self) {
        self.running = serve(self.folder.path(), None);
    }

    /// Starts it again, and kills it while it starts or not long after.
    pub(crate) fn start_and_kill(&self, after: std::time::Duration) {
        let mut command = program(self.folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        command
            .stdout(Stdio::null())
            .stderr(appended(self.folder.path()));
        let mut child = command.spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.running.child.id()
    }

    /// SIGTERM: it ends when it has finished what it does.
    pub(crate) fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = i32::try_from(self.process()).ok();
        let process = process.and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        self.running.child.wait().unwrap()
    }

    /// Another process over the same files, which is handed the same socket.
    pub(crate) fn successor(&self, socket: &TcpListener) -> Successor {
        Successor(serve(self.folder.path(), Some(socket.try_clone().unwrap())))
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(log_file(self.folder.path())).unwrap_or_default()
    }
}

/// A second process over the files of a gateway. It ends when dropped.
pub(crate) struct Successor(Running);

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = self.0.child.kill();
        let _ = self.0.child.wait();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.running.child.kill();
        let _ = self.running.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the gateway:\n{}", self.log());
        }
    }
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("log.txt")
}

fn appended(folder: &Path) -> File {
    let mut appending = File::options();
    let log = appending.create(true).append(true).open(log_file(folder));
    log.unwrap()
}

/// A command over the files in `folder`, as [`Gateway::command`] runs them.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    program.env_clear().current_dir(folder);
    program.env("PORTCULLIS_LOG_LEVEL", "info,sqlx=warn");
    program.env("NO_COLOR", "1").args(arguments);
    program
        .args(["--config", "portcullis.toml"])
        .args(["--data", "data"]);
    program.stdin(Stdio::null());
    program
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = program(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?} failed: {output:#?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A shell that becomes the program, with its standard input as the socket that is handed over: a socket
/// keeps its number only where unsafe code sees to it.
fn with_socket(folder: &Path, arguments: &[&str], socket: TcpListener) -> Command {
    let direct = program(folder, arguments);
    let mut shell = Command::new("/bin/sh");
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
    shell.env_clear().current_dir(folder).args(["-c", script]);
    shell.arg(direct.get_program()).args(direct.get_args());
    let set = direct
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    shell.envs(set).stdin(std::os::fd::OwnedFd::from(socket));
    shell
}

fn serve(folder: &Path, socket: Option<TcpListener>) -> Running {
    let log = appended(folder);
    let mut command = match socket {
        Some(socket) => with_socket(folder, &["serve"], socket),
        None => program(folder, &["serve", "--listen", "127.0.0.1:0"]),
    };
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let Some((url, greeting)) = greeted(&mut child) else {
        let _ = child.wait();
        let log = std::fs::read_to_string(log_file(folder)).unwrap_or_default();
        panic!("the gateway did not start:\n{log}");
    };
    Running {
        child,
        url,
        _greeting: greeting,
    }
}

/// Waits until the program that was started has greeted: its address, and the pipe, which has to stay open.
/// `None`, with what it said, when it ends before.
pub(crate) fn greeted(child: &mut Child) -> Option<(String, BufReader<ChildStdout>)> {
    let mut greeting = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ready in") {
        if greeting.read_line(&mut said).unwrap() == 0 {
            eprintln!("{said}");
            return None;
        }
    }
    let index = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("index "));
    let index = index.expect("the greeting names the index").trim();
    let url = index.strip_suffix("/simple/").unwrap().to_owned();
    Some((url, greeting))
}
