//! Who received it: jobs, tokens and addresses, and the locks that name what nobody has fetched.

use portcullis_core::advisory::{AdvisoryIndex, AdvisorySet, Exploits};
use portcullis_core::event::KindPattern;
use portcullis_core::time::Timestamp;
use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::flow::advisory_news;
use portcullis_server::flow::quarantine::{self, Order, Tell};
use portcullis_store::events::{self, Event, Filter};
use serde_json::{Value, json};

use crate::client::{Answer, Ask};
use crate::test_app::{TestApp, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const UV: &str = r#"uv/0.13.8 {"installer":{"name":"uv","version":"0.13.8"},"ci":true}"#;

/// Version 1.0 was received by two jobs and one laptop, twice by one of them; 2.0 by nobody.
async fn received() -> (FixtureIndex, TestApp, String) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("foo", "2.0")));
    let app = TestApp::over(&upstream).await;
    let ci = app.token("ci", "read").await;
    let laptop = app.token("laptop", "read").await;
    for (user, token) in [
        ("payments-build-4412", &ci),
        ("payments-build-4412", &ci),
        ("web-api-17", &ci),
        ("__token__", &laptop),
    ] {
        let ask = app.file("foo", FILENAME).basic(user, token);
        assert_eq!(ask.header("User-Agent", UV).await.status, 200);
    }
    let review = app.token("sec", "review").await;
    (upstream, app, review)
}

async fn ask(app: &TestApp, token: &str, query: &str) -> Answer {
    let ask = app.get(&format!("/api/v1/exposure?{query}"));
    ask.basic("__token__", token).await
}

async fn put_lock(app: &TestApp, token: &str, name: &str, text: &str) -> Answer {
    let target = format!("/api/v1/locks/{name}?filename=requirements.txt");
    let ask = Ask::new(app.address, "PUT", &target).basic("__token__", token);
    ask.body(text.as_bytes().to_vec()).await
}

