//! `portcullis gc`: what killed processes left behind, found and, where that is asked for, deleted. What is
//! garbage is `portcullis_store::garbage`'s to say.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_server::config::{LEAST_AGE, Period};
use portcullis_server::jobs::garbage::cutoff;
use portcullis_store::blobs::{Blobs, Leftover};
use portcullis_store::garbage::{self, Collected, Collecting, Garbage, LostKind};
use serde_json::{Value, json};

use crate::context::{Absence, Place, now, wait_for, who};
use crate::exit::Exit;
use crate::output::{Format, bytes, count, paragraph, print, print_json, table};

/// How many lines are shown of each kind; the rest is counted.
const SHOWN: usize = 20;

/// Find bytes that nothing refers to, and delete them if told so
///
/// A process that is killed may leave content in the vault that no row refers to, scratch space,
/// and uploads in parts. Only what was not touched for a day is looked at, and what is published
/// here is never touched. Without --delete nothing is changed.
///
/// Exits with 1 when there is garbage that was not deleted, or when bytes are missing, and with 3
/// when an object store does not say which uploads in parts it holds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis gc --format json\n  portcullis gc --delete")]
pub struct Gc {
    #[command(flatten)]
    place: Place,
    /// Delete what is found
    #[arg(long)]
    delete: bool,
    /// Only what was not touched for so long, at least 1h [default: gc.older-than, 24h]
    #[arg(long, value_name = "PERIOD", value_parser = age)]
    older_than: Option<Period>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn age(text: &str) -> Result<Period, String> {
    match Period::from_str(text)? {
        age if age.0 >= LEAST_AGE => Ok(age),
        _ => Err("what is younger than 1h may belong to an upload under way".to_owned()),
    }
}

impl Gc {
    /// Looks, and deletes.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.collect())
    }

    async fn collect(self) -> anyhow::Result<Exit> {
        let opened = self.place.database(Absence::Refused).await?;
        let (config, db) = (&opened.config, &opened.db);
        let blobs = Blobs::connect(&config.blobs, &config.data, std::env::vars_os())?;
        let age = self
            .older_than
            .map_or(config.garbage.older_than, |age| age.0);
        let cutoff = cutoff(now(), age);
        let progress = counter("looked at {human_pos} contents, {elapsed}");
        let found = garbage::look(db, &blobs, cutoff, &|at| progress.set_position(at)).await;
        progress.finish_and_clear();
        let found = found?;
        let collected = match self.delete && !found.is_empty() {
            false => None,
            true => {
                let progress = counter("{human_pos} done, {elapsed}");
                let who = who();
                let collecting = Collecting {
                    cutoff,
                    who: &who,
                    now: now(),
                };
                let heard = |at| progress.set_position(at);
                let collected = garbage::collect(db, &blobs, &found, collecting, &heard).await;
                progress.finish_and_clear();
                Some(collected?)
            }
        };
        opened.db.close().await;
        match self.format {
            Format::Json => print_json(&as_json(&found, collected, age))?,
            Format::Text => print(&text(&found, collected, age))?,
        }
        let is_left = collected.is_none() && !found.is_empty();
        Ok(
            match (usize::from(is_left) + found.lost.len(), &found.unknown) {
                (0, Some(_)) => Exit::Undecided,
                (findings, _) => Exit::for_findings(findings),
            },
        )
    }
}

/// Counts on a terminal only.
fn counter(template: &str) -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template(&format!("{{spinner}} {template}")) {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(120));
    progress
}

