//! `pdm.lock`: one table for each package and extra, whose files stand with it, or in `[metadata]`
//! under `"name version"` before version 4.

use super::reading::leading_name;
use super::spelled::{SpelledHead, SpelledLock, SpelledOrigin, SpelledPackage};
use super::toml_tables::{TomlFile, TomlTable, file_with_hash, place_of};
use super::{LockError, LockFormat};

pub(super) fn spelled<'d>(file: &'d TomlFile<'d>) -> Result<SpelledLock<'d>, LockError> {
    let root = file.root();
    let Some(metadata) = root.table("metadata") else {
        return Err(LockError::shape(LockFormat::Pdm, "it has no [metadata]"));
    };
    // Locks with inputs of their own are compared by those, and not by a digest of the project's file.
    let has_inputs = metadata.has("lock_inputs");
    let digest = metadata.placed_text("content_hash");
    let packages = root.tables("package").into_iter();
    Ok(SpelledLock {
        head: SpelledHead {
            format: metadata.text("lock_version").map(str::to_owned),
            input_digest: digest.filter(|_| !has_inputs),
            members: Vec::new(),
        },
        packages: packages.map(|one| package(one, metadata)).collect(),
    })
}

fn package<'d>(package: TomlTable<'d>, metadata: TomlTable<'d>) -> SpelledPackage<'d> {
    let name = package.text("name").unwrap_or_default();
    let version = package.text("version");
    let key = format!("{name} {}", version.unwrap_or_default());
    let elsewhere = metadata.table("files").map(|files| files.tables(&key));
    let files = package.tables("files").into_iter();
    let files = files.chain(elsewhere.unwrap_or_default());
    let wanted = package.texts("dependencies");
    SpelledPackage {
        name,
        version,
        at: place_of(package),
        line: package.line,
        origin: origin(package),
        files: files.map(file_with_hash).collect(),
        dependencies: wanted.into_iter().map(leading_name).collect(),
    }
}

fn origin(package: TomlTable<'_>) -> SpelledOrigin<'_> {
    let text = |key| package.text(key);
    if package.has("git") {
        return SpelledOrigin::Vcs(text("git").unwrap_or_default(), text("revision"));
    }
    if package.has("path") {
        return SpelledOrigin::Path(text("path").unwrap_or_default());
    }
    match package.has("url") {
        true => SpelledOrigin::Url(text("url").unwrap_or_default()),
        false => SpelledOrigin::Index(None),
    }
}
