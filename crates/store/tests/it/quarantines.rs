//! A quarantine is in force from one transaction to another, for everybody.

use portcullis_core::digest::Sha256;
use portcullis_store::generations::{self, Counter};
use portcullis_store::quarantines::{self, Begun, NewQuarantine};

use crate::support::{at, databases, name};

fn litellm(specifiers: &str) -> NewQuarantine {
    NewQuarantine {
        project: name("litellm"),
        specifiers: specifiers.parse().unwrap(),
        sha256: None,
        reason: "takes credentials".to_owned(),
        who: "ann".to_owned(),
    }
}

#[tokio::test]
async fn a_quarantine_begins_once_and_is_released_once() {
    for test in databases().await {
        let db = &test.db;
        let count = async || generations::all(db).await.unwrap()[&Counter::Quarantine];
        let Begun::Now(begun) = quarantines::begin(db, &litellm(">=1,<2"), at(10))
            .await
            .unwrap()
        else {
            panic!("it had not begun")
        };
        assert_eq!(
            (begun.at, begun.reason.as_str()),
            (at(10), "takes credentials")
        );
        assert_eq!(count().await, 1);
        let again = quarantines::begin(db, &litellm(">=1, <2"), at(20))
            .await
            .unwrap();
        assert_eq!(again, Begun::Already(begun.clone()));
        let by_content = NewQuarantine {
            sha256: Some(Sha256::of(b"bad")),
            ..litellm("")
        };
        let by_content = quarantines::begin(db, &by_content, at(30)).await.unwrap();
        assert!(matches!(by_content, Begun::Now(_)));
        assert_eq!(quarantines::in_force(db).await.unwrap().len(), 2);
        assert_eq!(count().await, 2);

        let why = ["bob", "a false alarm"];
        let released = quarantines::release(db, begun.id, why, at(40))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(released.released_at, Some(at(40)));
        assert_eq!(released.release_reason.as_deref(), Some("a false alarm"));
        assert_eq!(
            quarantines::release(db, begun.id, why, at(50))
                .await
                .unwrap(),
            None
        );
        assert_eq!(count().await, 3);
        let left = quarantines::in_force(db).await.unwrap();
        assert_eq!(left[0].quarantine().sha256, Some(Sha256::of(b"bad")));
        assert_eq!(left.len(), 1);
        assert_eq!(quarantines::ever(db).await.unwrap().len(), 2);
        let anew = quarantines::begin(db, &litellm(">=1,<2"), at(60))
            .await
            .unwrap();
        assert!(matches!(anew, Begun::Now(anew) if anew.id != begun.id));
        assert_eq!(test.kinds().await, ["quarantine"; 4]);
        test.end().await;
    }
}
