//! Events are told once, are in the ledger, and are read in the order in which they came.

use portcullis_core::event::Severity;
use portcullis_store::events::{self, Emitted, Filter, NewEvent};
use portcullis_store::{Db, alerts};
use serde_json::json;

use crate::support::{at, databases};

fn event(kind: &'static str, subject: &str) -> NewEvent {
    NewEvent::new(
        kind,
        Severity::Notice,
        subject,
        format!("{subject} is odd."),
    )
}

async fn kinds(db: &Db, pattern: &str) -> Vec<String> {
    let filter = Filter {
        kind: pattern.parse().unwrap(),
        ..Filter::latest(10)
    };
    let found = events::after(db, 0, &filter).await.unwrap();
    found.into_iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn an_event_is_told_once_for_what_makes_it_this_one() {
    for test in databases().await {
        let by_content = event("version.vanished", "pypi/foo").detail(json!({"version": "1"}));
        let other = event("version.vanished", "pypi/foo").detail(json!({"version": "2"}));
        let first = events::emit(&test.db, &by_content, at(1)).await.unwrap();
        assert!(matches!(first, Emitted::New(_)));
        let again = events::emit(&test.db, &by_content, at(2)).await.unwrap();
        assert_eq!(again, Emitted::Known);
        assert!(events::emit(&test.db, &other, at(3)).await.unwrap() != Emitted::Known);
        let once = |detail| {
            event("review.requested", "a")
                .once_per("review 7")
                .detail(detail)
        };
        assert!(
            events::emit(&test.db, &once(json!(1)), at(4))
                .await
                .unwrap()
                != Emitted::Known
        );
        assert_eq!(
            events::emit(&test.db, &once(json!(2)), at(5))
                .await
                .unwrap(),
            Emitted::Known
        );
        assert_eq!(test.kinds().await, ["alert"; 3]);
        let found = events::latest(&test.db, &Filter::latest(1)).await.unwrap();
        assert_eq!(found.len(), 1);
        let mut told = found[0].to_json();
        assert!(told["id"].take().is_i64());
        assert_eq!(
            told,
            json!({
                "id": null, "at": "1970-01-01T00:00:00.004Z", "kind": "review.requested",
                "severity": "notice", "subject": "a", "sentence": "a is odd.", "detail": 1,
            })
        );
        test.end().await;
    }
}

#[tokio::test]
async fn events_are_read_from_where_one_left_off_and_by_kind() {
    for test in databases().await {
        for (position, kind) in ["quarantine.started", "quarantine.released", "quarantined.x"]
            .into_iter()
            .enumerate()
        {
            let now = at(position as i64 * 10);
            events::emit(&test.db, &event(kind, "a"), now)
                .await
                .unwrap();
        }
        let all = events::after(&test.db, 0, &Filter::latest(2))
            .await
            .unwrap();
        assert_eq!(all.len(), 2);
        let rest = events::after(&test.db, all[1].id, &Filter::latest(2))
            .await
            .unwrap();
        assert_eq!(rest[0].kind, "quarantined.x");
        assert_eq!(
            kinds(&test.db, "quarantine.*").await,
            ["quarantine.started", "quarantine.released"]
        );
        assert_eq!(kinds(&test.db, "quarantine.released").await.len(), 1);
        assert_eq!(kinds(&test.db, "*").await.len(), 3);
        let late = Filter {
            since: at(10),
            ..Filter::latest(10)
        };
        let late = events::latest(&test.db, &late).await.unwrap();
        let late: Vec<&str> = late.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(late, ["quarantined.x", "quarantine.released"]);
        test.end().await;
    }
}

#[tokio::test]
async fn an_alert_is_an_event_with_one_ledger_entry() {
    for test in databases().await {
        for moment in [1, 2] {
            let detail = json!({"x": "\u{7}"});
            alerts::raise(
                &test.db,
                "changed-hash",
                "pypi/a/a.whl",
                &detail,
                at(moment),
            )
            .await
            .unwrap();
        }
        let found = events::latest(&test.db, &Filter::latest(10)).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, "alert.changed-hash");
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(test.kinds().await, ["alert"]);
        test.end().await;
    }
}

#[tokio::test]
async fn what_hostile_names_say_is_kept_short_and_storable() {
    for test in databases().await {
        let hostile = event("name.similar-appeared", &format!("\0{}", "é".repeat(3000)));
        events::emit(&test.db, &hostile, at(1)).await.unwrap();
        let found = events::latest(&test.db, &Filter::latest(1)).await.unwrap();
        assert!(found[0].subject.len() <= 1024 && !found[0].subject.contains('\0'));
        test.end().await;
    }
}
