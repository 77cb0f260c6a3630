//! What a lock holds, package by package: uv, poetry, pdm, pipenv and pip lock generated projects against indexes
//! on this machine, and what they or `packaging` say of their locks is what both of our readers say.
//!
//! `PORTCULLIS_ORACLE_LOCKS` says how many projects each tool is given, in place of a few.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_core::lint::contents::LockedOrigin;
use portcullis_core::lint::{FileKind, ProjectFile};
use portcullis_core::pypi::lockfile::{self, Elsewhere};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

mod chance;
mod projects;

use crate::clients;
use chance::Chance;
use projects::{BACKEND, File, Indexes, package};

/// What a tool answers of a project that it could lock.
#[derive(Deserialize)]
struct Answer {
    refused: Option<String>,
    #[serde(default)]
    lock: String,
    #[serde(default)]
    view: Vec<Told>,
    #[serde(default)]
    exported: BTreeMap<String, String>,
    #[serde(default)]
    tree: Vec<(String, String)>,
}

/// A package as somebody tells of it.
#[derive(Clone, Deserialize)]
struct Told {
    name: String,
    version: Option<String>,
    from: String,
    index: Option<String>,
    hashes: BTreeSet<String>,
    files: BTreeSet<String>,
}

/// Name, version and origin of a package.
type Key = (String, Option<String>, String);

/// What is told of a package: the indexes it comes from, the hashes and the files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    indexes: BTreeSet<String>,
    hashes: BTreeSet<String>,
    files: BTreeSet<String>,
}

type View = BTreeMap<Key, Known>;

/// The question to a tool, answered; `None` where there are no clients.
fn ask<Q: Serialize, A: DeserializeOwned>(client: &str, tool: &str, question: &Q) -> Option<A> {
    clients::ask(client, "tests/it/locks/ask.py", (tool, question))
}

/// The projects of one tool, locked by it.
fn locked(
    tool: &str,
    usually: usize,
    generate: fn(&mut Chance, &Indexes) -> Vec<File>,
) -> Option<Vec<(Vec<File>, Answer)>> {
    let indexes = Indexes::start();
    let count = std::env::var("PORTCULLIS_ORACLE_LOCKS").ok();
    let count = count.map_or(usually, |count| count.parse().unwrap());
    let chance = &mut Chance(0x1f83_d9ab_fb41_bd6b);
    let projects: Vec<Vec<File>> = (0..count).map(|_| generate(chance, &indexes)).collect();
    let question = json!({
        "projects": projects,
        "repository": { "pyproject.toml": package("repo", "\"alpha\""), "backend.py": BACKEND },
    });
    let answers: Vec<Answer> = ask(tool, tool, &question)?;
    assert_eq!(answers.len(), projects.len());
    let refused = answers.iter().filter_map(|answer| answer.refused.as_ref());
    let refused: Vec<&String> = refused.collect();
    eprintln!(
        "{tool}: {} locks of {count} projects",
        count - refused.len()
    );
    assert!(
        refused.len() * 3 < count,
        "{tool} locks too few of them:\n{}",
        refused[0]
    );
    let all = projects.into_iter().zip(answers);
    Some(all.filter(|(_, answer)| answer.refused.is_none()).collect())
}

fn normal(name: &str) -> String {
    ProjectName::new(name).unwrap().to_string()
}

fn normal_version(version: &str) -> String {
    version.parse::<Version>().unwrap().to_string()
}

/// Their view, one entry for each package however often it is told of.
fn theirs(told: &[Told]) -> View {
    let mut view = View::new();
    for one in told {
        let version = one.version.as_deref().map(normal_version);
        let known = view
            .entry((normal(&one.name), version, one.from.clone()))
            .or_default();
        known.indexes.extend(one.index.clone());
        known.hashes.extend(one.hashes.clone());
        known.files.extend(one.files.clone());
    }
    view
}

