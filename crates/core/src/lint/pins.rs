//! [`pins`]: the releases that a project has settled on and the projects that it wants, as an index or a gateway
//! is asked about them. Asking is the caller's.

use std::collections::HashMap;

use super::address::is_same_index;
use super::contents::Span;
use super::contents::{
    Contents, GivenHash, LockedOrigin, LockedPackage, Origin, PlaceRole, Wanted,
};
use super::project::Project;
use crate::digest::Sha256;
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers, exact_version};

/// What is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// The project.
    pub project: ProjectName,
    /// The one version; `None` where only the project's name is settled.
    pub version: Option<Version>,
    /// The versions that are wanted, where one place alone says so.
    pub wanted: VersionSpecifiers,
    /// The SHA-256 digests of the files that are allowed.
    pub hashes: Vec<Sha256>,
    /// The names or URLs of those files.
    pub files: Vec<String>,
    /// The file that names it first.
    pub path: String,
    /// Where it does.
    pub at: Span,
    /// The indexes that it is said to come from, by name or URL as they are spelled; none where nothing is said.
    pub indexes: Vec<String>,
}

/// What `project` names that comes from an index, each release once.
#[must_use]
pub fn pins(project: &Project) -> Vec<Pin> {
    let mut found = Found::default();
    for file in &project.files {
        found.path.clone_from(&file.path);
        of_file(&file.contents, &mut found);
    }
    found.pins
}

/// Whether the installers of `project` are told to look anywhere but in `indexes`.
#[must_use]
pub fn looks_elsewhere(project: &Project, indexes: &[&str]) -> bool {
    let places = project.files.iter().flat_map(|file| &file.contents.places);
    let mut read =
        places.filter(|place| !matches!(place.role, PlaceRole::Upload | PlaceRole::Explicit));
    read.any(|place| !indexes.iter().any(|index| is_same_index(index, &place.url)))
}

#[derive(Default)]
struct Found {
    pins: Vec<Pin>,
    places: HashMap<(ProjectName, Option<Version>), usize>,
    /// The file that is looked at.
    path: String,
}

impl Found {
    fn pin(&mut self, (project, version): (&ProjectName, Option<&Version>), at: &Span) -> &mut Pin {
        let key = (project.clone(), version.cloned());
        let place = *self.places.entry(key).or_insert_with(|| {
            self.pins.push(Pin {
                project: project.clone(),
                version: version.cloned(),
                wanted: VersionSpecifiers::empty(),
                hashes: Vec::new(),
                files: Vec::new(),
                path: self.path.clone(),
                at: at.clone(),
                indexes: Vec::new(),
            });
            self.pins.len() - 1
        });
        &mut self.pins[place]
    }
}

fn of_file(contents: &Contents, found: &mut Found) {
    for wanted in &contents.wanted {
        if let (Some(name), Origin::Index(specifiers)) = (&wanted.name, &wanted.origin)
            && !wanted.partly_known
        {
            of_wanted(wanted, name, specifiers, found);
        }
    }
    for package in &contents.locked {
        if let LockedOrigin::Index(index) = &package.origin {
            of_locked(package, index.as_deref(), found);
        }
    }
}

fn of_wanted(
    wanted: &Wanted,
    name: &ProjectName,
    specifiers: &VersionSpecifiers,
    found: &mut Found,
) {
    let pin = found.pin((name, exact_version(specifiers)), &wanted.at);
    if pin.version.is_none() && pin.wanted.is_empty() {
        pin.wanted = specifiers.clone();
    }
    add_all(&mut pin.hashes, sha256(&wanted.hashes));
    add_all(&mut pin.indexes, wanted.index.iter().cloned());
}

fn of_locked(package: &LockedPackage, index: Option<&str>, found: &mut Found) {
    let pin = found.pin((&package.name, package.version.as_ref()), &package.at);
    add_all(&mut pin.hashes, sha256(&package.hashes));
    for file in &package.files {
        add_all(&mut pin.hashes, sha256(&file.hashes));
        add_all(&mut pin.files, [file.location.clone()]);
    }
    add_all(&mut pin.indexes, index.map(str::to_owned));
}

