//! Feeds: what was loaded last stays beside what went wrong since, and its snapshot is not deleted.

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_store::blobs::Blobs;
use portcullis_store::feeds::{self, Failed, LoadedFeed};
use portcullis_store::generations::{self, Counter};
use portcullis_store::{Db, alerts, ledger, references};

use crate::support::{at, databases};

fn loaded(sha256: Sha256) -> LoadedFeed {
    LoadedFeed {
        name: "advisories".to_owned(),
        kind: "osv".to_owned(),
        origin: "https://feeds.example/PyPI/".to_owned(),
        sha256,
        size: 3,
        records: 40,
        skipped: 1,
        complaints: "bad.json: no readable id".to_owned(),
        newest: Some(at(5)),
        validators: (Some("\"one\"".to_owned()), None),
    }
}

const FAILED: Failed<'_> = Failed {
    name: "advisories",
    kind: "osv",
    origin: "https://feeds.example/PyPI/",
    error: "HTTP 500",
    alert: None,
};

async fn generation(db: &Db) -> i64 {
    generations::all(db).await.unwrap()[&Counter::Feeds]
}

#[tokio::test]
async fn a_failure_is_kept_beside_what_was_loaded_and_ends_with_the_next_success() {
    for test in databases().await {
        let db = &test.db;
        assert_eq!(feeds::find(db, "advisories").await.unwrap(), None);
        feeds::fail(db, FAILED, at(1)).await.unwrap();
        let feed = feeds::find(db, "advisories").await.unwrap().unwrap();
        assert_eq!(
            (feed.sha256, feed.failures, feed.loaded_at),
            (None, 1, None)
        );
        let sha256 = Sha256::of(b"one");
        feeds::keep(db, &loaded(sha256), "test", at(10))
            .await
            .unwrap();
        feeds::fail(db, FAILED, at(11)).await.unwrap();
        feeds::fail(db, FAILED, at(12)).await.unwrap();
        let feed = feeds::find(db, "advisories").await.unwrap().unwrap();
        assert_eq!((feed.sha256, feed.failures), (Some(sha256), 2));
        assert_eq!(feed.error.as_deref(), Some("HTTP 500"));
        assert_eq!(
            (feed.loaded_at, feed.error_at),
            (Some(at(10)), Some(at(12)))
        );
        feeds::confirm(db, "advisories", (None, Some("today")), at(13))
            .await
            .unwrap();
        let feed = feeds::find(db, "advisories").await.unwrap().unwrap();
        assert_eq!((feed.failures, feed.error), (0, None));
        assert_eq!(
            (feed.loaded_at, feed.checked_at),
            (Some(at(10)), Some(at(13)))
        );
        assert_eq!(feed.etag.as_deref(), Some("\"one\""));
        assert_eq!(feed.last_modified.as_deref(), Some("today"));
        assert_eq!(
            generation(db).await,
            5,
            "every change is told to other processes"
        );
        test.end().await;
    }
}

#[tokio::test]
async fn loads_are_in_the_ledger_and_an_alert_may_come_with_a_failure() {
    for test in databases().await {
        let db = &test.db;
        feeds::keep(db, &loaded(Sha256::of(b"one")), "ann", at(1))
            .await
            .unwrap();
        feeds::confirm(db, "advisories", (None, None), at(2))
            .await
            .unwrap();
        let failed = Failed {
            alert: Some("feed-shrank"),
            ..FAILED
        };
        feeds::fail(db, failed, at(3)).await.unwrap();
        assert!(feeds::forget(db, "advisories", "ann", at(4)).await.unwrap());
        assert!(!feeds::forget(db, "advisories", "ann", at(5)).await.unwrap());
        let entries = ledger::entries(db, 1, 10).await.unwrap();
        let kinds: Vec<Kind> = entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Feed, Kind::Alert, Kind::Feed]);
        assert!(
            entries[0].payload.contains("\"newest\""),
            "{}",
            entries[0].payload
        );
        let alerts = alerts::list(db, 10).await.unwrap();
        assert_eq!(
            (alerts[0].kind.as_str(), alerts[0].subject.as_str()),
            ("feed-shrank", "advisories")
        );
        ledger::verify(db).await.unwrap();
        assert!(feeds::all(db).await.unwrap().is_empty());
        test.end().await;
    }
}

#[tokio::test]
async fn a_snapshot_is_needed_until_another_takes_its_place() {
    for test in databases().await {
        let db = &test.db;
        let blobs = Blobs::in_folder(&test.folder.path().join("blobs")).unwrap();
        let one = blobs.put_bytes(b"one".as_slice().into()).await.unwrap();
        feeds::keep(db, &loaded(one), "test", at(1)).await.unwrap();
        assert_eq!(
            references::delete_unneeded(db, &blobs, &one).await.unwrap(),
            None
        );
        feeds::keep(db, &loaded(Sha256::of(b"two")), "test", at(2))
            .await
            .unwrap();
        assert_eq!(
            references::delete_unneeded(db, &blobs, &one).await.unwrap(),
            Some(3)
        );
        test.end().await;
    }
}
