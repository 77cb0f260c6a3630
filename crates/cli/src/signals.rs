//! `portcullis signals`: what others measured of projects, imported from files and listed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_store::signals::{self, KnownSignal, Measured, NewSignal};
use portcullis_upstream::signals::SignalFile;
use serde_json::{Value, json};

use crate::context::{Absence, Place, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::output::{Format, count, print, print_json, table};

/// Import and list what others measured of projects, such as their OpenSSF Scorecard
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis signals list flask")]
pub struct SignalCommands {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Take measurements from a file of JSON lines
    ///
    /// A line is an object with the key project and any of scorecard,
    /// maintained, stars, forks, open-issues, dependents and archived.
    #[command(
        after_help = "Example:\n  portcullis signals import scores.jsonl --provider scorecard"
    )]
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Who measured
        #[arg(long, value_name = "NAME", default_value = "import")]
        provider: String,
        /// For how many days it counts
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
        days: u16,
    },
    /// List measurements
    #[command(after_help = "Example:\n  portcullis signals list flask --format json")]
    List {
        /// Only those of this project
        #[arg(value_name = "PROJECT")]
        project: Option<ProjectName>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 1000)]
        limit: u32,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl SignalCommands {
    /// Imports or lists.
    pub fn run(self) -> anyhow::Result<Exit> {
        let place = self.place;
        match self.verb {
            Verb::Import {
                file,
                provider,
                days,
            } => {
                let read = read(&file)?;
                wait_for(import(place, read, provider, days))
            }
            Verb::List {
                project,
                limit,
                format,
            } => wait_for(list(place, project, limit, format)),
        }
    }
}

fn read(file: &std::path::Path) -> anyhow::Result<Vec<NewSignal>> {
    let remedy = "each line is an object such as {\"project\": \"flask\", \"scorecard\": 7.1}";
    let opened = SignalFile::open(file).map_err(|error| failure(error.to_string(), remedy))?;
    let projects = opened.by_project().iter();
    let all = projects.flat_map(|(project, measured)| {
        measured.iter().map(|(kind, value)| NewSignal {
            project: project.clone(),
            kind: *kind,
            value: *value,
        })
    });
    Ok(all.collect())
}

async fn import(
    place: Place,
    read: Vec<NewSignal>,
    provider: String,
    days: u16,
) -> anyhow::Result<Exit> {
    let opened = place.database(Absence::Refused).await?;
    let at = now();
    let measured = Measured {
        provider: &provider,
        at,
        expires: at.plus_millis(i64::from(days) * Timestamp::DAY),
    };
    let imported = signals::import(&opened.db, &read, measured, &who()).await?;
    opened.db.close().await;
    print(&format!(
        "Imported {} of {provider}.",
        count(imported as u64, "measurement")
    ))?;
    Ok(Exit::Clean)
}

async fn list(
    place: Place,
    project: Option<ProjectName>,
    limit: u32,
    format: Format,
) -> anyhow::Result<Exit> {
    let opened = place.database(Absence::Refused).await?;
    let listed = signals::list(&opened.db, project.as_ref(), limit).await?;
    opened.db.close().await;
    match format {
        Format::Json => {
            let all: Vec<Value> = listed.iter().map(as_json).collect();
            print_json(&json!({ "signals": all }))?;
        }
        Format::Text if listed.is_empty() => print("Nobody has measured anything.")?,
        Format::Text => {
            let rows = listed.iter().map(|known| {
                [
                    known.project.to_string(),
                    known.kind.to_string(),
                    known.signal.value.to_string(),
                    known.signal.provider.to_string(),
                    known.signal.at.to_minute(),
                    known.expires.to_minute(),
                ]
            });
            print(&table(
                ["project", "signal", "value", "by", "asked", "counts until"],
                rows,
            ))?;
        }
    }
    Ok(Exit::Clean)
}

fn as_json(known: &KnownSignal) -> Value {
    json!({
        "project": known.project,
        "signal": known.kind,
        "value": known.signal.value,
        "provider": known.signal.provider,
        "asked-at": known.signal.at,
        "expires-at": known.expires,
    })
}
