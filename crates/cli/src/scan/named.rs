//! What requirements and lock files name, before any index is asked. Files that are named for further
//! reading (`-r`, `-c`) are read where they are ordinary files here; nothing else in them is followed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::lockfile::{self, LockFormat, Locked, MAX_LOCK_BYTES};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::{InvalidRequirement, Requirement};
use portcullis_core::pypi::requirements_file::{self, Says, Unusable as Unread};
use portcullis_core::pypi::version::{VersionSpecifiers, both, exactly};

use super::choice::{PreReleases, Wanted, Which};

/// More files than anybody splits requirements into.
const MOST_FILES: usize = 100;

/// The longest text that is quoted, in characters.
const QUOTED: usize = 100;

/// Something that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Files of a project.
    Wanted(Wanted),
    /// Another place that files may come from. It is asked for nothing.
    Place(Unusable),
    /// What cannot be looked at, and why.
    Unusable(Unusable),
}

/// What cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) what: String,
    /// Where it stands.
    pub(super) from: String,
    /// Why: one clause.
    pub(super) why: String,
}

impl Wanted {
    /// What a requirement on the command line means.
    pub(super) fn of(requirement: &Requirement) -> Self {
        Self {
            project: requirement.name.clone(),
            which: newest(requirement.specifiers.clone(), PreReleases::IfNeeded),
            what: requirement.to_string(),
            from: None,
        }
    }
}

fn newest(specifiers: VersionSpecifiers, pre_releases: PreReleases) -> Which {
    Which::Newest {
        specifiers,
        pre_releases,
    }
}

/// What the file at `path` names, where it is a requirements or lock file by its name or its content.
pub(super) fn read(path: &Path) -> Option<Vec<Named>> {
    let bytes = bytes(path).ok()?;
    let name = path.file_name()?.to_str()?;
    let format = format(name, &bytes)?;
    let shown = path.display().to_string();
    Some(match format {
        LockFormat::Requirements => requirements(path),
        format => lock(&shown, format, &bytes),
    })
}

/// A `.txt` is only taken for requirements when its name or its content says so: most are prose.
fn format(name: &str, bytes: &[u8]) -> Option<LockFormat> {
    let lower = name.to_ascii_lowercase();
    let is_text = lower.ends_with(".txt") || lower.ends_with(".in");
    let says_so = ["requirement", "constraint"]
        .iter()
        .any(|word| lower.contains(word));
    match is_text && !says_so {
        true => lockfile::detect("", bytes),
        false => lockfile::detect(name, bytes),
    }
}

/// The bytes of an ordinary file; one more than may be read of a longer one, so that it is refused.
fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_LOCK_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn lock(shown: &str, format: LockFormat, bytes: &[u8]) -> Vec<Named> {
    let locked = match lockfile::read_as(format, bytes) {
        Ok(locked) => locked,
        Err(error) => return vec![unusable(shown, shown, error.to_string())],
    };
    let skipped = locked.skipped.iter();
    let skipped = skipped.filter(|one| !one.is_the_project_itself());
    let skipped =
        skipped.map(|one| unusable(&one.what, &place(shown, one.line), one.reason.clone()));
    let entries = locked.entries.iter();
    let entries = entries.map(|entry| Named::Wanted(of_lock(entry, shown)));
    entries.chain(skipped).collect()
}

fn of_lock(entry: &Locked, shown: &str) -> Wanted {
    let what = match &entry.version {
        Some(version) => format!("{}=={version}", entry.project),
        None => entry.project.to_string(),
    };
    let is_bare = entry.hashes.is_empty() && entry.filenames.is_empty();
    let which = match (is_bare, &entry.version) {
        (true, None) => newest(VersionSpecifiers::empty(), PreReleases::IfNeeded),
        (true, Some(version)) => newest(exactly(version), PreReleases::IfNeeded),
        (false, version) => Which::Locked {
            version: version.clone(),
            hashes: entry.hashes.clone(),
            filenames: entry.filenames.clone(),
        },
    };
    Wanted {
        project: entry.project.clone(),
        which,
        what,
        from: Some(place(shown, entry.line)),
    }
}

fn place(shown: &str, line: Option<u32>) -> String {
    match line {
        Some(line) => format!("{shown}:{line}"),
        None => shown.to_owned(),
    }
}

fn unusable(what: &str, from: &str, why: impl Into<String>) -> Named {
    Named::Unusable(Unusable {
        what: what.chars().take(QUOTED).collect(),
        from: from.to_owned(),
        why: why.into(),
    })
}

/// What a file is to those that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Requirements,
    Constraints,
}

/// Requirements and constraints as they are gathered from all files.
#[derive(Default)]
struct Gathered {
    files: HashSet<PathBuf>,
    wanted: Vec<(Requirement, Vec<Sha256>, String)>,
    constraints: HashMap<ProjectName, Constraint>,
    others: Vec<Named>,
    wants_pre_releases: bool,
}

