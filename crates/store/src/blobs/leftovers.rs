//! What killed processes leave beside the blobs: scratch space, files that were being written under another
//! name, probes, and uploads in parts that nobody completed. What has a blob's name is
//! [`garbage`](crate::garbage)'s.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use portcullis_core::digest::Sha256;
use portcullis_core::time::Timestamp;

use super::parts::Begun;
use super::scratch::{self, Holder};
use super::{BlobError, Blobs, PREFIX, blocking};

/// Where probes are written.
const PROBES: &str = "blobs/probe";

/// What begins the name of a file in scratch space.
pub(super) const RECEIVING: &str = "receiving-";

/// What something that was left behind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftoverKind {
    /// The scratch space of a process that is gone.
    Scratch,
    /// A file that was being written under another name.
    Unfinished,
    /// An object that was written to try out the place.
    Probe,
    /// An upload in parts to an object store.
    Parts,
}

impl LeftoverKind {
    /// A word for machines: `scratch`, `unfinished`, `probe`, `parts`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Unfinished => "unfinished",
            Self::Probe => "probe",
            Self::Parts => "parts",
        }
    }

    /// What it is, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Scratch => "scratch space of a process that is gone",
            Self::Unfinished => "a file that was not written to its end",
            Self::Probe => "a probe that was not removed",
            Self::Parts => "an upload in parts that was not completed",
        }
    }
}

/// Something that was left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// How much it takes, in bytes; `None` where nobody says.
    pub size: Option<u64>,
    /// When it was last written, or begun.
    pub modified: Timestamp,
    place: Place,
}

/// What was left behind.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    /// What was found.
    pub found: Vec<Leftover>,
    /// Why it is not known whether there are uploads in parts, where that is so.
    pub unknown: Option<String>,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    File(PathBuf),
    Object(Key),
    Parts(Begun),
}

impl Leftover {
    /// Its path, or its key in the object store.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Folder(path) | Place::File(path) => path.display().to_string(),
            Place::Object(key) => key.to_string(),
            Place::Parts(begun) => begun.key.clone(),
        }
    }
}

impl Blobs {
    /// Where this process keeps what it is receiving.
    pub fn scratch_folder(&self) -> &Path {
        self.scratch.folder()
    }

    /// What was left behind and not touched since `cutoff`. Scratch space whose process is known to be
    /// gone is left behind however young it is.
    ///
    /// # Errors
    /// [`BlobError`] when folders or the object store cannot be looked at.
    pub async fn leftovers(&self, cutoff: Timestamp) -> Result<Leftovers, BlobError> {
        let own = self.scratch.folder().to_path_buf();
        let root = self.root()?;
        let mut unknown = None;
        let mut found = blocking("cannot look for what was left behind", move || {
            let mut found = scratch_space(&own, cutoff)?;
            if let Some(root) = root {
                found.extend(beside_blobs(&root, cutoff)?);
            }
            Ok(found)
        })
        .await?;
        if self.folder.is_none() {
            found.extend(self.probes(cutoff).await?);
        }
        if let Some(parts) = &self.parts {
            // Not every object store can be asked that, and not every key may ask.
            match parts.begun().await {
                Ok(begun) => found.extend(begun.into_iter().map(in_parts)),
                Err(error) => unknown = Some(error.to_string()),
            }
        }
        found.retain(|leftover| {
            let is_of_the_dead = matches!(leftover.place, Place::Folder(_));
            is_of_the_dead || leftover.modified <= cutoff
        });
        Ok(Leftovers { found, unknown })
    }

    /// The folder with the blobs, when they are in one.
    ///
    /// # Errors
    /// [`BlobError`] when its path cannot be told.
    pub fn root(&self) -> Result<Option<PathBuf>, BlobError> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let within = folder.path_to_filesystem(&Key::from("blobs"))?;
        Ok(within.parent().map(Path::to_path_buf))
    }

    async fn probes(&self, cutoff: Timestamp) -> Result<Vec<Leftover>, BlobError> {
        let folder = Key::from(PROBES);
        let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        let probes = listed.into_iter().map(|meta| Leftover {
            kind: LeftoverKind::Probe,
            size: Some(meta.size),
            modified: Timestamp::from_millis(meta.last_modified.timestamp_millis()),
            place: Place::Object(meta.location),
        });
        Ok(probes.filter(|probe| probe.modified <= cutoff).collect())
    }

    /// Removes something that was left behind, unless somebody has come to use it since it was found.
    /// Returns whether it is gone.
    ///
    /// # Errors
    /// [`BlobError`] when it could not be removed.
    pub async fn remove(&self, leftover: &Leftover, cutoff: Timestamp) -> Result<bool, BlobError> {
        match leftover.place.clone() {
            Place::Folder(path) => {
                blocking("cannot remove scratch space", move || remove_folder(&path)).await
            }
            Place::File(path) => {
                blocking("cannot remove what was left behind", move || {
                    remove_file(&path, cutoff)
                })
                .await
            }
            Place::Object(key) => match self.store.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(true),
                Err(error) => Err(error.into()),
            },
            Place::Parts(begun) => match &self.parts {
                Some(parts) => parts.abort(&begun).await.map(|()| true),
                None => Ok(false),
            },
        }
    }
}

