//! [`Project`]: the files of a project that matter, read, together with what the organisation has said and
//! what an index was asked about.

use std::collections::HashMap;

use super::address::Address;
use super::candidates::Candidates;
use super::contents::{Contents, Span};
use super::file::FileKind;
use super::python::PythonCall;
use super::read;
use super::rules::secret_places;
use crate::fact::Fact;
use crate::pypi::name::{NamePattern, ProjectName};
use crate::pypi::version::Version;

/// A file of a project, read.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectFile {
    /// Its path below the project, with `/` between its parts.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Its text.
    pub text: String,
    /// What it says.
    pub contents: Contents,
}

impl ProjectFile {
    /// Reads a file. `calls` are its literal calls where it is Python ([`FileKind::is_python`]).
    #[must_use]
    pub fn read(path: &str, kind: FileKind, text: String, calls: &[PythonCall]) -> Self {
        let contents = read::read(path, kind, &text, calls);
        Self {
            path: path.to_owned(),
            kind,
            text,
            contents,
        }
    }
}

impl ProjectFile {
    /// The bytes of its text that are passwords or tokens, which nothing may print.
    #[must_use]
    pub fn secrets(&self) -> Vec<Span> {
        let secrets = self.contents.secrets.iter();
        let written = secrets.map(|secret| secret.at.clone());
        written.chain(secret_places(self)).collect()
    }
}

/// A project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Its files, sorted by path.
    pub files: Vec<ProjectFile>,
    /// What the organisation has said.
    pub organisation: Organisation,
    /// What is known about the releases that are pinned; nothing where no index was asked.
    pub known: KnownReleases,
    /// What is known about the projects that are named; nothing where no index was asked.
    pub known_projects: KnownProjects,
    /// What is known about releases that could be written into requirements files; `None` where none is to be
    /// written, or no index was asked.
    pub candidates: Option<Candidates>,
}

/// What the organisation has said about its index and its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organisation {
    /// The URLs of the indexes that may be used, each as far as it is to be compared.
    pub indexes: Vec<String>,
    /// The names that are the organisation's own.
    pub owned: Vec<NamePattern>,
}

impl Organisation {
    /// Whether `name` is one of the organisation's own.
    #[must_use]
    pub fn owns(&self, name: &ProjectName) -> bool {
        self.owned.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether the index at `url` is one of the organisation's, or a part of one.
    #[must_use]
    pub fn has_index(&self, url: &str) -> bool {
        let Some(url) = Address::of(url).map(|address| address.comparable()) else {
            return false;
        };
        let indexes = self.indexes.iter();
        let mut ours = indexes.filter_map(|index| Some(Address::of(index)?.comparable()));
        ours.any(|ours| {
            let rest = url.strip_prefix(&ours);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// What is known about projects.
pub type KnownProjects = HashMap<ProjectName, Fact<KnownProject>>;

/// What an index or a gateway says of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownProject {
    /// Whether any index that the project's installers ask has it.
    pub exists: bool,
    /// Its status (PEP 792), where it is not `active`, with the reason that is given.
    pub status: Option<(String, Option<String>)>,
}

/// What is known about releases, by project and version.
pub type KnownReleases = HashMap<(ProjectName, Version), Fact<KnownRelease>>;

/// What an index or a gateway says of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownRelease {
    /// Whether the index has it at all.
    pub exists: bool,
    /// Why it was yanked, where all of its files are; empty where no reason is given.
    pub yanked: Option<String>,
    /// The status of its project (PEP 792), where it is not `active`.
    pub status: Option<String>,
    /// The SHA-256 digests of its files, in hexadecimal, with their names.
    pub files: Vec<(String, String)>,
    /// Digests that the project gives for the release and that belong to other files of the same project on
    /// the index: the digest with the name of the file that has it.
    pub elsewhere: Vec<(String, String)>,
    /// Why a gateway would refuse it, in its words; `None` where it would let it through.
    pub refused: Option<String>,
    /// What to do about the refusal, in the gateway's words.
    pub remedy: Option<String>,
    /// The nearest version that would pass.
    pub nearest: Option<Version>,
}

impl Project {
    /// The file at `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&ProjectFile> {
        let found = self.files.binary_search_by(|file| (*file.path).cmp(path));
        found.ok().map(|at| &self.files[at])
    }

    /// The file that `included` names in `from`; `None` where it is not among those that were read.
    #[must_use]
    pub fn included(&self, from: &ProjectFile, included: &str) -> Option<&ProjectFile> {
        let mut paths = Self::paths_of_included(&from.path, included).into_iter();
        paths.find_map(|path| self.file(&path))
    }

    /// The paths below the project that `included` in the file at `from` may mean, the likelier first: relative to
    /// the file, and relative to the project, where commands run.
    #[must_use]
    pub fn paths_of_included(from: &str, included: &str) -> [String; 2] {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        [joined(folder, included), joined("", included)]
    }
}

/// A relative path below `folder`, without `.` and `..`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
