//! Where things are: the repository, cargo's target directory, and what these commands keep in it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The directories that the commands work in.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Everything these commands install, inside cargo's target directory.
    pub(crate) kept: PathBuf,
}

impl Places {
    /// The repository is where this file was compiled; the target directory is where cargo put the
    /// program, whatever its configuration or `CARGO_TARGET_DIR` said.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is in a folder")?;
        let program = std::env::current_exe().context("cannot find out where xtask runs")?;
        let target = program
            .ancestors()
            .nth(2)
            .context("cargo puts programs two folders deep")?;
        Ok(Self {
            root: root.to_owned(),
            kept: target.join("xtask"),
        })
    }

    /// One virtual environment a folder.
    pub(crate) fn environments(&self) -> PathBuf {
        self.kept.join("venvs")
    }

    /// A program inside one of the virtual environments.
    pub(crate) fn in_environment(&self, folder: &str, program: &str) -> PathBuf {
        self.environments().join(folder).join("bin").join(program)
    }

    /// Programs that cargo installed, in `bin`.
    pub(crate) fn tools(&self) -> PathBuf {
        self.kept.join("tools")
    }
}
