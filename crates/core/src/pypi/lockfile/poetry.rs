//! `poetry.lock`: the files stand with each package since lock version 2, and in `[metadata]` before.

use super::reading::{Found, Reading};
use super::toml_tables::{TomlFile, TomlTable};
use super::{LockError, LockFormat, LockedFiles};

pub(super) fn read(file: &TomlFile<'_>) -> Result<LockedFiles, LockError> {
    let root = file.root();
    let Some(metadata) = root.table("metadata") else {
        return Err(LockError::shape(LockFormat::Poetry, "it has no [metadata]"));
    };
    let mut reading = Reading::new(LockFormat::Poetry);
    for package in root.tables("package") {
        package_into(&mut reading, package, metadata)?;
    }
    Ok(reading.finish())
}

fn package_into(
    reading: &mut Reading,
    package: TomlTable<'_>,
    metadata: TomlTable<'_>,
) -> Result<(), LockError> {
    let name = package.text("name").unwrap_or_default();
    let line = Some(package.line);
    let source = package
        .table("source")
        .and_then(|source| source.text("type"));
    if let Some(kind) = source.filter(|kind| *kind != "legacy") {
        let reason = match kind {
            "git" => "it comes from version control, not from an index",
            "directory" | "file" => "it comes from a path, not from an index",
            _ => "it comes from a direct address, not from an index",
        };
        return reading.skip(name, line, reason);
    }
    let mut found = Found {
        name,
        version: package.text("version"),
        line,
        ..Found::default()
    };
    let elsewhere = metadata.table("files");
    let files = package.tables("files").into_iter();
    for file in files.chain(
        elsewhere
            .map(|files| files.tables(name))
            .unwrap_or_default(),
    ) {
        found.file(file.text("file"), file.text("hash"));
    }
    for hash in metadata
        .table("hashes")
        .map(|hashes| hashes.texts(name))
        .unwrap_or_default()
    {
        found.file(None, Some(hash));
    }
    if let Some(wanted) = package.table("dependencies") {
        found.dependencies = wanted.keys().collect();
    }
    reading.take(found)
}
