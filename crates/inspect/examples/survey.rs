//! Surveys archives and prints what the rules over archives say of them, with the time it took:
//! `cargo run --release -p portcullis-inspect --example survey -- [--quiet|--all|--members] FILE…`
//! `--members` prints what was seen of each archive, for comparing it with other readers.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use portcullis_core::inspection::Severity;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::archive::Limits;
use portcullis_inspect::archive::survey::{Survey, survey_with_sources};
use portcullis_inspect::rules::archive::check_archive;

#[derive(Default)]
struct Totals {
    packed: u64,
    inflated: u64,
    python: u64,
    seconds: f64,
    by_rule: BTreeMap<(String, Severity), u64>,
    loud: u64,
    files: u64,
}

fn main() {
    let (mut least, mut lists) = (Severity::Low, false);
    let mut totals = Totals::default();
    for argument in std::env::args().skip(1) {
        match &*argument {
            "--quiet" => least = Severity::High,
            "--all" => least = Severity::Info,
            "--members" => lists = true,
            path => {
                if let Some(survey) = look(Path::new(path), least, &mut totals).filter(|_| lists) {
                    list(path, &survey);
                }
            }
        }
    }
    print_totals(&totals);
}

fn look(path: &Path, least: Severity, totals: &mut Totals) -> Option<Survey> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let Ok(filename) = DistFilename::parse(name, None) else {
        println!("{name}: not the name of a distribution");
        return None;
    };
    let started = Instant::now();
    let read =
        File::open(path).and_then(|file| survey_with_sources(file, &filename, &Limits::default()));
    let (survey, package) = match read {
        Ok(read) => read,
        Err(error) => {
            println!("{name}: {error}");
            return None;
        }
    };
    let observations = check_archive(&survey);
    totals.seconds += started.elapsed().as_secs_f64();
    totals.python += package
        .sources
        .iter()
        .map(|source| source.bytes.len() as u64)
        .sum::<u64>();
    add(&survey, totals);
    let mut is_loud = false;
    for each in &observations {
        *totals
            .by_rule
            .entry((each.rule.to_string(), each.severity))
            .or_default() += 1;
        is_loud |= each.severity >= Severity::High;
        if each.severity >= least {
            println!(
                "{name}: {} {} {}: {}",
                each.rule, each.severity, each.file, each.message
            );
        }
    }
    totals.loud += u64::from(is_loud);
    Some(survey)
}

fn list(path: &str, survey: &Survey) {
    println!("{path}\t{} violations", survey.violations.len());
    for member in &survey.members {
        let sha256 = member
            .sha256
            .map(|sha256| sha256.to_hex())
            .unwrap_or_default();
        let name = member.name.escape_debug();
        println!("{path}\t{name}\t{}\t{sha256}", member.size);
    }
}

fn add(survey: &Survey, totals: &mut Totals) {
    totals.files += 1;
    totals.packed += survey.packed;
    totals.inflated += survey.inflated;
}

fn print_totals(totals: &Totals) {
    let mega = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{} files, {:.1} MB packed, {:.1} MB inflated, {:.1} MB of Python, {:.2} s, {:.0} MB/s inflated",
        totals.files,
        mega(totals.packed),
        mega(totals.inflated),
        mega(totals.python),
        totals.seconds,
        mega(totals.inflated) / totals.seconds.max(1e-9),
    );
    println!("{} with something high or critical", totals.loud);
    for ((rule, severity), count) in &totals.by_rule {
        println!("{rule} {severity}: {count}");
    }
}
