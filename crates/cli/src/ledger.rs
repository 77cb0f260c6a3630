//! `portcullis ledger`: the hash-chained record, shown and verified.

use clap::{Args, Subcommand};
use portcullis_core::ledger::{Broken, Entry};
use portcullis_store::{StoreError, ledger};
use serde_json::{Value, json};

use crate::context::{Absence, Opened, Place, wait_for};
use crate::exit::Exit;
use crate::output::{Format, print, print_json, table};

/// Verify and show the hash-chained record of everything that happened
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis ledger verify")]
pub struct Ledger {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Verify every entry, and every download record that the entries vouch for
    ///
    /// Write the head down elsewhere: with it, a later run shows that nothing was cut off. Exits
    /// with 1 when something was altered.
    #[command(after_help = "Example:\n  portcullis ledger verify --format json")]
    Verify {
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show entries
    #[command(after_help = "Example:\n  portcullis ledger show --from 1 --limit 20")]
    Show {
        /// The number of the first entry [default: the last ones are shown]
        #[arg(long, value_name = "N")]
        from: Option<u64>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Ledger {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let opened = self.place.database(Absence::Refused).await?;
            let exit = match self.verb {
                Verb::Verify { format } => verify(&opened, format).await,
                Verb::Show {
                    from,
                    limit,
                    format,
                } => show(&opened, from, limit, format).await,
            };
            opened.db.close().await;
            exit
        })
    }
}

async fn verify(opened: &Opened, format: Format) -> anyhow::Result<Exit> {
    match ledger::verify(&opened.db).await {
        Ok(verified) => {
            match format {
                Format::Json => print_json(&json!({
                    "intact": true,
                    "entries": verified.entries,
                    "head": verified.head.hash,
                    "downloads": verified.downloads,
                    "broken": null,
                }))?,
                Format::Text => print(&format!(
                    "The ledger is intact.\n\n  entries    {}\n  downloads  {}\n  head       {}\n",
                    verified.entries, verified.downloads, verified.head.hash
                ))?,
            }
            Ok(Exit::Clean)
        }
        Err(StoreError::Ledger(broken)) => {
            match format {
                Format::Json => print_json(&json!({
                    "intact": false,
                    "entries": null,
                    "head": null,
                    "downloads": null,
                    "broken": { "entry": broken.seq, "what": broken.what },
                }))?,
                Format::Text => print(&broken_text(opened, &broken).await?)?,
            }
            Ok(Exit::Findings)
        }
        Err(error) => Err(error.into()),
    }
}

async fn broken_text(opened: &Opened, broken: &Broken) -> anyhow::Result<String> {
    let mut text = format!(
        "The ledger is broken at entry {}: {}.\n",
        broken.seq, broken.what
    );
    if let Ok(entries) = ledger::entries(&opened.db, broken.seq, 1).await
        && !entries.is_empty()
    {
        text.push('\n');
        text.push_str(&entries_table(&entries));
    }
    text.push_str(
        "\nWhat to do: keep this database as evidence, and compare it with the last backup that \
         verifies.\n",
    );
    Ok(text)
}

async fn show(
    opened: &Opened,
    from: Option<u64>,
    limit: u32,
    format: Format,
) -> anyhow::Result<Exit> {
    let from = match from {
        Some(from) => from,
        None => {
            let last = ledger::head(&opened.db).await?.seq;
            (last + 1).saturating_sub(u64::from(limit))
        }
    };
    let entries = ledger::entries(&opened.db, from, limit).await?;
    match format {
        Format::Json => {
            let entries: Vec<Value> = entries.iter().map(as_json).collect();
            print_json(&json!({ "entries": entries }))?;
        }
        Format::Text if entries.is_empty() => print("There are no such entries.")?,
        Format::Text => print(&entries_table(&entries))?,
    }
    Ok(Exit::Clean)
}

fn entries_table(entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        let at = entry.at.to_string();
        let at = at.get(..19).unwrap_or(&at).replace('T', " ");
        [
            entry.seq.to_string(),
            at,
            entry.kind.to_string(),
            summary(entry),
        ]
    });
    table(["entry", "at (UTC)", "kind", "what"], rows)
}

/// The particulars of an entry on a few lines: `key=value`, without what is long.
fn summary(entry: &Entry) -> String {
    let Ok(Value::Object(members)) = serde_json::from_str(&entry.payload) else {
        return entry.payload.clone();
    };
    let told = members.iter().filter_map(|(key, value)| {
        let value = match value {
            Value::Null => return None,
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) if is_digest(text) => format!("{}…", &text[..12]),
            Value::String(text) => text.clone(),
            Value::Array(items) => listed(items),
            other => other.to_string(),
        };
        Some(format!("{key}={value}"))
    });
    told.collect::<Vec<_>>().join(" ")
}

/// The first items of a list by their names, and how many there are beside them.
fn listed(items: &[Value]) -> String {
    const NAMED: usize = 2;
    let name = |item: &Value| match item.as_str().or(item["filename"].as_str()) {
        Some(name) => name.to_owned(),
        None => item.to_string(),
    };
    let named: Vec<String> = items.iter().take(NAMED).map(name).collect();
    let named = named.join(",");
    match items.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named},+{more}"),
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn as_json(entry: &Entry) -> Value {
    let payload =
        serde_json::from_str(&entry.payload).unwrap_or_else(|_| Value::from(&*entry.payload));
    json!({
        "entry": entry.seq,
        "at": entry.at,
        "kind": entry.kind.as_str(),
        "payload": payload,
        "previous": entry.prev,
        "hash": entry.hash,
    })
}
