//! Installed environments, read from the metadata that installers leave beside packages (the "recording
//! installed projects" specification): `.dist-info`, `.egg-info` and `direct_url.json`. Python is not run, so
//! that what `.pth` files import and what hooks add to the path is not seen.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use portcullis_core::digest::Sha256;
use portcullis_core::inventory::{Component, FoundAt, NestedSbom, Provenance};
use portcullis_core::licence::Licence;
use portcullis_core::pypi::lockfile::{Elsewhere, LockedFile};
use portcullis_core::pypi::metadata::{CoreMetadata, MAX_METADATA_SIZE};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::Requirement;
use serde_json::Value;
use url::Url;

use super::{Taken, bytes};
use crate::exit::failure;

/// The longest `direct_url.json`, `.pth` file or `pyvenv.cfg` that is read, in bytes.
const SMALL: usize = 1 << 20;
/// The largest bill of materials within a distribution that is read, in bytes.
const LARGEST_SBOM: usize = 64 << 20;
/// Folders below `sboms/` that are looked into.
const DEEPEST: usize = 4;

/// How much is wanted to be known of each distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What it is and where it comes from.
    Releases,
    /// Its licence, what it wants, and its own bills of materials as well.
    Everything,
}

/// Reads the environment that is meant where none is named.
pub(super) fn usual(detail: Detail, taken: &mut Taken) -> anyhow::Result<()> {
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let path = active.unwrap_or_else(|| PathBuf::from(".venv"));
    match path.is_dir() && read(&path, detail, taken)? {
        true => Ok(()),
        false => Err(failure(
            format!("there is no environment in {}", path.display()),
            "name an environment, a requirements file or a lock, or activate an environment",
        )),
    }
}

/// Reads the environment of an interpreter. The interpreter of a virtual environment is a link to another
/// one, and means the environment that it is in.
pub(super) fn of_interpreter(
    python: &Path,
    detail: Detail,
    taken: &mut Taken,
) -> anyhow::Result<()> {
    if python.is_dir() && read(python, detail, taken)? {
        return Ok(());
    }
    let prefix = |python: &Path| Some(python.parent()?.parent()?.to_path_buf());
    let beside = prefix(python).filter(|prefix| prefix.join("pyvenv.cfg").is_file());
    let real = python.canonicalize().ok();
    let found = match (beside, &real) {
        (Some(prefix), _) => read(&prefix, detail, taken)?,
        (None, Some(real)) => match prefix(real) {
            Some(prefix) => {
                let folders = of_base(&prefix, version_of(real).as_deref());
                take_all(&folders, &prefix, detail, taken)
            }
            None => false,
        },
        (None, None) => false,
    };
    match found {
        true => Ok(()),
        false => Err(failure(
            format!(
                "no packages were found for the interpreter {}",
                python.display()
            ),
            "name its environment or its site-packages folder instead",
        )),
    }
}

/// `3.12` of `/usr/bin/python3.12`.
fn version_of(python: &Path) -> Option<String> {
    let name = python.file_name()?.to_str()?;
    let version = name.strip_prefix("python")?.trim_end_matches(".exe");
    version.contains('.').then(|| version.to_owned())
}

/// Reads the environment at `root`, or the folder of packages that it is itself; whether it is one.
pub(super) fn read(root: &Path, detail: Detail, taken: &mut Taken) -> anyhow::Result<bool> {
    let mut folders = Vec::new();
    if holds_distributions(root) {
        folders.push(root.to_path_buf());
    }
    let settings = root.join("pyvenv.cfg");
    let is_virtual = settings.is_file();
    let looks_like_one = is_virtual || root.join("bin/python").exists();
    if looks_like_one || root.join("Lib/site-packages").is_dir() || folders.is_empty() {
        folders.extend(of_virtual(root));
    }
    if is_virtual {
        folders.extend(of_system(&settings));
    }
    Ok(take_all(&folders, root, detail, taken) || is_virtual)
}

fn holds_distributions(folder: &Path) -> bool {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().ends_with(".dist-info"))
}

/// The folders of packages below a prefix.
fn of_virtual(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["lib", "lib64"]
        .iter()
        .flat_map(|lib| pythons(&root.join(lib)))
        .map(|python| python.join("site-packages"))
        .collect();
    folders.push(root.join("Lib").join("site-packages"));
    folders
}

