//! Loads OSV records from an archive or a folder and says how long reading, indexing and matching take.
//!
//! `cargo run --release -p portcullis-core --example advisories -- advisories.zip`

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis_core::advisory::{AdvisoryIndex, AdvisorySet, Exploits, MAX_RECORD_BYTES};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;

/// How many pins a lock file has that is matched.
const PINS: usize = 200;

/// How often each step is repeated; the fastest and the median are printed.
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let path = path.ok_or("name an archive (.zip) or a folder of OSV records in JSON")?;
    let feed = match path.is_dir() {
        true => folder(&path)?,
        false => archive(&path)?,
    };
    let bytes: usize = feed.iter().map(|(_, json)| json.len()).sum();
    println!("{} files, {:.1} MB", feed.len(), megabytes(bytes));

    let records = || feed.iter().map(|(name, json)| (name, json));
    let (set, report) = AdvisorySet::read(records());
    println!(
        "{} records, {} withdrawn, {} of other ecosystems, {} skipped, {} elements left out",
        report.read,
        report.withdrawn,
        report.of_other_ecosystems,
        report.skipped,
        report.left_out_elements
    );
    measure("read the feed", || AdvisorySet::read(records()));
    let snapshot = set.to_snapshot();
    println!("the snapshot has {:.1} MB", megabytes(snapshot.len()));
    measure("write the snapshot", || set.to_snapshot());
    measure("read the snapshot", || {
        AdvisorySet::from_snapshot(&snapshot)
    });
    measure("build the index", || {
        AdvisoryIndex::new(&set, Exploits::default())
    });

    let index = AdvisoryIndex::new(&set, Exploits::default());
    let pins = pins(&index)?;
    let matched = || -> usize {
        let found = pins
            .iter()
            .map(|(project, version)| index.affecting(project, version));
        found.map(|vulnerabilities| vulnerabilities.len()).sum()
    };
    println!("{} pins have {} vulnerabilities", pins.len(), matched());
    measure("match the pins", matched);
    Ok(())
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

fn measure<T>(what: &str, step: impl Fn() -> T) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let result = step();
            let time = start.elapsed();
            drop(result);
            time
        })
        .collect();
    times.sort_unstable();
    println!(
        "{what:20} {:>10.3} ms ({:.3} ms median of {ROUNDS})",
        times[0].as_secs_f64() * 1e3,
        times[ROUNDS / 2].as_secs_f64() * 1e3
    );
}

/// A lock file of 200 pins: three quarters are projects that have advisories, at versions just below and
/// just at a fix; the rest have none.
fn pins(index: &AdvisoryIndex) -> Result<Vec<(ProjectName, Version)>, Box<dyn Error>> {
    let mut projects: Vec<&ProjectName> = index.projects().collect();
    projects.sort_unstable_by_key(|name| (usize::MAX - index.groups(name).len(), *name));
    let mut pins = Vec::with_capacity(PINS);
    for (at, project) in projects.into_iter().take(PINS * 3 / 4).enumerate() {
        let fixed = index
            .groups(project)
            .iter()
            .find_map(|group| group.fixed.last());
        let version = match (at % 2, fixed) {
            (0, Some(fixed)) => fixed.clone(),
            _ => "1.0".parse()?,
        };
        pins.push((project.clone(), version));
    }
    while pins.len() < PINS {
        let name = format!("without-advisories-{}", pins.len());
        pins.push((ProjectName::new(&name)?, "1.0".parse()?));
    }
    Ok(pins)
}

type Feed = Vec<(String, Vec<u8>)>;

fn folder(path: &Path) -> Result<Feed, Box<dyn Error>> {
    let mut feed = Feed::new();
    for entry in path.read_dir()? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            feed.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(feed)
}

fn archive(path: &Path) -> Result<Feed, Box<dyn Error>> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let mut feed = Feed::with_capacity(archive.len());
    for at in 0..archive.len() {
        let member = archive.by_index(at)?;
        let name = member.name()?.into_owned();
        let mut json = Vec::new();
        member
            .take(MAX_RECORD_BYTES as u64 + 1)
            .read_to_end(&mut json)?;
        feed.push((name, json));
    }
    Ok(feed)
}