#[tokio::test]
async fn everyone_who_received_it_is_named() {
    let (_upstream, app, review) = received().await;
    let answer = ask(&app, &review, "subject=foo%3E%3D1%2C%3C2").await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer.json()).unwrap());
    let sha256 = answer.json()["receipts"][0]["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    let by_content = ask(&app, &review, &format!("subject=sha256:{sha256}"))
        .await
        .json();
    assert_eq!(by_content["summary"], answer.json()["summary"]);
    let by_time = ask(&app, &review, "from=2026-06-15&to=2026-06-15")
        .await
        .json();
    assert_eq!(by_time["summary"], answer.json()["summary"]);
    let later = ask(&app, &review, "from=2026-06-16&to=2026-06-17")
        .await
        .json();
    assert_eq!(later["summary"]["downloads"], 0);
    let limited = ask(&app, &review, "subject=foo&limit=1").await.json();
    assert_eq!(limited["receipts"].as_array().unwrap().len(), 1);
    assert_eq!(limited["receipts-in-all"], 3);
    assert_eq!(limited["summary"]["downloads"], 4);
    let other = ask(&app, &review, "subject=foo%3D%3D2.0").await.json();
    assert_eq!(other["summary"]["downloads"], 0);
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_is_refused() {
    let (_upstream, app, review) = received().await;
    for (query, expected) in [
        ("", 400),
        ("from=2026-06-15", 400),
        ("subject=foo%3D1", 400),
        ("subject=foo&from=yesterday", 400),
        ("subject=foo&limit=100000", 400),
        ("subject=GHSA-aaaa-bbbb-cccc", 404),
    ] {
        let answer = ask(&app, &review, query).await;
        assert_eq!(answer.status, expected, "{query}: {}", answer.shown());
    }
    let reader = app.token("reader", "read").await;
    assert_eq!(ask(&app, &reader, "subject=foo").await.status, 403);
    assert_eq!(app.get("/api/v1/exposure?subject=foo").await.status, 401);
}

#[tokio::test]
async fn locks_that_have_not_fetched_it_are_named() {
    let (_upstream, app, review) = received().await;
    let reader = app.token("docs", "read").await;
    let pinned = "foo==1.0\n-r other.txt\n";
    for name in ["payments/build", "docs", "ml/train"] {
        let answer = put_lock(&app, &reader, name, pinned).await;
        assert_eq!(answer.status, 200, "{}", answer.shown());
        assert_eq!(answer.json()["entries"], 1);
        assert_eq!(answer.json()["skipped"][0]["line"], 2);
    }
    put_lock(&app, &reader, "web", "foo==2.0\n").await;
    let waiting = async |query: &str| -> Vec<String> {
        let answer = ask(&app, &review, query).await.json();
        let waiting = answer["locked-and-not-fetched"].as_array().unwrap().iter();
        waiting
            .map(|one| one["lock"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(waiting("subject=foo%3D%3D1.0").await, ["docs", "ml/train"]);
    assert_eq!(waiting("subject=foo%3D%3D2.0").await, ["web"]);
    // The builds of the token that registered them have it now.
    app.file("foo", FILENAME).basic("__token__", &reader).await;
    assert!(waiting("subject=foo%3D%3D1.0").await.is_empty());
    let listed = app
        .get("/api/v1/locks")
        .basic("__token__", &reader)
        .await
        .json();
    assert_eq!(listed["locks"].as_array().unwrap().len(), 4);
    let remove = Ask::new(app.address, "DELETE", "/api/v1/locks/ml/train");
    assert_eq!(remove.clone().basic("__token__", &reader).await.status, 200);
    assert_eq!(remove.basic("__token__", &reader).await.status, 404);
    for (name, text, expected) in [("a%20b", "foo==1\n", 400), ("a", "{}", 400)] {
        let answer = Ask::new(app.address, "PUT", &format!("/api/v1/locks/{name}"));
        let answer = answer.basic("__token__", &reader).body(text.into()).await;
        assert_eq!(answer.status, expected, "{}", answer.shown());
    }
    assert_eq!(put_lock(&app, "", "a", "").await.status, 401);
}

async fn told(app: &TestApp, kind: &str) -> Vec<Event> {
    let filter = Filter {
        kind: kind.parse::<KindPattern>().unwrap(),
        since: Timestamp::from_millis(0),
        limit: 100,
    };
    events::after(&app.app.db, 0, &filter).await.unwrap()
}

#[tokio::test]
async fn those_who_received_it_are_told() {
    let (_upstream, app, _review) = received().await;
    let order = Order {
        requirement: "foo<2".parse().unwrap(),
        sha256: None,
        reason: "takes credentials".to_owned(),
        who: "ann".to_owned(),
        tell: Tell::Recipients,
    };
    let begun = quarantine::begin(&app.app.db, &order, app.app.now())
        .await
        .unwrap();
    let message = begun.told.unwrap().message;
    assert!(
        message.starts_with(
            "foo<2 is in quarantine: takes credentials. It was received 4 times by 3 identities."
        ),
        "{message}"
    );
    let events = told(&app, "quarantine.*").await;
    assert_eq!(events.len(), 1);
    let recipients = &events[0].detail()["recipients"];
    let who: Vec<&str> = recipients
        .as_array()
        .unwrap()
        .iter()
        .map(|recipient| recipient["who"].as_str().unwrap())
        .collect();
    assert_eq!(
        who,
        [
            "job payments-build-4412 (token ci)",
            "job web-api-17 (token ci)",
            "laptop"
        ]
    );
    assert_eq!(recipients[0]["times"], 2);
    assert_eq!(recipients[0]["addresses"], json!(["127.0.0.1"]));
}

fn advisories(records: &[Value]) -> AdvisoryIndex {
    let named = records.iter().map(|record| {
        (
            record["id"].as_str().unwrap().to_owned(),
            record.to_string().into_bytes(),
        )
    });
    let (set, report) = AdvisorySet::read(named);
    assert_eq!(report.skipped, 0);
    AdvisoryIndex::new(&set, Exploits::default())
}

fn record(id: &str, project: &str) -> Value {
    json!({
        "id": id, "modified": "2026-06-15T10:00:00Z", "published": "2026-06-15T10:00:00Z",
        "summary": "steals tokens",
        "affected": [{
            "package": {"ecosystem": "PyPI", "name": project},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }],
    })
}

#[tokio::test]
async fn a_new_advisory_finds_what_we_have_by_itself_and_once() {
    let (_upstream, app, _review) = received().await;
    let (db, now) = (&app.app.db, app.app.now());
    let nothing = AdvisoryIndex::default();
    let known = advisories(&[
        record("GHSA-aaaa-bbbb-cccc", "foo"),
        record("PYSEC-2026-1", "bar"),
    ]);
    let announced = advisory_news::announce(db, [&nothing, &known], now)
        .await
        .unwrap();
    assert_eq!((announced.found, announced.told), (1, 1));
    let again = advisory_news::announce(db, [&nothing, &known], now)
        .await
        .unwrap();
    assert_eq!((again.found, again.told), (1, 0), "told once");
    let same = advisory_news::announce(db, [&known, &known], now)
        .await
        .unwrap();
    assert_eq!(same.found, 0);
    let worse = advisories(&[
        record("GHSA-aaaa-bbbb-cccc", "foo"),
        record("MAL-2026-1", "foo"),
    ]);
    let announced = advisory_news::announce(db, [&known, &worse], now)
        .await
        .unwrap();
    assert_eq!((announced.found, announced.told), (1, 1));

    let events = told(&app, advisory_news::KIND).await;
    let said: Vec<(&str, &str)> = events
        .iter()
        .map(|event| (event.severity.as_str(), event.sentence.as_str()))
        .collect();
    insta::assert_debug_snapshot!(said);
    let detail = events[1].detail();
    assert_eq!(detail["filename"], FILENAME);
    assert_eq!(detail["held-from"], json!(["pypi"]));
    assert_eq!(detail["recipients"].as_array().unwrap().len(), 3);
}
