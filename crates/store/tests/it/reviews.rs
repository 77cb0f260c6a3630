//! Many ask, one record is made; a reviewer decides, or two do; decisions end, are taken back, and are in
//! the ledger.

use portcullis_core::policy::Effect;
use portcullis_core::time::Timestamp;
use portcullis_store::Db;
use portcullis_store::events;
use portcullis_store::generations::{self, Counter};
use portcullis_store::reviews::{
    self, Approval, Approved, Ask, Asked, Asker, Filter, Judgement, KeptFinding, Newness, Settled,
    State, Terms, Waived,
};

use crate::support::{at, databases, name};

fn finding(rule: &str, about: &[&str]) -> KeptFinding {
    KeptFinding {
        rule: rule.to_owned(),
        effect: Effect::Hold,
        standing: "enforced".to_owned(),
        message: "found".to_owned(),
        evidence: vec![("days".to_owned(), "1".to_owned())],
        remedy: "wait".to_owned(),
        policy_line: "policy.toml:1".to_owned(),
        about: about.iter().map(|about| (*about).to_owned()).collect(),
        versions: vec!["1.0".to_owned()],
        until: Some(at(99)),
        is_law: false,
    }
}

fn judgement(findings: Vec<KeptFinding>) -> Judgement {
    Judgement {
        effect: Effect::Hold,
        risk: 220,
        findings,
    }
}

async fn ask(db: &Db, who: &str, specifiers: &str, now: Timestamp) -> Asked {
    let (project, judgement) = (name("Flask"), judgement(vec![finding("too-young", &[])]));
    let ask = Ask {
        index: "main",
        project: &project,
        specifiers,
        judgement: &judgement,
    };
    let asker = Asker {
        who: who.to_owned(),
        client: Some("pip/26".to_owned()),
        address: None,
        reason: "a \0 reason".to_owned(),
        wanted_by: Some("web > flask".to_owned()),
    };
    reviews::ask(db, &ask, &asker, now).await.unwrap()
}

fn terms(who: &str) -> Terms {
    Terms {
        specifiers: None,
        expires: None,
        reason: "looked at it".to_owned(),
        who: who.to_owned(),
        seen: None,
    }
}

async fn approve(db: &Db, review: i64, terms: Terms, needed: u32) -> Approved {
    let approval = Approval { terms, needed };
    reviews::approve(db, review, &approval, at(10))
        .await
        .unwrap()
}

async fn state(db: &Db, review: i64) -> State {
    reviews::find(db, review).await.unwrap().unwrap().state
}

fn is_settled(approved: &Approved) -> bool {
    matches!(approved, Approved::Settled(Settled::Now(_)))
}

#[tokio::test]
async fn many_ask_and_one_record_is_made() {
    for test in databases().await {
        let db = &test.db;
        let first = ask(db, "ann", "==3.1.3", at(1)).await;
        assert_eq!(first.newness, Newness::New);
        let again = ask(db, "ann", "==3.1.3", at(2)).await;
        let second = ask(db, "bob", "==3.1.3", at(3)).await;
        assert_eq!(
            (again.review, again.newness),
            (first.review, Newness::Again)
        );
        assert_eq!(
            (second.review, second.newness),
            (first.review, Newness::Joined)
        );
        let other = ask(db, "bob", "", at(4)).await;
        assert_ne!(other.review, first.review);
        let review = reviews::find(db, first.review).await.unwrap().unwrap();
        assert_eq!(
            (review.waiting, review.requirement()),
            (2, "flask==3.1.3".to_owned())
        );
        assert_eq!(review.findings, [finding("too-young", &[])]);
        let askers = reviews::askers(db, first.review).await.unwrap();
        let who: Vec<_> = askers
            .iter()
            .map(|asked| (asked.who.as_str(), asked.at))
            .collect();
        assert_eq!(who, [("ann", at(2)), ("bob", at(3))]);
        assert_eq!(askers[0].reason, "a \u{fffd} reason");
        assert_eq!(reviews::open_asked_by(db, "bob").await.unwrap(), 2);
        let kinds = events::latest(db, &events::Filter::latest(9))
            .await
            .unwrap();
        let kinds: Vec<_> = kinds.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["review.requested"; 2], "told once for each record");
        assert_eq!(test.kinds().await, ["review"; 3]);
        test.end().await;
    }
}

#[tokio::test]
async fn an_approval_lifts_what_was_found_and_nothing_else() {
    for test in databases().await {
        let db = &test.db;
        let review = ask(db, "ann", "==3.1.3", at(1)).await.review;
        let before = reviews::find(db, review).await.unwrap().unwrap();
        let mut law = finding("changed-hash", &[]);
        law.is_law = true;
        let mut warned = finding("yanked", &[]);
        warned.effect = Effect::Warn;
        let found = vec![finding("known-vulnerability", &["A-1"]), law, warned];
        reviews::keep_judgement(db, &before, &judgement(found), at(5))
            .await
            .unwrap();
        let stale = Terms {
            seen: Some(before.fingerprint()),
            ..terms("rita")
        };
        let changed = approve(db, review, stale, 1).await;
        assert_eq!(changed, Approved::Settled(Settled::Changed));
        let until = Terms {
            specifiers: Some("<4,>=3".to_owned()),
            expires: Some(at(50)),
            ..terms("rita")
        };
        assert!(is_settled(&approve(db, review, until, 1).await));
        let decided = reviews::find(db, review).await.unwrap().unwrap();
        let waived = Waived {
            rule: "known-vulnerability".to_owned(),
            about: vec!["A-1".to_owned()],
        };
        assert_eq!(decided.waives, [waived]);
        assert_eq!(decided.decided_specifiers.as_deref(), Some("<4,>=3"));
        assert!(decided.is_in_force(at(49)) && !decided.is_in_force(at(50)));
        let again = approve(db, review, terms("rita"), 1).await;
        assert_eq!(again, Approved::Settled(Settled::NotOpen(State::Approved)));
        let absent = approve(db, review + 9, terms("rita"), 1).await;
        assert_eq!(absent, Approved::Settled(Settled::Absent));
        assert_eq!(test.kinds().await, ["review", "review", "review", "waiver"]);
        assert_eq!(generations::all(db).await.unwrap()[&Counter::Reviews], 1);
        test.end().await;
    }
}

