//! `portcullis scan`: what wheels, sdists, folders and Python files do, and what requirements and locks
//! name, without running any of it. No gateway is needed. What is found is said by `text`, `json` and
//! `sarif`.
//!
//! Read the modules in this order: what arguments stand for, what files name, which files of a page that
//! means, where pages and files come from, what archives are inspected with, what is made of it, and the forms
//! of the answer.

mod inputs;
mod named;
mod choice;
pub mod index;
mod resolve;
mod fetch;
mod means;
mod verdict;
mod json;
mod sarif;
mod text;

#[cfg(test)]
mod tests;

pub use choice::newest_on;

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_core::inspection::Inspected;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use tokio::runtime::Runtime;
use url::Url;

use crate::context::Place;
use crate::exit::{Exit, failure};
use crate::output::{Look, print};
use choice::Only;
use index::Index;
use inputs::{Argument, Input};
use means::{Isolation, Means};
use named::Named;
use resolve::Resolving;
use verdict::Judge;

/// Inspect wheels, sdists, folders, requirements and lock files without running them
///
/// Follows data from where it comes from to where it goes, through decodings and the package's own
/// functions, and reads archives the way every installer might. Nothing is run, imported or unpacked.
/// Wheels and sdists directly in a folder are inspected one by one.
///
/// Requirements (flask, 'flask>=3'), requirements.txt with the files that it names, pylock.toml,
/// uv.lock, poetry.lock, pdm.lock, Pipfile.lock, CycloneDX and SPDX: the files that they name are
/// fetched from the index, held against the hashes of the lock, inspected and dropped. Of a
/// requirement that is the newest release's best wheel (pure, else manylinux x86_64) and its sdist;
/// dependencies are not followed, as that is what locks are for. What cannot be fetched or resolved
/// counts as not inspected, and never as clean.
///
/// The index is --index-url, else the gateway in PORTCULLIS_URL, else the upstream of the
/// configuration, else what pip or uv use here.
///
/// With --format json there is one JSON object on a line for each input.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or error,
3 nothing that bad found, but something could not be inspected

Examples:
  portcullis scan dist/acme_billing-2.1.0-py3-none-any.whl src --fail-on warn
  portcullis scan uv.lock --index-url https://gateway.example/simple/
  portcullis scan 'flask>=3' --only sdist --policy policy.toml"
)]
pub struct Scan {
    /// Wheels, sdists, folders, .py and .pth files, requirements such as 'flask>=3',
    /// requirements.txt and lock files
    #[arg(value_name = "PATH|REQUIREMENT", required = true)]
    arguments: Vec<PathBuf>,
    /// The index that files are fetched from: the root of its simple API
    #[arg(long, value_name = "URL", value_parser = remote_url)]
    index_url: Option<Url>,
    /// Of what is fetched, look only at this kind of file
    #[arg(long, value_enum, value_name = "KIND")]
    only: Option<Only>,
    /// Judge by the rules malicious-code and broken-archive of this policy, with their settings and
    /// its exceptions
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What stands between this process and the wheels and sdists that it looks into [default: process
    /// on Linux when there is more than one input, else thread]
    #[arg(long, value_enum, value_name = "WHAT")]
    isolation: Option<Isolation>,
    /// Show wheels and sdists to this scanner of the configuration as well
    #[arg(long = "scanner", value_name = "NAME")]
    scanners: Vec<String>,
    /// The configuration; with it and without --scanner all of its scanners and YARA rules are asked
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: ScanFormat,
    /// The mildest verdict that counts as a finding
    #[arg(long, value_enum, value_name = "VERDICT", default_value_t)]
    fail_on: FailOn,
    /// How many are fetched and inspected at once [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// The form of what a scan says.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ScanFormat {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON object on a line for each input
    Json,
    /// For code review and dashboards: one SARIF 2.1.0 document
    Sarif,
}

/// The mildest verdict that counts as a finding.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FailOn {
    /// Somebody should know
    Warn,
    /// Somebody should look before it is used
    #[default]
    Hold,
    /// Nobody should use it
    Deny,
}

/// What came of one input.
#[derive(Debug)]
struct Scanned {
    /// As it was given, as it was found in a folder that was given, or the name of the file that was fetched.
    path: String,
    /// Where it was named, unless on the command line.
    from: Option<String>,
    /// The distribution that it is by its name.
    filename: Option<DistFilename>,
    /// How long it took.
    seconds: f64,
    /// Or why there is none, with what to do.
    outcome: anyhow::Result<Inspected>,
}

impl Scan {
    /// Inspects.
    pub fn run(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        let judge = match &self.policy {
            Some(file) => Judge::of_policy(file)?,
            None => Judge::default(),
        };
        let others = means::others(&self.scanners, self.config.as_ref())?;
        portcullis_upstream::tls::install_crypto_provider();
        let runtime = Runtime::new()?;
        let inputs = self.inputs(&runtime)?;
        let jobs = self.jobs();
        let means = Means::new(self.isolation(&inputs), others, jobs, runtime.handle())?;
        let scanned = scan_all(&inputs, jobs, &means);
        match self.format {
            ScanFormat::Text => print(&text::all(
                &scanned,
                &judge,
                start.elapsed(),
                Look::of_terminal(),
            ))?,
            ScanFormat::Json => print(&json::lines(&scanned, &judge))?,
            ScanFormat::Sarif => print(&sarif::document(&scanned, &judge))?,
        }
        Ok(exit(&scanned, &judge, self.fail_on))
    }

