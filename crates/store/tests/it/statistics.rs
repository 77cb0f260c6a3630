//! Counts add up, an install counts once however many doors it knocks at, and old days are forgotten.

use portcullis_store::Db;
use portcullis_store::statistics::{self, By, Counted, Door, Outcome, Question, Total};

use crate::support::databases;

fn counted(project: &str, outcome: Outcome, door: Door, times: u64) -> Counted {
    Counted {
        day: 100,
        index: "main".to_owned(),
        project: project.to_owned(),
        outcome,
        rule: match outcome {
            Outcome::Held => "too-young".to_owned(),
            Outcome::Denied => "stdlib-name".to_owned(),
            _ => String::new(),
        },
        door,
        installer: "pip".to_owned(),
        token: "ci".to_owned(),
        times,
    }
}

async fn add(db: &Db, counts: &[Counted]) {
    let mut counts = counts.to_vec();
    statistics::add(db, &mut counts).await.unwrap();
    assert!(counts.is_empty());
}

async fn totals(db: &Db, by: By) -> Vec<Total> {
    let question = Question {
        by,
        from: 0,
        to: 1000,
        index: None,
    };
    statistics::totals(db, &question).await.unwrap()
}

#[tokio::test]
async fn counts_are_added_to_what_is_there_and_told_apart_by_anything() {
    for test in databases().await {
        for _ in 0..3 {
            add(
                &test.db,
                &[
                    counted("os", Outcome::Denied, Door::Page, 2000),
                    counted("flask", Outcome::Allowed, Door::File, 5),
                    counted("new", Outcome::Held, Door::File, 1),
                    Counted {
                        day: 101,
                        token: String::new(),
                        ..counted("os", Outcome::Denied, Door::Page, 500)
                    },
                ],
            )
            .await;
        }
        for (by, expected) in [
            (
                By::Rule,
                vec![
                    ("", 0, 15),
                    ("stdlib-name", 7500, 7500),
                    ("too-young", 3, 3),
                ],
            ),
            (
                By::Name,
                vec![("flask", 0, 15), ("new", 3, 3), ("os", 7500, 7500)],
            ),
            (By::Day, vec![("100", 6003, 6018), ("101", 1500, 1500)]),
            (By::Token, vec![("", 1500, 1500), ("ci", 6003, 6018)]),
            (By::Client, vec![("pip", 7503, 7518)]),
            (By::Index, vec![("main", 7503, 7518)]),
        ] {
            let totals = totals(&test.db, by).await;
            let found: Vec<_> = totals
                .iter()
                .map(|total| (total.key.as_str(), total.refused(), total.asked()))
                .collect();
            assert_eq!(found, expected, "{by}");
        }
        test.end().await;
    }
}

#[tokio::test]
async fn an_install_that_knocks_at_several_doors_counts_once() {
    for test in databases().await {
        add(
            &test.db,
            &[
                counted("os", Outcome::Denied, Door::Page, 10),
                counted("os", Outcome::Denied, Door::File, 10),
                counted("os", Outcome::Denied, Door::Metadata, 4),
                counted("re", Outcome::Denied, Door::File, 3),
                counted("io", Outcome::Denied, Door::Metadata, 2),
                counted("io", Outcome::Denied, Door::File, 1),
            ],
        )
        .await;
        assert_eq!(totals(&test.db, By::Rule).await[0].denied, 15);
        test.end().await;
    }
}

#[tokio::test]
async fn thousands_of_counts_and_hostile_texts_are_kept() {
    for test in databases().await {
        let mut counts: Vec<Counted> = (0..1200)
            .map(|number| counted(&format!("p{number}"), Outcome::Absent, Door::Page, 1))
            .collect();
        counts[0].installer = format!("\0{}", "x".repeat(5000));
        add(&test.db, &counts).await;
        assert_eq!(totals(&test.db, By::Name).await.len(), 1200);
        assert_eq!(totals(&test.db, By::Index).await[0].absent, 1200);
        test.end().await;
    }
}

#[tokio::test]
async fn days_and_indexes_bound_the_question_and_old_days_are_forgotten() {
    for test in databases().await {
        let other = Counted {
            index: "strict".to_owned(),
            day: 99,
            ..counted("os", Outcome::Denied, Door::Page, 7)
        };
        add(
            &test.db,
            &[other, counted("os", Outcome::Denied, Door::Page, 1)],
        )
        .await;
        let question = |from, to, index: Option<&str>| Question {
            by: By::Rule,
            from,
            to,
            index: index.map(str::to_owned),
        };
        for (asked, expected) in [
            (question(0, 1000, None), 8),
            (question(100, 101, None), 1),
            (question(0, 100, None), 7),
            (question(0, 1000, Some("strict")), 7),
        ] {
            let totals = statistics::totals(&test.db, &asked).await.unwrap();
            assert_eq!(totals[0].denied, expected, "{asked:?}");
        }
        assert_eq!(statistics::prune(&test.db, 100).await.unwrap(), 1);
        assert_eq!(totals(&test.db, By::Rule).await[0].denied, 1);
        test.end().await;
    }
}
