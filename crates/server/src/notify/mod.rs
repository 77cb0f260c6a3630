//! Telling receivers of events: what is to be told is in the outbox, and one process at a time empties
//! it. How each kind of receiver is reached is in its own file; what is told is decided elsewhere.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::event::Severity;
use portcullis_core::time::Timestamp;
use portcullis_store::deliveries::{self, Attempt, Due};
use portcullis_store::events::{Event, NewEvent};
use secrecy::SecretString;
use serde_json::json;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::app::App;
use crate::config::{SecretPlace, SinkConfig, SinkWay};
use crate::error::FlowError;
use crate::jobs::schedule::{Job, Reach};

mod webhook;
mod mail;
mod lines;

pub use webhook::sign;

/// Empties the outbox.
pub static JOB: Job = Job {
    name: "notify",
    summary: "tells webhooks, mailboxes and files of events",
    reach: Reach::Inside,
    every: |app| (!app.config.notify.is_empty()).then_some(PASS),
    run: |app| Box::pin(run(app)),
};

/// How often the outbox is looked at.
const PASS: Duration = Duration::from_secs(1);

/// How long a server stays at it before it gives the job back, so that passes that find nothing write
/// nothing. A command makes one pass.
const STAY: Duration = Duration::from_secs(5 * 60);

/// How many events are told to a receiver in one pass.
const BATCH: u32 = 50;

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// For how long it is tried to tell a receiver of an event.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after its first failure a delivery is tried again, and the longest such wait.
const WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60 * 60));

/// Why a receiver was not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// It did not work this time.
    #[error("{why}")]
    Failed {
        /// Why.
        why: String,
        /// How long the receiver asks us to wait.
        wait: Option<Duration>,
    },
    /// The receiver does not want to hear of anything any more.
    #[error("{0}")]
    Unwanted(String),
}

impl NotTold {
    fn because(why: impl std::fmt::Display) -> Self {
        Self::Failed {
            why: why.to_string(),
            wait: None,
        }
    }
}

/// A receiver, ready to be told.
enum Sink {
    Webhook(webhook::Webhook),
    Mail(mail::Mail),
    Lines(lines::Lines),
}

impl Sink {
    fn open(config: &SinkConfig) -> Result<Self, NotTold> {
        Ok(match &config.way {
            SinkWay::Webhook(settings) => Self::Webhook(webhook::Webhook::open(settings)?),
            SinkWay::Mail(settings) => Self::Mail(mail::Mail::open(settings)?),
            SinkWay::Lines(place) => Self::Lines(lines::Lines::open(place)),
        })
    }

    async fn tell(&self, event: &Event, now: Timestamp) -> Result<(), NotTold> {
        let telling = async {
            match self {
                Self::Webhook(webhook) => webhook.tell(event, now).await,
                Self::Mail(mail) => mail.tell(event, now).await,
                Self::Lines(lines) => lines.tell(event).await,
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, Box::pin(telling)).await;
        in_time.unwrap_or_else(|_| Err(NotTold::because("it takes too long")))
    }
}

async fn run(app: Arc<App>) -> Result<String, FlowError> {
    let open = |config| async move { (config, Sink::open(config)) };
    let sinks = join_all(app.config.notify.iter().map(open)).await;
    let began = Instant::now();
    let mut told = Told::default();
    loop {
        let passes = sinks
            .iter()
            .map(|(config, sink)| pass(&app, config, sink.as_ref()));
        for of_one in join_all(passes).await {
            told.add(&of_one?);
        }
        if !app.hears_of_changes() || began.elapsed() >= STAY {
            return Ok(told.to_string());
        }
        tokio::time::sleep(PASS).await;
    }
}

/// What came of passes.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    delivered: u64,
    failed: u64,
}

impl Told {
    fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} delivered, {} failed", self.delivered, self.failed)
    }
}

/// Tells one receiver of what is due. The first failure ends the pass: the receiver is likely to be
/// away, and each event has its own next time.
async fn pass(
    app: &App,
    config: &SinkConfig,
    sink: Result<&Sink, &NotTold>,
) -> Result<Told, FlowError> {
    let wants = |event: &Event| config.wants(&event.kind, event.severity);
    deliveries::plan(&app.db, &config.name, wants, app.now()).await?;
    let mut told = Told::default();
    let state = deliveries::sink(&app.db, &config.name).await?;
    if state.is_some_and(|state| state.stopped_at.is_some()) {
        return Ok(told);
    }
    for due in deliveries::due(&app.db, &config.name, BATCH, app.now()).await? {
        let outcome = match sink {
            Ok(sink) => sink.tell(&due.event, app.now()).await,
            Err(error) => Err(error.clone()),
        };
        let (name, failed) = (&config.name, outcome.is_err());
        settle(app, config, &due, outcome).await?;
        let word = if failed { "failed" } else { "delivered" };
        metrics::counter!("portcullis_deliveries_total", "sink" => name.clone(), "outcome" => word)
            .increment(1);
        told.add(&Told {
            delivered: u64::from(!failed),
            failed: u64::from(failed),
        });
        if failed {
            break;
        }
    }
    Ok(told)
}

