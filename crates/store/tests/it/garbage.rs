//! What a killed process can leave behind is found and goes; what anybody needs, or may need in a moment, does
//! not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::multipart::MultipartStore as _;
use object_store::path::Path as Key;
use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use portcullis_store::blobs::{Blobs, LeftoverKind};
use portcullis_store::feeds::{self, LoadedFeed};
use portcullis_store::garbage::{self, Collected, Collecting, Garbage, LostKind};
use portcullis_store::hosted::{self, NewFile, Published, Target, Withdrawal};
use portcullis_store::pins::{self, NewPin};
use portcullis_store::sidecars::{self, Sidecar, SidecarOrigin};
use portcullis_store::{Db, ledger};
use uuid::Uuid;

use crate::blobs::{places, s3_in};
use crate::support::{at, databases, name, server, sqlite};

/// Long after everything that a test does.
const LATER: Timestamp = Timestamp::from_millis(i64::MAX);

async fn put(blobs: &Blobs, content: &str) -> Sha256 {
    blobs
        .put_bytes(Bytes::from(content.to_owned()))
        .await
        .unwrap()
}

fn file(filename: &str, content: &str, metadata: &str) -> NewFile {
    NewFile {
        source: "internal".to_owned(),
        project: name("acme"),
        display_name: "acme".to_owned(),
        version: "1.0".parse().unwrap(),
        filename: filename.to_owned(),
        filetype: "sdist".to_owned(),
        sha256: Sha256::of(content.as_bytes()),
        md5: [1; 16],
        blake2_256: [2; 32],
        size: content.len() as u64,
        upload_time: at(5),
        requires_python: None,
        metadata_sha256: Some(Sha256::of(metadata.as_bytes())),
        metadata_json: "{}".to_owned(),
        uploader: "ci".to_owned(),
    }
}

/// As an upload does it: bytes, then the row.
async fn publish(db: &Db, blobs: &Blobs, filename: &str, content: &str, metadata: &str) {
    put(blobs, content).await;
    put(blobs, metadata).await;
    let new = file(filename, content, metadata);
    let published = hosted::publish(db, &new, at(5)).await.unwrap();
    assert_eq!(published, Published::New);
}

async fn pin(db: &Db, filename: &str, content: &str) {
    let pin = NewPin {
        filename: filename.to_owned(),
        sha256: Sha256::of(content.as_bytes()),
        size: content.len() as u64,
    };
    pins::pin(db, "up", &name("flask"), &pin, at(1))
        .await
        .unwrap();
}

async fn sidecar(db: &Db, content: &str, origin: SidecarOrigin) {
    let sidecar = Sidecar {
        filename: "flask-1.0-py3-none-any.whl".to_owned(),
        sha256: Sha256::of(content.as_bytes()),
        origin,
    };
    sidecars::keep(db, "up", &name("flask"), &sidecar, at(1))
        .await
        .unwrap();
}

async fn load_feed(db: &Db, content: &str) {
    let loaded = LoadedFeed {
        name: "advisories".to_owned(),
        kind: "osv".to_owned(),
        origin: "https://feeds.example/".to_owned(),
        sha256: Sha256::of(content.as_bytes()),
        size: 1,
        records: 1,
        skipped: 0,
        complaints: String::new(),
        newest: None,
        validators: (None, None),
    };
    feeds::keep(db, &loaded, "test", at(1)).await.unwrap();
}

async fn look(db: &Db, blobs: &Blobs, cutoff: Timestamp) -> Garbage {
    garbage::look(db, blobs, cutoff, &|_| {}).await.unwrap()
}

async fn collect(db: &Db, blobs: &Blobs, found: &Garbage) -> Collected {
    let collecting = Collecting {
        cutoff: LATER,
        who: "test",
        now: at(9),
    };
    garbage::collect(db, blobs, found, collecting, &|_| {})
        .await
        .unwrap()
}

fn orphans(found: &Garbage) -> BTreeSet<Sha256> {
    found.orphans.iter().map(|orphan| orphan.sha256).collect()
}

