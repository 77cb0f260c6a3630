//! `pdm.lock`: one table for each package and extra, whose files stand with it, or in `[metadata]`
//! under `"name version"` before version 4.

use super::reading::{Found, Reading, leading_name};
use super::toml_tables::{TomlFile, TomlTable};
use super::{LockError, LockFormat, LockedFiles};

pub(super) fn read(file: &TomlFile<'_>) -> Result<LockedFiles, LockError> {
    let root = file.root();
    let Some(metadata) = root.table("metadata") else {
        return Err(LockError::shape(LockFormat::Pdm, "it has no [metadata]"));
    };
    let mut reading = Reading::new(LockFormat::Pdm);
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
    for (key, reason) in [
        ("git", "it comes from version control, not from an index"),
        ("path", "it comes from a path, not from an index"),
        ("url", "it comes from a direct address, not from an index"),
    ] {
        if package.has(key) {
            return reading.skip(name, line, reason);
        }
    }
    let version = package.text("version");
    let mut found = Found {
        name,
        version,
        line,
        ..Found::default()
    };
    let key = format!("{name} {}", version.unwrap_or_default());
    let elsewhere = metadata.table("files");
    let elsewhere = elsewhere
        .map(|files| files.tables(&key))
        .unwrap_or_default();
    for file in package.tables("files").into_iter().chain(elsewhere) {
        found.file(file.text("file").or(file.text("url")), file.text("hash"));
    }
    let wanted = package.texts("dependencies");
    found.dependencies = wanted.into_iter().map(leading_name).collect();
    reading.take(found)
}