fn text(found: &Garbage, collected: Option<Collected>, age: Duration) -> String {
    let mut text = format!(
        "Looked at {} of {}; what was touched within {} is left alone{}.\n",
        count(found.blobs, "content"),
        bytes(found.bytes),
        Period(age),
        match found.young {
            0 => String::new(),
            young => format!(" ({} that nothing refers to yet)", count(young, "content")),
        }
    );
    if !found.orphans.is_empty() {
        let rows = found.orphans.iter().take(SHOWN).map(|orphan| {
            let digest = orphan.sha256.to_hex().to_string();
            [
                digest,
                bytes(orphan.size),
                orphan.modified.to_minute().to_string(),
            ]
        });
        text += "\nContent that nothing refers to:\n";
        text += &table(["sha256", "size", "since"], rows);
        text += &more(found.orphans.len());
    }
    if !found.leftovers.is_empty() {
        let rows = found.leftovers.iter().take(SHOWN).map(leftover_cells);
        text += "\nLeft behind beside it:\n";
        text += &table(["what", "size", "since", "where"], rows);
        text += &more(found.leftovers.len());
    }
    if let Some(why) = &found.unknown {
        let what = format!(
            "Whether there are uploads in parts is not known: {why}. Let the key list them \
             (s3:ListBucketMultipartUploads), or have the bucket end them by a lifecycle rule."
        );
        text += &format!("\n{}", paragraph(0, &what));
    }
    text += &lost_text(found);
    text += &match collected {
        Some(collected) => format!(
            "\nDeleted {} and {}, {}. {} needed or touched again and stayed.\n",
            count(collected.orphans, "content"),
            count(collected.leftovers, "leftover"),
            bytes(collected.bytes),
            count(collected.spared, "thing"),
        ),
        None if found.is_empty() => "\nThere is no garbage.\n".to_owned(),
        None => format!(
            "\n{} can be freed. Nothing was changed; delete it with:  portcullis gc --delete\n",
            bytes(found.freeable())
        ),
    };
    text
}

fn leftover_cells(leftover: &Leftover) -> [String; 4] {
    [
        leftover.kind.describe().to_owned(),
        leftover.size.map_or("?".to_owned(), bytes),
        leftover.modified.to_minute().to_string(),
        leftover.name(),
    ]
}

fn more(all: usize) -> String {
    match all.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("  and {more} more; --format json has all of them\n"),
    }
}

fn lost_text(found: &Garbage) -> String {
    if found.lost.is_empty() {
        return String::new();
    }
    let rows = found.lost.iter().map(|lost| {
        let what = match lost.kind {
            LostKind::File => "published file",
            LostKind::Metadata => "its metadata",
            LostKind::Feed => "feed",
        };
        [
            what.to_owned(),
            lost.name.clone(),
            lost.sha256.to_hex().to_string(),
        ]
    });
    let mut text = "\nBytes are missing; nothing is deleted for that:\n".to_owned();
    text += &table(["what", "of", "sha256"], rows);
    text += &paragraph(
        2,
        "Bring files back from a backup (portcullis restore) or upload them again; a feed is loaded \
         again with `portcullis advisories update`.",
    );
    text
}

fn as_json(found: &Garbage, collected: Option<Collected>, age: Duration) -> Value {
    let orphans = found.orphans.iter().map(
        |orphan| json!({ "sha256": orphan.sha256, "bytes": orphan.size, "since": orphan.modified }),
    );
    let leftovers = found.leftovers.iter().map(|leftover| {
        json!({
            "kind": leftover.kind.as_str(), "name": leftover.name(), "bytes": leftover.size,
            "since": leftover.modified,
        })
    });
    let lost = found.lost.iter().map(
        |lost| json!({ "kind": lost.kind.as_str(), "name": lost.name, "sha256": lost.sha256 }),
    );
    json!({
        "looked-at": { "contents": found.blobs, "bytes": found.bytes },
        "older-than-seconds": age.as_secs(),
        "young": found.young,
        "unknown": found.unknown,
        "orphans": orphans.collect::<Vec<_>>(),
        "leftovers": leftovers.collect::<Vec<_>>(),
        "lost": lost.collect::<Vec<_>>(),
        "freeable-bytes": found.freeable(),
        "deleted": collected.map(|collected| json!({
            "contents": collected.orphans, "leftovers": collected.leftovers,
            "bytes": collected.bytes, "spared": collected.spared,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_deletes_what_an_upload_may_have_put_there_a_moment_ago() {
        for (text, accepted) in [("1h", true), ("7d", true), ("59m", false), ("0s", false)] {
            assert_eq!(age(text).is_ok(), accepted, "{text}");
        }
    }
}
