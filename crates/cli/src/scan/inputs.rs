//! [`Input`]: what an argument stands for, a path or something that is named, and how it is read.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::inspection::Inspected;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::requirement::Requirement;
use portcullis_inspect::inspection::{Budget, LooseFile, inspect_files, inspect_source};

use super::choice::Wanted;
use super::fetch::Remote;
use super::means::Means;
use super::named::{self, Named};
use crate::exit::failure;

/// The Python of one folder, in bytes, that is kept in memory.
const LARGEST_FOLDER: u64 = 512 << 20;
/// Folders of version control, which hold no files that run.
const NOT_ENTERED: [&str; 3] = [".git", ".hg", ".svn"];
/// Folders below folders.
const DEEPEST_FOLDER: usize = 64;

/// One thing to be inspected.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The path, or the name of what is fetched or could not be.
    pub(super) path: PathBuf,
    /// Where it is named, unless on the command line.
    pub(super) from: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Archive(DistFilename),
    Folder,
    Source,
    Remote(Box<Remote>),
    /// Nothing that can be inspected, and why: one clause.
    Hopeless(String),
    Unknown,
}

/// What an argument stands for.
#[derive(Debug)]
pub(super) enum Argument {
    /// Something that is here.
    Inputs(Vec<Input>),
    /// Something that an index has.
    Named(Vec<Named>),
}

/// What an argument stands for: what is here under that path comes first, then a requirement.
pub(super) fn read(argument: &Path) -> Argument {
    if matches!(kind(argument), Kind::Unknown) && argument.exists() {
        return match named::read(argument) {
            Some(named) => Argument::Named(named),
            None => Argument::Inputs(below(argument)),
        };
    }
    match requirement(argument).filter(|_| !argument.exists()) {
        Some(requirement) => Argument::Named(vec![Named::Wanted(Wanted::of(&requirement))]),
        None => Argument::Inputs(below(argument)),
    }
}

/// The requirement that `argument` is, unless it looks like the path of something that is not there.
fn requirement(argument: &Path) -> Option<Requirement> {
    let text = argument.to_str()?;
    let is_path = text.contains(['/', '\\']) || !matches!(kind(argument), Kind::Unknown);
    let endings = [
        ".txt", ".in", ".toml", ".lock", ".json", ".whl", ".zip", ".egg", ".exe",
    ];
    let is_file = endings.iter().any(|ending| text.ends_with(ending));
    match is_path || is_file {
        true => None,
        false => text.parse().ok(),
    }
}

/// What is inspected for `path`: itself, and of a folder the wheels and sdists directly in it. A folder
/// that holds nothing else is not inspected itself.
pub(super) fn below(path: &Path) -> Vec<Input> {
    let kind = kind(path);
    let mut inputs = Vec::new();
    let mut has_more = true;
    if let (Kind::Folder, Ok(entries)) = (&kind, path.read_dir()) {
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let all = paths.len();
        let archives = paths.into_iter().filter_map(|path| {
            let kind = Some(self::kind(&path)).filter(|kind| matches!(kind, Kind::Archive(_)))?;
            let from = None;
            Some(Input { path, from, kind })
        });
        inputs.extend(archives);
        has_more = inputs.is_empty() || inputs.len() < all;
    }
    if has_more {
        inputs.push(Input {
            path: path.to_owned(),
            from: None,
            kind,
        });
    }
    inputs
}

fn kind(path: &Path) -> Kind {
    if path.is_dir() {
        return Kind::Folder;
    }
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if is_source_name(name) {
        return Kind::Source;
    }
    match DistFilename::parse(name, None) {
        Ok(filename) if !matches!(filename.kind(), DistKind::Other) => Kind::Archive(filename),
        _ => Kind::Unknown,
    }
}

