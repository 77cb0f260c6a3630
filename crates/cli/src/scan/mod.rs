//! `portcullis scan`: what wheels, sdists, folders and Python files do, without running any of it. No
//! gateway and no configuration is needed. What is found is said by `text`, `json` and `sarif`.

mod inputs;
mod json;
mod sarif;
mod text;

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_core::inspection::Inspected;
use portcullis_core::policy::Effect;
use portcullis_inspect::inspection::Budget;

use crate::exit::{Exit, failure};
use crate::output::print;
use inputs::Input;

/// Inspect wheels, sdists, folders and Python files without running them
///
/// Follows data from where it comes from to where it goes, through decodings and the package's own
/// functions, and reads archives the way every installer might. Nothing is run, imported, unpacked or
/// sent, and no gateway is needed. Wheels and sdists directly in a folder are inspected one by one.
///
/// Requirements and lock files are not read: download what they name first.
///
/// With --format json there is one JSON object on a line for each input.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or error,
3 nothing that bad found, but something could not be inspected

Example:
  portcullis scan dist/acme_billing-2.1.0-py3-none-any.whl src --fail-on warn"
)]
pub struct Scan {
    /// Wheels, sdists, folders, .py and .pth files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: ScanFormat,
    /// The mildest verdict that counts as a finding
    #[arg(long, value_enum, value_name = "VERDICT", default_value_t)]
    fail_on: FailOn,
    /// How many are inspected at once [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
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
    /// As it was given, or as it was found in a folder that was given.
    path: String,
    /// How long it took.
    seconds: f64,
    /// Or why there is none, with what to do.
    outcome: anyhow::Result<Inspected>,
}

impl Scan {
    /// Inspects.
    pub fn run(self) -> anyhow::Result<Exit> {
        let inputs: Vec<Input> = self
            .paths
            .iter()
            .flat_map(|path| inputs::below(path))
            .collect();
        let start = Instant::now();
        let scanned = scan_all(&inputs, self.jobs.map(std::num::NonZeroUsize::get));
        match self.format {
            ScanFormat::Text => print(&text::all(
                &scanned,
                start.elapsed(),
                text::Look::of_terminal(),
            ))?,
            ScanFormat::Json => print(&json::lines(&scanned))?,
            ScanFormat::Sarif => print(&sarif::document(&scanned))?,
        }
        Ok(exit(&scanned, self.fail_on))
    }
}

/// Findings outweigh ignorance: that something was found stays true, whatever else could not be read.
fn exit(scanned: &[Scanned], fail_on: FailOn) -> Exit {
    let fail_on = match fail_on {
        FailOn::Warn => Effect::Warn,
        FailOn::Hold => Effect::Hold,
        FailOn::Deny => Effect::Deny,
    };
    let mut inspections = scanned.iter().filter_map(|one| one.outcome.as_ref().ok());
    if inspections.any(|inspection| inspection.found() >= fail_on) {
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
fn scan_all(inputs: &[Input], jobs: Option<usize>) -> Vec<Scanned> {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let workers = jobs.unwrap_or_else(processors).min(inputs.len());
    let progress = progress(inputs.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(inputs.len()));
    let work = || {
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(position) else {
                break;
            };
            let scanned = scan(input);
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

fn scan(input: &Input) -> Scanned {
    let start = Instant::now();
    // A reader that panics has found nothing out: that is said, and the other inputs are still read.
    let inspect = AssertUnwindSafe(|| input.inspect(&Budget::default()));
    let outcome = catch_unwind(inspect).unwrap_or_else(|_| {
        Err(failure(
            format!("the inspection of {} failed", input.path.display()),
            "do not use it, and report this as a bug of portcullis",
        ))
    });
    Scanned {
        path: input.path.display().to_string(),
        seconds: start.elapsed().as_secs_f64(),
        outcome,
    }
}

/// A bar where somebody looks at one, and there is more than one thing to wait for.
fn progress(inputs: usize) -> ProgressBar {
    if inputs < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::new(inputs as u64);
    let template = "{bar:40} {pos} of {len} inspected, {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        progress.set_style(style);
    }
    progress
}