#[tokio::test]
async fn every_content_that_a_kill_can_orphan_is_found_and_nothing_that_is_needed() {
    for (blobs, _folder) in places() {
        for test in databases().await {
            let db = &test.db;
            publish(db, &blobs, "acme-1.0.tar.gz", "hosted", "hosted metadata").await;
            put(&blobs, "cached").await;
            pin(db, "flask-1.0.tar.gz", "cached").await;
            put(&blobs, "true metadata").await;
            put(&blobs, "feed, new").await;

            // A sidecar that the wheel itself set right, and a snapshot that another one replaced.
            put(&blobs, "claimed metadata").await;
            sidecar(db, "claimed metadata", SidecarOrigin::Claimed).await;
            sidecar(db, "true metadata", SidecarOrigin::Extracted).await;
            put(&blobs, "feed, old").await;
            load_feed(db, "feed, old").await;
            load_feed(db, "feed, new").await;
            // Killed between the row of a deletion and the bytes.
            publish(db, &blobs, "acme-2.0.tar.gz", "deleted", "deleted metadata").await;
            let withdrawal = Withdrawal {
                source: "internal",
                project: &name("acme"),
                target: Target::File("acme-2.0.tar.gz"),
                who: "ann",
            };
            hosted::delete(db, &withdrawal, at(6)).await.unwrap();
            // Killed between the bytes of an upload, a fetch, METADATA or a snapshot, and the row.
            put(&blobs, "upload without a row").await;

            let expected = [
                "claimed metadata",
                "feed, old",
                "deleted",
                "deleted metadata",
                "upload without a row",
            ];
            let expected = expected.map(|content| Sha256::of(content.as_bytes()));
            let young = look(db, &blobs, at(1000)).await;
            assert!(young.is_empty() && young.lost.is_empty(), "{young:?}");
            assert_eq!((young.young, young.blobs), (5, 10));

            let found = look(db, &blobs, LATER).await;
            assert_eq!(orphans(&found), BTreeSet::from(expected));
            let collected = collect(db, &blobs, &found).await;
            assert_eq!((collected.orphans, collected.spared), (5, 0));
            assert_eq!(collected.bytes, found.freeable());
            for sha256 in expected {
                assert!(!blobs.exists(&sha256).await.unwrap());
            }
            let head = ledger::head(db).await.unwrap();
            let last = ledger::entries(db, head.seq, 1).await.unwrap().remove(0);
            assert_eq!(last.kind, Kind::Purge);
            assert!(
                last.payload
                    .contains(&Sha256::of(b"feed, old").to_hex().to_string())
            );

            let after = look(db, &blobs, LATER).await;
            assert!(after.is_empty() && after.lost.is_empty());
            assert_eq!(after.blobs, 5);
            for content in ["hosted", "cached", "true metadata", "feed, new"] {
                blobs.delete(&Sha256::of(content.as_bytes())).await.unwrap();
            }
            blobs.delete(&Sha256::of(b"hosted metadata")).await.unwrap();
            test.end().await;
        }
    }
}

#[tokio::test]
async fn rows_without_bytes_are_told_and_stay() {
    for test in databases().await {
        let (db, folder) = (&test.db, tempfile::tempdir().unwrap());
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        publish(db, &blobs, "acme-1.0.tar.gz", "hosted", "metadata").await;
        load_feed(db, "feed").await;
        // The cache may forget the bytes of what is pinned.
        pin(db, "flask-1.0.tar.gz", "evicted").await;
        for content in [&b"hosted"[..], b"metadata"] {
            blobs.delete(&Sha256::of(content)).await.unwrap();
        }
        let found = look(db, &blobs, LATER).await;
        let lost = found
            .lost
            .iter()
            .map(|lost| (lost.kind, lost.name.as_str()));
        assert_eq!(
            lost.collect::<Vec<_>>(),
            [
                (LostKind::File, "internal/acme-1.0.tar.gz"),
                (LostKind::Metadata, "internal/acme-1.0.tar.gz"),
                (LostKind::Feed, "advisories"),
            ]
        );
        assert_eq!(collect(db, &blobs, &found).await, Collected::default());
        let files = hosted::files(db, "internal", &name("acme")).await.unwrap();
        assert_eq!(files.len(), 1);
        test.end().await;
    }
}

fn age(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    let then = SystemTime::now() - Duration::from_secs(7200);
    file.set_modified(then).unwrap();
}

