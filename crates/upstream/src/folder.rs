//! [`FolderSource`]: a directory of wheels and source distributions as a source, for air gaps: all
//! in one place, or one folder per project in any spelling of its name. Files are hashed once and
//! again when they change. A file's own times are never taken for upload times.

use std::collections::HashMap;
use std::fs::{self, DirEntry, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{PageFile, ProjectPage};
use sha2::Digest as _;

use crate::error::{Trouble, UpstreamError};

/// A directory as a source. Cheap to clone; clones share the known hashes.
#[derive(Clone, Debug)]
pub struct FolderSource {
    name: String,
    root: PathBuf,
    known: Arc<Mutex<HashMap<PathBuf, Known>>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    stamp: Stamp,
    sha256: Sha256,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// A file of a folder, open for reading.
#[derive(Debug)]
pub struct FolderFile {
    /// The file, at its start.
    pub file: fs::File,
    /// Its size in bytes.
    pub size: u64,
    /// Its hash, as the page gives it.
    pub sha256: Sha256,
}

impl FolderSource {
    /// The folder at `root`. It is looked at when it is asked, so that it may appear later.
    pub fn new(name: impl Into<String>, root: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            root: root.into(),
            known: Arc::default(),
        }
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The page of `project`, with sizes and SHA-256 and with file names as addresses. `None` when
    /// no file and no folder is the project's.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] when the folder cannot be read.
    pub async fn page(&self, project: &ProjectName) -> Result<Option<ProjectPage>, UpstreamError> {
        let (this, project) = (self.clone(), project.clone());
        self.blocking(move || this.read_page(&project)).await
    }

    /// Opens a file of `project`. `None` when there is no such file.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] when the folder or the file cannot be read, and
    /// [`UpstreamError::Forbidden`] when the file is a link that leads out of the folder.
    pub async fn open(
        &self,
        project: &ProjectName,
        filename: &str,
    ) -> Result<Option<FolderFile>, UpstreamError> {
        let (this, project, filename) = (self.clone(), project.clone(), filename.to_owned());
        self.blocking(move || this.open_now(&project, &filename))
            .await
    }

    /// The names of all projects in the folder, in order.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] when the folder cannot be read.
    pub async fn projects(&self) -> Result<Vec<ProjectName>, UpstreamError> {
        let this = self.clone();
        self.blocking(move || this.read_projects()).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, UpstreamError> + Send + 'static,
    ) -> Result<T, UpstreamError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err(self.failed(&self.root, "the work was interrupted")))
    }

    fn read_page(&self, project: &ProjectName) -> Result<Option<ProjectPage>, UpstreamError> {
        let root = self.canonical_root()?;
        let places = self.places(&root, project)?;
        let mut page = ProjectPage::empty(project.clone());
        for path in places.files {
            match self.inside(&root, &path) {
                Ok(path) => self.add_file(&mut page, &path, project)?,
                Err(error) => {
                    tracing::warn!(source = %self.name, project = %project, "left out: {error}");
                }
            }
        }
        page.files.sort_by(|a, b| a.filename.cmp(&b.filename));
        page.files.dedup_by(|a, b| a.filename == b.filename);
        let is_known = places.has_folder || !page.files.is_empty();
        Ok(is_known.then_some(page))
    }

    fn add_file(
        &self,
        page: &mut ProjectPage,
        path: &Inside,
        project: &ProjectName,
    ) -> Result<(), UpstreamError> {
        let Some(filename) = distribution(&path.filename, project) else {
            return Ok(());
        };
        let Some((_, known)) = self.open_and_hash(&path.real)? else {
            return Ok(());
        };
        let mut file = PageFile::new(&path.filename, &path.filename);
        file.size = Some(known.stamp.size);
        file.hashes
            .insert("sha256".into(), known.sha256.to_hex().into());
        if let Some(version) = filename.version() {
            let version = version.to_string();
            if !page.versions.iter().any(|listed| **listed == *version) {
                page.versions.push(version.into());
            }
        }
        page.files.push(file);
        Ok(())
    }

    fn open_now(
        &self,
        project: &ProjectName,
        filename: &str,
    ) -> Result<Option<FolderFile>, UpstreamError> {
        if distribution(filename, project).is_none() {
            return Ok(None);
        }
        let root = self.canonical_root()?;
        let mut candidates = self.places(&root, project)?.files;
        candidates.sort();
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name == filename);
        let Some(path) = candidates.into_iter().find(named) else {
            return Ok(None);
        };
        let path = self.inside(&root, &path)?;
        let opened = self.open_and_hash(&path.real)?;
        Ok(opened.map(|(file, known)| FolderFile {
            file,
            size: known.stamp.size,
            sha256: known.sha256,
        }))
    }

    fn read_projects(&self) -> Result<Vec<ProjectName>, UpstreamError> {
        let root = self.canonical_root()?;
        let mut projects = std::collections::BTreeSet::new();
        for entry in self.entries(&root)? {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if entry.path().is_dir() {
                projects.extend(ProjectName::new(name));
            } else if let Ok(filename) = DistFilename::parse(name, None) {
                projects.extend(filename.project().cloned());
            }
        }
        Ok(projects.into_iter().collect())
    }

    /// The paths that may be files of `project`: those at the top that carry its name, and
    /// everything in the folders that are named after it.
    fn places(&self, root: &Path, project: &ProjectName) -> Result<Places, UpstreamError> {
        let mut places = Places::default();
        for entry in self.entries(root)? {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else { continue };
            if distribution(name, project).is_some() {
                places.files.push(path);
            } else if ProjectName::new(name).as_ref() == Ok(project) && path.is_dir() {
                places.has_folder = true;
                let folder = self.inside(root, &path)?.real;
                places
                    .files
                    .extend(self.entries(&folder)?.iter().map(DirEntry::path));
            }
        }
        Ok(places)
    }

    fn entries(&self, folder: &Path) -> Result<Vec<DirEntry>, UpstreamError> {
        let entries = fs::read_dir(folder).and_then(Iterator::collect);
        entries.map_err(|error| self.failed(folder, error))
    }

    fn canonical_root(&self) -> Result<PathBuf, UpstreamError> {
        self.root
            .canonicalize()
            .map_err(|error| self.failed(&self.root, error))
    }

    /// Follows links, and refuses what they lead to outside of the folder.
    fn inside(&self, root: &Path, path: &Path) -> Result<Inside, UpstreamError> {
        let real = path
            .canonicalize()
            .map_err(|error| self.failed(path, error))?;
        if !real.starts_with(root) {
            return Err(UpstreamError::Forbidden {
                place: path.display().to_string(),
                reason: "it is a link that leads out of the folder".to_owned(),
            });
        }
        let filename = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        Ok(Inside {
            real,
            filename: filename.to_owned(),
        })
    }

    /// Opens a regular file and hashes it unless its hash is known. `None` for anything else and
    /// for what vanished meanwhile.
    fn open_and_hash(&self, path: &Path) -> Result<Option<(fs::File, Known)>, UpstreamError> {
        // Opening a named pipe would wait for its other end.
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(path, error)),
        }
        let opened = open_stamped(path).and_then(|(mut file, stamp)| {
            let known = match self.known_hash(path, stamp) {
                Some(known) => known,
                None => hash(&mut file, stamp)?,
            };
            Ok((file, known))
        });
        let (file, known) = opened.map_err(|error| self.failed(path, error))?;
        self.known().insert(path.to_owned(), known);
        Ok(Some((file, known)))
    }

    fn known_hash(&self, path: &Path, stamp: Stamp) -> Option<Known> {
        self.known()
            .get(path)
            .copied()
            .filter(|known| known.stamp == stamp)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, path: &Path, error: impl ToString) -> UpstreamError {
        let trouble = Trouble::Io(error.to_string());
        UpstreamError::Unreachable {
            place: path.display().to_string(),
            trouble,
            retry_after: None,
        }
    }
}

#[derive(Default)]
struct Places {
    files: Vec<PathBuf>,
    has_folder: bool,
}

struct Inside {
    real: PathBuf,
    filename: String,
}

/// The name of a wheel or source distribution of `project`; anything else is not listed.
fn distribution(filename: &str, project: &ProjectName) -> Option<DistFilename> {
    let parsed = DistFilename::parse(filename, Some(project)).ok()?;
    let is_distribution = *parsed.kind() != DistKind::Other && parsed.project() == Some(project);
    is_distribution.then_some(parsed)
}

fn open_stamped(path: &Path) -> io::Result<(fs::File, Stamp)> {
    let file = fs::File::open(path)?;
    let stamp = stamp(&file.metadata()?);
    Ok((file, stamp))
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        modified: metadata.modified().ok(),
        size: metadata.len(),
        inode: inode(metadata),
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// Hashes the whole file and goes back to its start.
fn hash(file: &mut fs::File, before: Stamp) -> io::Result<Known> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    if stamp(&file.metadata()?) != before {
        return Err(io::Error::other("it changed while it was read"));
    }
    io::Seek::rewind(file)?;
    Ok(Known {
        stamp: before,
        sha256: Sha256::from_bytes(hasher.finalize().into()),
    })
}
