//! Room is made by what was unused for longest, and by nothing that is ours, needed elsewhere or evidence.

use std::collections::HashMap;

use bytes::Bytes;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_core::time::Timestamp;
use portcullis_store::Db;
use portcullis_store::blobs::Blobs;
use portcullis_store::cache::{self, Evicted, Eviction, Noted, Reconciled, Totals};
use portcullis_store::pins::{self, NewPin};
use portcullis_store::quarantines::{self, NewQuarantine};
use portcullis_store::sidecars::{self, Sidecar, SidecarOrigin};

use crate::blobs::places;
use crate::support::{TestDb, at, databases, name};

/// Ten bytes each.
fn content(project: &str) -> String {
    format!("{project:*<10}")
}

fn digest(project: &str) -> Sha256 {
    Sha256::of(content(project).as_bytes())
}

async fn fetch(db: &Db, blobs: &Blobs, project: &str, now: i64) {
    let sha256 = blobs
        .put_bytes(Bytes::from(content(project)))
        .await
        .unwrap();
    let pin = NewPin {
        filename: format!("{project}-1.0.tar.gz"),
        sha256,
        size: 10,
    };
    pins::pin(db, "up", &name(project), &pin, at(now))
        .await
        .unwrap();
    let came = Noted::Came {
        size: 10,
        at: at(now),
    };
    note(db, sha256, came).await;
}

async fn note(db: &Db, sha256: Sha256, noted: Noted) {
    cache::note(db, &HashMap::from([(sha256, noted)]))
        .await
        .unwrap();
}

async fn evict(test: &TestDb, blobs: &Blobs, bytes: u64, unused_since: Option<i64>) -> Evicted {
    let eviction = Eviction {
        bytes,
        unused_since: unused_since.map(at),
        in_use_since: at(900),
        why: "test",
    };
    cache::evict(&test.db, blobs, eviction, at(1000))
        .await
        .unwrap()
}

async fn held(blobs: &Blobs, projects: &[&str]) -> String {
    let mut held = Vec::new();
    for project in projects {
        if blobs.exists(&digest(project)).await.unwrap() {
            held.push(*project);
        }
    }
    held.join(" ")
}

#[tokio::test]
async fn what_was_unused_for_longest_goes_first_and_its_pin_stays() {
    for (blobs, _folder) in places() {
        for test in databases().await {
            let db = &test.db;
            let projects = ["a", "b", "c", "d"];
            for (project, now) in projects.iter().zip(1..) {
                fetch(db, &blobs, project, now).await;
            }
            note(db, digest("a"), Noted::Used { at: at(50) }).await;
            // Word of an earlier use comes late and changes nothing.
            note(db, digest("a"), Noted::Used { at: at(20) }).await;
            note(db, digest("d"), Noted::Used { at: at(950) }).await;
            note(db, Sha256::of(b"unheard of"), Noted::Used { at: at(3) }).await;
            let totals = Totals {
                files: 4,
                bytes: 40,
            };
            assert_eq!(cache::totals(db).await.unwrap(), totals);

            assert_eq!(
                evict(&test, &blobs, 11, None).await,
                Evicted {
                    files: 2,
                    bytes: 20
                }
            );
            assert_eq!(held(&blobs, &projects).await, "a d");
            assert_eq!(evict(&test, &blobs, 0, Some(50)).await, Evicted::default());
            assert_eq!(
                evict(&test, &blobs, 0, Some(51)).await,
                Evicted {
                    files: 1,
                    bytes: 10
                }
            );
            // Somebody may be at the last one, however much room is wanted.
            assert_eq!(
                evict(&test, &blobs, 1000, Some(999)).await,
                Evicted::default()
            );
            assert_eq!(held(&blobs, &projects).await, "d");
            let kept = pins::find(db, "up", &name("b"), "b-1.0.tar.gz")
                .await
                .unwrap();
            assert_eq!(kept.unwrap().sha256, digest("b"));
            let totals = Totals {
                files: 1,
                bytes: 10,
            };
            assert_eq!(cache::totals(db).await.unwrap(), totals);
            blobs.delete(&digest("d")).await.unwrap();
            test.end().await;
        }
    }
}