/// `lib/python3.12` and the like, in order.
fn pythons(lib: &Path) -> Vec<PathBuf> {
    let entries = lib.read_dir().into_iter().flatten().flatten();
    let is_python = |name: &str| name.starts_with("python") || name.starts_with("pypy");
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| is_python(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The folders of packages of an interpreter that is no virtual environment's, those of Debian too. Without
/// a version those of all versions are meant.
fn of_base(prefix: &Path, version: Option<&str>) -> Vec<PathBuf> {
    let local = prefix.join("local");
    let mut folders = Vec::new();
    for root in [prefix, &local] {
        for python in pythons(&root.join("lib")) {
            let name = python.file_name().unwrap_or_default().to_string_lossy();
            let name = name.strip_prefix("python").unwrap_or(&name).to_owned();
            if version.is_none_or(|version| name == version || name == "3") {
                folders.push(python.join("site-packages"));
                folders.push(python.join("dist-packages"));
            }
        }
        folders.push(root.join("Lib").join("site-packages"));
    }
    folders
}

/// The folders of the interpreter below, where a virtual environment lets them shine through.
fn of_system(settings: &Path) -> Vec<PathBuf> {
    let text = bytes(settings, SMALL).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let setting = |key: &str| {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let mut pairs = pairs.map(|(name, value)| (name.trim(), value.trim()));
        pairs
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    };
    let shines = setting("include-system-site-packages");
    if !shines.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Vec::new();
    }
    let version = setting("version").or_else(|| setting("version_info"));
    let version = version.map(|version| version.split('.').take(2).collect::<Vec<_>>().join("."));
    let home = setting("home").map(Path::new);
    let prefix = home.and_then(Path::parent);
    prefix.map_or_else(Vec::new, |prefix| of_base(prefix, version.as_deref()))
}

/// Takes what is in these folders, and in those that their `.pth` files name; whether there was any folder.
fn take_all(folders: &[PathBuf], root: &Path, detail: Detail, taken: &mut Taken) -> bool {
    let mut seen = HashSet::new();
    let mut pending: Vec<PathBuf> = folders.iter().rev().cloned().collect();
    let mut has_any = false;
    while let Some(folder) = pending.pop() {
        let identity = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        if !folder.is_dir() || !seen.insert(identity) {
            continue;
        }
        has_any = true;
        let is_extension = !folders.contains(&folder);
        let site = Site {
            folder: &folder,
            root,
            detail,
            is_extension,
        };
        let more = site.take(taken);
        if !is_extension {
            pending.extend(more);
        }
    }
    if has_any {
        taken.environments.push(root.display().to_string());
    }
    has_any
}

/// One folder of packages.
struct Site<'s> {
    folder: &'s Path,
    /// The environment that it belongs to.
    root: &'s Path,
    detail: Detail,
    /// Whether a `.pth` file named it.
    is_extension: bool,
}

