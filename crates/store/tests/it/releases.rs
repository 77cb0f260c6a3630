//! What releases say of themselves is learned once, and what others measure runs out.

use portcullis_core::digest::Sha256;
use portcullis_core::licence::{SourceKind, Statement};
use portcullis_core::release_metadata::ReleaseObservation;
use portcullis_core::signals::SignalKind;
use portcullis_store::Db;
use portcullis_store::generations::{self, Counter};
use portcullis_store::pins::{self, NewPin};
use portcullis_store::releases::{self, Basis, Learned, NewRelease};
use portcullis_store::signals::{self, Measured, NewSignal, Wanted};

use crate::support::{at, databases, name};

fn observed(licence: &str) -> ReleaseObservation {
    ReleaseObservation {
        licence: vec![Statement {
            kind: SourceKind::FreeText,
            text: licence.into(),
            ids: Vec::new(),
        }],
        ..ReleaseObservation::default()
    }
}

async fn learn(db: &Db, project: &str, licence: &str, basis: Basis) -> Learned {
    let release = NewRelease {
        source: "up",
        project: &name(project),
        version: &"1.0".parse().unwrap(),
        observed: &observed(licence),
        metadata_sha256: Sha256::of(licence.as_bytes()),
        basis,
    };
    releases::learn(db, &release, at(10)).await.unwrap()
}

async fn generation(db: &Db) -> i64 {
    generations::all(db).await.unwrap()[&Counter::Releases]
}

#[tokio::test]
async fn the_first_reading_stays_unless_the_file_itself_says_otherwise() {
    for test in databases().await {
        let db = &test.db;
        let before = generation(db).await;
        assert_eq!(
            learn(db, "flask", "MIT", Basis::Claimed).await,
            Learned::New
        );
        assert_eq!(
            learn(db, "flask", "GPL", Basis::Claimed).await,
            Learned::Known
        );
        assert_eq!(generation(db).await, before + 1);
        assert_eq!(
            learn(db, "flask", "GPL", Basis::Extracted).await,
            Learned::New
        );
        assert_eq!(
            learn(db, "flask", "MIT", Basis::Extracted).await,
            Learned::Known
        );
        assert_eq!(
            learn(db, "flask", "MIT", Basis::Claimed).await,
            Learned::Known
        );
        let known = releases::of_project(db, "up", &name("flask"))
            .await
            .unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].observed, observed("GPL"));
        assert_eq!(known[0].metadata_sha256, Sha256::of(b"GPL"));
        let elsewhere = releases::of_project(db, "other", &name("flask"))
            .await
            .unwrap();
        assert!(elsewhere.is_empty());
        test.end().await;
    }
}

#[tokio::test]
async fn replicas_learn_which_projects_changed() {
    for test in databases().await {
        let db = &test.db;
        learn(db, "flask", "MIT", Basis::Claimed).await;
        let seen = generation(db).await;
        learn(db, "django", "BSD", Basis::Claimed).await;
        let rated = [signal("rich", SignalKind::Stars, 5.0)];
        signals::keep(db, &[], &rated, measured("file", 1, 9))
            .await
            .unwrap();
        let changed = releases::changed_since(db, seen).await.unwrap();
        let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
        assert_eq!(changed, ["django", "rich"]);
        let now = generation(db).await;
        assert!(releases::changed_since(db, now).await.unwrap().is_empty());
        test.end().await;
    }
}

#[tokio::test]
async fn a_nul_in_a_licence_can_be_kept() {
    for test in databases().await {
        assert_eq!(
            learn(&test.db, "x", "M\0IT", Basis::Claimed).await,
            Learned::New
        );
        let known = releases::of_project(&test.db, "up", &name("x"))
            .await
            .unwrap();
        assert_eq!(&*known[0].observed.licence[0].text, "M\u{fffd}IT");
        test.end().await;
    }
}

fn signal(project: &str, kind: SignalKind, value: f64) -> NewSignal {
    NewSignal {
        project: name(project),
        kind,
        value,
    }
}

fn measured(provider: &str, asked: i64, expires: i64) -> Measured<'_> {
    Measured {
        provider,
        at: at(asked),
        expires: at(expires),
    }
}

#[tokio::test]
async fn signals_count_until_they_run_out_and_the_newest_wins() {
    for test in databases().await {
        let db = &test.db;
        let first = [
            signal("flask", SignalKind::Scorecard, 7.25),
            signal("flask", SignalKind::Stars, 60_000.0),
            signal("flask", SignalKind::Maintained, f64::NAN),
        ];
        signals::keep(db, &[name("flask")], &first, measured("a", 10, 100))
            .await
            .unwrap();
        let second = [signal("flask", SignalKind::Scorecard, 3.5)];
        signals::keep(db, &[], &second, measured("b", 20, 50))
            .await
            .unwrap();

        let (counting, until) = signals::of_project(db, &name("flask"), at(30))
            .await
            .unwrap();
        let values: Vec<_> = counting
            .iter()
            .map(|(kind, signal)| (kind, signal.value))
            .collect();
        assert_eq!(
            values,
            [(SignalKind::Scorecard, 3.5), (SignalKind::Stars, 60_000.0)]
        );
        assert_eq!(until, Some(at(50)));
        let (later, until) = signals::of_project(db, &name("flask"), at(60))
            .await
            .unwrap();
        assert_eq!(later.get(SignalKind::Scorecard).unwrap().value, 7.25);
        assert_eq!(until, Some(at(100)));
        let (none, until) = signals::of_project(db, &name("flask"), at(100))
            .await
            .unwrap();
        assert!(none.is_empty() && until.is_none());
        assert_eq!(signals::list(db, None, 10).await.unwrap().len(), 3);
        assert_eq!(
            signals::list(db, Some(&name("rich")), 10)
                .await
                .unwrap()
                .len(),
            0
        );
        test.end().await;
    }
}

#[tokio::test]
async fn projects_in_use_are_asked_for_in_turn() {
    for test in databases().await {
        let db = &test.db;
        for project in ["flask", "rich"] {
            for file in ["1.0", "2.0"] {
                let pin = NewPin {
                    filename: format!("{project}-{file}.tar.gz"),
                    sha256: Sha256::of(file.as_bytes()),
                    size: 1,
                };
                pins::pin(db, "up", &name(project), &pin, at(1))
                    .await
                    .unwrap();
            }
        }
        let due = |asked_before| {
            let wanted = Wanted {
                provider: "a",
                source: "up",
                asked_before: at(asked_before),
                limit: 10,
            };
            async move {
                let due = signals::due(db, wanted).await.unwrap();
                due.iter().map(ToString::to_string).collect::<Vec<_>>()
            }
        };
        assert_eq!(due(50).await, ["flask", "rich"]);
        signals::keep(db, &[name("flask")], &[], measured("a", 40, 90))
            .await
            .unwrap();
        assert_eq!(due(40).await, ["rich"]);
        assert_eq!(due(50).await, ["rich", "flask"]);
        test.end().await;
    }
}

#[tokio::test]
async fn an_import_stands_in_the_ledger() {
    for test in databases().await {
        let rated = [signal("flask", SignalKind::Scorecard, 7.0)];
        let imported = signals::import(&test.db, &rated, measured("file", 1, 9), "ann").await;
        assert_eq!(imported.unwrap(), 1);
        assert_eq!(test.kinds().await, ["feed"]);
        test.end().await;
    }
}