async fn protect(test: &TestDb) {
    let db = &test.db;
    let quarantine = NewQuarantine {
        project: name("quarantined"),
        specifiers: VersionSpecifiers::default(),
        sha256: None,
        reason: "stolen token".to_owned(),
        who: "ann".to_owned(),
    };
    quarantines::begin(db, &quarantine, at(5)).await.unwrap();
    test.tamper(
        "INSERT INTO review (index_name, project, specifiers, state, effect, risk, findings, \
         requested_at, judged_at, waives) \
         VALUES ('main', 'reviewed', '', 'requested', 'hold', 1, '[]', 1, 1, '[]')",
    )
    .await;
    let sidecar = Sidecar {
        filename: "x-1.0-py3-none-any.whl".to_owned(),
        sha256: digest("sidecar"),
        origin: SidecarOrigin::Claimed,
    };
    sidecars::keep(db, "up", &name("x"), &sidecar, at(1))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_ours_needed_or_evidence_stays_however_little_room_there_is() {
    for test in databases().await {
        let (db, folder) = (&test.db, tempfile::tempdir().unwrap());
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let projects = ["quarantined", "reviewed", "sidecar", "hosted", "free"];
        for (project, now) in projects.iter().zip(1..) {
            fetch(db, &blobs, project, now).await;
        }
        protect(&test).await;
        crate::hosted::publish_content(db, &content("hosted")).await;
        let evicted = evict(&test, &blobs, 1000, Some(800)).await;
        assert_eq!(
            evicted,
            Evicted {
                files: 1,
                bytes: 10
            }
        );
        assert_eq!(
            held(&blobs, &projects).await,
            "quarantined reviewed sidecar hosted"
        );

        let all = quarantines::in_force(db).await.unwrap();
        quarantines::release(db, all[0].id, ["ann", "over"], at(7))
            .await
            .unwrap();
        assert_eq!(
            evict(&test, &blobs, 1, None).await,
            Evicted {
                files: 1,
                bytes: 10
            }
        );
        assert_eq!(held(&blobs, &projects).await, "reviewed sidecar hosted");
        test.end().await;
    }
}

#[tokio::test]
async fn the_account_is_set_right_from_what_is_there() {
    for (blobs, _folder) in places() {
        for test in databases().await {
            let db = &test.db;
            fetch(db, &blobs, "kept", 1).await;
            fetch(db, &blobs, "gone", 2).await;
            blobs.delete(&digest("gone")).await.unwrap();
            // Pinned and never written down, because the process died; and what is nobody's.
            let unwritten = blobs
                .put_bytes(Bytes::from_static(b"unwritten"))
                .await
                .unwrap();
            let pin = NewPin {
                filename: "x-1.0.tar.gz".to_owned(),
                sha256: unwritten,
                size: 9,
            };
            pins::pin(db, "up", &name("x"), &pin, at(1)).await.unwrap();
            let orphan = blobs
                .put_bytes(Bytes::from_static(b"orphan"))
                .await
                .unwrap();

            let expected = Reconciled {
                added: 1,
                dropped: 1,
            };
            assert_eq!(cache::reconcile(db, &blobs).await.unwrap(), expected);
            let again = cache::reconcile(db, &blobs).await.unwrap();
            assert_eq!(again, Reconciled::default());
            let totals = Totals {
                files: 2,
                bytes: 19,
            };
            assert_eq!(cache::totals(db).await.unwrap(), totals);
            for sha256 in [digest("kept"), unwritten, orphan] {
                blobs.delete(&sha256).await.unwrap();
            }
            test.end().await;
        }
    }
}

#[tokio::test]
async fn a_thousand_uses_are_written_down_together() {
    for test in databases().await {
        let digest = |number: u64| Sha256::of(&number.to_be_bytes());
        let came = |number: u64| {
            let (size, at) = (number, Timestamp::from_millis(1));
            (digest(number), Noted::Came { size, at })
        };
        let all: HashMap<Sha256, Noted> = (0..1001).map(came).collect();
        cache::note(&test.db, &all).await.unwrap();
        let used = |number: u64| (digest(number), Noted::Used { at: at(7) });
        let all: HashMap<Sha256, Noted> = (0..1001).map(used).collect();
        cache::note(&test.db, &all).await.unwrap();
        let totals = cache::totals(&test.db).await.unwrap();
        assert_eq!(
            totals,
            Totals {
                files: 1001,
                bytes: 500_500
            }
        );
        test.end().await;
    }
}
