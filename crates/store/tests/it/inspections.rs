//! A content is inspected once, its record is replaced by what saw more, and replicas hear of it.

use portcullis_core::digest::Sha256;
use portcullis_core::policy::Effect;
use portcullis_store::Db;
use portcullis_store::claims;
use portcullis_store::generations::{self, Counter};
use portcullis_store::inspections::{self, Keeping, NewInspection, Outdated};
use portcullis_store::pins::{self, NewPin};

use crate::support::{at, databases, name};

fn sha(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

/// A sound record of `content` by `revision`.
fn saw<'r>(content: &str, revision: u32, record: &'r str) -> NewInspection<'r> {
    NewInspection {
        sha256: sha(content),
        revision,
        complete: true,
        effect: Effect::Warn,
        findings: 1,
        record,
        contents: Some(b"packed"),
        again_at: None,
    }
}

/// The record of an inspection that crashed, and is tried again at 1000.
fn crashed<'r>(content: &str, revision: u32, record: &'r str) -> NewInspection<'r> {
    NewInspection {
        complete: false,
        effect: Effect::Hold,
        contents: None,
        again_at: Some(at(1000)),
        ..saw(content, revision, record)
    }
}

async fn keep(db: &Db, new: NewInspection<'_>) -> Keeping {
    inspections::keep(db, &new, at(10)).await.unwrap()
}

async fn record(db: &Db, content: &str) -> Option<String> {
    let kept = inspections::find(db, &sha(content)).await.unwrap();
    kept.map(|kept| kept.record)
}

