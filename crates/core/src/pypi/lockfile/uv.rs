//! `uv.lock`, in the versions that uv has written since its first stable one.

use super::spelled::{
    SpelledFile, SpelledHash, SpelledHead, SpelledInput, SpelledLock, SpelledMember, SpelledOrigin,
    SpelledPackage,
};
use super::toml_tables::{TomlFile, TomlTable, place_of};
use super::{LockError, LockFormat};

/// What a source is called that is no index.
const ELSEWHERE: [&str; 6] = ["git", "url", "path", "directory", "editable", "virtual"];

pub(super) fn spelled<'d>(file: &'d TomlFile<'d>) -> Result<SpelledLock<'d>, LockError> {
    let root = file.root();
    if !root.has("version") {
        return Err(LockError::shape(LockFormat::Uv, "it has no version"));
    }
    let packages = root.tables("package");
    Ok(SpelledLock {
        head: SpelledHead {
            format: root.number("version").map(str::to_owned),
            input_digest: None,
            members: packages.iter().filter_map(|one| member(*one)).collect(),
        },
        packages: packages.into_iter().map(package).collect(),
    })
}

fn package(package: TomlTable<'_>) -> SpelledPackage<'_> {
    let files = package.tables("wheels").into_iter();
    SpelledPackage {
        name: package.text("name").unwrap_or_default(),
        version: package.text("version"),
        at: place_of(package),
        line: package.line,
        origin: origin(package.table("source")),
        files: files.chain(package.table("sdist")).map(one_file).collect(),
        dependencies: dependencies(package),
    }
}

fn origin(source: Option<TomlTable<'_>>) -> SpelledOrigin<'_> {
    let Some(source) = source else {
        return SpelledOrigin::Index(None);
    };
    if source.has("registry") {
        return SpelledOrigin::Index(source.text("registry"));
    }
    let kind = ELSEWHERE.into_iter().find(|kind| source.has(kind));
    let text = kind.and_then(|kind| source.text(kind)).unwrap_or_default();
    match kind {
        Some("git") => {
            // The commit stands behind `#`.
            let (url, commit) = text.split_once('#').unwrap_or((text, ""));
            SpelledOrigin::Vcs(url, Some(commit).filter(|commit| !commit.is_empty()))
        }
        Some("editable" | "virtual") => SpelledOrigin::Itself(text),
        Some("path" | "directory") => SpelledOrigin::Path(text),
        _ => SpelledOrigin::Url(text),
    }
}

fn one_file(file: TomlTable<'_>) -> SpelledFile<'_> {
    // The URL tells of the host, too; a file's name alone is given beside a path.
    let keys = ["url", "path", "filename"].into_iter();
    let location = keys.filter_map(|key| file.placed_text(key)).next();
    let hash = file.placed_text("hash").map(SpelledHash::joined);
    SpelledFile {
        location: location.as_ref().map(|(text, _)| *text),
        at: location.map_or_else(|| file.start(), |(_, at)| at),
        hashes: hash.into_iter().collect(),
    }
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

/// A member of the workspace whose requirements were kept: those of a dynamic project are not.
fn member(package: TomlTable<'_>) -> Option<SpelledMember<'_>> {
    let SpelledOrigin::Itself(folder) = origin(package.table("source")) else {
        return None;
    };
    let metadata = package.table("metadata");
    let required = metadata.map(|metadata| metadata.tables("requires-dist"));
    let groups = metadata.and_then(|metadata| metadata.table("requires-dev"));
    let grouped = groups.into_iter().flat_map(|groups| {
        let tables = groups.keys().flat_map(move |key| groups.tables(key));
        tables.collect::<Vec<_>>()
    });
    let all = required.unwrap_or_default().into_iter().chain(grouped);
    Some(SpelledMember {
        folder,
        name: package.text("name")?,
        requires: all.filter_map(input).collect(),
    })
}

fn input(table: TomlTable<'_>) -> Option<SpelledInput<'_>> {
    let is_elsewhere = ELSEWHERE.into_iter().any(|kind| table.has(kind));
    let specifiers = table.text("specifier").unwrap_or_default();
    Some(SpelledInput {
        name: table.text("name")?,
        extras: table.texts("extras"),
        specifiers: (!is_elsewhere).then_some(specifiers),
    })
}
