//! `portcullis advisories status`, and the same in a line for the start of the server and for
//! `portcullis doctor`.

use portcullis_core::time::Timestamp;
use portcullis_server::App;
use portcullis_server::config::FeedKind;
use portcullis_server::feeds::{FeedsKnown, age_of};
use portcullis_store::feeds::Feed;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::jobs::age;
use crate::output::{Format, count, paragraph, print, print_json, table};

/// From this age on, advisories are called old, in milliseconds.
const OLD: i64 = 7 * Timestamp::DAY;

pub(super) fn status(app: &App, format: Format) -> anyhow::Result<Exit> {
    let known = app.knowledge.feeds.load();
    let now = app.now();
    match format {
        Format::Json => {
            let feeds: Vec<Value> = known
                .states
                .iter()
                .map(|feed| as_json(app, &known, feed, now))
                .collect();
            print_json(&json!({
                "feeds": feeds,
                "advisories": known.advisories.as_ref().map(|known| known.set.len()),
                "as-of": known.advisories_as_of(),
                "never-loaded": never_tried(app, &known),
            }))?;
        }
        Format::Text if known.states.is_empty() && app.config.feeds.is_empty() => {
            print("No feed is configured, and none was loaded.")?;
            print(&paragraph(2, &format!("what to do: {}", super::REMEDY)))?;
        }
        Format::Text => print(&text(app, &known, now))?,
    }
    let is_well = |feed: &&Feed| trouble(&known, feed, now).is_none();
    let ill = known.states.iter().filter(|feed| !is_well(feed)).count();
    let none = usize::from(known.advisories.is_none());
    Ok(Exit::for_findings(
        ill + none + never_tried(app, &known).len(),
    ))
}

/// The configured feeds that were never asked for.
fn never_tried<'a>(app: &'a App, known: &FeedsKnown) -> Vec<&'a String> {
    let is_tried = |name: &&String| known.states.iter().any(|feed| feed.name == **name);
    let configured = app.config.feeds.keys();
    configured.filter(|name| !is_tried(name)).collect()
}

fn text(app: &App, known: &FeedsKnown, now: Timestamp) -> String {
    let since =
        |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| format!("{} ago", age(at, now)));
    let rows = known.states.iter().map(|feed| {
        [
            feed.name.clone(),
            feed.kind.clone(),
            feed.records.to_string(),
            since(feed.checked_at),
            since(feed.newest),
            trouble(known, feed, now)
                .map_or("well", |(word, _)| word)
                .to_owned(),
        ]
    });
    let head = [
        "feed",
        "kind",
        "records",
        "confirmed",
        "newest record",
        "state",
    ];
    let mut text = table(head, rows);
    for feed in &known.states {
        if let Some((word, why)) = trouble(known, feed, now) {
            text += &format!("\n{} {word}:\n", feed.name);
            text += &paragraph(2, &why);
        }
        if feed.skipped > 0 {
            let skipped = count(feed.skipped.unsigned_abs(), "record");
            text += &format!(
                "\n{}: {skipped} could not be read, the first of them:\n",
                feed.name
            );
            for complaint in feed.complaints.lines() {
                text += &paragraph(2, complaint);
            }
        }
    }
    for name in never_tried(app, known) {
        text += &format!("\n{name} was not asked for yet: portcullis advisories update\n");
    }
    text
}

/// What is wrong with a feed: a word or two, and a sentence.
fn trouble(known: &FeedsKnown, feed: &Feed, now: Timestamp) -> Option<(&'static str, String)> {
    if let Some((_, why)) = known.damaged.iter().find(|(name, _)| *name == feed.name) {
        return Some(("cannot be read", why.clone()));
    }
    if let Some(error) = &feed.error {
        return Some(("failed", error.clone()));
    }
    let is_advisories = feed.kind == FeedKind::Osv.as_str();
    let as_of = age_of(feed)?.as_of;
    let is_old = is_advisories && now.since(as_of) > OLD;
    is_old.then(|| {
        let remedy = match feed.origin.contains("://") {
            true => "load it again with `portcullis advisories update`",
            false => "bring a newer file",
        };
        let why = format!(
            "nothing newer than {} is known; {remedy}",
            as_of.to_minute()
        );
        ("is old", why)
    })
}

fn as_json(app: &App, known: &FeedsKnown, feed: &Feed, now: Timestamp) -> Value {
    let trouble = trouble(known, feed, now);
    json!({
        "name": feed.name,
        "kind": feed.kind,
        "configured": app.config.feeds.contains_key(&feed.name),
        "origin": feed.origin,
        "sha256": feed.sha256,
        "bytes": feed.size,
        "records": feed.records,
        "skipped": feed.skipped,
        "complaints": feed.complaints.lines().collect::<Vec<_>>(),
        "newest": feed.newest,
        "loaded-at": feed.loaded_at,
        "checked-at": feed.checked_at,
        "as-of": age_of(feed).map(|age| age.as_of),
        "failures": feed.failures,
        "state": trouble.as_ref().map_or("well", |(word, _)| word),
        "trouble": trouble.map(|(_, why)| why),
    })
}

/// What the start of the server says of feeds, after the word `feeds`.
pub fn greeting_line(app: &App, data: &str) -> String {
    let known = app.knowledge.feeds.load();
    match &known.advisories {
        Some(_) => match check(app) {
            Ok(said) => said,
            Err(said) => format!("{said}   portcullis advisories status{data}"),
        },
        None if app.config.feeds.is_empty() => {
            format!("advisories not loaded yet   portcullis advisories update{data}")
        }
        None => "advisories not loaded yet, being loaded now".to_owned(),
    }
}

/// Whether the advisories are as they should be, in a few words.
pub fn check(app: &App) -> Result<String, String> {
    let known = app.knowledge.feeds.load();
    let now = app.now();
    let ill = known
        .states
        .iter()
        .find_map(|feed| Some((feed, trouble(&known, feed, now)?)));
    let said = match (&known.advisories, known.advisories_as_of()) {
        (Some(advisories), Some(as_of)) => {
            let all = u64::try_from(advisories.set.len()).unwrap_or(u64::MAX);
            let all = match all {
                1 => "1 advisory".to_owned(),
                all => format!("{all} advisories"),
            };
            format!("{all}, as of {} ago", age(as_of, now))
        }
        _ => "no advisories are loaded: portcullis advisories update".to_owned(),
    };
    match ill {
        Some((feed, (word, _))) => Err(format!("{said}; {} {word}", feed.name)),
        None => Ok(said),
    }
}