fn in_parts(begun: Begun) -> Leftover {
    Leftover {
        kind: LeftoverKind::Parts,
        size: None,
        modified: begun.at,
        place: Place::Parts(begun),
    }
}

fn scratch_space(own: &Path, cutoff: Timestamp) -> io::Result<Vec<Leftover>> {
    let Some(parent) = own.parent() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (folder, holder) in scratch::folders(parent)? {
        match holder {
            Holder::Alive => {}
            _ if folder == own => {}
            Holder::Gone => found.extend(abandoned(folder)?),
            // The folder may be in use; a file in it that nobody writes to for so long is not.
            Holder::Unknown => found.extend(files(&folder, LeftoverKind::Scratch, |name, at| {
                name.starts_with(RECEIVING) && at <= cutoff
            })?),
        }
    }
    Ok(found)
}

fn abandoned(folder: PathBuf) -> io::Result<Option<Leftover>> {
    let Some(modified) = modified(&folder)? else {
        return Ok(None);
    };
    let within = files(&folder, LeftoverKind::Scratch, |_, _| true)?;
    Ok(Some(Leftover {
        kind: LeftoverKind::Scratch,
        size: Some(within.iter().filter_map(|file| file.size).sum()),
        modified,
        place: Place::Folder(folder),
    }))
}

/// What is in the folders of blobs and has no blob's name, but one that we give.
fn beside_blobs(root: &Path, cutoff: Timestamp) -> io::Result<Vec<Leftover>> {
    let mut found = files(&root.join(PROBES), LeftoverKind::Probe, |_, at| {
        at <= cutoff
    })?;
    let shards = match fs::read_dir(root.join(PREFIX)) {
        Ok(shards) => shards,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for shard in shards {
        let shard = shard?.path();
        if shard.is_dir() {
            let unfinished = |name: &str, at| is_unfinished(name) && at <= cutoff;
            found.extend(files(&shard, LeftoverKind::Unfinished, unfinished)?);
        }
    }
    Ok(found)
}

/// `DIGEST#NUMBER`, as the object store library calls a file until it is whole.
fn is_unfinished(name: &str) -> bool {
    let parts = name.split_once('#');
    parts.is_some_and(|(digest, number)| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && digest.parse::<Sha256>().is_ok()
    })
}

fn files(
    folder: &Path,
    kind: LeftoverKind,
    is_left: impl Fn(&str, Timestamp) -> bool,
) -> io::Result<Vec<Leftover>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(modified) = modified(&path)? else {
            continue;
        };
        let metadata = entry.metadata()?;
        let is_named = name.to_str().is_some_and(|name| is_left(name, modified));
        if metadata.is_file() && is_named {
            found.push(Leftover {
                kind,
                size: Some(metadata.len()),
                modified,
                place: Place::File(path),
            });
        }
    }
    Ok(found)
}

/// When something was last written; `None` when it has gone.
fn modified(path: &Path) -> io::Result<Option<Timestamp>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(timestamp(metadata.modified()?))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn remove_folder(path: &Path) -> io::Result<bool> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let holders = scratch::folders(parent)?;
    match holders.iter().find(|(folder, _)| folder == path) {
        Some((_, Holder::Gone)) => fs::remove_dir_all(path).map(|()| true),
        Some(_) => Ok(false),
        None => Ok(true),
    }
}

fn remove_file(path: &Path, cutoff: Timestamp) -> io::Result<bool> {
    match modified(path)? {
        Some(modified) if modified > cutoff => Ok(false),
        Some(_) => fs::remove_file(path).map(|()| true),
        None => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_give_are_taken_for_unfinished_files() {
        let digest = Sha256::of(b"x").to_hex();
        for (name, expected) in [
            (format!("{digest}#1"), true),
            (format!("{digest}#12"), true),
            (format!("{digest}#"), false),
            (format!("{digest}#1a"), false),
            (digest.to_string(), false),
            ("notes#1".to_owned(), false),
        ] {
            assert_eq!(is_unfinished(&name), expected, "{name}");
        }
    }
}
