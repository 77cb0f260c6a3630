//! The job that looks for what nothing refers to, and deletes it where that is wanted. What counts as garbage
//! is `store::garbage`'s.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::time::Timestamp;
use portcullis_store::garbage::{self, Collecting, Garbage, LostKind};
use serde_json::json;

use super::cache::deletion;
use super::schedule::{Job, Reach};
use crate::app::App;
use crate::config::Disposal;
use crate::error::FlowError;
use crate::flow::evidence;

/// The kind of the alert when bytes of a file that was published here are gone.
pub const LOST_BYTES: &str = "lost-bytes";

/// The job.
pub(super) static GARBAGE: Job = Job {
    name: "gc",
    summary: "look for bytes that nothing refers to",
    reach: Reach::Inside,
    every: |app| app.config.garbage.every,
    run: |app| async move { tidy(&app).await }.boxed(),
};

/// The moment before which something must have been touched last to count as garbage.
pub fn cutoff(now: Timestamp, older_than: Duration) -> Timestamp {
    let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    now.plus_millis(-age)
}

async fn tidy(app: &Arc<App>) -> Result<String, FlowError> {
    let settings = app.config.garbage;
    let cutoff = cutoff(app.now(), settings.older_than);
    let found = garbage::look(&app.db, &app.blobs, cutoff, &|_| {}).await;
    let found = found.map_err(deletion)?;
    tell_of_lost(app, &found);
    if settings.disposal == Disposal::Count || found.is_empty() {
        note(&found, 0, 0);
        return Ok(format!(
            "{} contents and {} leftovers, {} bytes, are garbage",
            found.orphans.len(),
            found.leftovers.len(),
            found.freeable()
        ));
    }
    let collecting = Collecting {
        cutoff,
        who: "the job gc",
        now: app.now(),
    };
    let collected = garbage::collect(&app.db, &app.blobs, &found, collecting, &|_| {}).await;
    let collected = collected.map_err(deletion)?;
    note(
        &found,
        collected.orphans + collected.leftovers,
        collected.bytes,
    );
    Ok(format!(
        "{} contents and {} leftovers deleted, {} bytes",
        collected.orphans, collected.leftovers, collected.bytes
    ))
}

fn note(found: &Garbage, deleted: u64, bytes: u64) {
    let things = (found.orphans.len() + found.leftovers.len()) as u64;
    metrics::gauge!("portcullis_garbage_items").set(things.saturating_sub(deleted) as f64);
    metrics::gauge!("portcullis_garbage_bytes").set(found.freeable().saturating_sub(bytes) as f64);
    metrics::gauge!("portcullis_lost_files").set(found.lost.len() as f64);
    metrics::counter!("portcullis_garbage_deleted_total").increment(deleted);
}

fn tell_of_lost(app: &Arc<App>, found: &Garbage) {
    for lost in &found.lost {
        if lost.kind != LostKind::Feed {
            let detail = json!({ "what": lost.kind.as_str(), "sha256": lost.sha256 });
            evidence::raise(app, LOST_BYTES, lost.name.clone(), detail);
        }
    }
}
