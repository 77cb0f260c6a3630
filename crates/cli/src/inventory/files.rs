//! Locks, bills of materials, and files that say what is wanted. Files that requirements name (`-r`, `-c`) are
//! read where they are ordinary files here.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::inventory::{Component, FoundAt, Provenance};
use portcullis_core::lint::contents::{Included, Origin, Role, Wanted};
use portcullis_core::lint::{FileKind, ProjectFile};
use portcullis_core::pypi::lockfile::{self, Elsewhere, LockFormat, MAX_LOCK_BYTES};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{VersionSpecifiers, both, exact_version};

use super::{Taken, bytes};
use crate::exit::failure;

/// More files than anybody splits requirements into.
const MOST_FILES: usize = 100;

/// Takes what the file at `path` says.
pub(super) fn read(path: &Path, taken: &mut Taken) -> anyhow::Result<()> {
    let shown = path.display().to_string();
    let bytes = bytes(path, MAX_LOCK_BYTES).with_context(|| format!("cannot read {shown}"))?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    match lockfile::detect(name, &bytes) {
        Some(format) if format != LockFormat::Requirements => {
            lock(&shown, format, &bytes, taken);
            return Ok(());
        }
        _ => {}
    }
    let Some(kind) = kind_of(&shown, name, &bytes) else {
        return Err(failure(
            format!("{shown} is nothing that says which packages there are"),
            "give an environment, a requirements file, pyproject.toml, a lock, or a bill of materials \
             as CycloneDX or SPDX 2 in JSON",
        ));
    };
    wanted(path, kind, taken);
    Ok(())
}

fn kind_of(shown: &str, name: &str, bytes: &[u8]) -> Option<FileKind> {
    let kind = FileKind::of(&shown.replace('\\', "/"));
    let says_what_is_wanted = |kind: &FileKind| {
        matches!(
            kind,
            FileKind::Requirements
                | FileKind::Pyproject
                | FileKind::SetupCfg
                | FileKind::Pipfile
                | FileKind::CondaEnvironment
        )
    };
    let is_text = name.ends_with(".txt") || name.ends_with(".in");
    kind.filter(says_what_is_wanted).or_else(|| {
        let reads_so = lockfile::detect("", bytes) == Some(LockFormat::Requirements);
        (is_text || reads_so).then_some(FileKind::Requirements)
    })
}

fn lock(shown: &str, format: LockFormat, bytes: &[u8], taken: &mut Taken) {
    taken.locks.push((shown.to_owned(), format));
    match lockfile::read_as(format, bytes) {
        Ok(locked) => taken.inventory.add_locked(shown, locked),
        Err(error) => taken.inventory.note(shown, whole(shown), error.to_string()),
    }
}

fn whole(shown: &str) -> FoundAt {
    FoundAt {
        path: shown.to_owned(),
        line: None,
    }
}

/// Takes what a file wants, and the files that it names.
fn wanted(path: &Path, kind: FileKind, taken: &mut Taken) {
    let mut read = HashSet::new();
    let mut pending = vec![(path.to_path_buf(), kind, Role::Runtime)];
    let mut files: Vec<(ProjectFile, Role)> = Vec::new();
    while let Some((path, kind, role)) = pending.pop() {
        let identity = path.canonicalize().unwrap_or_else(|_| path.clone());
        if !read.insert(identity) {
            continue;
        }
        let shown = path.display().to_string();
        if files.len() == MOST_FILES {
            let why = format!("more than {MOST_FILES} files name each other");
            taken.inventory.note(&shown, whole(&shown), why);
            break;
        }
        match text(&path) {
            Ok(text) => {
                let file = ProjectFile::read(&shown, kind, text, &[]);
                for included in file.contents.included.iter().rev() {
                    pending.extend(next(&path, included, role, taken));
                }
                files.push((file, role));
            }
            Err(why) => taken.inventory.note(&shown, whole(&shown), why),
        }
    }
    let constraints = constraints(&files);
    for (file, role) in &files {
        take(file, *role, &constraints, taken);
    }
    taken.files.extend(files.into_iter().map(|(file, _)| file));
}

fn text(path: &Path) -> Result<String, String> {
    let bytes =
        bytes(path, MAX_LOCK_BYTES).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() > MAX_LOCK_BYTES {
        return Err(lockfile::LockError::TooLarge.to_string());
    }
    String::from_utf8(bytes).map_err(|_| lockfile::LockError::NotText.to_string())
}

type Next = (PathBuf, FileKind, Role);