async fn pin(db: &Db, project: &str, filename: &str, content: &str) {
    let pin = NewPin {
        filename: filename.to_owned(),
        sha256: sha(content),
        size: 1,
    };
    pins::pin(db, "up", &name(project), &pin, at(1))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_record_is_replaced_by_what_saw_at_least_as_much() {
    use Keeping::{Kept, Outdone};
    for test in databases().await {
        let db = &test.db;
        let story = [
            (crashed("a", 2, "crash"), Kept, "crash"),
            (crashed("a", 2, "crash again"), Kept, "crash again"),
            (saw("a", 2, "two"), Kept, "two"),
            (saw("a", 1, "one"), Outdone, "two"),
            (crashed("a", 2, "late crash"), Outdone, "two"),
            (saw("a", 2, "two again"), Kept, "two again"),
            (crashed("a", 3, "crash of three"), Kept, "crash of three"),
            (saw("a", 3, "three"), Kept, "three"),
        ];
        for (new, answer, stays) in story {
            let what = new.record;
            assert_eq!(keep(db, new).await, answer, "{what}");
            assert_eq!(record(db, "a").await.as_deref(), Some(stays), "{what}");
        }
        assert_eq!(record(db, "b").await, None);
        assert_eq!(test.kinds().await, ["inspection"; 6]);
        test.end().await;
    }
}

#[tokio::test]
async fn the_ledger_binds_what_was_seen() {
    for test in databases().await {
        keep(&test.db, saw("a", 7, "{\"x\":\"\\u0000\"}")).await;
        let entries = portcullis_store::ledger::entries(&test.db, 1, 10).await;
        let payload: serde_json::Value =
            serde_json::from_str(&entries.unwrap()[0].payload).unwrap();
        let kept = inspections::find(&test.db, &sha("a"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            payload,
            serde_json::json!({
                "sha256": sha("a"), "revision": 7, "effect": "warn", "complete": true,
                "findings": 1, "record": Sha256::of(kept.record.as_bytes()),
            })
        );
        assert_eq!((kept.revision, kept.at), (7, at(10)));
        test.end().await;
    }
}

#[tokio::test]
async fn contents_are_kept_beside_the_record() {
    for test in databases().await {
        let db = &test.db;
        keep(db, saw("a", 1, "{}")).await;
        keep(db, crashed("b", 1, "{}")).await;
        for (content, expected) in [("a", Some(b"packed".to_vec())), ("b", None), ("c", None)] {
            let found = inspections::contents(db, &sha(content)).await.unwrap();
            assert_eq!(found, expected, "{content}");
        }
        test.end().await;
    }
}

#[tokio::test]
async fn the_files_of_a_project_are_found_by_their_content() {
    for test in databases().await {
        let db = &test.db;
        for file in ["a", "b", "c"] {
            pin(db, "flask", &format!("flask-{file}.whl"), file).await;
        }
        pin(db, "rich", "rich-d.whl", "d").await;
        for content in ["a", "c", "d"] {
            keep(db, saw(content, 1, content)).await;
        }
        let of = |project: &'static str, source: &'static str| async move {
            let kept = inspections::of_project(db, source, &name(project))
                .await
                .unwrap();
            let mut records: Vec<String> = kept.into_iter().map(|kept| kept.record).collect();
            records.sort();
            records
        };
        assert_eq!(of("flask", "up").await, ["a", "c"]);
        assert_eq!(of("rich", "up").await, ["d"]);
        assert!(of("flask", "other").await.is_empty());
        let files = inspections::files_of_project(db, "up", &name("flask"))
            .await
            .unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|file| (file.filename.as_str(), file.sha256, file.effect))
            .collect();
        assert_eq!(
            files,
            [
                ("flask-a.whl", sha("a"), Effect::Warn),
                ("flask-c.whl", sha("c"), Effect::Warn)
            ]
        );
        test.end().await;
    }
}

#[tokio::test]
async fn many_are_found_at_once_however_many_they_are() {
    for test in databases().await {
        let db = &test.db;
        let names: Vec<String> = (0..40).map(|number| format!("file {number}")).collect();
        for name in names.iter().step_by(2) {
            keep(db, saw(name, 1, name)).await;
        }
        for count in [0, 1, 15, 16, 17, 40] {
            let wanted: Vec<Sha256> = names[..count].iter().map(|name| sha(name)).collect();
            let mut found: Vec<String> = inspections::find_many(db, &wanted)
                .await
                .unwrap()
                .into_iter()
                .map(|kept| kept.record)
                .collect();
            found.sort();
            let mut expected: Vec<&String> = names[..count].iter().step_by(2).collect();
            expected.sort();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{count}");
        }
        test.end().await;
    }
}

#[tokio::test]
async fn old_records_and_crashes_come_up_in_turn() {
    for test in databases().await {
        let db = &test.db;
        for content in ["old", "older"] {
            keep(db, saw(content, 1, content)).await;
        }
        keep(db, saw("new", 2, "new")).await;
        keep(db, crashed("crash", 2, "crash")).await;
        let outdated = |now, after, limit| async move {
            let wanted = Outdated {
                revision: 2,
                now: at(now),
                after,
                limit,
            };
            inspections::outdated(db, wanted).await.unwrap()
        };
        let sorted = |contents: &[&str]| {
            let mut all: Vec<Sha256> = contents.iter().map(|content| sha(content)).collect();
            all.sort_by_key(|sha256| *sha256.as_bytes());
            all
        };
        let early = sorted(&["old", "older"]);
        let late = sorted(&["old", "older", "crash"]);
        assert_eq!(outdated(999, None, 10).await, early);
        assert_eq!(outdated(1000, None, 10).await, late);
        assert_eq!(outdated(1000, None, 2).await, late[..2]);
        assert_eq!(outdated(1000, Some(late[1]), 2).await, late[2..]);
        test.end().await;
    }
}

#[tokio::test]
async fn replicas_hear_what_was_inspected_and_whose_pages_that_changes() {
    for test in databases().await {
        let db = &test.db;
        pin(db, "flask", "flask-1.whl", "a").await;
        pin(db, "quart", "quart-1.whl", "a").await;
        keep(db, saw("b", 1, "{}")).await;
        let seen = generations::all(db).await.unwrap()[&Counter::Inspections];
        keep(db, saw("a", 1, "{}")).await;
        let changed = inspections::changed_since(db, seen).await.unwrap();
        assert_eq!(changed.contents, [sha("a")]);
        let projects: Vec<&str> = changed.projects.iter().map(|name| name.as_str()).collect();
        assert_eq!(projects, ["flask", "quart"]);
        let now = generations::all(db).await.unwrap()[&Counter::Inspections];
        assert_eq!(now, seen + 1);
        let changed = inspections::changed_since(db, now).await.unwrap();
        assert_eq!(changed, inspections::Changed::default());
        test.end().await;
    }
}

#[tokio::test]
async fn one_holder_has_a_claim_until_it_ends_or_runs_out() {
    for test in databases().await {
        let db = &test.db;
        let claim = |holder: &'static str, now: i64| async move {
            let key = (&sha("a"), holder);
            claims::claim(db, key, at(now + 100), at(now))
                .await
                .unwrap()
        };
        assert!(claim("one", 0).await);
        assert!(!claim("two", 99).await, "it is held");
        assert!(claim("one", 50).await, "its holder renews it");
        assert!(!claim("two", 149).await);
        assert!(claims::is_claimed(db, &sha("a"), at(149)).await.unwrap());
        assert!(!claims::is_claimed(db, &sha("a"), at(150)).await.unwrap());
        assert!(claim("two", 150).await, "the holder died");
        claims::release(db, (&sha("a"), "one")).await.unwrap();
        assert!(
            !claim("three", 151).await,
            "it is no longer the first one's to give back"
        );
        claims::release(db, (&sha("a"), "two")).await.unwrap();
        assert!(claim("three", 151).await);
        keep(db, saw("a", 1, "{}")).await;
        assert!(claim("four", 152).await, "a record ends the claim");
        claims::release_all(db, "four").await.unwrap();
        assert!(claim("five", 153).await, "who stops gives everything back");
        test.end().await;
    }
}
