//! [`Machine`]: where tools look for their files, as far as it depends on the machine and the user. Linux
//! and macOS; what other systems do is not known here, and refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::failure;

/// The machine that tools run on.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// The environment variables.
    pub(super) variables: BTreeMap<String, String>,
    /// The root of the file system.
    pub(super) root: PathBuf,
    /// The user's home directory.
    pub(super) home: Option<PathBuf>,
    /// The folder that the command runs in.
    pub(super) folder: PathBuf,
    /// Whether folders are where macOS has them.
    pub(super) system: System,
}

/// Whose habits count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum System {
    /// The XDG directories.
    #[default]
    Linux,
    /// `~/Library/Application Support`, as `platformdirs` knows it.
    Mac,
}

/// A file, and its text where it is there.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) text: Option<String>,
}

impl Machine {
    /// This machine, as this process sees it.
    pub(super) fn this() -> anyhow::Result<Self> {
        let system = match std::env::consts::OS {
            "macos" => System::Mac,
            "windows" => {
                return Err(failure(
                    "where tools have their files on Windows is not known to this command",
                    "set PIP_INDEX_URL, UV_DEFAULT_INDEX and the like as docs/installers.md says",
                ));
            }
            _ => System::Linux,
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let variables: BTreeMap<String, String> = variables.collect();
        let home = variables.get("HOME").filter(|home| !home.is_empty());
        Ok(Self {
            home: home.map(PathBuf::from),
            variables,
            root: PathBuf::from("/"),
            folder: std::env::current_dir().context("the current folder cannot be told")?,
            system,
        })
    }

    /// The value of a variable that is set to something.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.trim().is_empty()).then_some(value.as_str())
    }

    /// A path from the root of the file system.
    pub(super) fn at_root(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The home directory.
    pub(super) fn home(&self) -> anyhow::Result<&Path> {
        self.home.as_deref().ok_or_else(|| {
            failure(
                "HOME is not set, so that nobody knows where the user's files are",
                "set HOME, or take another --scope",
            )
        })
    }

    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub(super) fn configuration(&self) -> anyhow::Result<PathBuf> {
        match self.variable("XDG_CONFIG_HOME") {
            Some(folder) => Ok(folder.into()),
            None => Ok(self.home()?.join(".config")),
        }
    }

    /// Where `platformdirs` has a user's configuration of a program.
    pub(super) fn platform_configuration(&self, program: &str) -> anyhow::Result<PathBuf> {
        match self.system {
            System::Linux => Ok(self.configuration()?.join(program)),
            System::Mac => Ok(self
                .home()?
                .join("Library/Application Support")
                .join(program)),
        }
    }

    /// `$XDG_CONFIG_DIRS`, the most important first, or `/etc/xdg`.
    pub(super) fn shared_configuration(&self) -> Vec<PathBuf> {
        match self.variable("XDG_CONFIG_DIRS") {
            Some(list) => std::env::split_paths(list).collect(),
            None => vec![self.at_root("etc/xdg")],
        }
    }

    /// The folder of what this program remembers for the user: `$XDG_STATE_HOME`, or `~/.local/state`.
    pub(super) fn state(&self) -> anyhow::Result<PathBuf> {
        let folder = match self.variable("XDG_STATE_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => self.home()?.join(".local/state"),
        };
        Ok(folder.join("portcullis/config"))
    }

    /// The virtual environment that is active, or the one in this folder.
    pub(super) fn virtual_environment(&self) -> Option<PathBuf> {
        let active = ["VIRTUAL_ENV", "CONDA_PREFIX"];
        let active = active.into_iter().find_map(|name| self.variable(name));
        let usual = self.folder.join(".venv");
        let usual = usual.join("pyvenv.cfg").is_file().then_some(usual);
        active.map(PathBuf::from).or(usual)
    }

    /// The nearest folder upwards that has a file of this name.
    pub(super) fn upwards(&self, name: &str) -> Option<PathBuf> {
        let mut folders = self.folder.ancestors();
        let folder = folders.find(|folder| folder.join(name).is_file())?;
        Some(folder.join(name))
    }
}

impl Found {
    /// Reads a file that need not be there.
    pub(super) fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if is_absent(&error) => None,
            Err(error) => {
                return Err(failure(
                    format!("cannot read {}: {error}", path.display()),
                    "repair it; what it says could lead a tool elsewhere",
                ));
            }
        };
        Ok(Self { path, text })
    }

    /// Reads a file that must be there.
    pub(super) fn of_project(
        path: Option<PathBuf>,
        name: &str,
    ) -> anyhow::Result<(PathBuf, String)> {
        let absent = || {
            failure(
                format!("there is no {name} in this folder or above"),
                "run the command in the project that is meant",
            )
        };
        let found = Self::read(path.ok_or_else(absent)?)?;
        Ok((found.path, found.text.ok_or_else(absent)?))
    }
}

/// Whether a file is simply not there.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
