//! The benign set: files of the most popular projects, which the inspection must let pass. The
//! manifest names them by SHA-256; the files come through a running Portcullis and are never kept in
//! the repository.
#![expect(
    clippy::print_stdout,
    reason = "commands for people print what they do"
)]

mod choice;
mod gateway;
mod manifest;
mod measure;
mod progress;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use futures_util::StreamExt as _;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::PopularNames;
use url::Url;

use gateway::{Arrival, Gateway};
use manifest::{Entry, Manifest, Role};

/// How many things are asked for at once; the gateway passes each on to somebody else's server.
const CONNECTIONS: usize = 4;

/// The benign set of the inspection: fetch it, measure with it, or pick it anew.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask benign")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where the simple index of the gateway is
    ///
    /// Its policy has to let the newest files pass: let `too-young` and `similar-name` observe.
    #[arg(long, global = true, value_name = "URL")]
    #[arg(default_value = "http://127.0.0.1:8080/simple/")]
    gateway: Url,
    /// The manifest [default: bench/benign/manifest.txt]
    #[arg(long, global = true, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring what the manifest names into a folder, and check every SHA-256; can be repeated
    Fetch {
        /// The folder; `newest` and `before` are made in it
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
    /// Inspect the files that were fetched, and fail when too many are stopped or a rule is too loud
    Measure {
        /// The folder that they were fetched into
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Measure with the earlier releases instead of the newest
        #[arg(long)]
        before: bool,
    },
    /// Write the manifest anew, from what the gateway lists today
    Pick {
        /// How many of the most popular projects are taken
        #[arg(long, value_name = "N", default_value_t = 200)]
        projects: usize,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.txt");
    let manifest = arguments.manifest.unwrap_or_else(beside);
    let gateway = || Gateway::at(arguments.gateway);
    match arguments.command {
        Command::Fetch { into } => fetch(&gateway()?, &manifest, &into).await,
        Command::Measure { from, before } => {
            let role = if before { Role::Before } else { Role::Newest };
            measure::measure(&Manifest::read(&manifest)?, role, &from)
        }
        Command::Pick { projects } => pick(&gateway()?, &manifest, projects).await,
    }
}

/// Brings every file that is not there yet. One that cannot be had does not keep the others away.
async fn fetch(gateway: &Gateway, manifest: &Path, into: &Path) -> anyhow::Result<()> {
    let manifest = Manifest::read(manifest)?;
    for role in Role::ALL {
        let folder = into.join(role.as_str());
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let bar = progress::of_bytes(manifest.bytes());
    let projects = manifest.by_project();
    let work = projects.iter().map(|(project, entries)| {
        let bar = &bar;
        async move { bring(gateway, project, entries, into, bar).await }
    });
    let results: Vec<Vec<Result<Arrival, String>>> = futures_util::stream::iter(work)
        .buffer_unordered(CONNECTIONS)
        .collect()
        .await;
    bar.finish_and_clear();
    told(results.into_iter().flatten(), manifest.bytes())
}

/// The files of one project, one after the other; its page is asked for only when one is missing.
async fn bring(
    gateway: &Gateway,
    project: &ProjectName,
    entries: &[&Entry],
    into: &Path,
    bar: &indicatif::ProgressBar,
) -> Vec<Result<Arrival, String>> {
    let mut page = None;
    let mut arrivals = Vec::new();
    for entry in entries {
        bar.set_message(entry.filename.to_string());
        let target = into.join(entry.role.as_str()).join(&*entry.filename);
        let arrival = gateway.bring(project, entry, &target, &mut page).await;
        bar.inc(entry.size);
        arrivals.push(arrival.map_err(|error| format!("{}: {error:#}", entry.filename)));
    }
    arrivals
}

/// Says what came of each file, and fails when one is missing.
fn told(results: impl Iterator<Item = Result<Arrival, String>>, bytes: u64) -> anyhow::Result<()> {
    let (mut there, mut fetched, mut failures) = (0_usize, 0_usize, Vec::new());
    for result in results {
        match result {
            Ok(Arrival::WasThere) => there += 1,
            Ok(Arrival::Fetched) => fetched += 1,
            Err(failure) => failures.push(failure),
        }
    }
    println!(
        "{fetched} files fetched, {there} were there, {} missing; the set has {} MB",
        failures.len(),
        bytes / 1_000_000
    );
    if failures.is_empty() {
        return Ok(());
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    anyhow::bail!("{} files of the manifest could not be had", failures.len())
}

/// Asks for the page of each popular project and writes down what is chosen from it.
async fn pick(gateway: &Gateway, manifest: &Path, count: usize) -> anyhow::Result<()> {
    let popular = PopularNames::embedded();
    let projects: Vec<&ProjectName> = popular.iter().take(count).collect();
    let bar = progress::of_projects(projects.len());
    let work = projects.iter().map(|project| {
        let bar = &bar;
        async move {
            bar.set_message(project.to_string());
            let page = gateway.page(project).await;
            bar.inc(1);
            page.map(|page| choice::of(project, &page))
                .with_context(|| format!("cannot have the page of {project}"))
        }
    });
    let pages: Vec<anyhow::Result<Vec<Entry>>> = futures_util::stream::iter(work)
        .buffered(CONNECTIONS)
        .collect()
        .await;
    bar.finish_and_clear();
    let entries = pages.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    for (project, entries) in projects.iter().zip(&entries) {
        if !entries.iter().any(|entry| entry.role == Role::Newest) {
            println!("{project}: nothing within the limits");
        }
    }
    let chosen = Manifest::new(entries.into_iter().flatten().collect());
    println!(
        "{} files of {} projects, {} MB",
        chosen.entries.len(),
        chosen.by_project().len(),
        chosen.bytes() / 1_000_000
    );
    chosen.write(manifest)
}
