//! [`Victim`]: what is killed, over SQLite and a folder or over PostgreSQL and an object store.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use portcullis_store::Db;
use portcullis_store::blobs::Blobs;

use crate::gateway::{self, Gateway};
use crate::replicas::place::{Place, Replica};

/// A gateway that can be killed while others use it.
pub(super) trait Victim: Sync {
    /// Where it listens, while it runs.
    fn url(&self) -> Option<String>;
    /// A command beside it, ready to be run.
    fn program(&self, arguments: &[&str]) -> Command;
    /// SIGKILL.
    fn kill(&self);
    /// Starts it and waits until it is ready.
    fn start(&self);
    /// Replaces its policy.
    fn write_policy(&self, text: &str);
    /// What its database is called.
    fn database(&self) -> String;
    /// Where its content is kept, and the variables that say how that is reached.
    fn blobs(&self) -> (String, Vec<(OsString, OsString)>);
    /// The folder in which it receives.
    fn scratch(&self) -> PathBuf;

    /// Runs a command beside it that must succeed.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.program(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts it and kills it before it may be ready.
    fn start_and_kill(&self, after: Duration) {
        let mut program = self.program(&["serve", "--listen", "127.0.0.1:0"]);
        program.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = program.spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Its database and its content, opened by this process.
    fn opened(&self, own: &Path) -> (Db, Blobs) {
        let (place, variables) = self.blobs();
        let blobs = Blobs::connect(&place, own, variables).unwrap();
        let database = self.database();
        (
            super::check::in_runtime(Db::open(&database)).unwrap(),
            blobs,
        )
    }
}

/// Over SQLite and a folder.
pub(super) struct Embedded {
    gateway: Mutex<Gateway>,
    url: RwLock<Option<String>>,
    folder: PathBuf,
}

impl Embedded {
    pub(super) fn new(gateway: Gateway) -> Self {
        Self {
            url: RwLock::new(Some(gateway.url().to_owned())),
            folder: gateway.folder().to_owned(),
            gateway: Mutex::new(gateway),
        }
    }
}

impl Victim for Embedded {
    fn url(&self) -> Option<String> {
        self.url.read().unwrap().clone()
    }

    fn program(&self, arguments: &[&str]) -> Command {
        gateway::program(&self.folder, arguments)
    }

    fn kill(&self) {
        *self.url.write().unwrap() = None;
        self.gateway.lock().unwrap().kill();
    }

    fn start(&self) {
        let mut gateway = self.gateway.lock().unwrap();
        gateway.start_again();
        *self.url.write().unwrap() = Some(gateway.url().to_owned());
    }

    fn write_policy(&self, text: &str) {
        std::fs::write(self.folder.join("policy.toml"), text).unwrap();
    }

    fn database(&self) -> String {
        let database = self.gateway.lock().unwrap().database();
        database.display().to_string()
    }

    fn blobs(&self) -> (String, Vec<(OsString, OsString)>) {
        let blobs = self.folder.join("data");
        (blobs.display().to_string(), Vec::new())
    }

    fn scratch(&self) -> PathBuf {
        self.folder.join("data/spool")
    }
}

/// Over PostgreSQL and an object store.
pub(super) struct Replicated<'p> {
    place: &'p Place,
}

impl<'p> Replicated<'p> {
    pub(super) fn new(place: &'p Place) -> Self {
        Self { place }
    }

    fn replica(&self) -> &Replica {
        &self.place.replicas[0]
    }
}

impl Victim for Replicated<'_> {
    fn url(&self) -> Option<String> {
        self.replica().url()
    }

    fn program(&self, arguments: &[&str]) -> Command {
        self.replica().program(arguments)
    }

    fn kill(&self) {
        self.replica().kill();
    }

    fn start(&self) {
        self.replica().start();
    }

    fn write_policy(&self, text: &str) {
        self.place.write_policy(text);
    }

    fn database(&self) -> String {
        self.replica().variable("PORTCULLIS_DATABASE")
    }

    fn blobs(&self) -> (String, Vec<(OsString, OsString)>) {
        let replica = self.replica();
        let variables = replica.environment().iter();
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        (replica.variable("PORTCULLIS_BLOBS"), variables.collect())
    }

    fn scratch(&self) -> PathBuf {
        self.replica().data().join("spool")
    }
}
