//! A file once seen keeps its bytes; METADATA from the wheel outranks what was claimed.

use portcullis_core::digest::Sha256;
use portcullis_store::pins::{self, NewPin, Pin};
use portcullis_store::sidecars::{self, Kept, Sidecar, SidecarOrigin};
use portcullis_store::{alerts, references};

use crate::support::{at, databases, name};

fn new(filename: &str, content: &str) -> NewPin {
    NewPin {
        filename: filename.to_owned(),
        sha256: Sha256::of(content.as_bytes()),
        size: content.len() as u64,
    }
}

#[tokio::test]
async fn the_first_digest_stays_and_another_one_is_an_alert() {
    for test in databases().await {
        let (db, flask) = (&test.db, name("flask"));
        let first = new("flask-1.0.tar.gz", "one");
        assert_eq!(
            pins::pin(db, "up", &flask, &first, at(1)).await.unwrap(),
            Pin::First
        );
        assert_eq!(
            pins::pin(db, "up", &flask, &first, at(2)).await.unwrap(),
            Pin::Same
        );
        let other = new("flask-1.0.tar.gz", "two");
        for _ in 0..2 {
            let answer = pins::pin(db, "up", &flask, &other, at(3)).await.unwrap();
            assert_eq!(
                answer,
                Pin::Differs {
                    first: first.sha256
                }
            );
        }
        let elsewhere = pins::pin(db, "folder", &flask, &other, at(3))
            .await
            .unwrap();
        assert_eq!(elsewhere, Pin::First);

        let alerts = alerts::list(db, 10).await.unwrap();
        assert_eq!((alerts.len(), alerts[0].times), (1, 2));
        assert_eq!(alerts[0].kind, pins::CHANGED_HASH);
        assert_eq!(alerts[0].subject, "up/flask/flask-1.0.tar.gz");
        for digest in [first.sha256, other.sha256] {
            assert!(alerts[0].detail.contains(&digest.to_hex()));
        }
        assert_eq!(test.kinds().await, ["pin", "alert", "pin"]);
        assert_eq!(references::count(db, &first.sha256).await.unwrap(), 1);
        test.end().await;
    }
}

#[tokio::test]
async fn many_are_pinned_together_with_one_entry() {
    for test in databases().await {
        let (db, flask) = (&test.db, name("flask"));
        pins::pin(db, "up", &flask, &new("a", "one"), at(1))
            .await
            .unwrap();
        let many = [
            new("b", "x"),
            new("a", "one"),
            new("a", "two"),
            new("b", "x"),
        ];
        let answers = pins::pin_many(db, "up", &flask, &many, at(2))
            .await
            .unwrap();
        let differs = Pin::Differs {
            first: Sha256::of(b"one"),
        };
        assert_eq!(answers, [Pin::First, Pin::Same, differs, Pin::Same]);
        let pinned = pins::pins(db, "up", &flask).await.unwrap();
        let summary: Vec<_> = pinned
            .iter()
            .map(|pin| (pin.filename.as_str(), pin.size, pin.at))
            .collect();
        assert_eq!(summary, [("a", 3, at(1)), ("b", 1, at(2))]);
        assert_eq!(
            pins::find(db, "up", &flask, "b").await.unwrap().unwrap(),
            pinned[1]
        );
        assert!(
            pins::pins(db, "up", &name("other"))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(test.kinds().await, ["pin", "alert", "pin"]);
        assert!(
            pins::pin_many(db, "up", &flask, &[], at(2))
                .await
                .unwrap()
                .is_empty()
        );
        test.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_pins_one_is_first() {
    for test in databases().await {
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (db, pin) = (test.db.clone(), new("a", &number.to_string()));
                tokio::spawn(async move { pins::pin(&db, "up", &name("flask"), &pin, at(1)).await })
            })
            .collect();
        let mut first = 0;
        for task in tasks {
            first += usize::from(task.await.unwrap().unwrap() == Pin::First);
        }
        assert_eq!(first, 1);
        test.end().await;
    }
}

#[tokio::test]
async fn metadata_from_the_wheel_outranks_what_was_claimed() {
    use SidecarOrigin::{Claimed, Extracted};
    for test in databases().await {
        let db = &test.db;
        let keep = async |content: &str, origin| {
            let sha256 = Sha256::of(content.as_bytes());
            let sidecar = Sidecar {
                filename: "a.whl".to_owned(),
                sha256,
                origin,
            };
            sidecars::keep(db, "up", &name("a"), &sidecar, at(1))
                .await
                .unwrap()
        };
        let (lie, truth) = (Sha256::of(b"lie"), Sha256::of(b"truth"));
        assert_eq!(keep("lie", Claimed).await, Kept::First);
        assert_eq!(keep("lie", Claimed).await, Kept::Same);
        assert_eq!(keep("truth", Claimed).await, Kept::Differs { first: lie });
        assert_eq!(
            keep("truth", Extracted).await,
            Kept::Corrected { claimed: lie }
        );
        assert_eq!(keep("lie", Claimed).await, Kept::Differs { first: truth });
        assert_eq!(keep("lie", Extracted).await, Kept::Differs { first: truth });
        assert_eq!(keep("truth", Extracted).await, Kept::Same);
        let kept = sidecars::list(db, "up", &name("a")).await.unwrap();
        assert_eq!((kept[0].sha256, kept[0].origin), (truth, Extracted));
        assert!(
            sidecars::find(db, "up", &name("a"), "b.whl")
                .await
                .unwrap()
                .is_none()
        );
        test.end().await;
    }
}