/// What `lockfile` reads, by which audits and bills of materials go.
fn by_lockfile(name: &str, text: &str) -> View {
    let read = lockfile::read(name, text.as_bytes()).unwrap();
    let mut view = View::new();
    for one in read.entries {
        let version = one.version.map(|version| version.to_string());
        let key = (one.project.to_string(), version, "index".to_owned());
        let known = view.entry(key).or_default();
        known.indexes.extend(one.index);
        let hashes = one.hashes.iter();
        known
            .hashes
            .extend(hashes.map(|hash| format!("sha256:{}", hash.to_hex())));
        known.files.extend(one.filenames);
    }
    for skipped in read.skipped {
        let Some(package) = skipped.package else {
            let is_unpinned = skipped.reason.starts_with("it is not pinned");
            assert!(is_unpinned, "{name}: {}: {}", skipped.what, skipped.reason);
            let key = (normal(&skipped.what), None, "index".to_owned());
            view.entry(key).or_default();
            continue;
        };
        let version = package.version.map(|version| version.to_string());
        let from = match package.from {
            Elsewhere::Itself => "itself".to_owned(),
            Elsewhere::Path(path) => format!("path {path}"),
            Elsewhere::Url(url) => format!("url {url}"),
            Elsewhere::Vcs { kind, url, commit } => {
                format!("{kind} {url} {}", commit.unwrap_or_default())
            }
        };
        view.entry((package.project.to_string(), version, from))
            .or_default();
    }
    view
}

/// What the check reads.
fn by_check(name: &str, text: &str) -> View {
    let kind = FileKind::of(name).unwrap();
    let contents = ProjectFile::read(name, kind, text.to_owned(), &[]).contents;
    assert_eq!(contents.unread, [], "{name}");
    let mut view = View::new();
    for one in contents.locked {
        let version = one.version.map(|version| version.to_string());
        let (from, index) = match one.origin {
            LockedOrigin::Index(index) => ("index".to_owned(), index),
            LockedOrigin::Url(url) => (format!("url {url}"), None),
            LockedOrigin::Path(path) => (format!("path {path}"), None),
            LockedOrigin::Vcs { url, commit } => {
                let url = url.split('?').next().unwrap_or_default();
                (format!("git {url} {}", commit.unwrap_or_default()), None)
            }
        };
        let known = view
            .entry((one.name.to_string(), version, from))
            .or_default();
        known.indexes.extend(index);
        let hashes = one.files.iter().flat_map(|file| &file.hashes);
        let hashes = hashes.chain(&one.hashes);
        known
            .hashes
            .extend(hashes.map(|hash| format!("{}:{}", hash.algorithm, hash.digest)));
        known
            .files
            .extend(one.files.into_iter().map(|file| file.location));
    }
    view
}

/// What is left of a view where only a name is kept of a file, only SHA-256 of hashes, and nothing of those
/// that come from elsewhere: so much is in [`lockfile::LockedFiles`].
fn reduced(view: &View) -> View {
    let mut less = View::new();
    for ((name, version, from), known) in view {
        let from = match from.starts_with("path ") {
            true => "here".to_owned(),
            false => from.replace("itself", "here"),
        };
        let kept = less.entry((name.clone(), version.clone(), from.clone()));
        let kept: &mut Known = kept.or_default();
        if from == "index" {
            let hashes = known
                .hashes
                .iter()
                .filter(|hash| hash.starts_with("sha256:"));
            kept.hashes.extend(hashes.cloned());
            kept.indexes.extend(known.indexes.clone());
            let names = known
                .files
                .iter()
                .map(|file| file.rsplit('/').next().unwrap());
            kept.files.extend(names.map(str::to_owned));
        }
    }
    less
}

/// Both readers say of a lock what `told` does.
fn compare(name: &str, text: &str, told: &[Told]) {
    let mut theirs = theirs(told);
    let (mut check, mut audits) = (by_check(name, text), by_lockfile(name, text));
    // uv exports the project that is locked where it is a package, and else does not.
    for view in [&mut theirs, &mut check, &mut audits] {
        view.retain(|(name, ..), _| name != "app");
    }
    check = without_untold_versions(check, &theirs);
    audits = without_untold_versions(reduced(&audits), &reduced(&theirs));
    let says = |reader: &str, ours: &View, theirs: &View| {
        let more = |one: &View, other: &View| {
            let more = one
                .iter()
                .filter(|(key, known)| other.get(*key) != Some(*known));
            more.map(|(key, known)| format!("\n  {key:?} {known:?}"))
                .collect::<String>()
        };
        assert!(
            ours == theirs,
            "{name} for {reader}, ours:{}\ntheirs:{}\n{text}",
            more(ours, theirs),
            more(theirs, ours)
        );
    };
    says("the check", &check, &theirs);
    says("audits", &audits, &reduced(&theirs));
}

