//! `portcullis alerts`: what a person should look at, such as a file that changed its hash.

use clap::Args;
use portcullis_store::alerts;
use serde_json::{Value, json};

use crate::context::{Absence, Place, wait_for};
use crate::exit::Exit;
use crate::output::{Format, paragraph, print, print_json, table};

/// List alerts, the latest first
///
/// Exits with 1 when there are any.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis alerts --limit 20")]
pub struct Alerts {
    #[command(flatten)]
    place: Place,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Alerts {
    /// Lists.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.list())
    }

    async fn list(self) -> anyhow::Result<Exit> {
        let opened = self.place.database(Absence::Refused).await?;
        let listed = alerts::list(&opened.db, self.limit).await?;
        opened.db.close().await;
        match self.format {
            Format::Json => {
                let alerts: Vec<Value> = listed.iter().map(as_json).collect();
                print_json(&json!({ "alerts": alerts }))?;
            }
            Format::Text if listed.is_empty() => print("There are no alerts.")?,
            Format::Text => {
                let rows = listed.iter().map(|alert| {
                    let times = alert.times.to_string();
                    let last = alert.last_at.to_minute();
                    [last, times, alert.kind.clone(), alert.subject.clone()]
                });
                print(&table(["last", "times", "alert", "about"], rows))?;
                print("\nThe latest:")?;
                for (key, value) in detail(&listed[0]).as_object().into_iter().flatten() {
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    print(&paragraph(2, &format!("{key}: {value}")))?;
                }
            }
        }
        Ok(Exit::for_findings(listed.len()))
    }
}

fn detail(alert: &alerts::Alert) -> Value {
    serde_json::from_str(&alert.detail).unwrap_or_else(|_| Value::from(alert.detail.as_str()))
}

fn as_json(alert: &alerts::Alert) -> Value {
    json!({
        "kind": alert.kind,
        "subject": alert.subject,
        "detail": detail(alert),
        "first-at": alert.first_at,
        "last-at": alert.last_at,
        "times": alert.times,
    })
}
