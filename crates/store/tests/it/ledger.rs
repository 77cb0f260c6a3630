//! The ledger holds together, and every alteration is found.

use portcullis_core::ledger::{Head, Kind};
use portcullis_store::generations::{self, Counter};
use portcullis_store::{StoreError, alerts, ledger};
use serde_json::json;

use crate::support::{TestDb, at, databases};

async fn three_entries() -> Vec<TestDb> {
    let databases = databases().await;
    for test in &databases {
        for number in 1..=3 {
            let payload = json!({"digest": number});
            let entry = ledger::record(&test.db, Kind::Policy, &payload, None, at(number)).await;
            assert_eq!(entry.unwrap().seq, number.unsigned_abs());
        }
    }
    databases
}

#[tokio::test]
async fn entries_are_kept_in_order_and_verified() {
    for test in three_entries().await {
        let verified = ledger::verify(&test.db).await.unwrap();
        assert_eq!((verified.entries, verified.downloads), (3, 0));
        assert_eq!(verified.head, ledger::head(&test.db).await.unwrap());
        let page = ledger::entries(&test.db, 2, 1).await.unwrap();
        assert_eq!(
            (page.len(), page[0].seq, page[0].payload.as_str()),
            (1, 2, r#"{"digest":2}"#)
        );
        test.end().await;
    }
}

#[tokio::test]
async fn an_empty_ledger_ends_at_the_genesis() {
    for test in databases().await {
        let verified = ledger::verify(&test.db).await.unwrap();
        assert_eq!((verified.entries, verified.head), (0, Head::genesis()));
        test.end().await;
    }
}

#[tokio::test]
async fn an_altered_row_is_found() {
    let table = [
        ("UPDATE ledger SET payload = '{}' WHERE seq = 2", 2),
        ("UPDATE ledger SET at = at + 1 WHERE seq = 1", 1),
        ("UPDATE ledger SET kind = 'alert' WHERE seq = 3", 3),
        ("DELETE FROM ledger WHERE seq = 2", 2),
        ("UPDATE ledger SET prev = hash WHERE seq = 2", 2),
    ];
    for (alteration, expected) in table {
        for test in three_entries().await {
            test.tamper(alteration).await;
            let StoreError::Ledger(broken) = ledger::verify(&test.db).await.unwrap_err() else {
                panic!("{alteration}");
            };
            assert_eq!(broken.seq, expected, "{alteration}");
            test.end_altered().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn appending_at_once_makes_one_chain() {
    for test in databases().await {
        let tasks = (0..20).map(|number| {
            let db = test.db.clone();
            tokio::spawn(async move {
                ledger::record(
                    &db,
                    Kind::Policy,
                    &json!(number),
                    Some(Counter::Policy),
                    at(1),
                )
                .await
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap().unwrap();
        }
        assert_eq!(ledger::verify(&test.db).await.unwrap().entries, 20);
        assert_eq!(
            generations::all(&test.db).await.unwrap()[&Counter::Policy],
            20
        );
        test.end().await;
    }
}

#[tokio::test]
async fn an_alert_that_comes_again_is_counted_and_recorded_once() {
    for test in databases().await {
        for moment in [10, 20, 30] {
            alerts::raise(&test.db, "odd", "a", &json!({"x": 1}), at(moment))
                .await
                .unwrap();
        }
        alerts::raise(&test.db, "odd", "b", &json!({"x": 1}), at(15))
            .await
            .unwrap();
        let found = alerts::list(&test.db, 10).await.unwrap();
        let summary: Vec<_> = found
            .iter()
            .map(|alert| {
                (
                    alert.subject.as_str(),
                    alert.times,
                    alert.first_at,
                    alert.last_at,
                )
            })
            .collect();
        assert_eq!(
            summary,
            [("a", 3, at(10), at(30)), ("b", 1, at(15), at(15))]
        );
        assert_eq!(found[0].detail, r#"{"x":1}"#);
        assert_eq!(test.kinds().await, ["alert", "alert"]);
        test.end().await;
    }
}

#[tokio::test]
async fn the_end_of_the_chain_is_verified_without_reading_all_of_it() {
    for test in databases().await {
        let db = &test.db;
        assert_eq!(ledger::verify_tail(db, 5).await.unwrap(), 0);
        for number in 1..=9 {
            let payload = json!({ "number": number });
            ledger::record(db, Kind::Purge, &payload, None, at(number))
                .await
                .unwrap();
            let verified = ledger::verify_tail(db, 5).await.unwrap();
            let expected = if number <= 6 { number } else { 5 };
            assert_eq!(verified, expected.unsigned_abs());
        }
        test.tamper("UPDATE ledger SET payload = '{}' WHERE seq = 3")
            .await;
        ledger::verify_tail(db, 5).await.unwrap();
        assert!(
            ledger::verify_tail(db, 6).await.is_ok(),
            "the one before is believed"
        );
        assert!(ledger::verify_tail(db, 7).await.is_err());
        test.tamper("UPDATE ledger SET at = 1 WHERE seq = 9").await;
        assert!(ledger::verify_tail(db, 5).await.is_err());
        test.end_altered().await;
    }
}
