//! `portcullis check` as a build, a hook and an editor run it. No gateway and no client is needed.

mod corpus;
mod forms;
mod integrations;
mod mending;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A project of its own, in which nothing of this machine counts.
pub(super) struct Repository(TempDir);

impl Repository {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::Builder::new().prefix("check-").tempdir().unwrap());
        std::fs::create_dir(repository.0.path().join("home")).unwrap();
        for (path, text) in files {
            repository.write(path, text);
        }
        repository
    }

    /// The folder of its files.
    pub(super) fn folder(&self) -> PathBuf {
        self.0.path().join("project")
    }

    pub(super) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder().join(path)).unwrap()
    }

    /// The home of whoever runs the check.
    pub(super) fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    /// A program in the project, with an environment of its own.
    pub(super) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("XDG_CONFIG_DIRS", self.home().join("site"))
            .current_dir(self.folder());
        command
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("check").args(arguments);
        command
    }

    pub(super) fn check(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

pub(super) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The folder of the program.
pub(super) fn program_folder() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_portcullis"))
        .parent()
        .unwrap()
}
