//! Other scanners beside the engine: programs and services of the organisation's own that are shown each
//! file, and whose findings join what the engine has seen. What they find is weighed by the policy like
//! everything else; that one does not answer is either nothing or ignorance, as configured.
//!
//! Read the modules in this order: what an answer may look like, asking a program, asking a service.

mod answer;
mod command;
mod service;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{
    Confidence, Context, Inspected, Observation, Severity, effect_of, fingerprint,
};
use portcullis_core::pypi::filename::DistFilename;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::config::{OnFailure, ScannerSettings, ScannerWay};
use answer::Answered;
use service::Service;

/// The rule under which it is told that a file was not looked at to the end.
const NOT_LOOKED_AT: &str = "ENG-002";

/// Every scanner that is configured.
pub struct Scanners {
    all: Vec<Scanner>,
    /// As many are asked at once as files are inspected at once, each about one file.
    turns: Semaphore,
}

struct Scanner {
    settings: ScannerSettings,
    way: Way,
}

enum Way {
    Command(Vec<String>),
    Service(Box<Service>),
}

/// The file that scanners are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its name, as it was published.
    pub filename: &'a str,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

/// A scanner that did not answer, or not as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub scanner: String,
    /// Why: one clause for people.
    pub why: String,
    /// What it means.
    pub means: OnFailure,
}

/// A copy of the file that is there for as long as scanners look at it, and that they cannot change.
struct Copy {
    path: PathBuf,
    length: u64,
    /// Removes it.
    _folder: TempDir,
}

impl Scanners {
    /// The scanners of `settings`; at most `at_once` files are shown to them at the same time.
    #[must_use]
    pub fn new(settings: &[ScannerSettings], at_once: usize) -> Self {
        let all = settings.iter().map(|settings| Scanner {
            way: match &settings.way {
                ScannerWay::Command(command) => Way::Command(command.clone()),
                ScannerWay::Service(url) => Way::Service(Box::new(Service::new(url))),
            },
            settings: settings.clone(),
        });
        Self {
            all: all.collect(),
            turns: Semaphore::new(at_once.max(1)),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How long all of them together may take for one file: they are asked at the same time.
    #[must_use]
    pub fn time(&self) -> Duration {
        let timeouts = self.all.iter().map(|scanner| scanner.settings.timeout);
        timeouts.max().unwrap_or_default()
    }

    /// Shows `file` to each of them, adds what they find to `inspected`, and says which of them failed. A
    /// failure that means something is in `inspected` as well. The copy that they are shown is made below
    /// `folder`, or below the system's folder for such files.
    pub async fn consult(
        &self,
        file: File,
        folder: Option<&Path>,
        asked: Asked<'_>,
        inspected: &mut Inspected,
    ) -> Vec<Failure> {
        if self.is_empty() {
            return Vec::new();
        }
        let turn = self.turns.acquire().await;
        let copied = copy(file, folder, asked.filename).await;
        let answers = match &copied {
            Ok(copy) => join_all(self.all.iter().map(|one| one.ask(copy, asked))).await,
            Err(error) => {
                let why = format!("the file cannot be copied for it: {error}");
                let failed = |_: &Scanner| Answered::failed(why.clone());
                self.all.iter().map(failed).collect()
            }
        };
        drop((turn, copied));
        let answers = self.all.iter().zip(answers);
        let failures =
            answers.filter_map(|(scanner, answered)| scanner.take(answered, asked, inspected));
        let failures = failures.collect();
        // The worst first, as in every record.
        inspected
            .observations
            .sort_by_key(|seen| Reverse((effect_of(seen), seen.severity)));
        failures
    }
}

impl Scanner {
    async fn ask(&self, copy: &Copy, asked: Asked<'_>) -> Answered {
        let asking = async {
            match &self.way {
                Way::Command(command) => command::ask(command, &copy.path).await,
                Way::Service(service) => service.ask(&copy.path, copy.length, asked).await,
            }
        };
        let timeout = self.settings.timeout;
        // What is dropped is ended.
        match tokio::time::timeout(timeout, asking).await {
            Ok(answered) => answered,
            Err(_) => Answered::failed(format!("it took longer than {timeout:?}")),
        }
    }

    /// Adds what was found to `inspected`, and says what went wrong.
    fn take(
        &self,
        answered: Answered,
        asked: Asked<'_>,
        inspected: &mut Inspected,
    ) -> Option<Failure> {
        let name = &self.settings.name;
        let findings = answered.findings.into_iter();
        let observations = findings.map(|found| found.observation(name, asked));
        inspected.observations.extend(observations);
        let why = answered.failure?;
        let filename = asked.filename;
        warn!(scanner = %name, filename, "scanner {name} failed with {filename}: {why}");
        let means = self.settings.on_failure;
        if means == OnFailure::Hold {
            inspected.complete = false;
            inspected
                .observations
                .push(not_looked_at(name, &why, asked));
        }
        Some(Failure {
            scanner: name.clone(),
            why,
            means,
        })
    }
}

fn not_looked_at(scanner: &str, why: &str, asked: Asked<'_>) -> Observation {
    Observation {
        rule: NOT_LOOKED_AT.into(),
        severity: Severity::Medium,
        confidence: Confidence::CERTAIN,
        file: asked.filename.into(),
        line: 0,
        column: 0,
        layer: 0,
        context: Context::Install,
        message: format!("the scanner {scanner} did not look at it: {why}"),
        chain: Vec::new(),
        code_hash: fingerprint(NOT_LOOKED_AT, &format!("scanner {scanner}")),
    }
}

/// A copy under the file's own name, since scanners go by its ending, in a folder that only this user enters.
async fn copy(file: File, folder: Option<&Path>, filename: &str) -> io::Result<Copy> {
    let name = DistFilename::parse(filename, None).map_err(io::Error::other)?;
    let folder = folder.map(Path::to_path_buf);
    let copying = move || copy_now(file, folder.as_deref(), name.as_str());
    tokio::task::spawn_blocking(copying)
        .await
        .map_err(io::Error::other)?
}

fn copy_now(mut file: File, folder: Option<&Path>, name: &str) -> io::Result<Copy> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("portcullis-shown-");
    let folder = match folder {
        Some(folder) => builder.tempdir_in(folder)?,
        None => builder.tempdir()?,
    };
    let path = folder.path().join(name);
    let mut copy = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    file.seek(SeekFrom::Start(0))?;
    let length = io::copy(&mut file, &mut copy)?;
    let mut permissions: Permissions = copy.metadata()?.permissions();
    permissions.set_readonly(true);
    copy.set_permissions(permissions)?;
    Ok(Copy {
        path,
        length,
        _folder: folder,
    })
}
