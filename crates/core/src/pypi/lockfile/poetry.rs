//! `poetry.lock`: the files stand with each package since lock version 2, and in `[metadata]` before.

use super::reading::{Found, Reading};
use super::toml_tables::{TomlFile, TomlTable};
use super::{Elsewhere, LockError, LockFormat, LockedFiles};

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
    let source = package.table("source");
    let mut found = Found {
        name,
        version: package.text("version"),
        line,
        index: source.and_then(|source| source.text("url")),
        ..Found::default()
    };
    if let Some(wanted) = package.table("dependencies") {
        found.dependencies = wanted.keys().collect();
    }
    if let Some((from, reason)) = source.and_then(elsewhere) {
        return reading.skip_package(&found, from, reason);
    }
    let files_elsewhere = metadata.table("files");
    let files = package.tables("files").into_iter();
    for file in files.chain(
        files_elsewhere
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
    reading.take(found)
}

/// Where it comes from when not from an index, and that in words. `legacy` is poetry's word for an index.
fn elsewhere(source: TomlTable<'_>) -> Option<(Elsewhere, &'static str)> {
    let kind = source.text("type").filter(|kind| *kind != "legacy")?;
    let place = source.text("url").unwrap_or_default().to_owned();
    Some(match kind {
        "git" => {
            let commit = source.text("resolved_reference").map(str::to_owned);
            let from = Elsewhere::Vcs {
                kind: kind.to_owned(),
                url: place,
                commit,
            };
            (from, "it comes from version control, not from an index")
        }
        "directory" | "file" => (
            Elsewhere::Path(place),
            "it comes from a path, not from an index",
        ),
        _ => (
            Elsewhere::Url(place),
            "it comes from a direct address, not from an index",
        ),
    })
}