async fn settle(
    app: &App,
    config: &SinkConfig,
    due: &Due,
    outcome: Result<(), NotTold>,
) -> Result<(), FlowError> {
    let (name, now) = (config.name.as_str(), app.now());
    let attempt = match outcome {
        Ok(()) => {
            debug!(
                sink = name,
                event = due.event.id,
                "told {name} of {}",
                due.event.kind
            );
            Attempt::Delivered
        }
        Err(NotTold::Unwanted(why)) => {
            warn!(sink = name, "{name} is not told any more: {why}");
            deliveries::stop(&app.db, name, &why, now).await?;
            Attempt::Failed {
                error: why,
                again_at: Some(now),
            }
        }
        Err(NotTold::Failed { why, wait }) => {
            warn!(
                sink = name,
                event = due.event.id,
                "could not tell {name}: {why}"
            );
            Attempt::Failed {
                error: why,
                again_at: again_at(due, wait, now),
            }
        }
    };
    Ok(deliveries::settle(&app.db, (name, due.event.id), &attempt, now).await?)
}

/// When a delivery that failed is tried again; `None` when it is given up.
fn again_at(due: &Due, wait: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    let (first, longest) = WAITS;
    let doublings = u32::try_from(due.attempts.clamp(0, 20)).unwrap_or_default();
    let by_itself = first.saturating_mul(1 << doublings).min(longest);
    let by_chance = by_itself.mul_f64(0.75 + 0.25 * rand::random::<f64>());
    let wait = by_chance.max(wait.unwrap_or_default());
    let again_at = now.plus_millis(millis(wait));
    (again_at.since(due.since) <= millis(GIVE_UP_AFTER)).then_some(again_at)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Tells a receiver of an event that is only a test, and is kept nowhere.
///
/// # Errors
/// [`NotTold`].
pub async fn test(config: &SinkConfig, now: Timestamp) -> Result<(), NotTold> {
    let sentence = "This is a test: Portcullis reaches you, and nothing has happened.";
    let event = NewEvent::new("portcullis.test", Severity::Info, &config.name, sentence)
        .detail(json!({ "receiver": config.name }))
        .once_per(now.to_string())
        .as_if_kept(now);
    Sink::open(config)?.tell(&event, now).await
}

/// Reads a secret.
fn secret(place: &SecretPlace) -> Result<SecretString, NotTold> {
    let text = match place {
        SecretPlace::Environment(variable) => std::env::var(variable)
            .map_err(|_| NotTold::because(format!("the variable {variable} is not set")))?,
        SecretPlace::File(path) => std::fs::read_to_string(path)
            .map_err(|error| NotTold::because(format!("{}: {error}", path.display())))?,
    };
    let text = text.trim();
    match text.is_empty() {
        true => Err(NotTold::because("the secret is empty")),
        false => Ok(text.to_owned().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(attempts: i64) -> Due {
        let at = Timestamp::from_millis(0);
        Due {
            event: NewEvent::new("a.b", Severity::Info, "x", "X.").as_if_kept(at),
            attempts,
            since: at,
        }
    }

    #[test]
    fn a_delivery_is_tried_later_each_time_and_given_up_after_a_day() {
        for (attempts, seconds) in [(0, 5), (1, 10), (5, 160), (10, 3600), (1000, 3600)] {
            let again = again_at(&due(attempts), None, Timestamp::from_millis(0));
            let wait = again.expect("it is tried again").as_millis();
            assert!(wait <= seconds * 1000 && wait >= seconds * 750, "{wait}");
        }
        let minute = Some(Duration::from_secs(60));
        let asked = again_at(&due(0), minute, Timestamp::from_millis(0));
        assert_eq!(asked, Some(Timestamp::from_millis(60_000)));
        let day = Timestamp::from_millis(Timestamp::DAY);
        assert_eq!(again_at(&due(30), None, day), None);
        let year = Some(Duration::from_secs(400 * 86_400));
        assert_eq!(again_at(&due(0), year, Timestamp::from_millis(0)), None);
    }
}
