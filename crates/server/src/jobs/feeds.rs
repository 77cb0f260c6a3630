//! The job that keeps feeds fresh: each is asked for when it is due, whatever became of the others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::time::Timestamp;
use portcullis_store::feeds::{self, Feed};

use super::schedule::{Job, Reach};
use crate::app::App;
use crate::config::FeedConfig;
use crate::error::FlowError;
use crate::flow::feeds::{Refreshed, Shrunk, Wanted, Way, refresh};

/// Asks for feeds that are due. Where one fails, the schedule's own patience decides when all of those
/// that are due are asked for again.
pub static FEEDS: Job = Job {
    name: "feeds",
    summary: "load advisories and other feeds that are due",
    reach: Reach::Outside,
    every,
    run: |app| async move { refresh_due(&app).await }.boxed(),
};

fn every(app: &App) -> Option<Duration> {
    app.config.feeds.values().map(|feed| feed.every).min()
}

async fn refresh_due(app: &Arc<App>) -> Result<String, FlowError> {
    let kept = feeds::all(&app.db).await?;
    let (mut said, mut failed) = (Vec::new(), Vec::new());
    for (name, config) in &app.config.feeds {
        let state = kept.iter().find(|feed| feed.name == *name);
        if !is_due(config, state, app.now()) {
            continue;
        }
        let wanted = Wanted {
            name,
            config,
            way: Way::Replace,
            shrunk: Shrunk::Refused,
            who: "job feeds",
            on_bytes: Arc::new(|_, _| {}),
        };
        match refresh(app, &wanted).await {
            Ok(Refreshed::Unchanged) => said.push(format!("{name} unchanged")),
            Ok(Refreshed::Loaded(loaded)) => {
                said.push(format!("{name} {} records", loaded.records));
            }
            Err(FlowError::Job(why)) => failed.push(why),
            Err(error) => return Err(error),
        }
    }
    match (failed.is_empty(), said.is_empty()) {
        (false, _) => Err(FlowError::Job(failed.join("; "))),
        (true, true) => Ok("nothing was due".to_owned()),
        (true, false) => Ok(said.join(", ")),
    }
}

/// Whether a feed is due: never checked, failed last, from elsewhere than before, or checked so long ago
/// that waiting for the job's next turn would be late.
fn is_due(config: &FeedConfig, state: Option<&Feed>, now: Timestamp) -> bool {
    let Some(state) = state else { return true };
    let Some(checked) = state.checked_at else {
        return true;
    };
    let every = i64::try_from(config.every.as_millis()).unwrap_or(i64::MAX);
    state.error.is_some()
        || state.origin != config.origin.to_string()
        || now.since(checked) >= every - every / 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FeedKind, FeedOrigin};

    #[test]
    fn a_feed_is_due_when_its_time_has_come_or_something_is_wrong() {
        let config = FeedConfig::new(FeedKind::Osv, FeedOrigin::Path("dump.zip".into()));
        let now = Timestamp::from_millis(100_000_000);
        let state = |checked: Option<i64>, error: Option<&str>, origin: &str| Feed {
            name: "advisories".to_owned(),
            kind: "osv".to_owned(),
            origin: origin.to_owned(),
            sha256: None,
            size: 0,
            records: 0,
            skipped: 0,
            complaints: String::new(),
            newest: None,
            etag: None,
            last_modified: None,
            loaded_at: None,
            checked_at: checked.map(|ago| now.plus_millis(-ago * 60_000)),
            failures: 0,
            error: error.map(str::to_owned),
            error_at: None,
        };
        for (state, due) in [
            (None, true),
            (Some(state(None, None, "dump.zip")), true),
            (Some(state(Some(30), None, "dump.zip")), false),
            (Some(state(Some(30), Some("down"), "dump.zip")), true),
            (Some(state(Some(30), None, "other.zip")), true),
            (Some(state(Some(55), None, "dump.zip")), true),
        ] {
            assert_eq!(is_due(&config, state.as_ref(), now), due, "{state:?}");
        }
    }
}
