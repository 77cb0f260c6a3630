//! `pylock.toml` (PEP 751).

use super::reading::{Found, Reading};
use super::toml_tables::{TomlFile, TomlTable};
use super::{Elsewhere, ITSELF, LockError, LockFormat, LockedFiles};

pub(super) fn read(file: &TomlFile<'_>) -> Result<LockedFiles, LockError> {
    let format = LockFormat::Pylock;
    let root = file.root();
    let Some(version) = root.text("lock-version") else {
        return Err(LockError::shape(format, "it has no lock-version"));
    };
    if version != "1" && !version.starts_with("1.") {
        let why = "its lock-version is newer than 1, which is not known yet";
        return Err(LockError::shape(format, why));
    }
    let mut reading = Reading::new(format);
    for package in root.tables("packages") {
        package_into(&mut reading, package)?;
    }
    Ok(reading.finish())
}

fn package_into(reading: &mut Reading, package: TomlTable<'_>) -> Result<(), LockError> {
    let name = package.text("name").unwrap_or_default();
    let line = Some(package.line);
    let wanted = package.tables("dependencies");
    let mut found = Found {
        name,
        version: package.text("version"),
        line,
        index: package.text("index"),
        dependencies: wanted.iter().filter_map(|one| one.text("name")).collect(),
        ..Found::default()
    };
    if let Some((from, reason)) = elsewhere(package) {
        return reading.skip_package(&found, from, reason);
    }
    let files = package
        .tables("wheels")
        .into_iter()
        .chain(package.table("sdist"));
    for file in files {
        let location = ["name", "url", "path"]
            .into_iter()
            .find_map(|key| file.text(key));
        let hashes = file.table("hashes");
        found.file(location, hashes.and_then(|hashes| hashes.text("sha256")));
    }
    reading.take(found)
}

/// Where it comes from when not from an index, and that in words.
fn elsewhere(package: TomlTable<'_>) -> Option<(Elsewhere, &'static str)> {
    let place = |table: TomlTable<'_>| {
        let place = table.text("url").or_else(|| table.text("path"));
        place.unwrap_or_default().to_owned()
    };
    if let Some(vcs) = package.table("vcs") {
        let from = Elsewhere::Vcs {
            kind: vcs.text("type").unwrap_or("git").to_owned(),
            url: place(vcs),
            commit: vcs.text("commit-id").map(str::to_owned),
        };
        return Some((from, "it comes from version control, not from an index"));
    }
    if let Some(directory) = package.table("directory") {
        return Some(match directory.text("path") {
            Some(".") => (Elsewhere::Itself, ITSELF),
            _ => (
                Elsewhere::Path(place(directory)),
                "it comes from a directory, not from an index",
            ),
        });
    }
    let archive = package.table("archive")?;
    let from = match archive.text("url") {
        Some(url) => Elsewhere::Url(url.to_owned()),
        None => Elsewhere::Path(place(archive)),
    };
    Some((from, "it comes from one archive, not from an index"))
}