    fn jobs(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.map_or_else(processors, NonZeroUsize::get)
    }

    /// A process costs some milliseconds, which one file is not worth that somebody looks at anyway.
    fn isolation(&self, inputs: &[Input]) -> Isolation {
        self.isolation
            .unwrap_or(match cfg!(target_os = "linux") && inputs.len() > 1 {
                true => Isolation::Process,
                false => Isolation::Thread,
            })
    }

    /// What all arguments stand for, in their order, each file once.
    fn inputs(&self, runtime: &Runtime) -> anyhow::Result<Vec<Input>> {
        let arguments: Vec<Argument> = self.arguments.iter().map(|one| inputs::read(one)).collect();
        let mut named: Vec<Named> = Vec::new();
        let mut places = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument {
                Argument::Inputs(inputs) => places.push((inputs, 0)),
                Argument::Named(more) => {
                    places.push((Vec::new(), more.len()));
                    named.extend(more);
                }
            }
        }
        let mut resolved = self.resolve(&named, runtime)?.into_iter();
        let mut inputs: Vec<Input> = Vec::new();
        for (here, elsewhere) in places {
            inputs.extend(here);
            inputs.extend(resolved.by_ref().take(elsewhere).flatten());
        }
        Ok(each_once(inputs))
    }

    fn resolve(&self, named: &[Named], runtime: &Runtime) -> anyhow::Result<Vec<Vec<Input>>> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let place = Place {
            config: self.config.clone(),
            data: None,
        };
        let index = runtime.block_on(Index::open(self.index_url.as_ref(), &place))?;
        let resolving = Resolving {
            index: &index,
            only: self.only,
            at_once: self.jobs(),
            runtime: runtime.handle(),
        };
        let progress = progress(named.len(), "asked for");
        let resolved = runtime.block_on(resolve::resolve(named, &resolving, &progress));
        progress.finish_and_clear();
        Ok(resolved)
    }
}

/// The inputs without files that would be fetched a second time.
fn each_once(inputs: Vec<Input>) -> Vec<Input> {
    let mut known = HashSet::new();
    let mut is_new = |input: &Input| match input.fetched().map(fetch::Remote::identity) {
        Some((name, url, allowed)) => {
            known.insert((name.to_owned(), url.clone(), allowed.to_vec()))
        }
        None => true,
    };
    let mut inputs = inputs;
    inputs.retain(|input| is_new(input));
    inputs
}

fn remote_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match matches!(url.scheme(), "http" | "https") && url.has_host() {
        true => Ok(url),
        false => Err("an index has an http or https address".to_owned()),
    }
}

/// Findings outweigh ignorance: that something was found stays true, whatever else could not be read.
fn exit(scanned: &[Scanned], judge: &Judge, fail_on: FailOn) -> Exit {
    let fail_on = match fail_on {
        FailOn::Warn => Effect::Warn,
        FailOn::Hold => Effect::Hold,
        FailOn::Deny => Effect::Deny,
    };
    let has_found = |one: &Scanned| {
        let inspected = one.outcome.as_ref().ok();
        let found = inspected.map(|inspected| judge.found(one.filename.as_ref(), inspected));
        found.is_some_and(|found| found >= fail_on)
    };
    if scanned.iter().any(has_found) {
        return Exit::Findings;
    }
    let is_known = |one: &Scanned| {
        one.outcome
            .as_ref()
            .is_ok_and(|inspection| inspection.complete)
    };
    match scanned.iter().all(is_known) {
        true => Exit::Clean,
        false => Exit::Undecided,
    }
}

/// Inspects all inputs, at most `jobs` at once; the answers are in the order of the inputs.
fn scan_all(inputs: &[Input], jobs: usize, means: &Means) -> Vec<Scanned> {
    let workers = jobs.min(inputs.len());
    let progress = progress(inputs.len(), "inspected");
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(inputs.len()));
    let work = || {
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(position) else {
                break;
            };
            let scanned = scan(input, means);
            progress.inc(1);
            let mut done = done
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            done.push((position, scanned));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    progress.finish_and_clear();
    let mut done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, scanned)| scanned).collect()
}

fn scan(input: &Input, means: &Means) -> Scanned {
    let start = Instant::now();
    // A reader that panics has found nothing out: that is said, and the other inputs are still read.
    let inspect = AssertUnwindSafe(|| input.inspect(means));
    let outcome = catch_unwind(inspect).unwrap_or_else(|_| {
        Err(failure(
            format!("the inspection of {} failed", input.path.display()),
            "do not use it, and report this as a bug of portcullis",
        ))
    });
    Scanned {
        path: input.path.display().to_string(),
        from: input.from.clone(),
        filename: input.filename().cloned(),
        seconds: start.elapsed().as_secs_f64(),
        outcome,
    }
}

/// A bar where somebody looks at one, and there is more than one thing to wait for.
fn progress(inputs: usize, what: &'static str) -> ProgressBar {
    if inputs < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::new(inputs as u64);
    let template = format!("{{bar:40}} {{pos}} of {{len}} {what}, {{elapsed}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        progress.set_style(style);
    }
    progress
}