fn next(from: &Path, included: &Included, role: Role, taken: &mut Taken) -> Option<Next> {
    if included.path.contains("://") {
        let shown = from.display().to_string();
        let why = "requirements are not fetched from an address";
        taken.inventory.note(&included.path, whole(&shown), why);
        return None;
    }
    let folder = from.parent().unwrap_or(Path::new(""));
    let path = folder.join(&included.path);
    let role = match (role, included.role) {
        (Role::Constraint, _) | (_, Role::Constraint) => Role::Constraint,
        _ => role,
    };
    Some((path, FileKind::Requirements, role))
}

/// What constraints say of projects, together.
fn constraints(files: &[(ProjectFile, Role)]) -> HashMap<ProjectName, VersionSpecifiers> {
    let mut constraints: HashMap<ProjectName, VersionSpecifiers> = HashMap::new();
    for (file, role) in files {
        let all = file.contents.wanted.iter();
        for wanted in all.filter(|one| is_constraint(one, *role)) {
            if let (Some(name), Origin::Index(specifiers)) = (&wanted.name, &wanted.origin) {
                let known = constraints.entry(name.clone()).or_default();
                *known = both(known, specifiers);
            }
        }
    }
    constraints
}

fn is_constraint(wanted: &Wanted, role: Role) -> bool {
    role == Role::Constraint || wanted.role == Role::Constraint
}

/// Whether it is the project that the file belongs to: `-e .`
fn is_itself(wanted: &Wanted) -> bool {
    let Origin::Path(path) = &wanted.origin else {
        return false;
    };
    let path = path.split('[').next().unwrap_or_default();
    matches!(path, "." | "./")
}

fn take(
    file: &ProjectFile,
    role: Role,
    constraints: &HashMap<ProjectName, VersionSpecifiers>,
    taken: &mut Taken,
) {
    let lines = LineEnds::of(&file.text);
    let at = |offset: usize| FoundAt {
        path: file.path.clone(),
        line: Some(lines.line_at(offset)),
    };
    let all = file.contents.wanted.iter();
    for wanted in all.filter(|one| !is_constraint(one, role) && !is_itself(one)) {
        let found = at(wanted.at.start);
        match component(wanted, found.clone(), constraints) {
            Ok(component) => taken.inventory.add(component),
            Err(why) => taken.inventory.note(&wanted.spelled, found, why),
        }
    }
    for unread in &file.contents.unread {
        let found = match &unread.at {
            Some(span) => at(span.start),
            None => whole(&file.path),
        };
        let what = found.to_string();
        taken.inventory.note(&what, found, unread.why.clone());
    }
}

fn component(
    wanted: &Wanted,
    found: FoundAt,
    constraints: &HashMap<ProjectName, VersionSpecifiers>,
) -> Result<Component, String> {
    if wanted.partly_known {
        return Err("it has variables, so that nobody knows what it comes to".to_owned());
    }
    let nameless = || "it does not tell which project it is".to_owned();
    let name = || wanted.name.clone().ok_or_else(nameless);
    match &wanted.origin {
        Origin::Index(specifiers) => {
            let name = name()?;
            let constraint = constraints.get(&name);
            let version = exact_version(specifiers)
                .or_else(|| exact_version(constraint?))
                .cloned();
            let open = specifiers.to_string();
            Ok(Component {
                open: (version.is_none() && !open.is_empty()).then_some(open),
                ..Component::new(name, version, found)
            })
        }
        Origin::Url { url } => Ok(elsewhere(name()?, found, Elsewhere::Url(url.clone()))),
        Origin::Vcs {
            kind,
            url,
            reference,
        } => {
            let from = Elsewhere::Vcs {
                kind: kind.clone(),
                url: url.clone(),
                commit: reference.clone(),
            };
            Ok(elsewhere(name()?, found, from))
        }
        Origin::Path(path) => Ok(elsewhere(name()?, found, Elsewhere::Path(path.clone()))),
        Origin::Unknown(why) => Err(why.clone()),
    }
}

fn elsewhere(name: ProjectName, found: FoundAt, from: Elsewhere) -> Component {
    Component {
        origin: Provenance::Elsewhere(from),
        ..Component::new(name, None, found)
    }
}

/// Where the lines of a text end.
struct LineEnds(Vec<usize>);

impl LineEnds {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate();
        let ends = ends.filter(|(_, byte)| *byte == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// The number of the line at `offset`, from 1 on.
    fn line_at(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|end| *end < offset);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}