impl Site<'_> {
    /// Takes its distributions; the folders that its `.pth` files name.
    fn take(&self, taken: &mut Taken) -> Vec<PathBuf> {
        let entries = match self.folder.read_dir() {
            Ok(entries) => entries,
            Err(error) => {
                let why = format!("it cannot be read: {error}");
                taken
                    .inventory
                    .note(&self.shown(self.folder), self.at(self.folder), why);
                return Vec::new();
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let mut more = Vec::new();
        for path in paths {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            match extension {
                "dist-info" => self.distribution(&path, &path.join("METADATA"), taken),
                "egg-info" if path.is_dir() => {
                    self.distribution(&path, &path.join("PKG-INFO"), taken);
                }
                "egg-info" => self.distribution(&path, &path, taken),
                "egg" if path.is_dir() => {
                    self.distribution(&path, &path.join("EGG-INFO/PKG-INFO"), taken);
                }
                "egg" => {
                    let why = "it is an egg that is not unpacked, which is not looked into";
                    taken.inventory.note(&name, self.at(&path), why);
                }
                "pth" => more.extend(self.extended(&path)),
                _ => {}
            }
        }
        more
    }

    /// The folders that a `.pth` file adds to the path. Its lines that are code are not run.
    fn extended(&self, path: &Path) -> Vec<PathBuf> {
        let text = bytes(path, SMALL).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().map(str::trim);
        let is_folder = |line: &&str| {
            !line.is_empty()
                && !line.starts_with('#')
                && !line.starts_with("import ")
                && !line.starts_with("import\t")
        };
        let folders = lines.filter(is_folder).map(|line| self.folder.join(line));
        folders.filter(|folder| folder.is_dir()).collect()
    }

    fn distribution(&self, path: &Path, metadata: &Path, taken: &mut Taken) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let read = bytes(metadata, MAX_METADATA_SIZE)
            .map_err(|error| format!("its metadata cannot be read: {error}"));
        let parsed =
            read.and_then(|bytes| CoreMetadata::parse(&bytes).map_err(|error| format!("{error}")));
        match parsed {
            Ok(metadata) => taken.inventory.add(self.component(path, metadata)),
            Err(why) => taken.inventory.note(&name, self.at(path), why),
        }
    }

    fn component(&self, path: &Path, metadata: CoreMetadata) -> Component {
        let (origin, file) = self.origin(path);
        let mut component = Component {
            origin,
            files: file.into_iter().collect(),
            ..Component::new(
                metadata.name.clone(),
                Some(metadata.version.clone()),
                self.at(path),
            )
        };
        if self.detail == Detail::Everything {
            component.licence = Some(Licence::from_metadata(&metadata));
            component.dependencies = dependencies(&metadata);
            component.nested = self.nested(path);
            component.summary = metadata.summary.map(String::from);
        }
        component
    }

    /// Where a distribution was installed from (PEP 610). Of what lies in a folder that a `.pth` file names, `.egg-info`
    /// was left by `setup.py develop`: it is not installed, but worked on there.
    fn origin(&self, path: &Path) -> (Provenance, Option<LockedFile>) {
        let direct = bytes(&path.join("direct_url.json"), SMALL).ok();
        let direct = direct.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let Some(direct) = direct else {
            let is_egg = path.extension().is_some_and(|ending| ending == "egg-info");
            let origin = match self.is_extension && is_egg {
                true => self.local(self.folder),
                false => Provenance::Index(None),
            };
            return (origin, None);
        };
        let url = direct["url"].as_str().unwrap_or_default();
        if let Some(vcs) = direct["vcs_info"]["vcs"].as_str() {
            let from = Elsewhere::Vcs {
                kind: vcs.to_owned(),
                url: url.to_owned(),
                commit: direct["vcs_info"]["commit_id"].as_str().map(str::to_owned),
            };
            return (Provenance::Elsewhere(from), None);
        }
        let here = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
        match here {
            Some(folder) if direct.get("dir_info").is_some() => (self.local(&folder), None),
            Some(file) => {
                let from = Elsewhere::Path(file.display().to_string());
                (Provenance::Elsewhere(from), archive(url, &direct))
            }
            None => {
                let from = Elsewhere::Url(url.to_owned());
                (Provenance::Elsewhere(from), archive(url, &direct))
            }
        }
    }

    /// A folder that something was installed from: the project that the environment belongs to or a part of
    /// it, or something else.
    fn local(&self, folder: &Path) -> Provenance {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let own = real(Path::new("."));
        let beside = real(self.root).parent().map(Path::to_path_buf);
        let folder_real = real(folder);
        let is_own = folder_real.starts_with(&own)
            || beside.is_some_and(|beside| folder_real.starts_with(beside));
        // What lies in the environment itself was fetched from somewhere, as pip's `src` folder is.
        let is_fetched = folder_real.starts_with(real(self.root));
        Provenance::Elsewhere(match is_own && !is_fetched {
            true => Elsewhere::Itself,
            false => Elsewhere::Path(folder.display().to_string()),
        })
    }

    /// Its own bills of materials (PEP 770).
    fn nested(&self, path: &Path) -> Vec<NestedSbom> {
        let mut found = Vec::new();
        self.nested_below(&path.join("sboms"), 0, &mut found);
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    fn nested_below(&self, folder: &Path, depth: usize, found: &mut Vec<NestedSbom>) {
        let entries = folder.read_dir().into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() && depth < DEEPEST {
                self.nested_below(&path, depth + 1, found);
                continue;
            }
            let below = path.strip_prefix(self.folder).unwrap_or(&path);
            let Ok(bytes) = bytes(&path, LARGEST_SBOM) else {
                continue;
            };
            if bytes.len() <= LARGEST_SBOM {
                found.push(NestedSbom {
                    path: below
                        .to_string_lossy()
                        .replace(std::path::MAIN_SEPARATOR, "/"),
                    sha256: Sha256::of(&bytes),
                });
            }
        }
    }

    fn shown(&self, path: &Path) -> String {
        path.display().to_string()
    }

    fn at(&self, path: &Path) -> FoundAt {
        FoundAt {
            path: self.shown(path),
            line: None,
        }
    }
}

/// The archive that something was installed from, with its digest where the installer kept it.
fn archive(url: &str, direct: &Value) -> Option<LockedFile> {
    let info = &direct["archive_info"];
    let modern = info["hashes"]["sha256"].as_str();
    let older = info["hash"]
        .as_str()
        .and_then(|hash| hash.strip_prefix("sha256="));
    let name = url.split(['?', '#']).next().unwrap_or_default();
    let name = name.rsplit('/').next().filter(|name| !name.is_empty());
    Some(LockedFile {
        filename: name.map(str::to_owned),
        url: Some(url.to_owned()).filter(|url| !url.starts_with("file:")),
        sha256: modern.or(older).and_then(|digest| digest.parse().ok()),
    })
}

/// The projects that it wants without any extra.
fn dependencies(metadata: &CoreMetadata) -> Vec<ProjectName> {
    let is_plain = |text: &&str| match text.split_once(';') {
        Some((_, marker)) => !marker
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == "extra"),
        None => true,
    };
    let wanted = metadata
        .requires_dist
        .iter()
        .map(|text| &**text)
        .filter(is_plain);
    let names = wanted.filter_map(|text| text.parse::<Requirement>().ok());
    names.map(|requirement| requirement.name).collect()
}
