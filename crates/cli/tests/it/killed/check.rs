//! What must hold after a kill, and what must hold in the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use portcullis_store::blobs::{AtRest, Blobs};
use portcullis_store::{Db, references};

use super::victim::Victim;
use super::work::Acknowledged;
use crate::wire;

pub(super) fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// What a killed process was receiving is gone once another one has started: each folder for it belongs to a
/// process that lives.
pub(super) fn leaves_no_scratch(victim: &dyn Victim) {
    let scratch = victim.scratch();
    // Whoever makes or sweeps such folders holds this.
    let gate = File::create(scratch.join("gate.lock")).unwrap();
    gate.lock().unwrap();
    for entry in fs::read_dir(&scratch).unwrap().flatten() {
        if let Ok(alive) = File::open(entry.path().join("alive.lock")) {
            let is_abandoned = alive.try_lock().is_ok() && entry.path().exists();
            assert!(!is_abandoned, "{} is left over", entry.path().display());
        }
    }
}

/// The chain of records is whole.
pub(super) fn ledger_holds(victim: &dyn Victim) {
    victim.says(&["ledger", "verify"]);
}

/// Everything that was acknowledged is there, and nothing is there that nobody would find.
pub(super) fn everything(victim: &dyn Victim, said: &Acknowledged) {
    serves_every_upload(victim, said);
    ledger_holds(victim);
    let own = tempfile::tempdir().unwrap();
    let (db, blobs) = victim.opened(own.path());
    in_runtime(async {
        has_every_download(&db, said).await;
        has_every_decision(&db, said).await;
        let purges = count(&db, "SELECT COUNT(*) FROM ledger WHERE kind = 'purge'").await;
        let acknowledged = said.purges.load(Ordering::Relaxed);
        assert!(purges >= acknowledged, "{purges} of {acknowledged} purges");
        holds_no_half_blob(&db, &blobs).await;
        db.close().await;
    });
}

/// An upload is served as it was sent, and its page lists it.
fn serves_every_upload(victim: &dyn Victim, said: &Acknowledged) {
    let url = victim.url().expect("it runs");
    let uploads = said.uploads.lock().unwrap();
    let mut pages = BTreeMap::new();
    for ours in uploads.iter() {
        let page = pages
            .entry(ours.name().to_owned())
            .or_insert_with(|| wire::get(&url, &format!("/simple/{}/", ours.name())).text());
        assert!(
            page.contains(&ours.filename()),
            "{} is lost",
            ours.filename()
        );
        let path = format!("/files/{}/{}", ours.name(), ours.filename());
        // The last policy that was written may not be in force yet.
        let begun = Instant::now();
        let mut answer = wire::get(&url, &path);
        while answer.status != 200 && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(100));
            answer = wire::get(&url, &path);
        }
        assert_eq!(answer.status, 200, "{path}: {}", answer.screen());
        assert!(answer.body == ours.build(), "{path} has other bytes");
    }
}

async fn has_every_download(db: &Db, said: &Acknowledged) {
    const BY_PROJECT: &str = "SELECT project, COUNT(*) FROM download GROUP BY project";
    let recorded: Vec<(String, i64)> = match db {
        Db::Sqlite { read, .. } => sqlx::query_as(BY_PROJECT).fetch_all(read).await,
        Db::Postgres { read, .. } => sqlx::query_as(BY_PROJECT).fetch_all(read).await,
    }
    .unwrap();
    let recorded: BTreeMap<String, i64> = recorded.into_iter().collect();
    let acknowledged = said.downloads.lock().unwrap().clone();
    for (project, times) in acknowledged {
        let on_record = recorded.get(&project).copied().unwrap_or(0);
        assert!(
            on_record >= i64::try_from(times).unwrap(),
            "{project}: {on_record} of {times} downloads are on record"
        );
    }
    let without = "SELECT COUNT(*) FROM download WHERE decision IS NULL \
         OR NOT EXISTS (SELECT 1 FROM decision WHERE decision.id = download.decision)";
    assert_eq!(count(db, without).await, 0, "downloads without a decision");
}

async fn has_every_decision(db: &Db, said: &Acknowledged) {
    const IDS: &str = "SELECT id FROM decision";
    let recorded: Vec<(String,)> = match db {
        Db::Sqlite { read, .. } => sqlx::query_as(IDS).fetch_all(read).await,
        Db::Postgres { read, .. } => sqlx::query_as(IDS).fetch_all(read).await,
    }
    .unwrap();
    let recorded: std::collections::BTreeSet<String> =
        recorded.into_iter().map(|(id,)| id).collect();
    for id in said.refusals.lock().unwrap().iter() {
        assert!(recorded.contains(id), "the refusal {id} is not on record");
    }
}

async fn count(db: &Db, statement: &'static str) -> usize {
    let count: i64 = match db {
        Db::Sqlite { read, .. } => sqlx::query_scalar(statement).fetch_one(read).await,
        Db::Postgres { read, .. } => sqlx::query_scalar(statement).fetch_one(read).await,
    }
    .unwrap();
    usize::try_from(count).unwrap()
}

/// Every content has the digest that names it. What nothing refers to is a content under its name, so that
/// whoever lists the vault finds it; how much of that there is, is told.
async fn holds_no_half_blob(db: &Db, blobs: &Blobs) {
    let mut listed = blobs.list();
    let (mut kept, mut unreferenced) = (0, 0);
    while let Some(blob) = listed.next().await {
        let blob = blob.unwrap();
        let at_rest = blobs.verify(&blob.sha256).await.unwrap();
        assert_eq!(at_rest, AtRest::Intact, "{}", blob.sha256);
        match references::count(db, &blob.sha256).await.unwrap() {
            0 => unreferenced += 1,
            _ => kept += 1,
        }
    }
    eprintln!("{kept} contents, all of them whole; {unreferenced} more that nothing refers to");
}
