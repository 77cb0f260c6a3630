//! The job that makes room in the cache of files from outside: when there is more than there may be, when
//! files went unused for too long, and when the disk runs full. Nothing is evicted while the gateway is
//! offline, since it could not be fetched again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::time::Timestamp;
use portcullis_store::cache::{self as account, Evicted, Eviction};
use portcullis_store::references::DeleteError;

use super::schedule::{Job, Reach};
use crate::app::App;
use crate::cache;
use crate::disk;
use crate::error::FlowError;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(60);

/// How often the account is compared with what is there.
const RECONCILE: Duration = Duration::from_secs(60 * 60);

/// What was used so short a time ago stays, in milliseconds: somebody may be at it.
const IN_USE: i64 = 60_000;

/// The job.
pub(super) static CACHE: Job = Job {
    name: cache::JOB,
    summary: "evict files from outside that are over the bounds",
    reach: Reach::Inside,
    every: |app| app.config.cache.is_bounded().then_some(EVERY),
    run: |app| async move { make_room(&app).await }.boxed(),
};

async fn make_room(app: &Arc<App>) -> Result<String, FlowError> {
    cache::flush(app).await;
    if app.cache.is_to_be_reconciled(RECONCILE)
        && let Err(error) = account::reconcile(&app.db, &app.blobs).await
    {
        app.cache.not_reconciled();
        return Err(deletion(error));
    }
    app.cache.heard(account::totals(&app.db).await?);
    if app.is_offline() {
        return Ok("offline: nothing is evicted".to_owned());
    }
    let mut evicted = over_size(app).await?;
    for more in [unused(app).await?, disk_full(app).await?] {
        evicted.files += more.files;
        evicted.bytes += more.bytes;
    }
    if evicted.files > 0 {
        app.cache.heard(account::totals(&app.db).await?);
    }
    metrics::counter!("portcullis_cache_evictions_total").increment(evicted.files);
    metrics::counter!("portcullis_cache_evicted_bytes_total").increment(evicted.bytes);
    let totals = app.cache.totals();
    Ok(format!(
        "{} files of {} bytes evicted, {} of {} bytes kept",
        evicted.files, evicted.bytes, totals.files, totals.bytes
    ))
}

async fn over_size(app: &App) -> Result<Evicted, FlowError> {
    let settings = &app.config.cache;
    let (Some(max), Some(low)) = (settings.max_size, settings.low_water()) else {
        return Ok(Evicted::default());
    };
    match app.cache.totals().bytes {
        bytes if bytes > max => evict(app, bytes - low, None, "max-size").await,
        _ => Ok(Evicted::default()),
    }
}

async fn unused(app: &App) -> Result<Evicted, FlowError> {
    let Some(idle) = app.config.cache.max_idle else {
        return Ok(Evicted::default());
    };
    let idle = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
    let since = app.now().plus_millis(-idle);
    evict(app, 0, Some(since), "max-idle").await
}

async fn disk_full(app: &App) -> Result<Evicted, FlowError> {
    let Some(floor) = app.config.cache.min_free else {
        return Ok(Evicted::default());
    };
    let Some(folder) = app.blobs.root()? else {
        return Ok(Evicted::default());
    };
    let space = disk::space(&folder)?;
    metrics::gauge!("portcullis_blobs_free_bytes").set(space.free as f64);
    match floor.saturating_sub(space.free) {
        0 => Ok(Evicted::default()),
        missing => evict(app, missing, None, "min-free").await,
    }
}

async fn evict(
    app: &App,
    bytes: u64,
    unused_since: Option<Timestamp>,
    why: &str,
) -> Result<Evicted, FlowError> {
    let now = app.now();
    let eviction = Eviction {
        bytes,
        unused_since,
        in_use_since: now.plus_millis(-IN_USE),
        why,
    };
    account::evict(&app.db, &app.blobs, eviction, now)
        .await
        .map_err(deletion)
}

pub(super) fn deletion(error: DeleteError) -> FlowError {
    match error {
        DeleteError::Store(error) => error.into(),
        DeleteError::Blob(error) => error.into(),
    }
}
