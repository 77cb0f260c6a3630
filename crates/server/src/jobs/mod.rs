//! What runs beside requests: watching policy files and learning of what other processes changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portcullis_core::ledger::Kind;
use portcullis_store::claims;
use portcullis_store::generations::{self, Counter};
use portcullis_store::hosted;
use portcullis_store::ledger;
use portcullis_store::releases;
use serde_json::json;
use tracing::{error, info, warn};

use crate::app::App;
use crate::error::FlowError;
use crate::flow::reviews::in_force;

pub mod feeds;
pub mod schedule;
pub mod monitor;
mod signals;
mod local_use;
mod inspections;
mod reviews;
pub mod cache;
pub mod garbage;
pub mod mirror;

use schedule::Job;

/// Every job that one process does for all of them. A new one is a file and a line here.
pub static JOBS: &[&Job] = &[
    &feeds::FEEDS,
    &signals::SIGNALS,
    &local_use::LOCAL_USE,
    &inspections::INSPECTIONS,
    &reviews::REVIEWS,
    &cache::CACHE,
    &garbage::GARBAGE,
    &mirror::MIRROR,
    &crate::notify::JOB,
    &crate::statistics::PRUNE,
    &monitor::projects::JOB,
    &monitor::names::NEW_NAMES,
    &monitor::names::OWNED_NAMES,
];

/// How often the database is asked what changed.
const POLL: Duration = Duration::from_millis(500);

/// How often it is written down when tokens were last used.
const FLUSH: Duration = Duration::from_secs(60);

/// How often it is written down what was asked for.
const FLUSH_COUNTS: Duration = Duration::from_secs(5);

async fn flush_counts(app: &App) {
    if let Err(error) = app.statistics.flush(&app.db).await {
        warn!("could not write down what was asked for: {error}");
    }
}

/// Writes down when tokens were last used.
pub async fn flush_last_used(app: &App) {
    if let Err(error) = app.last_used.flush(&app.db).await {
        warn!("could not note when tokens were last used: {error}");
    }
}

/// Starts everything that runs beside requests. It ends when the returned handle is aborted.
pub fn start(app: Arc<App>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        tokio::join!(watch(&app), schedule::run(Arc::clone(&app)));
    })
}

/// Gives back and writes down what a process that stops has in its hands, once [`start`]'s handle was
/// aborted.
pub async fn end(app: &Arc<App>) {
    schedule::release_all(app).await;
    release_claims(app).await;
    flush_last_used(app).await;
    flush_counts(app).await;
    crate::cache::flush(app).await;
}

/// Gives back what a process that stops has claimed, so that nobody waits for it.
async fn release_claims(app: &App) {
    if let Err(error) = claims::release_all(&app.db, &app.holder).await {
        warn!("claims last until they run out: {error}");
    }
}