/// The digests among `hashes` that an index can be asked about.
pub(super) fn sha256(hashes: &[GivenHash]) -> impl Iterator<Item = Sha256> {
    let sha256 = hashes.iter().filter(|hash| hash.algorithm == "sha256");
    sha256.filter_map(|hash| hash.digest.parse().ok())
}

fn add_all<T: PartialEq>(all: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::contents::{LockedFile, Place, Role, Tool};
    use crate::lint::{FileKind, ProjectFile};

    fn project(contents: Contents) -> Project {
        let file = ProjectFile {
            path: "file".to_owned(),
            kind: FileKind::Requirements,
            text: String::new(),
            contents,
        };
        Project {
            files: vec![file],
            ..Project::default()
        }
    }

    fn hash(digit: &str) -> GivenHash {
        GivenHash {
            algorithm: "sha256".to_owned(),
            digest: digit.repeat(64),
            at: 0..0,
        }
    }

    fn wanted(name: &str, specifiers: &str, hashes: Vec<GivenHash>) -> Wanted {
        Wanted {
            spelled: format!("{name}{specifiers}"),
            at: 0..0,
            name: name.parse().ok(),
            origin: Origin::Index(specifiers.parse().expect("specifiers")),
            hashes,
            role: Role::Runtime,
            tool: Tool::Pip,
            index: None,
            partly_known: false,
            marker: None,
            by: None,
        }
    }

    fn locked(name: &str, version: &str, origin: LockedOrigin) -> LockedPackage {
        LockedPackage {
            name: name.parse().expect("a name"),
            version: version.parse().ok(),
            at: 0..0,
            origin,
            files: vec![LockedFile {
                location: format!("{name}.whl"),
                at: 0..0,
                hashes: vec![hash("b")],
            }],
            hashes: Vec::new(),
        }
    }

    #[test]
    fn a_release_is_asked_about_once_with_all_that_is_said_of_it() {
        let unknown = Wanted {
            partly_known: true,
            ..wanted("bar", "==$V".trim_end_matches("==$V"), Vec::new())
        };
        let contents = Contents {
            wanted: vec![
                wanted("foo", "==1.0", vec![hash("a"), hash("a")]),
                wanted("foo", ">=1", Vec::new()),
                unknown,
            ],
            locked: vec![
                locked("foo", "1.0.0", LockedOrigin::Index(Some("main".to_owned()))),
                locked("self", "1.0", LockedOrigin::Path(".".to_owned())),
            ],
            ..Contents::default()
        };
        let pins = pins(&project(contents));
        let said: Vec<String> = pins
            .iter()
            .map(|pin| {
                let version = pin.version.as_ref().map(ToString::to_string);
                let (hashes, files) = (pin.hashes.len(), pin.files.len());
                let version = version.unwrap_or_default();
                let (project, wanted, indexes) = (&pin.project, &pin.wanted, &pin.indexes);
                format!("{project} {version} [{wanted}] {hashes} {files} {indexes:?}")
            })
            .collect();
        assert_eq!(said, ["foo 1.0 [] 2 1 [\"main\"]", "foo  [>=1] 0 0 []",]);
    }

    #[test]
    fn an_installer_that_looks_elsewhere_is_seen() {
        for (role, url, expected) in [
            (PlaceRole::Default, "http://a.example/simple/", false),
            (PlaceRole::Merged, "http://b.example/simple/", true),
            (PlaceRole::Explicit, "http://b.example/simple/", false),
            (PlaceRole::Upload, "http://b.example/legacy/", false),
            (PlaceRole::FindLinks, "./wheels", true),
        ] {
            let place = Place {
                url: url.to_owned(),
                url_at: 0..0,
                at: 0..0,
                role,
                name: None,
                tool: Tool::Pip,
                by: None,
            };
            let contents = Contents {
                places: vec![place],
                ..Contents::default()
            };
            let project = project(contents);
            let looks = looks_elsewhere(&project, &["http://a.example/simple"]);
            assert_eq!(looks, expected, "{role:?} {url}");
        }
    }
}
