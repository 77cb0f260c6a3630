//! `poetry.lock`: the files stand with each package since lock version 2, and in `[metadata]` before.

use super::spelled::{
    SpelledFile, SpelledHash, SpelledHead, SpelledLock, SpelledOrigin, SpelledPackage,
};
use super::toml_tables::{TomlFile, TomlTable, file_with_hash, place_of};
use super::{LockError, LockFormat};

pub(super) fn spelled<'d>(file: &'d TomlFile<'d>) -> Result<SpelledLock<'d>, LockError> {
    let root = file.root();
    let Some(metadata) = root.table("metadata") else {
        return Err(LockError::shape(LockFormat::Poetry, "it has no [metadata]"));
    };
    let packages = root.tables("package").into_iter();
    Ok(SpelledLock {
        head: SpelledHead {
            format: metadata.text("lock-version").map(str::to_owned),
            input_digest: metadata.placed_text("content-hash"),
            members: Vec::new(),
        },
        packages: packages.map(|one| package(one, metadata)).collect(),
    })
}

fn package<'d>(package: TomlTable<'d>, metadata: TomlTable<'d>) -> SpelledPackage<'d> {
    let name = package.text("name").unwrap_or_default();
    let elsewhere = metadata.table("files").map(|files| files.tables(name));
    let files = package.tables("files").into_iter();
    let mut files: Vec<_> = files
        .chain(elsewhere.unwrap_or_default())
        .map(file_with_hash)
        .collect();
    let hashes = metadata.table("hashes");
    let hashes = hashes.map(|hashes| hashes.placed_items(name));
    files.extend(
        hashes
            .unwrap_or_default()
            .into_iter()
            .map(|hash| SpelledFile {
                location: None,
                at: hash.1.clone(),
                hashes: vec![SpelledHash::joined(hash)],
            }),
    );
    let wanted = package.table("dependencies");
    SpelledPackage {
        name,
        version: package.text("version"),
        at: place_of(package),
        line: package.line,
        origin: package
            .table("source")
            .map_or(SpelledOrigin::Index(None), origin),
        files,
        dependencies: wanted.map_or_else(Vec::new, |wanted| wanted.keys().collect()),
    }
}

fn origin(source: TomlTable<'_>) -> SpelledOrigin<'_> {
    let url = source.text("url").unwrap_or_default();
    match source.text("type") {
        None | Some("legacy") => SpelledOrigin::Index(source.text("url")),
        Some("git") => {
            let commit = source.text("resolved_reference");
            SpelledOrigin::Vcs(url, commit)
        }
        Some("directory" | "file") => SpelledOrigin::Path(url),
        Some(_) => SpelledOrigin::Url(url),
    }
}
