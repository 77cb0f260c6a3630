//! [`discover`]: which files below paths matter. What git ignores is left out, and so is what is installed:
//! virtual environments, `node_modules`, `site-packages`. Nothing is followed out of the project.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};
use memchr::memmem::Finder;
use portcullis_core::lint::FileKind;

use super::root::Root;

/// Folders that hold no source of the project.
const NOT_ENTERED: [&str; 14] = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "__pycache__",
    "__pypackages__",
    "node_modules",
    "site-packages",
    "dist-packages",
];
/// What makes a folder an environment that packages are installed in.
const ENVIRONMENT: [&str; 2] = ["pyvenv.cfg", "conda-meta"];
/// The line with which inline metadata begin (PEP 723).
const SCRIPT: &[u8] = b"# /// script";
/// As much of a source as is searched at once.
const BLOCK: usize = 64 << 10;

/// A file that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its path below the project, with `/` between its parts.
    pub(super) path: String,
    /// Where it is.
    pub(super) file: PathBuf,
    /// What it is. A script is one only when its text says so, too.
    pub(super) kind: FileKind,
    /// Why it is read.
    pub(super) part: Part,
}

/// Why a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// It is to be checked.
    Asked,
    /// It stands beside a file that is to be checked, and rules may want to see it.
    Beside,
    /// It is configuration of the machine.
    Machine,
}

/// A file or folder that was not checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unchecked {
    /// Its path below the project.
    pub(super) path: String,
    /// The line (1-based) where only a part of it was not.
    pub(super) line: Option<usize>,
    /// Why, as a clause.
    pub(super) why: String,
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    /// What matters, by path.
    pub(super) found: Vec<Found>,
    pub(super) unchecked: Vec<Unchecked>,
}

/// Looks below `paths`, which are free of links and below the project.
pub(super) fn discover(paths: &[PathBuf], root: &Root) -> Discovered {
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        paths.iter().partition(|path| path.is_dir());
    let all = Mutex::new(Discovered::default());
    for folder in folders {
        walk(folder, (None, Part::Asked), root, &all);
    }
    for file in &files {
        let path = below(root, file);
        lock(&all).add(named(file, path));
    }
    let mut beside: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    beside.sort();
    beside.dedup();
    for folder in beside {
        walk(folder, (Some(1), Part::Beside), root, &all);
    }
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Of a file that was found twice, the first stays, which is the one that was asked for.
    all.found
        .sort_by(|a, b| (&a.path, a.part).cmp(&(&b.path, b.part)));
    all.found.dedup_by(|b, a| a.path == b.path);
    all.unchecked.sort();
    all.unchecked.dedup();
    all
}

impl Discovered {
    fn add(&mut self, result: Result<Option<Found>, Unchecked>) {
        match result {
            Ok(found) => self.found.extend(found),
            Err(unchecked) => self.unchecked.push(unchecked),
        }
    }
}

fn lock(all: &Mutex<Discovered>) -> std::sync::MutexGuard<'_, Discovered> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

fn walk(folder: &Path, (depth, part): (Option<usize>, Part), root: &Root, all: &Mutex<Discovered>) {
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false)
        .ignore(false)
        .require_git(false)
        .follow_links(false)
        .max_depth(depth);
    let exclude = root.settings.exclude.clone();
    let base = root.folder.clone();
    walk.filter_entry(move |entry| {
        let is_excluded = || !exclude.is_empty() && exclude.matches(&relative(&base, entry.path()));
        entry.depth() == 0 || (is_entered(entry) && !is_excluded())
    });
    walk.build_parallel().run(|| {
        let look = Look {
            root,
            part,
            finder: Finder::new(SCRIPT),
            buffer: RefCell::new(vec![0; BLOCK + SCRIPT.len()]),
        };
        Box::new(move |entry| {
            let result = match entry {
                Ok(entry) => look.at(&entry),
                Err(error) => Err(not_entered(root, folder, &error)),
            };
            let is_told = match &result {
                Ok(found) => found.is_some(),
                // Beside what was asked for there may be anything.
                Err(_) => part == Part::Asked,
            };
            if is_told {
                lock(all).add(result);
            }
            WalkState::Continue
        })
    });
}

