//! `uv.lock`, in the versions that uv has written since its first stable one.

use super::reading::{Found, Reading};
use super::toml_tables::{TomlFile, TomlTable};
use super::{Elsewhere, ITSELF, LockError, LockFormat, LockedFiles};

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
    let found = Found {
        name,
        version: package.text("version"),
        line,
        index: source.and_then(|source| source.text("registry")),
        dependencies: dependencies(package),
        ..Found::default()
    };
    match source.and_then(elsewhere) {
        Some((from, reason)) => reading.skip_package(&found, from, reason),
        None => release_into(reading, package, found),
    }
}

/// Where it comes from when not from an index, and that in words.
fn elsewhere(source: TomlTable<'_>) -> Option<(Elsewhere, &'static str)> {
    if source.has("registry") {
        return None;
    }
    let kind = source.keys().next().unwrap_or("another place");
    let place = source.text(kind).unwrap_or_default();
    Some(match kind {
        "virtual" | "editable" => (Elsewhere::Itself, ITSELF),
        "git" => {
            let (url, commit) = match place.split_once('#') {
                Some((url, commit)) => (url, Some(commit.to_owned())),
                None => (place, None),
            };
            let from = Elsewhere::Vcs {
                kind: kind.to_owned(),
                url: url.split('?').next().unwrap_or_default().to_owned(),
                commit,
            };
            (from, "it comes from version control, not from an index")
        }
        "directory" | "path" => (
            Elsewhere::Path(place.to_owned()),
            "it comes from a path, not from an index",
        ),
        _ => (
            Elsewhere::Url(place.to_owned()),
            "it comes from a direct address, not from an index",
        ),
    })
}

fn release_into<'v>(
    reading: &mut Reading,
    package: TomlTable<'v>,
    mut found: Found<'v>,
) -> Result<(), LockError> {
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
