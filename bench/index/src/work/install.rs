//! Installing six projects with uv (W6), all caches of the client empty: directly, through a server that
//! has seen nothing, and again when it has.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::corpus::{Corpus, File, Project, plain_wheel};
use crate::figures::{What, Who};
use crate::work::{Bench, empty_folder};

/// The projects: name, how many older files their pages list, and how much of the wheel does not
/// compress, in bytes. The sizes are those of a usual set of dependencies.
const PROJECTS: [(&str, usize, usize); 6] = [
    ("bench-web", 320, 100_000),
    ("bench-client", 600, 60_000),
    ("bench-numbers", 2_400, 16_000_000),
    ("bench-tables", 1_900, 12_000_000),
    ("bench-templates", 150, 130_000),
    ("bench-types", 90, 40_000),
];

fn corpus() -> Corpus {
    let projects = PROJECTS.map(|(name, links, payload)| {
        let mut wheel = plain_wheel(name, "9.0", payload);
        if name == "bench-web" {
            for (other, ..) in &PROJECTS[1..] {
                wheel = wheel.requires(&format!("{other}>=1"));
            }
        }
        let mut project = Project::of_links(name, links);
        project.files.push(File::of(&wheel));
        project
    });
    Corpus::of(projects)
}

/// Measures installing.
///
/// # Errors
/// When uv fails.
pub(crate) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.uv.is_none() {
        bail!("W6 needs --uv");
    }
    let stage = bench.stage("install", &corpus())?;
    for round in 0..bench.extent.rounds {
        let direct = install(bench, &stage.upstream.simple())?;
        for part in ["cold", "warm"] {
            bench
                .figures
                .note(what(part, "total ms"), Who::Direct, round, direct);
        }
        for kind in bench.proxies() {
            let server = bench.start(kind, &stage, "install")?;
            for part in ["cold", "warm"] {
                let cpu = server.tree().cpu();
                let total = install(bench, &server.index_url())?;
                let cpu = server.tree().cpu() - cpu;
                bench.note(what(part, "total ms"), kind, round, total);
                bench.note(what(part, "CPU s"), kind, round, cpu);
            }
        }
    }
    Ok(())
}

fn what(part: &str, quantity: &'static str) -> What {
    What {
        work: "W6",
        part: format!("uv pip install, {part}"),
        quantity,
    }
}

/// Installs from an index into an empty folder; returns the milliseconds that it took.
fn install(bench: &Bench, index: &str) -> anyhow::Result<f64> {
    let folder = bench.scratch.join("installed");
    empty_folder(&folder)?;
    let mut uv = Command::new(bench.uv.as_ref().context("it was looked for")?);
    uv.env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH"))
        .env("HOME", &bench.scratch)
        .args([
            "pip",
            "install",
            "--quiet",
            "--no-cache",
            "--no-config",
            "--index-url",
            index,
        ])
        .arg("--target")
        .arg(&folder)
        .args(PROJECTS.map(|(name, ..)| name));
    let began = Instant::now();
    let done = uv.output().context("cannot run uv")?;
    let total = began.elapsed().as_secs_f64() * 1e3;
    if !done.status.success() {
        bail!(
            "uv failed at {index}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    for (name, ..) in PROJECTS {
        if !folder.join(name.replace('-', "_")).is_dir() {
            bail!("uv did not install {name} from {index}");
        }
    }
    Ok(total)
}
