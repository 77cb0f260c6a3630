//! `portcullis jobs`: what runs beside requests, how it went last, and running it now.

use std::time::Duration;

use clap::{Args, Subcommand};
use portcullis_core::time::Timestamp;
use portcullis_server::App;
use portcullis_server::config::Period;
use portcullis_server::jobs::JOBS;
use portcullis_server::jobs::schedule::{Job, RunError, run_now, state_of};
use portcullis_store::jobs::{JobState, all};
use serde_json::{Value, json};

use crate::context::{Place, wait_for};
use crate::exit::{Exit, failure};
use crate::output::{Format, paragraph, print, print_json, table};

/// Show what runs beside requests, and run it now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis jobs list")]
pub struct Jobs {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List jobs: how often each runs, when it last went well, its last error
    ///
    /// Exits with 1 when one of them failed last.
    #[command(after_help = "Example:\n  portcullis jobs list --format json")]
    List {
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Run a job now, due or not, and say what came of it
    #[command(after_help = "Example:\n  portcullis jobs run notify")]
    Run {
        /// The job, as `portcullis jobs list` names it
        #[arg(value_name = "NAME")]
        name: String,
    },
}

impl Jobs {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let app = self.place.gateway().await?;
            let exit = match self.verb {
                Verb::List { format } => list(&app, format).await,
                Verb::Run { name } => {
                    let ran = run_now(&app, &name).await;
                    ran.map_err(|error| explained(&error))
                        .and_then(|result| print(&format!("{name}: {result}")))
                        .map(|()| Exit::Clean)
                }
            };
            app.db.close().await;
            exit
        })
    }
}

fn explained(error: &RunError) -> anyhow::Error {
    let remedy = match error {
        RunError::Unknown(_) => {
            let names: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
            format!("the jobs are: {}", names.join(", "))
        }
        RunError::Held(_) | RunError::Lost(_) => {
            "wait for the other process: `portcullis jobs list` shows who it is".to_owned()
        }
        RunError::Offline(_) => {
            "go online first: `portcullis offline off`, or take `offline` out of the configuration"
                .to_owned()
        }
        RunError::Failed(_) => {
            "mend what the error names; a running server tries again by itself".to_owned()
        }
    };
    failure(error.to_string(), remedy)
}

async fn list(app: &App, format: Format) -> anyhow::Result<Exit> {
    let states = all(&app.db).await?;
    let now = app.now();
    let with_state = || JOBS.iter().map(|job| (*job, state_of(&states, job.name)));
    match format {
        Format::Json => {
            let jobs: Vec<Value> = with_state()
                .map(|(job, state)| as_json(app, job, state, now))
                .collect();
            print_json(&json!({ "jobs": jobs }))?;
        }
        Format::Text => {
            let rows = with_state().map(|(job, state)| cells(app, job, state, now));
            print(&table(
                ["job", "every", "state", "last went well", "what"],
                rows,
            ))?;
            for (job, state) in with_state() {
                if let Some(error) = state.and_then(|state| state.last_error.as_ref()) {
                    print(&format!("\n{} failed last:", job.name))?;
                    print(&paragraph(2, error))?;
                }
            }
        }
    }
    let failed = states.iter().filter(|state| state.last_error.is_some());
    Ok(Exit::for_findings(failed.count()))
}

fn cells(app: &App, job: &Job, state: Option<&JobState>, now: Timestamp) -> [String; 5] {
    let every = (job.every)(app);
    let last = state.and_then(|state| state.last_ok_at);
    [
        job.name.to_owned(),
        every.map_or("off".to_owned(), |every| Period(every).to_string()),
        word(every, state, now),
        last.map_or("never".to_owned(), |at| format!("{} ago", age(at, now))),
        job.summary.to_owned(),
    ]
}

/// How a job is doing, in a word or two.
fn word(every: Option<Duration>, state: Option<&JobState>, now: Timestamp) -> String {
    match state {
        Some(state) if state.is_held(now) => "running".to_owned(),
        Some(state) if state.last_error.is_some() => match state.failures {
            1 => "failed".to_owned(),
            failures => format!("failed {failures} times"),
        },
        _ if every.is_none() => "off".to_owned(),
        None => "not run yet".to_owned(),
        Some(_) => "waiting".to_owned(),
    }
}

/// `3 d`, `2 h`, `5 min`, `10 s`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(then).max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn as_json(app: &App, job: &Job, state: Option<&JobState>, now: Timestamp) -> Value {
    let every = (job.every)(app);
    json!({
        "name": job.name,
        "summary": job.summary,
        "every-seconds": every.map(|every| every.as_secs_f64()),
        "state": word(every, state, now),
        "runs": state.map_or(0, |state| state.runs),
        "failures": state.map_or(0, |state| state.failures),
        "started-at": state.and_then(|state| state.started_at),
        "ended-at": state.and_then(|state| state.ended_at),
        "next-at": state.filter(|_| every.is_some()).map(|state| state.next_at),
        "last-ok-at": state.and_then(|state| state.last_ok_at),
        "last-result": state.and_then(|state| state.last_result.as_ref()),
        "last-error": state.and_then(|state| state.last_error.as_ref()),
        "held-by": state.filter(|state| state.is_held(now)).and_then(|state| state.holder.as_ref()),
        "held-until": state.filter(|state| state.is_held(now)).and_then(|state| state.leased_until),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_one_unit() {
        let now = Timestamp::from_millis(1_000_000_000);
        for (seconds, expected) in [
            (-5, "0 s"),
            (10, "10 s"),
            (300, "5 min"),
            (7_200, "2 h"),
            (200_000, "2 d"),
        ] {
            assert_eq!(age(now.plus_millis(-seconds * 1000), now), expected);
        }
    }
}
