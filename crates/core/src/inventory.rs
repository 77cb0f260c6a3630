//! [`Inventory`]: which releases of which projects are installed, locked or wanted somewhere, in terms that
//! do not depend on where that was read. What is known about them is others' business.

use std::collections::HashMap;
use std::fmt;

use crate::licence::Licence;
use crate::pypi::lockfile::{Elsewhere, LockedFile, LockedFiles, Skipped};
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// What was found, and what could not be made out.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The components, each once, in the order in which they were found.
    pub components: Vec<Component>,
    /// What could not be made out.
    pub unknown: Vec<Unclear>,
    places: HashMap<(ProjectName, Option<Version>), usize>,
}

/// One release of a project, or what stands in for one.
#[derive(Clone, Debug)]
pub struct Component {
    /// The project.
    pub project: ProjectName,
    /// Its version; `None` where nobody has settled on one.
    pub version: Option<Version>,
    /// The specifiers of a requirement that leaves the version open: `>=3`.
    pub open: Option<String>,
    /// Where it comes from.
    pub origin: Provenance,
    /// Its files, as far as they are known.
    pub files: Vec<LockedFile>,
    /// Its licence, where its metadata was read.
    pub licence: Option<Licence>,
    /// What it is, in one line of its author.
    pub summary: Option<String>,
    /// The projects that it wants.
    pub dependencies: Vec<ProjectName>,
    /// The bills of materials that it carries itself (PEP 770).
    pub nested: Vec<NestedSbom>,
    /// Where it was found, each place once.
    pub found: Vec<FoundAt>,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// An index, with its URL or name where that is known.
    Index(Option<String>),
    /// Anywhere else.
    Elsewhere(Elsewhere),
}

/// A bill of materials within a distribution (PEP 770, `.dist-info/sboms/`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedSbom {
    /// Its path below the folder of packages, with `/` between its parts.
    pub path: String,
    /// The SHA-256 digest of its bytes.
    pub sha256: crate::digest::Sha256,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FoundAt {
    /// The path, as it was given or found.
    pub path: String,
    /// The line (1-based), where there are lines.
    pub line: Option<u32>,
}

impl fmt::Display for FoundAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// Something of which nobody knows what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// What it is, as it is spelled.
    pub what: String,
    /// The project, where that much is known.
    pub project: Option<ProjectName>,
    /// Where it was found.
    pub found: FoundAt,
    /// Why it cannot be made out: a clause.
    pub why: String,
}

impl Component {
    /// A release of an index, found at `found`.
    #[must_use]
    pub fn new(project: ProjectName, version: Option<Version>, found: FoundAt) -> Self {
        Self {
            project,
            version,
            open: None,
            origin: Provenance::Index(None),
            files: Vec::new(),
            licence: None,
            summary: None,
            dependencies: Vec::new(),
            nested: Vec::new(),
            found: vec![found],
        }
    }

    /// Whether it is the project that is looked at, and so nothing that comes from anywhere.
    #[must_use]
    pub fn is_itself(&self) -> bool {
        self.origin == Provenance::Elsewhere(Elsewhere::Itself)
    }

    /// Adds what another finding of the same release says.
    fn absorb(&mut self, other: Self) {
        add(&mut self.found, other.found);
        add(&mut self.files, other.files);
        add(&mut self.dependencies, other.dependencies);
        add(&mut self.nested, other.nested);
        self.licence = self.licence.take().or(other.licence);
        self.summary = self.summary.take().or(other.summary);
        self.open = self.open.take().or(other.open);
        // What does not come from an index is said, whoever else found it in one.
        match (&self.origin, &other.origin) {
            (Provenance::Index(None), _) | (Provenance::Index(_), Provenance::Elsewhere(_)) => {
                self.origin = other.origin
            }
            _ => {}
        }
    }
}

fn add<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

impl Inventory {
    /// Takes a component. One of the same project and version is joined with it.
    pub fn add(&mut self, component: Component) {
        let key = (component.project.clone(), component.version.clone());
        match self.places.get(&key) {
            Some(place) => self.components[*place].absorb(component),
            None => {
                self.places.insert(key, self.components.len());
                self.components.push(component);
            }
        }
    }

    /// Notes something that could not be made out.
    pub fn note(&mut self, what: &str, found: FoundAt, why: impl Into<String>) {
        self.unknown.push(Unclear {
            what: what.to_owned(),
            project: None,
            found,
            why: why.into(),
        });
    }

    /// Takes what a lock or a bill of materials at `path` names. What it says of packages from elsewhere is
    /// kept as far as it goes; options and other ecosystems are nothing that belongs here.
    pub fn add_locked(&mut self, path: &str, locked: LockedFiles) {
        let at = |line: Option<u32>| FoundAt {
            path: path.to_owned(),
            line,
        };
        for entry in locked.entries {
            self.add(Component {
                origin: Provenance::Index(entry.index),
                files: files(entry.files, entry.hashes),
                dependencies: entry.dependencies,
                ..Component::new(entry.project, entry.version, at(entry.line))
            });
        }
        for skipped in locked.skipped {
            let found = at(skipped.line);
            self.add_skipped(skipped, found);
        }
    }

    fn add_skipped(&mut self, skipped: Skipped, found: FoundAt) {
        let is_itself = skipped.is_the_project_itself();
        match skipped.package {
            Some(package) => self.add(Component {
                origin: Provenance::Elsewhere(package.from),
                dependencies: package.dependencies,
                ..Component::new(package.project, package.version, found)
            }),
            None if is_itself || skipped.is_of_another_ecosystem() => {}
            None => self.note(&skipped.what, found, skipped.reason),
        }
    }
}

/// The files, and digests for which no file is named.
fn files(mut files: Vec<LockedFile>, hashes: Vec<crate::digest::Sha256>) -> Vec<LockedFile> {
    let known: Vec<_> = files.iter().filter_map(|file| file.sha256).collect();
    let bare = hashes.into_iter().filter(|hash| !known.contains(hash));
    files.extend(bare.map(|sha256| LockedFile {
        sha256: Some(sha256),
        ..LockedFile::default()
    }));
    files
}
