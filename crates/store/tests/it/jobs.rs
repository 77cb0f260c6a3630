//! Jobs are held by one at a time, are due when the database says so, and survive their holder.

use portcullis_core::time::Timestamp;
use portcullis_store::Db;
use portcullis_store::jobs::{self, Claim, Ended, JobState, When};

use crate::support::{at, databases};

const LEASE: i64 = 60;
const EVERY: i64 = 1000;

async fn claim(db: &Db, holder: &str, when: When, now: Timestamp) -> bool {
    let claim = Claim {
        name: "feeds",
        holder,
        lease: LEASE,
        when,
    };
    jobs::claim(db, claim, now).await.unwrap()
}

async fn claim_due(db: &Db, holder: &str, now: i64) -> bool {
    claim(db, holder, When::Due { every: EVERY }, at(now)).await
}

async fn finish(db: &Db, holder: &str, outcome: Result<&str, &str>, now: i64, next: i64) -> bool {
    let ended = Ended {
        outcome: outcome.map(str::to_owned).map_err(str::to_owned),
        next_at: at(next),
    };
    jobs::finish(db, ("feeds", holder), &ended, at(now))
        .await
        .unwrap()
}

async fn state(db: &Db) -> JobState {
    let mut all = jobs::all(db).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_job_one_gets_it() {
    for test in databases().await {
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let db = test.db.clone();
                tokio::spawn(async move { claim_due(&db, &format!("h{number}"), 10).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap());
        }
        assert_eq!(won, 1);
        test.end().await;
    }
}

#[tokio::test]
async fn a_dead_holders_lease_runs_out_and_its_late_end_counts_for_nothing() {
    for test in databases().await {
        assert!(claim_due(&test.db, "dead", 10).await);
        assert!(!claim_due(&test.db, "next", 10 + LEASE - 1).await);
        assert!(
            jobs::renew(&test.db, ("feeds", "dead"), LEASE, at(50))
                .await
                .unwrap()
        );
        assert!(!claim_due(&test.db, "next", 10 + LEASE).await);
        assert!(claim_due(&test.db, "next", 50 + LEASE).await);
        assert!(
            !jobs::renew(&test.db, ("feeds", "dead"), LEASE, at(111))
                .await
                .unwrap()
        );
        assert!(!finish(&test.db, "dead", Ok("late"), 112, 0).await);
        assert!(finish(&test.db, "next", Ok("done"), 113, 2000).await);
        let state = state(&test.db).await;
        assert_eq!(
            (state.runs, state.last_result.as_deref()),
            (1, Some("done"))
        );
        assert!(!state.is_held(at(113)));
        test.end().await;
    }
}

#[tokio::test]
async fn a_job_is_due_again_when_the_database_says_so_or_its_period_was_made_shorter() {
    for test in databases().await {
        assert!(claim_due(&test.db, "a", 10).await);
        assert!(finish(&test.db, "a", Ok("done"), 20, 900).await);
        assert!(!claim_due(&test.db, "a", 899).await);
        assert!(!state(&test.db).await.is_due(EVERY, at(899)));
        assert!(state(&test.db).await.is_due(100, at(120)));
        assert!(claim(&test.db, "a", When::Due { every: 100 }, at(120)).await);
        assert!(finish(&test.db, "a", Ok("done"), 130, 1100).await);
        assert!(claim(&test.db, "person", When::Now, at(131)).await);
        assert!(!claim(&test.db, "other", When::Now, at(132)).await);
        jobs::release(&test.db, ("feeds", "person")).await.unwrap();
        assert!(claim_due(&test.db, "b", 1100).await);
        test.end().await;
    }
}

#[tokio::test]
async fn failures_are_counted_and_shown_until_it_goes_well_again() {
    for test in databases().await {
        for number in 1..=3 {
            let now = number * 100;
            assert!(claim_due(&test.db, "a", now).await);
            assert!(finish(&test.db, "a", Err("no\0 answer"), now + 1, now + 50).await);
            let state = state(&test.db).await;
            assert_eq!((state.failures, state.last_ok_at), (number, None));
            assert_eq!(state.last_error.as_deref(), Some("no\u{fffd} answer"));
        }
        assert!(claim_due(&test.db, "a", 400).await);
        assert!(finish(&test.db, "a", Ok("3 new"), 401, 500).await);
        let state = state(&test.db).await;
        assert_eq!((state.failures, state.runs, state.last_error), (0, 4, None));
        assert_eq!(state.last_ok_at, Some(at(401)));
        test.end().await;
    }
}
