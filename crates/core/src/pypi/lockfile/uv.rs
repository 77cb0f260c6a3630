//! `uv.lock`, in the versions that uv has written since its first stable one.

use super::reading::{Found, Reading};
use super::toml_tables::{TomlFile, TomlTable};
use super::{ITSELF, LockError, LockFormat, LockedFiles};

pub(super) fn read(file: &TomlFile<'_>) -> Result<LockedFiles, LockError> {
    let root = file.root();
    if !root.has("version") {
        return Err(LockError::shape(LockFormat::Uv, "it has no version"));
    }
    let mut reading = Reading::new(LockFormat::Uv);
    for package in root.tables("package") {
        package_into(&mut reading, package)?;
    }
    Ok(reading.finish())
}

fn package_into(reading: &mut Reading, package: TomlTable<'_>) -> Result<(), LockError> {
    let name = package.text("name").unwrap_or_default();
    let line = Some(package.line);
    let source = package.table("source");
    let is_of_an_index = source.is_none_or(|source| source.has("registry"));
    if !is_of_an_index {
        let kind = source.and_then(|source| source.keys().next());
        let kind = kind.unwrap_or("another place");
        let reason = match kind {
            "virtual" | "editable" => ITSELF,
            "git" => "it comes from version control, not from an index",
            "directory" | "path" => "it comes from a path, not from an index",
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
    let files = package
        .tables("wheels")
        .into_iter()
        .chain(package.table("sdist"));
    for file in files {
        let location = ["filename", "url", "path"]
            .into_iter()
            .find_map(|key| file.text(key));
        found.file(location, file.text("hash"));
    }
    found.dependencies = dependencies(package);
    reading.take(found)
}

fn dependencies(package: TomlTable<'_>) -> Vec<&str> {
    let groups = ["optional-dependencies", "dev-dependencies"];
    let groups = groups.into_iter().filter_map(|key| package.table(key));
    let grouped = groups.flat_map(|group| {
        let tables = group.keys().flat_map(move |key| group.tables(key));
        tables.collect::<Vec<_>>()
    });
    let all = package.tables("dependencies").into_iter().chain(grouped);
    all.filter_map(|one| one.text("name")).collect()
}
