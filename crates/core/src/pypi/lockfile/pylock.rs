//! `pylock.toml` (PEP 751).

use super::spelled::{
    SpelledFile, SpelledHash, SpelledHead, SpelledLock, SpelledOrigin, SpelledPackage,
};
use super::toml_tables::{TomlFile, TomlTable, place_of};
use super::{LockError, LockFormat};

pub(super) fn spelled<'d>(file: &'d TomlFile<'d>) -> Result<SpelledLock<'d>, LockError> {
    let format = LockFormat::Pylock;
    let root = file.root();
    let Some(version) = root.text("lock-version") else {
        return Err(LockError::shape(format, "it has no lock-version"));
    };
    if version != "1" && !version.starts_with("1.") {
        let why = "its lock-version is newer than 1, which is not known yet";
        return Err(LockError::shape(format, why));
    }
    let packages = root.tables("packages").into_iter();
    Ok(SpelledLock {
        head: SpelledHead {
            format: Some(version.to_owned()),
            ..SpelledHead::default()
        },
        packages: packages.map(package).collect(),
    })
}

fn package(package: TomlTable<'_>) -> SpelledPackage<'_> {
    let files = package.tables("wheels").into_iter();
    let files = files.chain(package.table("sdist"));
    let wanted = package.tables("dependencies");
    SpelledPackage {
        name: package.text("name").unwrap_or_default(),
        version: package.text("version"),
        at: place_of(package),
        line: package.line,
        origin: origin(package),
        files: files
            .chain(package.table("archive"))
            .map(one_file)
            .collect(),
        dependencies: wanted.iter().filter_map(|one| one.text("name")).collect(),
    }
}

fn origin(package: TomlTable<'_>) -> SpelledOrigin<'_> {
    if let Some(vcs) = package.table("vcs") {
        let url = vcs.text("url").or(vcs.text("path"));
        return SpelledOrigin::Vcs(url.unwrap_or_default(), vcs.text("commit-id"));
    }
    if let Some(directory) = package.table("directory") {
        return match directory.text("path").unwrap_or_default() {
            "." => SpelledOrigin::Itself("."),
            path => SpelledOrigin::Path(path),
        };
    }
    let Some(archive) = package.table("archive") else {
        return SpelledOrigin::Index(package.text("index"));
    };
    match archive.text("url") {
        Some(url) => SpelledOrigin::Url(url),
        None => SpelledOrigin::Path(archive.text("path").unwrap_or_default()),
    }
}

fn one_file(file: TomlTable<'_>) -> SpelledFile<'_> {
    // The URL tells of the host, too; the name is its last part in any case.
    let keys = ["url", "path", "name"].into_iter();
    let location = keys.filter_map(|key| file.placed_text(key)).next();
    let hashes = file.table("hashes");
    let hashes = hashes
        .map(|hashes| hashes.placed_texts())
        .unwrap_or_default();
    let hash = |(algorithm, digest, at)| SpelledHash {
        algorithm,
        digest,
        at,
    };
    SpelledFile {
        location: location.as_ref().map(|(text, _)| *text),
        at: location.map_or_else(|| file.start(), |(_, at)| at),
        hashes: hashes.into_iter().map(hash).collect(),
    }
}
