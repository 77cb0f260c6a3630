//! `portcullis events`: what people should hear of, and who has been told.

use clap::{Args, Subcommand};
use portcullis_core::event::KindPattern;
use portcullis_core::time::Timestamp;
use portcullis_server::notify;
use portcullis_store::deliveries::{self, Delivery, SinkState};
use portcullis_store::events::{self, Event, Filter};
use serde_json::{Value, json};

use crate::context::{Absence, Opened, Place, now, wait_for};
use crate::exit::{Exit, failure};
use crate::moment;
use crate::output::{Format, paragraph, print, print_json, table};

/// List events, test receivers, and show who has been told
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis events list --kind 'quarantine.*'")]
pub struct Events {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List events, the latest first
    #[command(after_help = "Example:\n  portcullis events list --since 2026-11-01 --format json")]
    List {
        /// A kind such as version.vanished, or a family such as 'quarantine.*'
        #[arg(long, value_name = "KIND", default_value = "*")]
        kind: KindPattern,
        /// From this date or RFC 3339 time on
        #[arg(long, value_name = "TIME", value_parser = moment::beginning)]
        since: Option<Timestamp>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Send a test to a receiver; one that was left alone is told again
    #[command(after_help = "Example:\n  portcullis events test security")]
    Test {
        /// The receiver: NAME in [notify.NAME]
        #[arg(value_name = "NAME")]
        sink: String,
    },
    /// Show who has been told of what, and what still waits
    ///
    /// Exits with 1 when a delivery was given up or a receiver is left alone.
    #[command(after_help = "Example:\n  portcullis events deliveries")]
    Deliveries {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Events {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let opened = self.place.database(Absence::Refused).await?;
            let exit = match self.verb {
                Verb::List {
                    kind,
                    since,
                    limit,
                    format,
                } => {
                    let since = since.unwrap_or(Timestamp::from_millis(0));
                    list(&opened, &Filter { kind, since, limit }, format).await
                }
                Verb::Test { sink } => test(&opened, &sink).await,
                Verb::Deliveries { limit, format } => show(&opened, limit, format).await,
            };
            opened.db.close().await;
            exit
        })
    }
}

async fn list(opened: &Opened, filter: &Filter, format: Format) -> anyhow::Result<Exit> {
    let listed = events::latest(&opened.db, filter).await?;
    match format {
        Format::Json => {
            let events: Vec<Value> = listed.iter().map(Event::to_json).collect();
            print_json(&json!({ "events": events }))?;
        }
        Format::Text if listed.is_empty() => print("There are no such events.")?,
        Format::Text => {
            for event in &listed {
                print(&format!(
                    "{}  {:<8}  {}",
                    event.at.to_minute(),
                    event.severity.as_str(),
                    event.kind
                ))?;
                print(&paragraph(4, &event.sentence))?;
            }
        }
    }
    Ok(Exit::Clean)
}

async fn test(opened: &Opened, name: &str) -> anyhow::Result<Exit> {
    let sinks = &opened.config.notify;
    let Some(sink) = sinks.iter().find(|sink| sink.name == name) else {
        let names: Vec<&str> = sinks.iter().map(|sink| sink.name.as_str()).collect();
        return Err(failure(
            format!("there is no receiver {name:?}"),
            match names.is_empty() {
                true => "add [notify.NAME] to the configuration".to_owned(),
                false => format!("the receivers are: {}", names.join(", ")),
            },
        ));
    };
    if let Err(error) = notify::test(sink, now()).await {
        return Err(failure(
            format!("{name} was not told: {error}"),
            format!("look at [notify.{name}] in the configuration, and at the receiver's own log"),
        ));
    }
    print(&format!("{name} was told of a test ({}).", sink.way.kind()))?;
    if deliveries::resume(&opened.db, name).await? {
        print("It had asked to be left alone; it is told of events again from now on.")?;
    }
    Ok(Exit::Clean)
}

async fn show(opened: &Opened, limit: u32, format: Format) -> anyhow::Result<Exit> {
    let listed = deliveries::list(&opened.db, limit).await?;
    let mut sinks = deliveries::sinks(&opened.db).await?;
    let is_configured =
        |sink: &SinkState| opened.config.notify.iter().any(|one| one.name == sink.name);
    sinks.retain(is_configured);
    match format {
        Format::Json => {
            let sinks: Vec<Value> = sinks.iter().map(sink_json).collect();
            let deliveries: Vec<Value> = listed.iter().map(delivery_json).collect();
            print_json(&json!({ "receivers": sinks, "deliveries": deliveries }))?;
        }
        Format::Text => {
            for sink in sinks.iter().filter(|sink| sink.stopped_at.is_some()) {
                let why = sink.stopped_why.as_deref().unwrap_or_default();
                let text = format!(
                    "{} is left alone: {why}. `portcullis events test {}` tells it again.\n",
                    sink.name, sink.name
                );
                print(&paragraph(0, &text))?;
            }
            match listed.is_empty() {
                true => print("Nobody was told of anything yet.")?,
                false => print(&table(
                    ["event", "kind", "about", "receiver", "state"],
                    listed.iter().map(cells),
                ))?,
            }
        }
    }
    let given_up = listed.iter().filter(|delivery| delivery.is_given_up());
    let stopped = sinks.iter().filter(|sink| sink.stopped_at.is_some());
    Ok(Exit::for_findings(given_up.count() + stopped.count()))
}

fn cells(delivery: &Delivery) -> [String; 5] {
    [
        delivery.event.to_string(),
        delivery.kind.clone(),
        delivery.subject.clone(),
        delivery.sink.clone(),
        state(delivery),
    ]
}

fn state(delivery: &Delivery) -> String {
    let why = delivery.last_error.as_deref().unwrap_or_default();
    match (delivery.delivered_at, delivery.next_at) {
        (Some(at), _) => format!("told {}", at.to_minute()),
        (None, None) => format!("given up after {} attempts: {why}", delivery.attempts),
        (None, Some(_)) if delivery.attempts == 0 => "waits".to_owned(),
        (None, Some(next)) => format!("again at {}: {why}", next.to_minute()),
    }
}

fn sink_json(sink: &SinkState) -> Value {
    json!({
        "name": sink.name,
        "since": sink.since,
        "stopped-at": sink.stopped_at,
        "stopped-why": sink.stopped_why,
    })
}

fn delivery_json(delivery: &Delivery) -> Value {
    json!({
        "event": delivery.event,
        "kind": delivery.kind,
        "subject": delivery.subject,
        "receiver": delivery.sink,
        "since": delivery.since,
        "attempts": delivery.attempts,
        "next-at": delivery.next_at,
        "delivered-at": delivery.delivered_at,
        "given-up": delivery.is_given_up(),
        "last-error": delivery.last_error,
    })
}
