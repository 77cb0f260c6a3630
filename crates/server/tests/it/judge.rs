//! What is said of a lock: the same as its pages and files say, in one answer, and nothing is allowed that
//! nobody could look up.

use std::sync::Arc;

use portcullis_fixtures::{Fault, FixtureIndex, sdist, wheel};
use portcullis_server::config::{FeedConfig, FeedKind, FeedOrigin};
use portcullis_server::flow::feeds::{Shrunk, Wanted, Way, refresh};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::test_app::{NOW, Setup, TestApp, eventually, old};
use crate::upload_form::Form;

const OUTAGE: Fault = Fault::Status {
    code: 503,
    retry_after: None,
};

async fn asked(app: &TestApp, question: &Value) -> Answer {
    let ask = app.post("/api/v1/judge");
    let ask = ask.header("Content-Type", "application/json");
    ask.body(question.to_string().into_bytes()).await
}

async fn judged(app: &TestApp, pins: Value) -> Vec<Value> {
    let answer = asked(app, &json!({ "pins": pins })).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
    answer.json()["pins"].as_array().unwrap().clone()
}

async fn one(app: &TestApp, pin: Value) -> Value {
    judged(app, json!([pin])).await.remove(0)
}

fn young(version: &str) -> portcullis_fixtures::ListedFile {
    portcullis_fixtures::ListedFile::from(wheel("foo", version)).upload_time(NOW)
}

async fn know_of_a_vulnerability(app: &TestApp) {
    let record = json!({
        "id": "PYSEC-2026-1",
        "aliases": ["CVE-2026-0001"],
        "summary": "It runs what it reads",
        "modified": NOW,
        "published": NOW,
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "foo" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.1" }] }],
        }],
    });
    let file = app.path("advisory.json");
    std::fs::write(&file, record.to_string()).unwrap();
    let config = FeedConfig::new(FeedKind::Osv, FeedOrigin::Path(file));
    let wanted = Wanted {
        name: "advisories",
        config: &config,
        way: Way::Replace,
        shrunk: Shrunk::Refused,
        who: "test",
        on_bytes: Arc::new(|_, _| {}),
    };
    refresh(&app.app, &wanted).await.unwrap();
}

#[tokio::test]
async fn a_pin_gets_the_decision_of_its_file_and_what_would_pass() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("foo", "1.1")));
    upstream.add(young("1.2"));
    upstream.add(young("1.3"));
    let app = TestApp::over(&upstream).await;
    let file = app.file("foo", "foo-1.2-py3-none-any.whl").await;
    let refused = one(&app, json!({ "project": "foo", "version": "1.2" })).await;
    assert_eq!(file.status, 403);
    assert_eq!(refused["decision"], file.json()["effect"]);
    assert_eq!(refused["decision"], "hold");
    assert_eq!(refused["nearest"], "1.1");
    let finding = &refused["findings"][0];
    assert_eq!(finding["rule"], file.json()["rule"]);
    assert_eq!(finding["policy-line"], file.json()["policy-line"]);
    assert!(!finding["remedy"].as_str().unwrap().is_empty());
    assert_eq!(refused["why"], file.json()["why"]);
    assert_eq!(refused["first-upload"], "2026-06-15T12:00:00.000Z");

    let passing = one(&app, json!({ "project": "Foo", "version": "1.0.0" })).await;
    assert_eq!(passing["decision"], "allow");
    assert_eq!(passing["nearest"], Value::Null);
    assert_eq!(passing["files"][0]["filename"], "foo-1.0-py3-none-any.whl");
    assert_eq!(passing["files"][0]["effect"], "allow");
}

#[tokio::test]
async fn what_is_recommended_is_wanted() {
    let upstream = FixtureIndex::start().await;
    for version in ["1.0", "1.1", "2.0"] {
        upstream.add(old(wheel("foo", version)));
    }
    upstream.add(young("1.5"));
    upstream.add(young("2.5"));
    let app = TestApp::over(&upstream).await;
    for (pin, version, nearest) in [
        (json!({ "project": "foo", "version": "1.5" }), "1.5", "2.0"),
        (
            json!({ "project": "foo", "versions": "<2", "version": "1.5" }),
            "1.5",
            "1.1",
        ),
        (
            json!({ "project": "foo", "versions": "==1.5" }),
            "1.5",
            "2.0",
        ),
        (
            json!({ "project": "foo", "versions": "==2.5" }),
            "2.5",
            "2.0",
        ),
    ] {
        let answer = one(&app, pin.clone()).await;
        assert_eq!(answer["version"], version, "{pin}");
        assert_eq!(answer["nearest"], nearest, "{pin}");
    }
    let received = one(&app, json!({ "project": "foo" })).await;
    assert_eq!(
        (&received["version"], &received["decision"]),
        (&json!("2.0"), &json!("allow"))
    );
    let refused = one(&app, json!({ "project": "foo", "versions": ">2" })).await;
    assert_eq!(
        (&refused["version"], &refused["decision"]),
        (&json!("2.5"), &json!("hold"))
    );
}

