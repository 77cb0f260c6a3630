//! [`Backups`]: what files held before this program changed them, so that it can be undone to the byte. They
//! are the user's own: files may hold passwords.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::machine::{Found, Machine, is_absent};
use super::plan::{Change, Readers};
use super::{Scope, Tool};
use crate::exit::failure;

/// What a file held before one tool was pointed at the gateway in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Backup {
    /// The file.
    pub(super) path: PathBuf,
    /// For which tool it was changed.
    pub(super) tool: Tool,
    /// In which scope.
    pub(super) scope: Scope,
    /// The folder that the command ran in.
    pub(super) folder: PathBuf,
    /// What it held; nothing where it was not there.
    pub(super) before: Option<String>,
    /// The SHA-256 of that, in hexadecimal.
    pub(super) before_sha256: Option<String>,
    /// The SHA-256 of what was written.
    pub(super) after_sha256: String,
    /// The folders that were made for it, the outermost first.
    pub(super) made: Vec<PathBuf>,
}

/// All of them.
pub(super) struct Backups {
    folder: PathBuf,
}

impl Backups {
    /// Those of this user.
    pub(super) fn of(machine: &Machine) -> anyhow::Result<Self> {
        Ok(Self {
            folder: machine.state()?,
        })
    }

    /// Those of every file, each with the file it is kept in; of one file the oldest first.
    pub(super) fn all(&self) -> anyhow::Result<Vec<(PathBuf, Backup)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => {
                let folder = self.folder.display().to_string();
                return Err(error).with_context(|| format!("cannot read {folder}"));
            }
        };
        let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths: Vec<PathBuf> = paths.map_err(|error: std::io::Error| error)?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.sort();
        paths.into_iter().map(|path| self.read(path)).collect()
    }

    fn read(&self, path: PathBuf) -> anyhow::Result<(PathBuf, Backup)> {
        let broken = || {
            failure(
                format!("{} is not a backup that can be used", path.display()),
                "look at it, and move it away",
            )
        };
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let backup: Backup = serde_json::from_str(&text).map_err(|_| broken())?;
        match backup.before.as_deref().map(digest) == backup.before_sha256 {
            true => Ok((path, backup)),
            false => Err(broken()),
        }
    }

    /// Keeps what a file holds and writes what it is to hold.
    pub(super) fn write(
        &self,
        change: &Change,
        tool: Tool,
        scope: Scope,
        machine: &Machine,
    ) -> anyhow::Result<()> {
        let of_file = |(_, backup): &(PathBuf, Backup)| backup.path == change.path;
        let known: Vec<(PathBuf, Backup)> = self.all()?.into_iter().filter(of_file).collect();
        let held = change.before.as_deref().map(digest);
        // Written twice for one tool, it is undone at once.
        let continued = known.last().filter(|(_, last)| {
            last.tool == tool && last.scope == scope && Some(&last.after_sha256) == held.as_ref()
        });
        let (kept_in, mut backup) = match continued {
            Some((path, last)) => (path.clone(), last.clone()),
            None => {
                let backup = Backup {
                    path: change.path.clone(),
                    tool,
                    scope,
                    folder: machine.folder.clone(),
                    before: change.before.clone(),
                    before_sha256: held,
                    after_sha256: String::new(),
                    made: missing_folders(&change.path),
                };
                (
                    self.next(&change.path, known.last().map(|(path, _)| path)),
                    backup,
                )
            }
        };
        backup.after_sha256 = digest(&change.after);
        self.keep(&kept_in, &serde_json::to_string_pretty(&backup)?)?;
        let now = Found::read(change.path.clone())?.text;
        anyhow::ensure!(
            now == change.before,
            "{} was changed by somebody else meanwhile; nothing was written into it",
            change.path.display()
        );
        replace(&change.path, &change.after, change.readers)
    }

    /// Keeps a text beside the backups, for the user alone. Returns where.
    pub(super) fn keep_beside(&self, path: &Path, text: &str) -> anyhow::Result<PathBuf> {
        let name = format!("{}-{}.replaced", key(path), &digest(text)[..16]);
        let kept_in = self.folder.join(name);
        self.keep(&kept_in, text)?;
        Ok(kept_in)
    }

    /// Where the next backup of a file goes, behind `last`.
    fn next(&self, path: &Path, last: Option<&PathBuf>) -> PathBuf {
        let number = last.and_then(|last| {
            let name = last.file_stem()?.to_str()?;
            name.rsplit_once('-')?.1.parse::<u32>().ok()
        });
        let number = number.map_or(1, |number| number.saturating_add(1));
        self.folder.join(format!("{}-{number:06}.json", key(path)))
    }

    fn keep(&self, path: &Path, text: &str) -> anyhow::Result<()> {
        let made = make_private(&self.folder);
        made.and_then(|()| put(path, text, Readers::Owner))
            .with_context(|| format!("cannot keep a backup in {}", self.folder.display()))
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file's name among the backups.
fn key(path: &Path) -> String {
    digest(&path.to_string_lossy())[..24].to_owned()
}

/// The folders that have to be made for a file, the outermost first.
fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let folders = path
        .ancestors()
        .skip(1)
        .take_while(|folder| !folder.exists());
    let mut missing: Vec<PathBuf> = folders.map(Path::to_owned).collect();
    missing.reverse();
    missing
}

/// Writes a file as a whole, making its folders. Links are followed; rights and owner stay.
pub(super) fn replace(path: &Path, text: &str, readers: Readers) -> anyhow::Result<()> {
    let there = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = there.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    put(&there, text, readers).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes beside the file and moves it there, so that nobody sees half of it.
fn put(path: &Path, text: &str, readers: Readers) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".portcullis-");
    let rights = new_rights(readers);
    if let Some(rights) = rights {
        builder.permissions(rights);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let Ok(old) = fs::metadata(path) {
        fs::set_permissions(file.path(), old.permissions())?;
        keep_owner(file.path(), &old)?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn new_rights(readers: Readers) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = match readers {
        Readers::Usual => 0o666,
        Readers::Owner => 0o600,
    };
    Some(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn new_rights(_: Readers) -> Option<fs::Permissions> {
    None
}

#[cfg(unix)]
fn keep_owner(path: &Path, old: &fs::Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let new = fs::metadata(path)?;
    match (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        true => Ok(()),
        false => chown(path, Some(old.uid()), Some(old.gid())),
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &fs::Metadata) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}
