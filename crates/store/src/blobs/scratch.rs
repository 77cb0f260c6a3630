//! The folder of a process for what it is receiving. Several processes may share the parent folder;
//! what a killed one left behind is swept by the next.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::BlobError;

/// Locked for as long as a folder is made or swept, so that no folder is swept before it is locked.
const GATE: &str = "gate.lock";

/// Locked in each folder for as long as its process lives.
const ALIVE: &str = "alive.lock";

/// A folder of our own; removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    _alive: File,
}

impl Scratch {
    /// Makes a folder within `parent`, after sweeping those whose process is gone.
    pub(super) fn open(parent: &Path) -> Result<Self, BlobError> {
        Self::make(parent).map_err(super::io("cannot make a folder for what is being received"))
    }

    fn make(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        let gate = File::create(parent.join(GATE))?;
        match gate.lock() {
            Ok(()) => sweep(parent)?,
            Err(error) => tracing::warn!(
                folder = %parent.display(), %error,
                "the file system has no locks: what killed processes left here is not swept",
            ),
        }
        let folder = parent.join(Uuid::now_v7().to_string());
        fs::create_dir(&folder)?;
        let alive = File::create(folder.join(ALIVE))?;
        // Without locks nobody sweeps, so that a folder needs none.
        let _ = alive.lock();
        Ok(Self {
            folder,
            _alive: alive,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Only folders that this file made are touched: they have a UUID for a name and a lock within.
fn sweep(parent: &Path) -> io::Result<()> {
    for found in fs::read_dir(parent)? {
        let path = found?.path();
        if is_ours(&path) && is_abandoned(&path) {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

fn is_abandoned(folder: &Path) -> bool {
    holder(folder) == Holder::Gone
}

/// Who has a scratch folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A process that lives.
    Alive,
    /// A process that is gone.
    Gone,
    /// The file system has no locks, or does not say.
    Unknown,
}

fn holder(folder: &Path) -> Holder {
    match File::open(folder.join(ALIVE)) {
        Ok(alive) => match alive.try_lock() {
            Ok(()) => Holder::Gone,
            Err(TryLockError::WouldBlock) => Holder::Alive,
            Err(TryLockError::Error(_)) => Holder::Unknown,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Holder::Gone,
        Err(_) => Holder::Unknown,
    }
}

/// The scratch folders in `parent` with who has them. No folder is being made meanwhile.
pub(super) fn folders(parent: &Path) -> io::Result<Vec<(PathBuf, Holder)>> {
    let gate = match File::open(parent.join(GATE)) {
        Ok(gate) => gate,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let gated = gate.lock().is_ok();
    let mut folders = Vec::new();
    for found in fs::read_dir(parent)? {
        let path = found?.path();
        if !is_ours(&path) {
            continue;
        }
        let holder = match (gated, holder(&path)) {
            (false, Holder::Gone) => Holder::Unknown,
            (_, holder) => holder,
        };
        folders.push((path, holder));
    }
    Ok(folders)
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| Uuid::try_parse(name).is_ok())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            let folder = self.folder.display();
            tracing::warn!(%folder, %error, "cannot remove a scratch folder");
        }
    }
}