#[tokio::test]
async fn absent_and_unreachable_are_two_words_and_neither_is_allowed() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("bar", "1.0")));
    upstream.fault("/simple/bar", OUTAGE);
    let app = TestApp::over(&upstream).await;
    let pins = json!([
        { "project": "foo", "version": "9.9" },
        { "project": "nobody-has-it", "version": "1.0" },
        { "project": "bar", "version": "1.0" },
        { "project": "foo", "version": "1.0" },
    ]);
    let answers = judged(&app, pins).await;
    let said: Vec<_> = answers
        .iter()
        .map(|one| {
            let decision = one["decision"].as_str().unwrap();
            (decision, one["has-project"].as_bool())
        })
        .collect();
    assert_eq!(
        said,
        [
            ("absent", Some(true)),
            ("absent", Some(false)),
            ("unknown", None),
            ("allow", Some(true)),
        ]
    );
    assert_eq!(answers[0]["nearest"], "1.0");
    let why = answers[2]["unknown"].as_str().unwrap();
    assert!(why.starts_with("source pypi cannot be asked now"), "{why}");
    assert!(
        !why.contains(&upstream.address().port().to_string()),
        "{why}"
    );
}

#[tokio::test]
async fn digests_are_told_to_belong_to_the_release_to_another_file_or_to_nothing() {
    let upstream = FixtureIndex::start().await;
    let this = upstream.add(old(wheel("foo", "1.0")));
    let other = upstream.add(old(sdist("foo", "1.1")));
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await.json();
    let digest = |filename: &str| {
        let files = page["files"].as_array().unwrap();
        let file = files.iter().find(|file| file["filename"] == filename);
        file.unwrap()["hashes"]["sha256"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (this, other) = (last(&this), last(&other));
    let hashes = [digest(&this), digest(&other), "a".repeat(64)];
    let pin = json!({ "project": "foo", "version": "1.0", "hashes": hashes, "filenames": [this, "foo-1.0.zip"] });
    let answer = one(&app, pin.clone()).await;
    let said = answer["hashes"].as_array().unwrap().iter();
    let said: Vec<_> = said
        .map(|hash| hash["belongs-to"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["release", "other-file", "nothing"]);
    assert_eq!(answer["hashes"][1]["filename"], other);
    assert_eq!(
        answer["files"][0]["recorded"],
        Value::Null,
        "nobody fetched it"
    );
    assert_eq!(
        answer["unlisted"],
        json!([{ "filename": "foo-1.0.zip", "recorded": null }])
    );

    assert_eq!(app.file("foo", &this).await.status, 200);
    let answer = one(&app, pin).await;
    assert_eq!(answer["files"][0]["recorded"], hashes[0]);
    assert_eq!(answer["files"][0]["sha256"], hashes[0]);

    upstream.remove("foo", &this);
    app.outdate_pages();
    let removed = one(
        &app,
        json!({ "project": "foo", "version": "1.0", "filenames": [this] }),
    )
    .await;
    assert_eq!(removed["decision"], "absent");
    assert_eq!(
        removed["unlisted"],
        json!([{ "filename": this, "recorded": hashes[0] }])
    );
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn vulnerabilities_are_told_and_said_to_be_unknown_before_any_were_loaded() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("foo", "1.1")));
    upstream.add(old(wheel("bar", "1.0")));
    let app = TestApp::over(&upstream).await;
    let pin = json!({ "project": "foo", "version": "1.0" });
    let before = one(&app, pin.clone()).await;
    assert_eq!(before["advisories"], Value::Null);
    assert!(before["advisories-unknown"].is_string());
    know_of_a_vulnerability(&app).await;
    let known = one(&app, pin.clone()).await;
    let advisory = &known["advisories"][0];
    assert_eq!(advisory["exploited"], Value::Null, "no catalogue is loaded");
    assert_eq!(advisory["epss"], Value::Null, "no scores are loaded");
    assert_eq!(advisory["id"], "PYSEC-2026-1");
    assert_eq!(advisory["aliases"], json!(["CVE-2026-0001"]));
    assert_eq!(advisory["fixed-in"], "1.1");
    assert_eq!(advisory["severity"], "critical");
    let fixed = one(&app, json!({ "project": "foo", "version": "1.1" })).await;
    assert_eq!(fixed["advisories"], json!([]));
    // Advisories are here, whoever cannot be asked.
    upstream.fault("/simple/", OUTAGE);
    let app = app.restart().await;
    app.outdate_pages();
    let elsewhere = one(&app, json!({ "project": "foo", "version": "1.0" })).await;
    assert_eq!(elsewhere["advisories"][0]["id"], "PYSEC-2026-1");
}

#[tokio::test]
async fn yanks_and_the_status_of_projects_are_told() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")).yanked_because("it deletes files"));
    upstream.add(old(wheel("foo", "1.1")));
    upstream.set_status("foo", "archived", Some("use bar"));
    let app = TestApp::over(&upstream).await;
    let yanked = one(&app, json!({ "project": "foo", "version": "1.0" })).await;
    assert_eq!(yanked["yanked"], "it deletes files");
    assert_eq!(
        yanked["status"],
        json!({ "status": "archived", "reason": "use bar" })
    );
    let other = one(&app, json!({ "project": "foo", "version": "1.1" })).await;
    assert_eq!(other["yanked"], Value::Null);
}