/// What uv exports of a folder has no version.
fn without_untold_versions(ours: View, theirs: &View) -> View {
    let untold = |(name, version, from): Key| {
        let key = (name, None, from);
        match theirs.contains_key(&key) {
            true => key,
            false => (key.0, version, key.2),
        }
    };
    let told = ours.into_iter().map(|(key, known)| (untold(key), known));
    told.collect()
}

/// The releases of indexes, with their hashes.
type Releases = BTreeMap<(String, Option<String>), BTreeSet<String>>;

fn releases(view: View) -> Releases {
    let of_index = view.into_iter().filter(|((.., from), _)| from == "index");
    of_index
        .map(|((name, version, _), known)| ((name, version), known.hashes))
        .collect()
}

/// The releases in a list that uv exports; what else is in it has no form that says from where it comes.
fn by_lockfile_of_releases(name: &str, text: &str) -> Releases {
    let read = lockfile::read(name, text.as_bytes()).unwrap();
    let release = |one: lockfile::Locked| {
        let version = one.version.map(|version| version.to_string());
        let hashes = one.hashes.iter();
        let hashes = hashes.map(|hash| format!("sha256:{}", hash.to_hex()));
        ((one.project.to_string(), version), hashes.collect())
    };
    read.entries.into_iter().map(release).collect()
}

fn packaging(texts: &[&String]) -> Vec<Vec<Told>> {
    ask("python", "pylock", &texts).unwrap()
}

#[test]
fn a_lock_of_uv_holds_what_uv_exports_of_it() {
    let Some(locked) = locked("uv", 12, projects::uv) else {
        return;
    };
    let exported: Vec<&String> = locked
        .iter()
        .map(|(_, answer)| &answer.exported["pylock.toml"])
        .collect();
    for ((_, answer), told) in locked.iter().zip(packaging(&exported)) {
        let read = by_check("uv.lock", &answer.lock);
        let mut named = read.keys();
        let named = named
            .by_ref()
            .map(|(name, version, _)| (name.clone(), version.clone().unwrap()));
        let tree: BTreeSet<(String, String)> = answer.tree.iter().cloned().collect();
        assert_eq!(named.collect::<BTreeSet<_>>(), tree, "{}", answer.lock);
        compare("uv.lock", &answer.lock, &told);
        compare("pylock.toml", &answer.exported["pylock.toml"], &told);
        let theirs = releases(reduced(&theirs(&told)));
        let pinned =
            by_lockfile_of_releases("requirements.txt", &answer.exported["requirements.txt"]);
        assert_eq!(pinned, theirs);
        let bill = by_lockfile_of_releases("bom.cdx.json", &answer.exported["bom.cdx.json"]);
        let named = |view: &Releases| -> BTreeSet<(String, Option<String>)> {
            let keys = view.keys().cloned();
            keys.filter(|(name, _)| name != "app").collect()
        };
        assert!(named(&theirs).is_subset(&named(&bill)), "{bill:?}");
    }
}

#[test]
fn a_lock_of_poetry_holds_what_poetry_reads_in_it() {
    let Some(locked) = locked("poetry", 8, projects::poetry) else {
        return;
    };
    for (_, answer) in locked {
        compare("poetry.lock", &answer.lock, &answer.view);
    }
}

#[test]
fn a_lock_of_pdm_holds_what_pdm_reads_in_it() {
    let Some(locked) = locked("pdm", 8, projects::pdm) else {
        return;
    };
    let exported = |answer: &Answer| answer.exported["pylock.toml"].clone();
    let texts: Vec<String> = locked.iter().map(|(_, answer)| exported(answer)).collect();
    let told = packaging(&texts.iter().collect::<Vec<_>>());
    for (((_, answer), text), told) in locked.iter().zip(&texts).zip(told) {
        compare("pdm.lock", &answer.lock, &answer.view);
        compare("pylock.toml", text, &told);
    }
}

#[test]
fn a_lock_of_pipenv_holds_what_pipenv_requires_of_it() {
    let Some(locked) = locked("pipenv", 3, projects::pipenv) else {
        return;
    };
    for (_, answer) in locked {
        compare("Pipfile.lock", &answer.lock, &answer.view);
    }
}

#[test]
fn a_lock_of_pip_holds_what_packaging_reads_in_it() {
    let Some(locked) = locked("pip", 4, projects::pip) else {
        return;
    };
    let texts: Vec<&String> = locked.iter().map(|(_, answer)| &answer.lock).collect();
    for (text, told) in texts.iter().zip(packaging(&texts)) {
        compare("pylock.toml", text, &told);
    }
}