fn requirements(path: &Path) -> Vec<Named> {
    let mut gathered = Gathered::default();
    let mut pending = vec![(path.to_path_buf(), Role::Requirements, String::new())];
    while let Some((path, role, from)) = pending.pop() {
        let identity = path.canonicalize().unwrap_or_else(|_| path.clone());
        if !gathered.files.insert(identity) {
            continue;
        }
        if gathered.files.len() > MOST_FILES {
            let why = format!("more than {MOST_FILES} files name each other");
            gathered
                .others
                .push(unusable(&path.display().to_string(), &from, why));
            break;
        }
        let mut named = gathered.file(&path, role, &from);
        // The first that is named is read first.
        named.reverse();
        pending.extend(named);
    }
    gathered.finish()
}

/// A file that is named in another one: where it is, what it is, and where it is named.
type Next = (PathBuf, Role, String);

impl Gathered {
    fn file(&mut self, path: &Path, role: Role, from: &str) -> Vec<Next> {
        let shown = path.display().to_string();
        let lines = match text(path)
            .and_then(|text| requirements_file::parse(&text).map_err(|error| error.to_string()))
        {
            Ok(lines) => lines,
            Err(why) => {
                self.others.push(unusable(&shown, from, why));
                return Vec::new();
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut next = Vec::new();
        for line in lines {
            let from = place(&shown, Some(line.number));
            match line.says {
                Says::Requirements(name) | Says::Constraints(name) if name.contains("://") => {
                    let why = "requirements are not fetched from an address";
                    self.others.push(unusable(&name, &from, why));
                }
                Says::Requirements(name) => next.push((folder.join(name), role, from)),
                Says::Constraints(name) => next.push((folder.join(name), Role::Constraints, from)),
                says => self.line(says, role, from),
            }
        }
        next
    }

    fn line(&mut self, says: Says, role: Role, from: String) {
        match (says, role) {
            (
                Says::Wanted {
                    requirement,
                    hashes,
                },
                Role::Requirements,
            ) => {
                self.wanted.push((requirement, hashes, from));
            }
            (
                Says::Wanted {
                    requirement,
                    hashes,
                },
                Role::Constraints,
            ) => {
                let known = self.constraints.entry(requirement.name).or_default();
                known.specifiers = both(&known.specifiers, &requirement.specifiers);
                known.hashes.extend(hashes);
            }
            (Says::Place(what), _) => self.others.push(Named::Place(Unusable {
                what: what.chars().take(QUOTED).collect(),
                from,
                why: "files may come from there as well, and it is not asked".to_owned(),
            })),
            (Says::PreReleases, _) => self.wants_pre_releases = true,
            (Says::Unusable(why), Role::Requirements) => {
                self.others.push(unusable(&from, &from, in_short(&why)));
            }
            _ => {}
        }
    }

    fn finish(self) -> Vec<Named> {
        let pre_releases = match self.wants_pre_releases {
            true => PreReleases::Allowed,
            false => PreReleases::IfNeeded,
        };
        let constraints = &self.constraints;
        let wanted = self.wanted.into_iter().map(|(requirement, hashes, from)| {
            let constraint = constraints.get(&requirement.name);
            let which = which(&requirement, hashes, constraint, pre_releases);
            let what = requirement.to_string();
            match which {
                None => unusable(
                    &what,
                    &from,
                    "it and its constraints allow different hashes",
                ),
                Some(which) => Named::Wanted(Wanted {
                    project: requirement.name,
                    which,
                    what,
                    from: Some(from),
                }),
            }
        });
        wanted.chain(self.others).collect()
    }
}

/// What constraints say of a project.
#[derive(Default)]
struct Constraint {
    specifiers: VersionSpecifiers,
    hashes: Vec<Sha256>,
}

/// Which files a requirement means as its constraint narrows it down: both specifiers hold, and of hashes
/// those that both allow; `None` where that leaves none.
fn which(
    requirement: &Requirement,
    mut hashes: Vec<Sha256>,
    constraint: Option<&Constraint>,
    pre_releases: PreReleases,
) -> Option<Which> {
    let mut specifiers = requirement.specifiers.clone();
    if let Some(constraint) = constraint {
        let allowed = &constraint.hashes;
        specifiers = both(&specifiers, &constraint.specifiers);
        if hashes.is_empty() {
            hashes.clone_from(allowed);
        } else if !allowed.is_empty() {
            hashes.retain(|sha256| allowed.contains(sha256));
            if hashes.is_empty() {
                return None;
            }
        }
    }
    Some(match hashes.is_empty() {
        true => newest(specifiers, pre_releases),
        false => Which::Locked {
            version: requirement.exact_version().cloned(),
            hashes,
            filenames: Vec::new(),
        },
    })
}

/// Why a line is not understood, without the line: where it stands is told, and what a file says that is no
/// list of requirements is nobody's business.
fn in_short(why: &Unread) -> String {
    match why {
        Unread::Requirement(InvalidRequirement::Url(_)) => {
            "it points at an address, which is not fetched".to_owned()
        }
        Unread::Requirement(_) => "it is no requirement such as flask>=3".to_owned(),
        Unread::TooLong | Unread::Path | Unread::OtherHashes => why.to_string(),
    }
}

fn text(path: &Path) -> Result<String, String> {
    let bytes = bytes(path).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() > MAX_LOCK_BYTES {
        return Err(lockfile::LockError::TooLarge.to_string());
    }
    String::from_utf8(bytes).map_err(|_| lockfile::LockError::NotText.to_string())
}

#[cfg(test)]
mod tests;