async fn watch(app: &Arc<App>) {
    record_policies(app).await;
    let mut seen = Seen::now(app).await;
    loop {
        match seen.catch_up(app).await {
            Ok(()) => app.note_heard(),
            Err(error) => warn!("could not ask the database what changed: {error}"),
        }
        reload_policies(app, &mut seen.files).await;
        if seen.last_flush.elapsed() >= FLUSH {
            seen.last_flush = tokio::time::Instant::now();
            flush_last_used(app).await;
        }
        if seen.last_count.elapsed() >= FLUSH_COUNTS {
            seen.last_count = tokio::time::Instant::now();
            flush_counts(app).await;
            crate::cache::flush(app).await;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What this process knows of what changed.
struct Seen {
    counters: std::collections::BTreeMap<Counter, i64>,
    files: HashMap<std::path::PathBuf, Option<SystemTime>>,
    last_flush: tokio::time::Instant,
    last_count: tokio::time::Instant,
}

impl Seen {
    /// Nothing is taken as seen yet but what was published: what changed while the gateway was being
    /// opened is not missed, since names and policies are loaded once more at the first look.
    async fn now(app: &App) -> Self {
        let mut counters = generations::all(&app.db).await.unwrap_or_default();
        counters.retain(|counter, _| {
            matches!(
                counter,
                Counter::Hosted | Counter::Releases | Counter::Inspections
            )
        });
        app.forget_all();
        let files = app.policies.files().into_iter().map(|file| (file, None));
        Self {
            counters,
            files: files.collect(),
            last_flush: tokio::time::Instant::now(),
            last_count: tokio::time::Instant::now(),
        }
    }

    /// Acts on everything that changed since the last look, whoever changed it.
    async fn catch_up(&mut self, app: &App) -> Result<(), FlowError> {
        let now = generations::all(&app.db).await?;
        let value = |counters: &std::collections::BTreeMap<Counter, i64>, counter| {
            counters.get(&counter).copied().unwrap_or_default()
        };
        let changed = |counter| value(&self.counters, counter) != value(&now, counter);
        if changed(Counter::Names) {
            app.reload_names().await?;
        }
        if changed(Counter::Tokens) {
            app.tokens.invalidate_all();
        }
        if changed(Counter::Hosted) {
            let since = value(&self.counters, Counter::Hosted);
            for (_, project) in hosted::changed_since(&app.db, since).await? {
                app.forget_hosted(&project);
            }
        }
        if changed(Counter::Releases) {
            let since = value(&self.counters, Counter::Releases);
            for project in releases::changed_since(&app.db, since).await? {
                app.releases.forget(&project);
                app.forget_rendered(&project);
            }
        }
        if changed(Counter::Inspections) {
            let since = value(&self.counters, Counter::Inspections);
            crate::inspection::hear(app, since).await?;
        }
        if changed(Counter::Purges) {
            app.forget_all();
        }
        if changed(Counter::Quarantine) {
            app.knowledge.load_quarantines(&app.db).await?;
            app.next_epoch();
        }
        if changed(Counter::Approvals) {
            app.knowledge.load_approvals(&app.db).await?;
            app.next_epoch();
        }
        if changed(Counter::Reviews) {
            in_force::reload(app).await?;
        }
        if changed(Counter::Switches) {
            crate::offline::follow_switch(app).await?;
        }
        if changed(Counter::Feeds) {
            crate::feeds::reload(app).await?;
        }
        crate::feeds::note_age(app);
        self.counters = now;
        Ok(())
    }
}

fn modified(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .ok()
}

async fn reload_policies(app: &App, files: &mut HashMap<std::path::PathBuf, Option<SystemTime>>) {
    let mut changed = false;
    for (file, before) in files.iter_mut() {
        let now = modified(file);
        changed |= now != *before;
        *before = now;
    }
    if !changed {
        return;
    }
    let reloaded = app.policies.reload();
    for (index, error) in &reloaded.failed {
        error!(%index, "the policy of {index} stays as it was:\n{error}");
        metrics::counter!("portcullis_policy_errors_total").increment(1);
    }
    if !reloaded.loaded.is_empty() {
        app.next_epoch();
    }
    for (index, policy) in &reloaded.loaded {
        info!(%index, "the policy of {index} is now {}", policy.file());
        record_policy(app, index.as_str(), policy).await;
    }
}

async fn record_policies(app: &App) {
    let all: Vec<_> = app
        .policies
        .all()
        .map(|(index, policy)| (index.to_string(), policy))
        .collect();
    for (index, policy) in all {
        record_policy(app, &index, &policy).await;
    }
}

async fn record_policy(app: &App, index: &str, policy: &portcullis_core::policy::Policy) {
    let payload = json!({ "index": index, "file": policy.file(), "digest": policy.digest() });
    let recorded = ledger::record(
        &app.db,
        Kind::Policy,
        &payload,
        Some(Counter::Policy),
        app.now(),
    )
    .await;
    if let Err(error) = recorded {
        error!(index, "could not record the policy of {index}: {error}");
    }
}
