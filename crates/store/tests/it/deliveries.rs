//! The outbox: nothing that is to be told is lost, and what has arrived is not sent again.

use portcullis_core::event::Severity;
use portcullis_store::Db;
use portcullis_store::deliveries::{self, Attempt};
use portcullis_store::events::{self, NewEvent};

use crate::support::{at, databases};

async fn emit(db: &Db, kind: &'static str, moment: i64) {
    let event = NewEvent::new(kind, Severity::Notice, format!("at {moment}"), "Look.");
    events::emit(db, &event, at(moment)).await.unwrap();
}

async fn due(db: &Db, moment: i64) -> Vec<String> {
    let due = deliveries::due(db, "hook", 10, at(moment)).await.unwrap();
    due.into_iter().map(|due| due.event.subject).collect()
}

async fn plan(db: &Db, moment: i64) {
    let wants = |event: &events::Event| event.kind != "dull";
    deliveries::plan(db, "hook", wants, at(moment))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sink_hears_of_what_comes_after_it_was_named_and_of_nothing_twice() {
    for test in databases().await {
        emit(&test.db, "old.event", 1).await;
        plan(&test.db, 2).await;
        assert!(due(&test.db, 2).await.is_empty());
        emit(&test.db, "new.event", 3).await;
        emit(&test.db, "dull", 4).await;
        emit(&test.db, "new.event", 5).await;
        plan(&test.db, 6).await;
        plan(&test.db, 7).await;
        assert_eq!(due(&test.db, 7).await, ["at 3", "at 5"]);
        let first = deliveries::due(&test.db, "hook", 1, at(7)).await.unwrap();
        let key = ("hook", first[0].event.id);
        deliveries::settle(&test.db, key, &Attempt::Delivered, at(8))
            .await
            .unwrap();
        assert_eq!(due(&test.db, 8).await, ["at 5"]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_failed_delivery_waits_and_one_given_up_is_shown() {
    for test in databases().await {
        plan(&test.db, 1).await;
        emit(&test.db, "new.event", 2).await;
        plan(&test.db, 3).await;
        let id = deliveries::due(&test.db, "hook", 1, at(3)).await.unwrap()[0]
            .event
            .id;
        let failed = |again_at| Attempt::Failed {
            error: "HTTP 500".to_owned(),
            again_at,
        };
        let again = failed(Some(at(10)));
        deliveries::settle(&test.db, ("hook", id), &again, at(4))
            .await
            .unwrap();
        assert!(due(&test.db, 9).await.is_empty());
        let waiting = deliveries::due(&test.db, "hook", 1, at(10)).await.unwrap();
        assert_eq!((waiting[0].attempts, waiting[0].since), (1, at(3)));
        deliveries::settle(&test.db, ("hook", id), &failed(None), at(11))
            .await
            .unwrap();
        assert!(due(&test.db, i64::MAX).await.is_empty());
        let listed = deliveries::list(&test.db, 10).await.unwrap();
        assert!(listed[0].is_given_up());
        assert_eq!(listed[0].last_error.as_deref(), Some("HTTP 500"));
        assert_eq!(listed[0].attempts, 2);
        test.end().await;
    }
}

#[tokio::test]
async fn a_sink_that_asked_to_be_left_alone_keeps_its_place() {
    for test in databases().await {
        plan(&test.db, 1).await;
        deliveries::stop(&test.db, "hook", "HTTP 410", at(2))
            .await
            .unwrap();
        emit(&test.db, "new.event", 3).await;
        plan(&test.db, 4).await;
        assert!(due(&test.db, 4).await.is_empty());
        let sinks = deliveries::sinks(&test.db).await.unwrap();
        assert_eq!(sinks[0].stopped_why.as_deref(), Some("HTTP 410"));
        assert!(deliveries::resume(&test.db, "hook").await.unwrap());
        assert!(!deliveries::resume(&test.db, "hook").await.unwrap());
        plan(&test.db, 5).await;
        assert_eq!(due(&test.db, 5).await, ["at 3"]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_backlog_is_planned_whole() {
    for test in databases().await {
        plan(&test.db, 1).await;
        for moment in 0..450 {
            emit(&test.db, "new.event", 10 + moment).await;
        }
        plan(&test.db, 1000).await;
        let due = deliveries::due(&test.db, "hook", 1000, at(1000))
            .await
            .unwrap();
        assert_eq!(due.len(), 450);
        test.end().await;
    }
}
