//! A quarantine takes releases from everybody: on pages, in files, out of transfers, for hosted and
//! upstream files alike; and gives them back.

use std::time::Duration;

use portcullis_core::gate::HELD_BACK;
use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use portcullis_server::flow::quarantine::{self, Order, Tell};
use portcullis_store::quarantines::{self, NewQuarantine};
use serde_json::{Value, json};

use crate::client::{Answer, Ask};
use crate::test_app::{Setup, TestApp, eventually, name, old};
use crate::upload_form::{Form, publish};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";

fn order(requirement: &str) -> Order {
    Order {
        requirement: requirement.parse().unwrap(),
        sha256: None,
        reason: "takes credentials".to_owned(),
        who: "ann".to_owned(),
        tell: Tell::Nobody,
    }
}

async fn begin(app: &TestApp, token: &str, body: &Value) -> Answer {
    let ask = app.post("/api/v1/quarantines").basic("__token__", token);
    ask.body(body.to_string().into_bytes()).await
}

async fn release(app: &TestApp, token: &str, id: i64) -> Answer {
    let target = format!("/api/v1/quarantines/{id}?reason=a+false+alarm");
    Ask::new(app.address, "DELETE", &target)
        .basic("__token__", token)
        .await
}

fn assert_quarantined(answer: &Answer) {
    assert_eq!(answer.status, 403, "{}", answer.shown());
    assert_eq!(answer.json()["rule"], "quarantined");
    assert!(
        answer.reason.contains("takes credentials"),
        "{}",
        answer.reason
    );
}

#[tokio::test]
async fn cached_and_published_files_are_taken_and_given_back() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("foo", "2.0")));
    let app = TestApp::over(&upstream).await;
    let (upload, review) = (
        app.token("ci", "upload").await,
        app.token("sec", "review").await,
    );
    publish(&app, &upload, &wheel("ours", "1.0")).await;
    assert_eq!(app.file("foo", FILENAME).await.status, 200);

    for (requirement, filename) in [
        ("foo==1.0", FILENAME),
        ("ours", "ours-1.0-py3-none-any.whl"),
    ] {
        let project = requirement.split("==").next().unwrap();
        let before = app.page(project).await.filenames();
        let order = json!({"requirement": requirement, "reason": "takes credentials"});
        let begun = begin(&app, &review, &order).await;
        assert_eq!(begun.status, 201, "{}", begun.shown());
        let id = begun.json()["quarantine"]["id"].as_i64().unwrap();
        assert_quarantined(&app.file(project, filename).await);
        let metadata = format!("/files/{project}/{filename}.metadata");
        assert_quarantined(&app.get(&metadata).await);
        // Beside others it is yanked with the reason; alone it is listed and refused with it.
        let page = app.page(project).await.json();
        let mut files = page["files"].as_array().unwrap().iter();
        let listed = files.find(|file| file["filename"] == filename).unwrap();
        let yanked = listed["yanked"].as_str().unwrap_or_default();
        assert_eq!(
            yanked.contains("takes credentials"),
            project == "foo",
            "{listed}"
        );
        let again = begin(&app, &review, &order).await.json();
        assert_eq!(
            (&again["new"], &again["quarantine"]["id"]),
            (&json!(false), &json!(id))
        );

        assert_eq!(release(&app, &review, id).await.status, 200);
        assert_eq!(app.file(project, filename).await.status, 200);
        assert_eq!(app.page(project).await.filenames(), before);
        assert_eq!(release(&app, &review, id).await.status, 404);
    }
    let listed = app
        .get("/api/v1/quarantines?all=true")
        .basic("__token__", &review)
        .await;
    let listed = listed.json();
    assert_eq!(listed["quarantines"].as_array().unwrap().len(), 2);
    assert_eq!(listed["quarantines"][0]["release-reason"], "a false alarm");
}

