//! What the inspection says of the set: how much of it is stopped, which rules speak too often, and
//! whether both stay within what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};
use portcullis_core::inspection::{Context, Inspected, Severity};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::inspection::{Budget, inspect_archive};

use crate::manifest::{Entry, Kind, Manifest, Role};
use crate::progress;

/// The largest share of the set that may be denied.
const DENIED: f64 = 0.005;
/// The largest share of the set that may be held.
const HELD: f64 = 0.03;
/// The largest share of the set of which a rule may say more than information, context by context.
const LOUD: f64 = 0.02;

/// What came of one file.
struct Measured<'a> {
    entry: &'a Entry,
    inspected: Inspected,
    /// How long it took.
    seconds: f64,
}

/// Inspects the files of `role` below `folder`, says what was found, and fails when it is too much.
pub(crate) fn measure(manifest: &Manifest, role: Role, folder: &Path) -> anyhow::Result<()> {
    let entries: Vec<&Entry> = manifest
        .entries
        .iter()
        .filter(|entry| entry.role == role)
        .collect();
    let started = Instant::now();
    let all = inspect_all(&entries, &folder.join(role.as_str()))?;
    let elapsed = started.elapsed().as_secs_f64();
    for measured in all.iter().filter(|one| one.effect() >= Effect::Hold) {
        tell(measured);
    }
    for kind in Kind::ALL {
        println!("{}", shares(kind, &all));
    }
    println!("{}", speed(&all, elapsed));
    let mut failures = too_many(&all);
    failures.extend(too_loud(&all));
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n       "))
}

/// Inspects on all processors; the answers are in the order of the entries.
fn inspect_all<'a>(entries: &[&'a Entry], folder: &Path) -> anyhow::Result<Vec<Measured<'a>>> {
    let bar = progress::of_files(entries.len());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            let measured = inspect(entry, folder);
            bar.inc(1);
            let mut done = done.lock().expect("nobody panics while holding it");
            done.push(measured);
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(work);
        }
    });
    bar.finish_and_clear();
    let done = done.into_inner().expect("nobody panics while holding it");
    let mut done = done.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    done.sort_by(|a, b| a.entry.filename.cmp(&b.entry.filename));
    Ok(done)
}

fn inspect<'a>(entry: &'a Entry, folder: &Path) -> anyhow::Result<Measured<'a>> {
    let path = folder.join(&*entry.filename);
    let missing = || format!("cannot read {}; `fetch` brings it", path.display());
    let started = Instant::now();
    let file = File::open(&path).with_context(missing)?;
    let filename = DistFilename::parse(&entry.filename, Some(&entry.project))?;
    let inspection = inspect_archive(file, &filename, &Budget::default()).with_context(missing)?;
    if inspection.inspected.sha256 != entry.sha256 {
        bail!("{} is not the file of the manifest", path.display());
    }
    Ok(Measured {
        entry,
        inspected: inspection.inspected,
        seconds: started.elapsed().as_secs_f64(),
    })
}

impl Measured<'_> {
    /// What happens to it where nobody's policy says otherwise.
    fn effect(&self) -> Effect {
        let found = self.inspected.effect();
        match self.inspected.complete {
            true => found,
            false => found.max(Effect::Hold),
        }
    }
}

/// Prints why a file is stopped.
fn tell(measured: &Measured<'_>) {
    let inspected = &measured.inspected;
    let complete = if inspected.complete {
        ""
    } else {
        ", incomplete"
    };
    println!(
        "{}: {:?}{complete}",
        measured.entry.filename,
        measured.effect()
    );
    let serious = inspected.observations.iter();
    for seen in serious.filter(|seen| seen.severity >= Severity::Medium) {
        println!(
            "  {} {} on {} {}:{} {}",
            seen.rule, seen.severity, seen.context, seen.file, seen.line, seen.message
        );
    }
}

fn shares(kind: Kind, all: &[Measured<'_>]) -> String {
    let of_kind: Vec<Effect> = all
        .iter()
        .filter(|one| one.entry.kind == kind)
        .map(Measured::effect)
        .collect();
    let count = |effect| of_kind.iter().filter(|each| **each == effect).count();
    let percent = |effect| 100.0 * count(effect) as f64 / of_kind.len().max(1) as f64;
    format!(
        "{} {}s: denied {} = {:.2} %, held {} = {:.2} %, warned of {}",
        of_kind.len(),
        kind.as_str(),
        count(Effect::Deny),
        percent(Effect::Deny),
        count(Effect::Hold),
        percent(Effect::Hold),
        count(Effect::Warn),
    )
}

fn speed(all: &[Measured<'_>], elapsed: f64) -> String {
    let python: u64 = all
        .iter()
        .map(|one| one.inspected.statistics.python_bytes)
        .sum();
    let busy: f64 = all.iter().map(|one| one.seconds).sum();
    let megabytes = python as f64 / 1e6;
    format!(
        "{megabytes:.1} MB of Python in {elapsed:.1} s, {:.1} MB/s and worker",
        megabytes / busy.max(f64::MIN_POSITIVE)
    )
}

/// Whether more is stopped than may be.
fn too_many(all: &[Measured<'_>]) -> Vec<String> {
    let share = |effect| {
        let stopped = all.iter().filter(|one| one.effect() == effect).count();
        stopped as f64 / all.len().max(1) as f64
    };
    let bounds = [
        (Effect::Deny, "denied", DENIED),
        (Effect::Hold, "held", HELD),
    ];
    let broken = bounds
        .into_iter()
        .filter(|(effect, _, most)| share(*effect) > *most);
    broken
        .map(|(effect, word, most)| {
            let (share, most) = (100.0 * share(effect), 100.0 * most);
            format!("{share:.2} % of the files are {word}, more than {most:.1} %")
        })
        .collect()
}

/// The rules that say more than information of too many files.
fn too_loud(all: &[Measured<'_>]) -> Vec<String> {
    let mut files: BTreeMap<(&str, Context), BTreeSet<&str>> = BTreeMap::new();
    for one in all {
        for seen in &one.inspected.observations {
            if seen.severity > Severity::Info {
                let held = files.entry((&seen.rule, seen.context)).or_default();
                held.insert(&one.entry.filename);
            }
        }
    }
    let share = |files: &BTreeSet<&str>| files.len() as f64 / all.len().max(1) as f64;
    let loud = files.into_iter().filter(|(_, files)| share(files) > LOUD);
    loud.map(|((rule, context), files)| {
        let percent = 100.0 * share(&files);
        format!("{rule} says more than information of {percent:.1} % of the files on {context}")
    })
    .collect()
}
