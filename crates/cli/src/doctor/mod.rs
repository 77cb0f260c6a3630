//! `portcullis doctor`: whether everything that the gateway rests on is well, and what to do where it is not.
//! What is looked at is in the files beside this one.

use std::time::Instant;

use clap::{Args, ValueEnum};
use portcullis_server::App;
use serde_json::{Value, json};

use crate::context::{Place, wait_for};
use crate::exit::Exit;
use crate::output::{Format, paragraph, print, print_json, table};

mod outside;
mod storage;
mod machine;
mod settings;
mod work;

/// Look at everything that the gateway rests on, and say what to do
///
/// Database, blobs, disks, clocks, upstreams, feeds, the isolation of inspections, limits of this
/// process, settings, jobs and the end of the ledger. It asks every upstream for one page.
///
/// Exits with 1 when something fails, with 3 when something could not be found out. Warnings alone
/// are 0.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis doctor --only disk --only clock\n  portcullis doctor"
)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    /// Only these
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Vec<Ward>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ward {
    /// The database: whether it answers, its tables, its clock
    Database,
    /// The place for blobs: writing, reading, listing, deleting
    Blobs,
    /// Disks: room, files, how long it takes to write for good
    Disk,
    /// Clocks: this machine's against the database's and the upstreams'
    Clock,
    /// The isolation of inspections
    Inspections,
    /// Upstreams and folders
    Sources,
    /// Advisories and other feeds
    Feeds,
    /// Limits of processes on this machine
    Limits,
    /// Settings that are sound and not wise
    Settings,
    /// Jobs
    Jobs,
    /// The end of the ledger
    Ledger,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Well,
    Warns,
    Fails,
    Unknown,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Warns => "warns",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
struct Finding {
    state: State,
    says: String,
    /// What to do.
    remedy: Option<String>,
}

impl Finding {
    fn well(says: impl Into<String>) -> Self {
        Self {
            state: State::Well,
            says: says.into(),
            remedy: None,
        }
    }

    fn warns(says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Warns,
            says: says.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn fails(says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Fails,
            says: says.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn unknown(says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Unknown,
            says: says.into(),
            remedy: Some(remedy.into()),
        }
    }
}

/// What was looked at, and what was found.
struct Check {
    what: String,
    finding: Finding,
    millis: u128,
}

/// Looks at something, and how long that takes.
async fn timed(what: impl Into<String>, look: impl Future<Output = Finding>) -> Check {
    let started = Instant::now();
    let finding = look.await;
    let millis = started.elapsed().as_millis();
    Check {
        what: what.into(),
        finding,
        millis,
    }
}

impl Doctor {
    /// Looks.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.look())
    }

    async fn look(self) -> anyhow::Result<Exit> {
        let app = self.place.gateway().await?;
        let mut checks = Vec::new();
        for ward in Ward::value_variants() {
            if self.only.is_empty() || self.only.contains(ward) {
                checks.extend(self.visit(&app, *ward).await);
            }
        }
        app.db.close().await;
        match self.format {
            Format::Json => print_json(&as_json(&checks))?,
            Format::Text => print(&text(&checks))?,
        }
        Ok(exit(&checks))
    }

    async fn visit(&self, app: &App, ward: Ward) -> Vec<Check> {
        match ward {
            Ward::Database => storage::database(app).await,
            Ward::Blobs => vec![storage::blobs(app).await],
            Ward::Disk => storage::disks(app).await,
            Ward::Clock => outside::clocks(app).await,
            Ward::Inspections => vec![machine::inspections(app).await],
            Ward::Sources => outside::sources(app).await,
            Ward::Feeds => vec![work::feeds(app).await],
            Ward::Limits => machine::limits(app).await,
            Ward::Settings => settings::all(app, self.place.configuration_file().as_deref()).await,
            Ward::Jobs => work::jobs(app).await,
            Ward::Ledger => vec![work::ledger(app).await],
        }
    }
}

fn having(checks: &[Check], state: State) -> usize {
    checks
        .iter()
        .filter(|check| check.finding.state == state)
        .count()
}

fn exit(checks: &[Check]) -> Exit {
    match (having(checks, State::Fails), having(checks, State::Unknown)) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Undecided,
        _ => Exit::Findings,
    }
}

fn text(checks: &[Check]) -> String {
    let rows = checks.iter().map(|check| {
        let (state, says) = (check.finding.state, check.finding.says.clone());
        let took = format!("{} ms", check.millis);
        [check.what.clone(), state.as_str().to_owned(), took, says]
    });
    let mut text = table(["what", "state", "took", "says"], rows);
    for check in checks {
        if let Some(remedy) = &check.finding.remedy {
            text += &format!("\n{} {}:\n", check.what, check.finding.state.as_str());
            text += &paragraph(2, &format!("what to do: {remedy}"));
        }
    }
    text
}

fn as_json(checks: &[Check]) -> Value {
    let shown: Vec<Value> = checks
        .iter()
        .map(|check| {
            let Finding {
                state,
                says,
                remedy,
            } = &check.finding;
            json!({
                "what": check.what, "state": state.as_str(), "says": says, "remedy": remedy,
                "answers": *state == State::Well || *state == State::Warns, "millis": check.millis,
            })
        })
        .collect();
    json!({
        "checks": shown,
        "failed": having(checks, State::Fails),
        "unknown": having(checks, State::Unknown),
        "warnings": having(checks, State::Warns),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outweighs_what_is_not_known_and_warnings_weigh_nothing() {
        let check = |finding: Finding| Check {
            what: "x".to_owned(),
            finding,
            millis: 1,
        };
        let (well, warns) = (
            || check(Finding::well("y")),
            || check(Finding::warns("y", "z")),
        );
        let (fails, unknown) = (
            || check(Finding::fails("y", "z")),
            || check(Finding::unknown("y", "z")),
        );
        for (checks, expected) in [
            (vec![], Exit::Clean),
            (vec![well(), warns()], Exit::Clean),
            (vec![well(), unknown()], Exit::Undecided),
            (vec![unknown(), fails()], Exit::Findings),
        ] {
            assert_eq!(exit(&checks), expected);
            assert!(text(&checks).lines().all(|line| line.chars().count() <= 80));
        }
    }
}