fn is_source_name(name: &str) -> bool {
    [".py", ".pyw", ".pth"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

impl Input {
    /// Something that is fetched when it is inspected.
    pub(super) fn remote(remote: Remote, from: Option<&str>) -> Self {
        Self {
            path: remote.filename.as_str().into(),
            from: from.map(str::to_owned),
            kind: Kind::Remote(Box::new(remote)),
        }
    }

    /// Something that cannot be inspected, because of `why`.
    pub(super) fn hopeless(what: &str, from: Option<&str>, why: &str) -> Self {
        Self {
            path: what.into(),
            from: from.map(str::to_owned),
            kind: Kind::Hopeless(why.to_owned()),
        }
    }

    /// The distribution that it is by its name.
    pub(super) fn filename(&self) -> Option<&DistFilename> {
        match &self.kind {
            Kind::Archive(filename) => Some(filename),
            Kind::Remote(remote) => Some(&remote.filename),
            Kind::Folder | Kind::Source | Kind::Hopeless(_) | Kind::Unknown => None,
        }
    }

    /// What is fetched for it.
    pub(super) fn fetched(&self) -> Option<&Remote> {
        match &self.kind {
            Kind::Remote(remote) => Some(remote),
            _ => None,
        }
    }

    /// Reads and inspects it.
    pub(super) fn inspect(&self, means: &Means) -> anyhow::Result<Inspected> {
        let (path, budget) = (&self.path, &means.budget);
        match &self.kind {
            Kind::Archive(filename) => means.inspect_archive(open(path)?, filename),
            Kind::Remote(remote) => means.inspect_archive(remote.fetch()?, &remote.filename),
            Kind::Source => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let bytes = read_source(path, budget).with_context(|| cannot_read(path))?;
                Ok(inspect_source(&name, bytes, budget))
            }
            Kind::Folder => {
                let mut files = Vec::new();
                gather(path, path, budget, &mut files)?;
                Ok(inspect_files(files, budget))
            }
            Kind::Hopeless(why) => Err(self.hopelessly(why)),
            Kind::Unknown if !path.exists() => Err(failure(
                format!("there is no {}", path.display()),
                "give a wheel, an sdist, a folder, a .py or .pth file, or a requirement",
            )),
            Kind::Unknown => Err(failure(
                format!(
                    "{} is no wheel, sdist, folder or Python file by its name",
                    path.display()
                ),
                "give it the name under which it was published, such as demo-1.0.tar.gz",
            )),
        }
    }
}

impl Input {
    fn hopelessly(&self, why: &str) -> anyhow::Error {
        let what = self.path.display();
        let place = match &self.from {
            Some(from) if self.path != Path::new(from) => format!(" ({from})"),
            _ => String::new(),
        };
        failure(
            format!("{what}{place} cannot be inspected: {why}"),
            "do not take it for clean: see to the cause, or inspect it by itself",
        )
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| cannot_read(path))
}

/// As much of a source as is parsed, and one byte more, so that it is seen to be too long.
fn read_source(path: &Path, budget: &Budget) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = budget.python.source_bytes as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Adds the Python below `folder`. Links are not followed: what they lead to is elsewhere or seen anyway.
fn gather(
    root: &Path,
    folder: &Path,
    budget: &Budget,
    files: &mut Vec<LooseFile>,
) -> anyhow::Result<()> {
    let below = folder.strip_prefix(root).unwrap_or(folder);
    if below.components().count() > DEEPEST_FOLDER {
        return Err(failure(
            format!("{} is too deep", folder.display()),
            "scan the folders below it one by one",
        ));
    }
    for entry in folder.read_dir().with_context(|| cannot_read(folder))? {
        let entry = entry.with_context(|| cannot_read(folder))?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            let is_entered = !NOT_ENTERED.iter().any(|name| entry.file_name() == *name);
            if is_entered {
                gather(root, &path, budget, files)?;
            }
        } else if kind.is_file() && is_wanted(&path)? {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
            let path_inside = name.replace(std::path::MAIN_SEPARATOR, "/");
            let bytes = read_source(&path, budget).with_context(|| cannot_read(&path))?;
            files.push(LooseFile {
                path: path_inside,
                bytes,
            });
        }
    }
    let size: u64 = files.iter().map(|file| file.bytes.len() as u64).sum();
    match size > LARGEST_FOLDER {
        true => Err(failure(
            format!("{} holds more than 512 MiB of Python", root.display()),
            "scan the folders below it one by one",
        )),
        false => Ok(()),
    }
}

/// Whether a file of a folder is Python, or says how Python is built.
fn is_wanted(path: &Path) -> anyhow::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_source_name(&name) || name == "pyproject.toml" {
        return Ok(true);
    }
    if name.contains('.') {
        return Ok(false);
    }
    let mut start = Vec::new();
    open(path)?
        .take(128)
        .read_to_end(&mut start)
        .with_context(|| cannot_read(path))?;
    Ok(start.starts_with(b"#!"))
}
