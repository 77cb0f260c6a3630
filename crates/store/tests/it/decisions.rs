//! A decision is recorded when it is new or changed, and never twice.

use portcullis_core::digest::Sha256;
use portcullis_core::policy::Effect;
use portcullis_store::StoreError;
use portcullis_store::decisions::{self, NewDecision, Recorded};

use crate::support::{at, databases, name};

fn decision(id: &str, filename: &str, effect: Effect, rule: &str) -> NewDecision {
    NewDecision {
        id: id.to_owned(),
        index: "main".to_owned(),
        project: name("flask"),
        filename: filename.to_owned(),
        version: Some("1.0".to_owned()),
        sha256: None,
        effect,
        rule: rule.to_owned(),
        policy: Sha256::of(b"policy"),
        policy_line: "policy.toml:4".to_owned(),
        evidence: r#"{"published":"yesterday"}"#.to_owned(),
    }
}

#[tokio::test]
async fn the_same_decision_is_recorded_once() {
    for test in databases().await {
        let db = &test.db;
        let hold = decision("h1", "a", Effect::Hold, "cooldown");
        assert_eq!(
            decisions::record(db, &hold, at(1)).await.unwrap(),
            Recorded::New
        );
        let again = decision("other id", "a", Effect::Hold, "cooldown");
        let unchanged = decisions::record(db, &again, at(2)).await.unwrap();
        assert_eq!(
            unchanged,
            Recorded::Unchanged {
                id: "h1".to_owned()
            }
        );
        let kept = decisions::get(db, "h1").await.unwrap().unwrap();
        assert_eq!(
            (kept.effect, kept.at, kept.superseded_at),
            (Effect::Hold, at(1), None)
        );
        assert_eq!(kept.policy_line, "policy.toml:4");
        assert!(decisions::get(db, "other id").await.unwrap().is_none());
        assert_eq!(test.kinds().await, ["decision"]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_changed_decision_takes_the_place_of_the_one_before_and_may_come_back() {
    for test in databases().await {
        let db = &test.db;
        let record =
            async |new: &NewDecision, now| decisions::record(db, new, at(now)).await.unwrap();
        let (hold, allow) = (
            decision("h1", "a", Effect::Hold, "cooldown"),
            decision("a1", "a", Effect::Allow, ""),
        );
        assert_eq!(record(&hold, 1).await, Recorded::New);
        assert_eq!(record(&allow, 2).await, Recorded::New);
        assert_eq!(
            decisions::get(db, "h1")
                .await
                .unwrap()
                .unwrap()
                .superseded_at,
            Some(at(2))
        );
        assert_eq!(record(&hold, 3).await, Recorded::New);
        let latest = decisions::latest(db, "main", &name("flask")).await.unwrap();
        assert_eq!(
            (latest.len(), latest[0].id.as_str(), latest[0].at),
            (1, "h1", at(3))
        );
        let other_policy = NewDecision {
            policy: Sha256::of(b"x"),
            id: "h2".to_owned(),
            ..hold
        };
        assert_eq!(record(&other_policy, 4).await, Recorded::New);
        assert_eq!(test.kinds().await, ["decision"; 4]);
        assert_eq!(decisions::recent(db, at(2), 1).await.unwrap()[0].id, "h2");
        test.end().await;
    }
}

#[tokio::test]
async fn many_are_recorded_together_or_not_at_all() {
    for test in databases().await {
        let db = &test.db;
        let many = [
            decision("1", "", Effect::Deny, "similar-name"),
            decision("2", "a", Effect::Allow, ""),
            decision("3", "a", Effect::Allow, ""),
        ];
        let answers = decisions::record_many(db, &many, at(1)).await.unwrap();
        let again = Recorded::Unchanged { id: "2".to_owned() };
        assert_eq!(answers, [Recorded::New, Recorded::New, again]);

        let taken = [
            decision("4", "b", Effect::Deny, "x"),
            decision("2", "c", Effect::Deny, "x"),
        ];
        let error = decisions::record_many(db, &taken, at(2)).await.unwrap_err();
        assert!(matches!(error, StoreError::DecisionIdTaken(id) if id == "2"));
        assert!(decisions::get(db, "4").await.unwrap().is_none());
        assert_eq!(test.kinds().await, ["decision"; 2]);
        test.end().await;
    }
}
