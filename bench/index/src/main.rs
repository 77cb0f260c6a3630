//! The harness behind the figures of `docs/benchmarks.md`: an index beside nginx and its peers, with the
//! same corpus, in rounds in which they take turns. `cargo xtask bench` builds and installs what it needs
//! and runs it; README.md says what is measured and how to read it.
#![expect(
    clippy::print_stdout,
    reason = "a program for people prints what it measured"
)]

mod corpus;
mod figures;
mod growth;
mod http;
mod limits;
mod process;
mod report;
mod servers;
mod upstream;
mod work;
mod wrk;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::figures::Figures;
use crate::growth::Growth;
use crate::servers::{Kind, Programs};
use crate::work::{Bench, Cells, Extent, cold, hosted, hot, install, publish};

/// Measure Portcullis beside nginx and its peers
#[derive(Debug, Parser)]
struct Arguments {
    /// The program to measure
    #[arg(long, global = true, default_value = "target/release/portcullis")]
    portcullis: PathBuf,
    /// Where peers are installed, one folder each
    #[arg(long, global = true, default_value = "target/xtask/peers")]
    peers: PathBuf,
    /// Where everything is written; it is removed afterwards
    #[arg(long, global = true)]
    scratch: Option<PathBuf>,
    /// How long a cell of hot work takes, in seconds
    #[arg(long, global = true, default_value_t = 2)]
    seconds: u32,
    /// How many files are hosted, ten a project
    #[arg(long, global = true, default_value_t = 100_000)]
    hosted: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run work and print the figures beside their limits
    Run(Run),
    /// How cost grows with the length of a page and with what is hosted
    Growth {
        /// Where the picture goes
        #[arg(long)]
        svg: PathBuf,
    },
    /// A few seconds of every kind of work, to see that the harness works
    Smoke {
        /// uv
        #[arg(long)]
        uv: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct Run {
    /// W1 to W9; everything but W9 without any
    works: Vec<String>,
    /// How many rounds
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Who is measured beside Portcullis
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["nginx", "nginx-cache"])]
    against: Vec<Kind>,
    /// uv, for W6
    #[arg(long)]
    uv: Option<PathBuf>,
    /// Write everything that was measured to this file, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// End with 1 when a figure misses its limit
    #[arg(long)]
    check: bool,
}

const WORKS: [&str; 9] = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9"];

fn main() -> ExitCode {
    match Arguments::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    fn execute(self) -> anyhow::Result<ExitCode> {
        let scratch = match &self.scratch {
            Some(folder) => {
                fs::create_dir_all(folder)?;
                tempfile::Builder::new()
                    .prefix("bench-")
                    .tempdir_in(folder)?
            }
            None => tempfile::Builder::new().prefix("bench-").tempdir()?,
        };
        let portcullis = self.portcullis.canonicalize();
        let portcullis = portcullis.with_context(|| {
            format!(
                "there is no {}: cargo build --release",
                self.portcullis.display()
            )
        })?;
        let mut bench = Bench {
            programs: Programs {
                portcullis,
                peers: self.peers,
            },
            servers: vec![Kind::Nginx, Kind::NginxCache, Kind::Portcullis],
            extent: Extent {
                rounds: 1,
                seconds: self.seconds,
                crowd: 200,
                uploads: 200,
                hosted: self.hosted,
                large_wheel: corpus::LARGE_WHEEL,
                links: corpus::LARGE,
                cells: Cells::All,
            },
            uv: None,
            scratch: scratch.path().to_owned(),
            figures: Figures::default(),
        };
        match self.command {
            Command::Run(run) => run.execute(&mut bench),
            Command::Growth { svg } => {
                let growth = Growth::measure(&bench)?;
                print!("{}", growth.markdown());
                fs::write(&svg, growth.svg())
                    .with_context(|| format!("cannot write {}", svg.display()))?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Smoke { uv } => {
                bench.uv = uv;
                smoke(&mut bench)
            }
        }
    }
}

impl Run {
    fn execute(self, bench: &mut Bench) -> anyhow::Result<ExitCode> {
        let works = match self.works.is_empty() {
            true => WORKS[..8].to_vec(),
            false => known(&self.works)?,
        };
        bench.extent.rounds = self.rounds.max(1);
        bench.servers = self.against;
        bench.servers.retain(|kind| *kind != Kind::Portcullis);
        bench.servers.push(Kind::Portcullis);
        bench.uv = self.uv;
        perform(bench, &works)?;
        let verdicts = bench.figures.verdicts(&limits::limits());
        print!(
            "{}",
            report::markdown(&bench.figures, &verdicts, &bench.extent)
        );
        if let Some(path) = &self.json {
            let json = report::json(&bench.figures, &verdicts, &bench.extent);
            fs::write(path, format!("{json:#}\n"))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let missed = verdicts.iter().filter(|verdict| !verdict.holds()).count();
        if self.check && missed > 0 {
            eprintln!("{missed} figures miss their limits");
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn known(works: &[String]) -> anyhow::Result<Vec<&'static str>> {
    let find = |work: &String| {
        let found = WORKS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(work));
        found.with_context(|| format!("there is no work {work}: W1 to W9"))
    };
    works.iter().map(find).collect()
}

fn perform(bench: &mut Bench, works: &[&str]) -> anyhow::Result<()> {
    hot::measure(bench, works)?;
    for work in works {
        match *work {
            "W4" => cold::measure_first(bench)?,
            "W6" => install::measure(bench)?,
            "W7" => publish::measure(bench)?,
            "W8" => cold::measure_crowd(bench)?,
            "W9" => hosted::measure(bench)?,
            _ => {}
        }
    }
    Ok(())
}

/// Every kind of work once and small: that something was measured everywhere is what counts.
fn smoke(bench: &mut Bench) -> anyhow::Result<ExitCode> {
    bench.extent = Extent {
        rounds: 1,
        seconds: 1,
        crowd: 10,
        uploads: 20,
        hosted: 100,
        large_wheel: 1 << 20,
        links: 200,
        cells: Cells::OneEach,
    };
    let mut works: Vec<&str> = WORKS.to_vec();
    if bench.uv.is_none() {
        works.retain(|work| *work != "W6");
    }
    perform(bench, &works)?;
    for work in &works {
        let of_ours = bench.figures.all().any(|(what, servers)| {
            what.work == *work && servers.contains_key(&figures::Who::Server(Kind::Portcullis))
        });
        anyhow::ensure!(of_ours, "{work} measured nothing");
    }
    println!(
        "{} kinds of work, {} figures",
        works.len(),
        bench.figures.all().count()
    );
    Ok(ExitCode::SUCCESS)
}