#[tokio::test]
async fn nobody_outside_is_asked_for_an_owned_name() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("acme-tools", "1.0")));
    let setup = Setup::over(&upstream).tables("[names]\nowned = ['acme-*']");
    let app = setup.start().await;
    let answer = one(&app, json!({ "project": "acme-tools", "version": "1.0" })).await;
    assert_eq!(answer["has-project"], false);
    assert_eq!(answer["advisories"], json!([]));
    assert_ne!(answer["decision"], "allow");
    assert!(upstream.paths_containing("acme").is_empty());
}

#[tokio::test]
async fn a_thousand_pins_ask_for_each_page_once() {
    let upstream = FixtureIndex::start().await;
    for project in 0..100 {
        upstream.add(old(wheel(&format!("foo-{project}"), "1.0")));
    }
    let app = TestApp::over(&upstream).await;
    let pin =
        |number: usize| json!({ "project": format!("foo-{}", number % 100), "version": "1.0" });
    let pins: Vec<Value> = (0..1000).map(pin).collect();
    let answers = judged(&app, json!(pins)).await;
    assert_eq!(answers.len(), 1000);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer["project"], pins[number]["project"]);
        assert_eq!(answer["decision"], "allow");
    }
    assert_eq!(upstream.paths_containing("/simple/").len(), 100);
}

#[tokio::test]
async fn questions_that_cannot_be_understood_are_refused() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let many = vec![json!({ "project": "foo" }); 5001];
    for (question, status) in [
        (json!({ "pins": [{ "project": "no name!" }] }), 400),
        (
            json!({ "pins": [{ "project": "foo", "hashes": ["ab"] }] }),
            400,
        ),
        (
            json!({ "pins": [{ "project": "foo", "requirement": "foo" }] }),
            400,
        ),
        (json!({ "pins": many }), 400),
        (json!({ "pins": [], "index": "elsewhere" }), 404),
        (json!({ "pins": [] }), 200),
    ] {
        let answer = asked(&app, &question).await;
        assert_eq!(answer.status, status, "{}", answer.shown());
    }
    let plain = app
        .post("/api/v1/judge")
        .body(b"{\"pins\":[]}".to_vec())
        .await;
    assert_eq!(plain.status, 415);
}

#[tokio::test]
async fn whoever_may_not_read_is_not_answered() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = Setup::over(&upstream)
        .top("anonymous-read = false")
        .start()
        .await;
    let question = json!({ "pins": [{ "project": "foo", "version": "1.0" }] });
    assert_eq!(asked(&app, &question).await.status, 401);
    let token = app.token("ci", "read").await;
    let ask = app.post("/api/v1/judge").basic("__token__", &token);
    let ask = ask.header("Content-Type", "application/json");
    assert_eq!(
        ask.body(question.to_string().into_bytes()).await.status,
        200
    );
}

#[tokio::test]
async fn licences_are_told_where_they_are_asked_for_and_on_record() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    let licensed = wheel("foo", "1.0").header("License-Expression", "mit or Apache-2.0");
    upstream.add(old(licensed));
    upstream.add(old(wheel("foo", "1.1").header("License", "As we like")));
    let app = TestApp::over(&upstream).await;
    let ours = wheel("ours", "1.0").header("License-Expression", "ISC");
    let token = app.token("ci", "upload").await;
    assert_eq!(Form::of_wheel(&ours).to(&app, &token).await.status, 200);
    let pins = json!([
        { "project": "foo", "version": "1.0" },
        { "project": "foo", "version": "1.1" },
        { "project": "bar", "version": "1.0" },
        { "project": "ours", "version": "1.0" },
    ]);
    let licences = async || {
        let question = json!({ "pins": pins, "licences": true });
        let answer = asked(&app, &question).await.json();
        let of = |at: usize| answer["pins"][at]["licence"].clone();
        [of(0), of(1), of(2), of(3)]
    };
    let [unseen, as_unseen, _, ours] = licences().await;
    assert_eq!([unseen, as_unseen], [Value::Null, Value::Null]);
    assert_eq!(ours["expression"], "ISC", "what is published here is known");
    for file in ["foo-1.0-py3-none-any.whl", "foo-1.1-py3-none-any.whl"] {
        let metadata = app.file("foo", &format!("{file}.metadata")).await;
        assert_eq!(metadata.status, 200, "{file}");
    }
    let [known, unclear, absent, _] = eventually(async || {
        let all = licences().await;
        (!all[0].is_null() && !all[1].is_null()).then_some(all)
    })
    .await;
    assert_eq!(known["expression"], "MIT OR Apache-2.0");
    assert_eq!(known["statements"][0]["kind"], "expression");
    assert_eq!(unclear["expression"], Value::Null);
    assert_eq!(unclear["statements"][0]["text"], "As we like");
    assert_eq!(absent, Value::Null);
    let unasked = judged(&app, pins.clone()).await;
    assert_eq!(unasked[0]["licence"], Value::Null, "nobody asked");
}