#[tokio::test]
async fn what_lies_beside_the_blobs_is_found_when_it_is_old() {
    let (test, folder) = (sqlite().await, tempfile::tempdir().unwrap());
    let (db, root) = (&test.db, folder.path());
    let blobs = Blobs::in_folder(root).unwrap();
    let living = Blobs::in_folder(root).unwrap();
    let receiving = living.spool().await.unwrap();
    // A process that was killed: its folder stays and nobody holds its lock.
    let dead = root.join("spool").join(Uuid::now_v7().to_string());
    fs::create_dir(&dead).unwrap();
    File::create(dead.join("alive.lock")).unwrap();
    fs::write(dead.join("receiving-1"), "half a wheel").unwrap();
    fs::write(root.join("spool/notes"), "somebody's").unwrap();
    let kept = put(&blobs, "kept").await;
    pin(db, "flask-1.0.tar.gz", "kept").await;
    let shard = root.join("blobs/sha256").join(&kept.to_hex()[..2]);
    let unfinished = shard.join(format!("{}#1", kept.to_hex()));
    fs::create_dir_all(root.join("blobs/probe")).unwrap();
    let probe = root.join("blobs/probe/0190");
    for path in [&unfinished, &probe, &shard.join("strange")] {
        fs::write(path, "x").unwrap();
    }
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let an_hour_ago = at(now.as_millis() as i64 - 3_600_000);

    let kinds = |found: &Garbage| {
        let kinds = found.leftovers.iter().map(|leftover| leftover.kind);
        kinds.collect::<BTreeSet<_>>()
    };
    let found = look(db, &blobs, an_hour_ago).await;
    assert_eq!(kinds(&found), BTreeSet::from([LeftoverKind::Scratch]));
    for path in [&unfinished, &probe, &shard.join("strange")] {
        age(path);
    }
    let found = look(db, &blobs, an_hour_ago).await;
    assert_eq!(
        kinds(&found),
        BTreeSet::from([
            LeftoverKind::Scratch,
            LeftoverKind::Unfinished,
            LeftoverKind::Probe
        ])
    );
    assert_eq!(found.freeable(), "half a wheel".len() as u64 + 2);

    // Somebody writes to one of them before it is its turn.
    fs::write(&probe, "again").unwrap();
    let collecting = Collecting {
        cutoff: an_hour_ago,
        who: "test",
        now: at(9),
    };
    let collected = garbage::collect(db, &blobs, &found, collecting, &|_| {})
        .await
        .unwrap();
    assert_eq!((collected.leftovers, collected.spared), (2, 1));
    assert!(!dead.exists() && !unfinished.exists() && probe.exists());
    assert!(receiving.path().exists());
    assert!(root.join("spool/notes").exists() && shard.join("strange").exists());
    assert!(blobs.exists(&kept).await.unwrap());
    drop(receiving);
    test.end().await;
}

#[tokio::test]
async fn uploads_in_parts_that_nobody_completed_are_aborted() {
    let Some(endpoint) = server("PORTCULLIS_TEST_S3") else {
        return;
    };
    let (test, folder) = (sqlite().await, tempfile::tempdir().unwrap());
    let bucket = format!("it-{}", Uuid::now_v7());
    let blobs = s3_in(&bucket, &endpoint, folder.path());
    let store = AmazonS3Builder::new()
        .with_endpoint(&endpoint)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .with_bucket_name(&bucket)
        .build()
        .unwrap();
    let digest = Sha256::of(b"large").to_hex();
    let ours = Key::from(format!("pre/fix/blobs/sha256/{}/{digest}", &digest[..2]));
    let theirs = Key::from("somebody/elses");
    store.create_multipart(&ours).await.unwrap();
    let kept = store.create_multipart(&theirs).await.unwrap();

    let found = look(&test.db, &blobs, LATER).await;
    let names: Vec<String> = found.leftovers.iter().map(|found| found.name()).collect();
    assert_eq!(names, [ours.to_string()]);
    assert_eq!(found.leftovers[0].kind, LeftoverKind::Parts);
    let collected = collect(&test.db, &blobs, &found).await;
    assert_eq!(collected.leftovers, 1);
    assert!(look(&test.db, &blobs, LATER).await.is_empty());
    store.abort_multipart(&theirs, &kept).await.unwrap();
    test.end().await;
}