#[tokio::test]
async fn only_reviewers_and_administrators_quarantine_and_only_with_a_reason() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let sound = json!({"requirement": "foo", "reason": "bad"});
    for (scope, expected) in [
        ("read", 403),
        ("upload", 403),
        ("review", 201),
        ("admin", 201),
    ] {
        let token = app.token(scope, scope).await;
        assert_eq!(
            begin(&app, &token, &sound).await.status,
            expected,
            "{scope}"
        );
    }
    assert_eq!(app.post("/api/v1/quarantines").await.status, 401);
    let token = app.token("sec", "review").await;
    for unsound in [
        json!({"requirement": "foo", "reason": " "}),
        json!({"requirement": "foo"}),
        json!({"requirement": "foo=1", "reason": "bad"}),
        json!({"requirement": "foo", "reason": "bad", "sha256": "x"}),
        json!({"requirement": "foo", "reason": "bad", "why": "x"}),
    ] {
        let answer = begin(&app, &token, &unsound).await;
        assert_eq!(answer.status, 400, "{unsound}: {}", answer.shown());
    }
}

#[tokio::test]
async fn a_quarantine_that_begins_during_a_transfer_stops_it() {
    let upstream = FixtureIndex::start().await;
    let file = old(wheel("foo", "1.0").payload(500_000));
    let length = file.bytes().len();
    upstream.add(file.clone());
    let app = TestApp::over(&upstream).await;
    let every = Duration::from_millis(100);
    upstream.fault(
        "/files/",
        Fault::Drip {
            chunk: 64 * 1024,
            every,
        },
    );
    let mut opened = app.file("foo", FILENAME).open().await;
    assert_eq!(opened.answer.status, 200);
    opened.more().await;
    quarantine::begin(&app.app.db, &order("foo==1.0"), app.app.now())
        .await
        .unwrap();
    quarantine::act_at_once(&app.app).await.unwrap();
    let answer = opened.rest().await;
    assert!(!answer.is_complete, "{}", answer.status);
    assert!(answer.body.len() <= length - usize::try_from(HELD_BACK).unwrap());
    assert!(app.downloads("foo").await.is_empty());
    assert_quarantined(&app.file("foo", FILENAME).await);
}

#[tokio::test]
async fn another_replica_acts_within_a_second() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let other = app.second().await;
    other.start_jobs();
    assert_eq!(other.file("foo", FILENAME).await.status, 200);
    let begun = quarantine::begin(&app.app.db, &order("foo"), app.app.now())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_quarantined(&other.file("foo", FILENAME).await);
    let restarted = app.second().await;
    assert_quarantined(&restarted.file("foo", FILENAME).await);
    let why = ["bob", "a false alarm"];
    quarantines::release(&app.app.db, begun.quarantine.id, why, app.app.now())
        .await
        .unwrap();
    let is_back = async || (other.file("foo", FILENAME).await.status == 200).then_some(());
    eventually(is_back).await;
}

#[tokio::test]
async fn only_the_content_that_is_meant_is_taken() {
    let upstream = FixtureIndex::start().await;
    let (bad, good) = (old(wheel("foo", "1.0")), old(wheel("foo", "2.0")));
    let sha256 = bad.sha256().parse().unwrap();
    upstream.add(bad);
    upstream.add(good);
    let app = Setup::over(&upstream).start().await;
    let new = NewQuarantine {
        project: name("foo"),
        specifiers: "".parse().unwrap(),
        sha256: Some(sha256),
        reason: "takes credentials".to_owned(),
        who: "ann".to_owned(),
    };
    quarantines::begin(&app.app.db, &new, app.app.now())
        .await
        .unwrap();
    quarantine::act_at_once(&app.app).await.unwrap();
    assert_quarantined(&app.file("foo", FILENAME).await);
    assert_eq!(
        app.file("foo", "foo-2.0-py3-none-any.whl").await.status,
        200
    );
}

/// What is published into a quarantine does not come in either.
#[tokio::test]
async fn nobody_publishes_into_a_quarantine() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let upload = app.token("ci", "upload").await;
    publish(&app, &upload, &wheel("ours", "1.0")).await;
    quarantine::begin(&app.app.db, &order("ours>=2"), app.app.now())
        .await
        .unwrap();
    quarantine::act_at_once(&app.app).await.unwrap();
    let answer = Form::of_wheel(&wheel("ours", "2.0"))
        .to(&app, &upload)
        .await;
    assert_quarantined(&answer);
    assert_eq!(
        app.file("ours", "ours-1.0-py3-none-any.whl").await.status,
        200
    );
}
