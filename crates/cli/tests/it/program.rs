//! Running a client: an environment with nothing of this machine in it, a folder of its own, a
//! deadline, and what it showed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(120);

/// Where the clients are: one virtual environment a folder.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    folder: PathBuf,
}

impl Clients {
    /// The clients of this machine; `None`, with a line that says so, where there are none.
    pub(crate) fn find() -> Option<Self> {
        let folder = std::env::var_os("PORTCULLIS_CLIENTS");
        let all = std::env::var("PORTCULLIS_TEST_ALL").is_ok_and(|all| all == "1");
        assert!(
            folder.is_some() || !all,
            "PORTCULLIS_TEST_ALL=1, but PORTCULLIS_CLIENTS is not set"
        );
        if folder.is_none() {
            eprintln!("skipped: PORTCULLIS_CLIENTS is not set (cargo xtask with …)");
        }
        folder.map(|folder| Self {
            folder: folder.into(),
        })
    }

    /// A program of one environment.
    pub(crate) fn program(&self, environment: &str, program: &str) -> PathBuf {
        self.folder.join(environment).join("bin").join(program)
    }

    /// The interpreter that has nothing to do with any client.
    pub(crate) fn python(&self) -> PathBuf {
        self.program("python", "python")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A folder for one run of one client: its home, its caches, its project.
#[derive(Debug)]
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("desk-").tempdir();
        let desk = Self(folder.unwrap());
        for part in ["home", "project", "dist"] {
            std::fs::create_dir(desk.path(part)).unwrap();
        }
        desk
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.0.path().join(part)
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path("project").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// A program that starts in the project, and that knows nothing of this machine's settings.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path("project"));
        command
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.0.path());
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8");
        // What is cut at the margin of a terminal would be cut elsewhere on the next machine.
        command
            .env("COLUMNS", "1000")
            .env("NO_COLOR", "1")
            .env("PYTHONWARNINGS", "ignore");
        command
    }

    /// Runs it to its end, which comes after two minutes at the latest.
    pub(crate) fn run(&self, command: &mut Command) -> Shown {
        let path = self.path("screen.txt");
        let screen = File::create(&path).unwrap();
        let both = screen.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(screen).stderr(both);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let start = Instant::now();
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if start.elapsed() > DEADLINE {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let text = text.replace(self.0.path().to_str().unwrap(), "[desk]");
        assert!(code.is_some(), "no end of {command:?}:\n{text}");
        Shown {
            code: code.unwrap_or(-1),
            text,
        }
    }

    /// The distributions in a folder of packages, with their versions.
    pub(crate) fn received(site: &Path) -> BTreeMap<String, String> {
        let Ok(entries) = std::fs::read_dir(site) else {
            return BTreeMap::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pair = |name: String| {
            let (project, version) = name.strip_suffix(".dist-info")?.rsplit_once('-')?;
            Some((portcullis_fixtures::normalized(project), version.to_owned()))
        };
        names.filter_map(pair).collect()
    }
}

/// What a program showed, standard output and error as they came.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) code: i32,
    pub(crate) text: String,
}