#[tokio::test]
async fn what_was_found_is_asked_about_again_before_it_goes() {
    for (blobs, _folder) in places() {
        for test in databases().await {
            let db = &test.db;
            put(&blobs, "was orphaned").await;
            let gone = put(&blobs, "gone meanwhile").await;
            let found = look(db, &blobs, LATER).await;
            assert_eq!(found.orphans.len(), 2);
            publish(
                db,
                &blobs,
                "acme-1.0.tar.gz",
                "was orphaned",
                "was orphaned",
            )
            .await;
            blobs.delete(&gone).await.unwrap();
            let collected = collect(db, &blobs, &found).await;
            assert_eq!((collected.orphans, collected.spared), (0, 2));
            let sha256 = Sha256::of(b"was orphaned");
            assert!(blobs.exists(&sha256).await.unwrap());

            // Younger than the cutoff by the time it is its turn.
            let young = put(&blobs, "orphan").await;
            let found = look(db, &blobs, LATER).await;
            let collecting = Collecting {
                cutoff: at(1000),
                who: "test",
                now: at(9),
            };
            let collected = garbage::collect(db, &blobs, &found, collecting, &|_| {}).await;
            assert_eq!((collected.unwrap().spared, found.orphans.len()), (1, 1));
            assert!(blobs.exists(&young).await.unwrap());
            for sha256 in [sha256, young] {
                blobs.delete(&sha256).await.unwrap();
            }
            test.end().await;
        }
    }
}

/// Uploads and a collector that spares nothing for its youth, so that they meet as often as they can.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_acknowledged_upload_loses_its_bytes_to_a_collector() {
    for (blobs, _folder) in places() {
        for test in databases().await {
            let db = test.db.clone();
            let stop = tokio::sync::oneshot::channel();
            for number in 0..4 * UPLOADS {
                // What other uploads of the same bytes left behind when they were killed.
                put(&blobs, &uploaded(number / UPLOADS, number % UPLOADS)).await;
            }
            let found = look(&db, &blobs, LATER).await;
            assert_eq!(found.orphans.len(), 4 * UPLOADS);
            let collector = collect_until((db.clone(), blobs.clone()), found, stop.1);
            let collector = tokio::spawn(collector);
            let uploads = (0..4).map(|task| {
                let (db, blobs) = (db.clone(), blobs.clone());
                tokio::spawn(async move { upload_many(&db, &blobs, task).await })
            });
            let uploads: Vec<_> = uploads.collect();
            let mut acknowledged = BTreeSet::new();
            for upload in uploads {
                acknowledged.extend(upload.await.unwrap());
            }
            stop.0.send(()).unwrap();
            let collected = collector.await.unwrap();
            assert_eq!(acknowledged.len(), 4 * UPLOADS);
            assert!(collected > 0, "the collector never met an orphan");
            for sha256 in acknowledged {
                assert!(blobs.exists(&sha256).await.unwrap(), "{sha256} was lost");
                blobs.delete(&sha256).await.unwrap();
            }
            test.end().await;
        }
    }
}

const UPLOADS: usize = 12;

type Stop = tokio::sync::oneshot::Receiver<()>;

fn uploaded(task: usize, number: usize) -> String {
    format!("file {number} of {task}")
}

async fn collect_until((db, blobs): (Db, Blobs), mut found: Garbage, mut stop: Stop) -> u64 {
    let mut collected = 0;
    loop {
        collected += collect(&db, &blobs, &found).await.orphans;
        if stop.try_recv().is_ok() {
            return collected;
        }
        found = look(&db, &blobs, LATER).await;
    }
}

/// Uploads as `flow::upload` does: bytes, row, a look whether the bytes are there still; again where not.
async fn upload_many(db: &Db, blobs: &Blobs, task: usize) -> Vec<Sha256> {
    let mut acknowledged = Vec::new();
    for number in 0..UPLOADS {
        let content = uploaded(task, number);
        let filename = format!("acme-{task}.{number}.tar.gz");
        let sha256 = Sha256::of(content.as_bytes());
        loop {
            put(blobs, &content).await;
            let mut new = file(&filename, &content, &content);
            new.metadata_sha256 = None;
            hosted::publish(db, &new, at(5)).await.unwrap();
            if blobs.exists(&sha256).await.unwrap() {
                break;
            }
        }
        acknowledged.push(sha256);
    }
    acknowledged
}
