//! Compares releases that nobody complained about, and simulated compromises, and prints how many would be
//! held: `cargo run --release -p portcullis-inspect --example upgrades -- [--all] BEFORE NOW`, two folders
//! of wheels and sdists; without folders only the compromises. `--all` prints every strong change.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::digest::Sha256;
use portcullis_core::fact::PublisherStanding;
use portcullis_core::inspection::{Candidate, Changes, Differences, baseline, effect_of, sdist_of};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::provenance::publishers;
use portcullis_fixtures::compromises::{Compromise, Sign, Upgrade, compromises};
use portcullis_inspect::compare::{Beside, since, with_sdist};
use portcullis_inspect::inspection::{Budget, Inspection, inspect_archive};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let shows_all = arguments.iter().any(|argument| argument == "--all");
    let folders: Vec<&String> = arguments
        .iter()
        .filter(|one| !one.starts_with("--"))
        .collect();
    if let [before, now] = folders[..] {
        let inspected = inspect_all(&[Path::new(before), Path::new(now)])?;
        compare_upgrades(&inspected, shows_all);
        compare_wheels(&inspected, shows_all);
    }
    let (mut found, all) = (0, compromises());
    for one in &all {
        let how = judged(one)?;
        found += usize::from(!how.is_empty());
        println!(
            "{:36} {}",
            one.id,
            if how.is_empty() { "MISSED" } else { &how }
        );
    }
    println!("compromises found: {found} of {}", all.len());
    Ok(())
}

/// What stops a compromise; empty when nothing does.
fn judged(one: &Compromise) -> Outcome<String> {
    let Upgrade { before, now, sdist } = one.upgrade();
    let (before, now) = (inspected(&before)?, inspected(&now)?);
    let changes = since(&before, &now, &beside(one)?);
    let mut how = Vec::new();
    let code = effect_of_new(&now, &changes);
    if code >= Effect::Hold {
        how.push(format!("inspection ({code})"));
    }
    if changes.is_suspicious() {
        how.push(format!("version before ({} points)", changes.score()));
    }
    if let Some(sdist) = &sdist {
        let differences = with_sdist(&now, &inspected(sdist)?);
        if differences.is_suspicious() {
            how.push(format!("sdist ({} points)", differences.score()));
        }
    }
    Ok(how.join(", "))
}

fn inspected((name, bytes): &(String, Vec<u8>)) -> Outcome<Inspection> {
    let filename = DistFilename::parse(name, None)?;
    Ok(inspect_archive(
        Cursor::new(bytes),
        &filename,
        &Budget::default(),
    )?)
}

fn beside(one: &Compromise) -> Outcome<Beside> {
    let mut beside = Beside::default();
    for sign in one.signs {
        match sign {
            Sign::UnseenDependency(name) => {
                beside.never_seen.insert(name.parse()?);
            }
            Sign::NoLongerAttested => {
                let object = br#"{"version": 1, "attestation_bundles": [{"publisher":
                    {"kind": "GitHub", "repository": "jo/orderly", "workflow": "release.yml"},
                    "attestations": []}]}"#;
                let before = publishers(object)?.remove(0);
                beside.publisher = Some(PublisherStanding::NoLongerAttested(before));
            }
        }
    }
    Ok(beside)
}

/// What the findings that the version before had not weigh.
fn effect_of_new(now: &Inspection, changes: &Changes) -> Effect {
    let seen = now.inspected.observations.iter();
    let new = seen.filter(|seen| !changes.was_known(seen));
    new.map(effect_of).max().unwrap_or(Effect::Allow)
}

/// One file and what was seen in it.
struct Seen {
    candidate: Candidate,
    inspection: Inspection,
    is_now: bool,
}

