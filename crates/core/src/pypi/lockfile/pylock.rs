//! `pylock.toml` (PEP 751).

use super::reading::{Found, Reading, sha256};
use super::toml_tables::{TomlFile, TomlTable};
use super::{ITSELF, LockError, LockFormat, LockedFiles};

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
    let directory = package.table("directory");
    if directory.is_some_and(|directory| directory.text("path") == Some(".")) {
        return reading.skip(name, line, ITSELF);
    }
    for (key, reason) in [
        ("vcs", "it comes from version control, not from an index"),
        ("directory", "it comes from a directory, not from an index"),
        ("archive", "it comes from one archive, not from an index"),
    ] {
        if package.has(key) {
            return reading.skip(name, line, reason);
        }
    }
    let mut found = Found {
        name,
        version: package.text("version"),
        line,
        ..Found::default()
    };
    let files = package
        .tables("wheels")
        .into_iter()
        .chain(package.table("sdist"));
    for file in files {
        let location = ["name", "url", "path"]
            .into_iter()
            .find_map(|key| file.text(key));
        found.file(location, None);
        let hashes = file.table("hashes");
        let hash = hashes.and_then(|hashes| hashes.text("sha256"));
        found.hashes.extend(hash.and_then(sha256));
    }
    let wanted = package.tables("dependencies");
    found.dependencies = wanted.iter().filter_map(|one| one.text("name")).collect();
    reading.take(found)
}
