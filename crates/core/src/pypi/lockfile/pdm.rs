//! `pdm.lock`: one table for each package and extra, whose files stand with it, or in `[metadata]`
//! under `"name version"` before version 4.

use super::reading::{Found, Reading, leading_name};
use super::toml_tables::{TomlFile, TomlTable};
use super::{Elsewhere, LockError, LockFormat, LockedFiles};

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
    let version = package.text("version");
    let wanted = package.texts("dependencies");
    let mut found = Found {
        name,
        version,
        line,
        dependencies: wanted.into_iter().map(leading_name).collect(),
        ..Found::default()
    };
    if let Some((from, reason)) = elsewhere(package) {
        return reading.skip_package(&found, from, reason);
    }
    let key = format!("{name} {}", version.unwrap_or_default());
    let others = metadata.table("files");
    let others = others.map(|files| files.tables(&key)).unwrap_or_default();
    for file in package.tables("files").into_iter().chain(others) {
        found.file(file.text("file").or(file.text("url")), file.text("hash"));
    }
    reading.take(found)
}

/// Where it comes from when not from an index, and that in words.
fn elsewhere(package: TomlTable<'_>) -> Option<(Elsewhere, &'static str)> {
    let text = |key: &str| package.text(key).map(str::to_owned);
    if let Some(url) = text("git") {
        let from = Elsewhere::Vcs {
            kind: "git".to_owned(),
            url,
            commit: text("revision"),
        };
        return Some((from, "it comes from version control, not from an index"));
    }
    if let Some(path) = text("path") {
        let reason = "it comes from a path, not from an index";
        return Some((Elsewhere::Path(path), reason));
    }
    let reason = "it comes from a direct address, not from an index";
    text("url").map(|url| (Elsewhere::Url(url), reason))
}
