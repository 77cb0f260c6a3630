//! What inspecting wheels and sdists costs: CPU seconds of each stage, megabytes of Python for each of
//! them, and the most memory a process held that inspected one archive and nothing else:
//! `cargo run --release -p portcullis-inspect --example archive_speed -- [--each] FILE…`
//!
//! Each archive is inspected by a process of its own, from its start to its end; the stages are timed by
//! another one, so that what the two hold does not add up.
#![allow(clippy::print_stdout, missing_docs)]

use std::fs::File;
use std::io::{self, Error};
use std::path::Path;
use std::process::Command;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::archive::survey::survey_with_sources;
use portcullis_inspect::inspection::{Budget, inspect_archive};
use portcullis_inspect::python::analyse;
use portcullis_inspect::rules::archive::check_archive;
use portcullis_inspect::rules::check_all;
use rustix::time::{ClockId, clock_gettime};

/// What a process of its own tells of one archive, separated by spaces.
const WHOLE: &str = "--whole";
const STAGES: &str = "--stages";

fn main() -> io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(WHOLE) => whole(Path::new(&arguments[1])),
        Some(STAGES) => stages(Path::new(&arguments[1])),
        _ => {
            let each = arguments.first().is_some_and(|first| first == "--each");
            let files = arguments.split_off(usize::from(each));
            measure(&files, each)
        }
    }
}

/// Seconds that this process has spent on a processor, all its threads together.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process has held, in MB.
fn peak_megabytes() -> io::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kilobytes.unwrap_or_default() * 1024.0 / 1e6)
}

fn filename(path: &Path) -> io::Result<DistFilename> {
    let name = path.file_name().and_then(|name| name.to_str());
    DistFilename::parse(name.unwrap_or_default(), None).map_err(Error::other)
}

fn whole(path: &Path) -> io::Result<()> {
    let budget = Budget::default();
    let inspection = inspect_archive(File::open(path)?, &filename(path)?, &budget)?;
    let statistics = inspection.inspected.statistics;
    println!(
        "{} {} {} {} {}",
        statistics.python_bytes,
        statistics.bytes,
        cpu_seconds(),
        peak_megabytes()?,
        u8::from(inspection.inspected.complete),
    );
    Ok(())
}

fn stages(path: &Path) -> io::Result<()> {
    let budget = Budget::default();
    let started = cpu_seconds();
    Sha256::of(&std::fs::read(path)?);
    let hashed = cpu_seconds();
    let (survey, package) =
        survey_with_sources(File::open(path)?, &filename(path)?, &budget.archive)?;
    let surveyed = cpu_seconds();
    let analysis = analyse(&package, &budget.python);
    let analysed = cpu_seconds();
    let _ = check_all(&analysis);
    let _ = check_archive(&survey);
    println!(
        "{} {} {} {}",
        hashed - started,
        surveyed - hashed,
        analysed - surveyed,
        cpu_seconds() - analysed
    );
    Ok(())
}

/// Runs this program anew for one archive.
fn ask<const N: usize>(mode: &str, file: &str) -> io::Result<[f64; N]> {
    let output = Command::new(std::env::current_exe()?)
        .args([mode, file])
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = told.split_whitespace().flat_map(str::parse).collect();
    let told = String::from_utf8_lossy(&output.stderr);
    numbers
        .try_into()
        .map_err(|_| Error::other(format!("{file}: {told}")))
}

fn measure(files: &[String], each: bool) -> io::Result<()> {
    let (mut python, mut bytes, mut seconds) = (0.0, 0.0, 0.0);
    let mut totals = [0.0; 4];
    let mut peaks = Vec::new();
    for file in files {
        let [own_python, own_bytes, own_seconds, peak, complete] = ask(WHOLE, file)?;
        let parts: [f64; 4] = ask(STAGES, file)?;
        (python, bytes, seconds) = (
            python + own_python,
            bytes + own_bytes,
            seconds + own_seconds,
        );
        totals = std::array::from_fn(|stage| totals[stage] + parts[stage]);
        peaks.push(peak);
        if each || complete == 0.0 {
            println!(
                "{:8.1} MB peak {:7.3} s {:7.2} MB of Python {:8.2} MB inflated {} {file}",
                peak,
                own_seconds,
                own_python / 1e6,
                own_bytes / 1e6,
                if complete == 0.0 { "INCOMPLETE" } else { "" },
            );
        }
    }
    peaks.sort_by(f64::total_cmp);
    let part = |share: f64| peaks.get(((peaks.len() as f64 * share) as usize).min(peaks.len() - 1));
    println!(
        "{} archives, {:.1} MB inflated, {:.1} MB of Python in {seconds:.2} CPU s = {:.1} MB/s",
        files.len(),
        bytes / 1e6,
        python / 1e6,
        python / 1e6 / seconds
    );
    for (name, stage) in ["digest", "survey", "analysis", "rules"].iter().zip(totals) {
        println!(
            "  {name:8} {stage:6.2} CPU s, {:7.1} MB of Python/s",
            python / 1e6 / stage
        );
    }
    println!(
        "peak memory in MB: median {:.1}, p95 {:.1}, largest {:.1}; above 64 MB: {}",
        part(0.5).unwrap_or(&0.0),
        part(0.95).unwrap_or(&0.0),
        part(1.0).unwrap_or(&0.0),
        peaks.iter().filter(|peak| **peak > 64.0).count(),
    );
    Ok(())
}