#[tokio::test]
async fn decisions_end_by_themselves_and_can_be_asked_for_again() {
    for test in databases().await {
        let db = &test.db;
        let review = ask(db, "ann", "==3.1.3", at(1)).await.review;
        let until = Terms {
            expires: Some(at(50)),
            ..terms("rita")
        };
        assert!(is_settled(&approve(db, review, until, 1).await));
        assert_eq!(reviews::in_force(db, at(49)).await.unwrap().len(), 1);
        assert!(reviews::in_force(db, at(50)).await.unwrap().is_empty());
        assert_eq!(reviews::expire_due(db, at(49)).await.unwrap(), 0);
        assert_eq!(reviews::expire_due(db, at(50)).await.unwrap(), 1);
        assert_eq!(reviews::expire_due(db, at(51)).await.unwrap(), 0);
        assert_eq!(state(db, review).await, State::Expired);
        let second = ask(db, "ann", "==3.1.3", at(60)).await;
        assert_eq!(second.newness, Newness::New);
        let denied = reviews::deny(db, second.review, &terms("rita"), at(61))
            .await
            .unwrap();
        assert!(matches!(denied, Settled::Now(_)));
        assert_eq!(reviews::in_force(db, at(62)).await.unwrap().len(), 1);
        let back = reviews::withdraw(db, second.review, ("rita", "a mistake"), at(63)).await;
        assert!(matches!(back.unwrap(), Settled::Now(_)));
        assert!(reviews::in_force(db, at(64)).await.unwrap().is_empty());
        let over = reviews::withdraw(db, second.review, ("rita", "again"), at(65)).await;
        assert_eq!(over.unwrap(), Settled::NotOpen(State::Withdrawn));
        let listed = reviews::list(db, &Filter::default()).await.unwrap();
        let states: Vec<_> = listed.iter().map(|review| review.state).collect();
        assert_eq!(
            states,
            [State::Withdrawn, State::Expired],
            "the latest first"
        );
        test.end().await;
    }
}

#[tokio::test]
async fn four_eyes_are_two_people_who_did_not_ask_and_say_the_same_of_the_same() {
    for test in databases().await {
        let db = &test.db;
        let review = ask(db, "ann", "==3.1.3", at(1)).await.review;
        assert_eq!(
            approve(db, review, terms("ann"), 2).await,
            Approved::OwnRequest
        );
        let waits = Approved::Waits {
            given: 1,
            needed: 2,
        };
        assert_eq!(approve(db, review, terms("rita"), 2).await, waits);
        assert_eq!(
            approve(db, review, terms("rita"), 2).await,
            waits,
            "twice is once"
        );
        let wider = Terms {
            specifiers: Some(String::new()),
            ..terms("sam")
        };
        let disagrees = approve(db, review, wider, 2).await;
        assert!(matches!(disagrees, Approved::Disagrees { who, .. } if who == "rita"));
        let before = reviews::find(db, review).await.unwrap().unwrap();
        let more = vec![finding("too-young", &[]), finding("malicious", &["MAL-1"])];
        reviews::keep_judgement(db, &before, &judgement(more), at(5))
            .await
            .unwrap();
        assert_eq!(
            approve(db, review, terms("sam"), 2).await,
            waits,
            "rita saw something else"
        );
        let until = Terms {
            expires: Some(at(50)),
            ..terms("rita")
        };
        assert!(is_settled(&approve(db, review, until, 2).await));
        let decided = reviews::find(db, review).await.unwrap().unwrap();
        assert_eq!(decided.decided_by.as_deref(), Some("sam and rita"));
        assert_eq!(decided.expires_at, Some(at(50)), "the earlier end counts");
        test.end().await;
    }
}

#[tokio::test]
async fn what_is_found_later_outdates_an_approval_and_nothing_found_closes_a_request() {
    for test in databases().await {
        let db = &test.db;
        let review = ask(db, "ann", "==3.1.3", at(1)).await.review;
        assert!(is_settled(&approve(db, review, terms("rita"), 1).await));
        let kept = async || reviews::find(db, review).await.unwrap().unwrap();
        let found = judgement(vec![finding("malicious", &["MAL-1"])]);
        reviews::keep_judgement(db, &kept().await, &found, at(20))
            .await
            .unwrap();
        reviews::keep_judgement(db, &kept().await, &found, at(30))
            .await
            .unwrap();
        assert_eq!(kept().await.outdated_at, Some(at(20)));
        assert_eq!(
            kept().await.waives[0].rule,
            "too-young",
            "what was approved stays"
        );
        let nothing = judgement(Vec::new());
        reviews::keep_judgement(db, &kept().await, &nothing, at(40))
            .await
            .unwrap();
        assert_eq!(kept().await.outdated_at, None);
        let open = ask(db, "ann", "==3.2", at(50)).await.review;
        let open = reviews::find(db, open).await.unwrap().unwrap();
        let closed = reviews::resolve(db, &open, "old enough now", at(51))
            .await
            .unwrap();
        assert_eq!(closed.map(|review| review.state), Some(State::Resolved));
        let twice = reviews::resolve(db, &open, "old enough now", at(52))
            .await
            .unwrap();
        assert_eq!(twice, None);
        test.end().await;
    }
}