fn inspect_all(folders: &[&Path]) -> Outcome<Vec<Seen>> {
    let mut paths: Vec<(PathBuf, bool)> = Vec::new();
    for (at, folder) in folders.iter().enumerate() {
        for entry in std::fs::read_dir(folder)? {
            paths.push((entry?.path(), at == 1));
        }
    }
    paths.sort();
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((path, is_now)) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            match inspect_path(path) {
                Ok(Some((candidate, inspection))) => {
                    let mut seen = seen
                        .lock()
                        .expect("no thread panics while it holds the lock");
                    seen.push(Seen {
                        candidate,
                        inspection,
                        is_now: *is_now,
                    });
                }
                Ok(None) => {}
                Err(error) => println!("{}: {error}", path.display()),
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let mut seen = seen.into_inner()?;
    seen.sort_by(|a, b| {
        a.candidate
            .filename
            .as_str()
            .cmp(b.candidate.filename.as_str())
    });
    Ok(seen)
}

fn inspect_path(path: &Path) -> Outcome<Option<(Candidate, Inspection)>> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Ok(filename) = DistFilename::parse(name, None) else {
        return Ok(None);
    };
    let inspection = inspect_archive(File::open(path)?, &filename, &Budget::default())?;
    let candidate = Candidate {
        filename,
        sha256: inspection.inspected.sha256,
        was_let_through: true,
    };
    Ok(Some((candidate, inspection)))
}

fn compare_upgrades(all: &[Seen], shows_all: bool) {
    let before: Vec<Candidate> = all
        .iter()
        .filter(|one| !one.is_now)
        .map(|one| one.candidate.clone())
        .collect();
    let by_digest: BTreeMap<Sha256, &Seen> =
        all.iter().map(|one| (one.candidate.sha256, one)).collect();
    let (mut pairs, mut by_comparison, mut by_code, mut by_any) = (0, 0, 0, 0);
    let mut points: BTreeMap<u32, u32> = BTreeMap::new();
    for now in all.iter().filter(|one| one.is_now) {
        let filename = &now.candidate.filename;
        let Some(other) = baseline(filename, &before) else {
            continue;
        };
        let changes = since(
            &by_digest[&other.sha256].inspection,
            &now.inspection,
            &Beside::default(),
        );
        pairs += 1;
        let code = effect_of_new(&now.inspection, &changes) >= Effect::Hold;
        by_comparison += u32::from(changes.is_suspicious());
        by_code += u32::from(code);
        by_any += u32::from(code || changes.is_suspicious());
        *points.entry(changes.score()).or_default() += 1;
        if changes.is_suspicious() || code || (shows_all && changes.strong() > 0) {
            println!(
                "{} since {}: {} points",
                filename.as_str(),
                changes.before,
                changes.score()
            );
            for change in changes
                .changes
                .iter()
                .filter(|change| change.weight.is_strong())
            {
                println!("    {:2} {} {change}", change.weight.0, change.kind);
            }
        }
    }
    let share = |count: u32| f64::from(count) * 100.0 / f64::from(pairs.max(1));
    println!(
        "{pairs} upgrades: held by comparison {by_comparison} ({:.1} %), by new findings {by_code} \
         ({:.1} %), by either {by_any} ({:.1} %); by points {points:?}",
        share(by_comparison),
        share(by_code),
        share(by_any),
    );
}

fn compare_wheels(all: &[Seen], shows_all: bool) {
    let candidates: Vec<Candidate> = all.iter().map(|one| one.candidate.clone()).collect();
    let by_digest: BTreeMap<Sha256, &Seen> =
        all.iter().map(|one| (one.candidate.sha256, one)).collect();
    let (mut pairs, mut held, mut warned, mut alike, mut other) = (0, 0, 0, 0, 0);
    for wheel in all {
        let filename = &wheel.candidate.filename;
        let Some(sdist) = sdist_of(filename, &candidates) else {
            continue;
        };
        let differences: Differences =
            with_sdist(&wheel.inspection, &by_digest[&sdist.sha256].inspection);
        pairs += 1;
        alike += differences.alike;
        other += differences.differences.len();
        held += u32::from(differences.is_suspicious());
        let most = differences
            .differences
            .first()
            .map_or(0, |first| first.weight.0);
        warned += u32::from((2..5).contains(&most));
        if differences.is_suspicious() || (shows_all && most > 1) {
            println!(
                "{} and its sdist: {} points",
                filename.as_str(),
                differences.score()
            );
            for one in differences
                .differences
                .iter()
                .filter(|one| one.weight.0 > 1)
                .take(8)
            {
                println!("    {:2} {} {one}", one.weight.0, one.kind);
            }
        }
    }
    println!(
        "{pairs} wheels with sdists: held {held} ({:.1} %), warned {warned}; {alike} files alike, {other} not",
        f64::from(held) * 100.0 / f64::from(pairs.max(1)),
    );
}
