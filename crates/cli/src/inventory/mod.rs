//! What is installed, locked or wanted, read from environments, requirements, locks and bills of materials.
//! Nothing of what is read is run, and nothing is fetched.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use portcullis_core::inventory::Inventory;
use portcullis_core::lint::ProjectFile;

use crate::exit::failure;

mod environment;
mod files;

pub use environment::Detail;

/// Files that a folder of a project is looked at for, the first kind that is there.
const LOCKS: [&str; 5] = [
    "pylock.toml",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
];

/// What was read.
#[derive(Debug, Default)]
pub struct Taken {
    /// What was found.
    pub inventory: Inventory,
    /// The files that say what is wanted, which can be edited.
    pub files: Vec<ProjectFile>,
    /// The locks, which only their tools write: path and format.
    pub locks: Vec<(String, portcullis_core::pypi::lockfile::LockFormat)>,
    /// The environments, as they were named or found.
    pub environments: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Inputs {
    /// Environments, project folders, requirements files, locks and bills of materials
    /// [default: the environment in $VIRTUAL_ENV, or .venv]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The environment of this interpreter, which is not run
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
}

impl Inputs {
    /// Reads all of it.
    pub fn read(&self, detail: Detail) -> anyhow::Result<Taken> {
        let mut taken = Taken::default();
        if let Some(python) = &self.python {
            environment::of_interpreter(python, detail, &mut taken)?;
        }
        for input in &self.inputs {
            one(input, detail, &mut taken)?;
        }
        if self.python.is_none() && self.inputs.is_empty() {
            environment::usual(detail, &mut taken)?;
        }
        Ok(taken)
    }
}

fn one(input: &Path, detail: Detail, taken: &mut Taken) -> anyhow::Result<()> {
    if !input.is_dir() {
        return files::read(input, taken);
    }
    if environment::read(input, detail, taken)? {
        return Ok(());
    }
    let named = |names: &[&str]| -> Vec<PathBuf> {
        let paths = names.iter().map(|name| input.join(name));
        paths.filter(|path| path.is_file()).collect()
    };
    let mut found = named(&LOCKS);
    if found.is_empty() {
        found = named(&["requirements.txt"]);
    }
    if found.is_empty() {
        found = named(&["pyproject.toml", "setup.cfg"]);
    }
    match found.is_empty() {
        true => Err(failure(
            format!(
                "{} is no environment, and has no lock and no requirements.txt",
                input.display()
            ),
            "name the file that says what is installed, such as a lock, or the environment",
        )),
        false => found.iter().try_for_each(|path| files::read(path, taken)),
    }
}

/// The bytes of an ordinary file, at most `most` of them and one more, by which a longer one is told.
fn bytes(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