/// Whether an entry is looked at: an environment is not, wherever it is.
fn is_entered(entry: &DirEntry) -> bool {
    if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return true;
    }
    let name = entry.file_name();
    let is_left_out = NOT_ENTERED.iter().any(|left_out| name == *left_out);
    let is_environment = || {
        ENVIRONMENT
            .iter()
            .any(|mark| entry.path().join(mark).exists())
    };
    !is_left_out && !is_environment()
}

fn not_entered(root: &Root, folder: &Path, error: &ignore::Error) -> Unchecked {
    let path = path_of(error).unwrap_or(folder);
    Unchecked {
        path: below(root, path),
        line: None,
        why: match error.io_error() {
            Some(error) => format!("it cannot be read: {error}"),
            None => format!("it cannot be looked through: {error}"),
        },
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        _ => None,
    }
}

/// One thread's view of what is met.
struct Look<'r> {
    root: &'r Root,
    part: Part,
    finder: Finder<'static>,
    buffer: RefCell<Vec<u8>>,
}

impl Look<'_> {
    fn at(&self, entry: &DirEntry) -> Result<Option<Found>, Unchecked> {
        let file = entry.path();
        let path = below(self.root, file);
        let Some(kind) = FileKind::of(&path).or_else(|| self.script(entry)) else {
            return Ok(None);
        };
        let meant = match entry.file_type() {
            Some(of) if of.is_file() => file.to_owned(),
            Some(of) if of.is_symlink() => match linked(file, self.root) {
                Ok(Some(target)) => target,
                Ok(None) => return Ok(None),
                Err(why) => {
                    return Err(Unchecked {
                        path,
                        line: None,
                        why,
                    });
                }
            },
            _ => return Ok(None),
        };
        Ok(Some(Found {
            path,
            file: meant,
            kind,
            part: self.part,
        }))
    }

    /// Whether a Python file has the line that begins inline metadata. One that cannot be read is taken for one, so
    /// that whoever reads it says why not.
    fn script(&self, entry: &DirEntry) -> Option<FileKind> {
        let is_python = entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "py");
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        let mut buffer = self.buffer.borrow_mut();
        let is_script = is_python
            && is_file
            && contains(&self.finder, entry.path(), &mut buffer).unwrap_or(true);
        is_script.then_some(FileKind::Script)
    }
}

/// Where a link leads; `None` where that is nothing to read.
fn linked(link: &Path, root: &Root) -> Result<Option<PathBuf>, String> {
    let Ok(target) = link.canonicalize() else {
        return Err("it is a link that leads nowhere".to_owned());
    };
    let bound = root.repository.as_ref().unwrap_or(&root.folder);
    match (target.starts_with(bound), target.is_file()) {
        (true, true) => Ok(Some(target)),
        (_, false) => Ok(None),
        (false, true) => Err("it is a link that leads out of the project".to_owned()),
    }
}

/// Whether a file contains what `finder` looks for, without holding more than a block of it.
fn contains(finder: &Finder<'_>, path: &Path, buffer: &mut [u8]) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let overlap = finder.needle().len() - 1;
    let mut kept = 0;
    loop {
        let read = file.read(&mut buffer[kept..])?;
        let filled = kept + read;
        if finder.find(&buffer[..filled]).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        let next = overlap.min(filled);
        buffer.copy_within(filled - next..filled, 0);
        kept = next;
    }
}

/// A file that is named on the command line.
fn named(file: &Path, path: String) -> Result<Option<Found>, Unchecked> {
    let is_python = path.ends_with(".py");
    let is_listing = path.ends_with(".txt") || path.ends_with(".in");
    let kind = match FileKind::of(&path) {
        Some(kind) => kind,
        None if is_python => {
            let mut buffer = vec![0; BLOCK + SCRIPT.len()];
            match contains(&Finder::new(SCRIPT), file, &mut buffer) {
                Ok(false) => return Ok(None),
                _ => FileKind::Script,
            }
        }
        None if is_listing => FileKind::Requirements,
        None => {
            return Err(Unchecked {
                path,
                line: None,
                why: "by its name, it is nothing that says how packages are installed".to_owned(),
            });
        }
    };
    Ok(Some(Found {
        path,
        file: file.to_owned(),
        kind,
        part: Part::Asked,
    }))
}

/// The path of `file` below the project.
fn below(root: &Root, file: &Path) -> String {
    relative(&root.folder, file)
}

fn relative(base: &Path, file: &Path) -> String {
    let below = file.strip_prefix(base).unwrap_or(file);
    below
        .to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests;
