//! Reviews: many ask and there is one record; a reviewer's word acts on pages and files, for as long as it
//! was given and for what was found then, and never on what the laws refuse.

use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, ListedFile, incompressible, wheel};
use portcullis_server::flow::reviews::decide;
use portcullis_server::jobs::schedule;
use portcullis_store::names;
use serde_json::{Value, json};

use crate::client::{Answer, Ask};
use crate::test_app::{Setup, TestApp, eventually, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const HOUR: Duration = Duration::from_secs(60 * 60);

fn young(file: impl Into<ListedFile>) -> ListedFile {
    file.into().upload_time("2026-06-15T11:00:00Z")
}

fn upstream_with(index: &FixtureIndex) {
    let before = wheel("foo", "0.9")
        .requires("bar>=1")
        .header("License", "MIT");
    let now = wheel("foo", "1.0")
        .requires("baz")
        .header("License", "BSD-3-Clause");
    index.offer_metadata();
    index.add(old(before));
    index.add(young(now));
}

async fn place() -> (FixtureIndex, TestApp) {
    set_up(|setup| setup).await
}

async fn set_up(change: impl FnOnce(Setup) -> Setup) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream_with(&upstream);
    let app = change(Setup::over(&upstream)).start().await;
    (upstream, app)
}

fn sent(ask: Ask, body: &Value) -> Ask {
    ask.header("Content-Type", "application/json")
        .body(body.to_string().into_bytes())
}

async fn ask_for(app: &TestApp, token: &str, requirement: &str) -> Answer {
    let body = json!({ "requirement": requirement, "reason": "needed", "wanted-by": "web > foo" });
    let ask = sent(app.post("/api/v1/reviews"), &body);
    match token {
        "" => ask.await,
        token => ask.basic("__token__", token).await,
    }
}

/// The number of a new review.
async fn review_of(app: &TestApp, requirement: &str) -> i64 {
    let answer = ask_for(app, "", requirement).await;
    assert_eq!(answer.status, 201, "{}", answer.shown());
    answer.json()["id"].as_i64().unwrap()
}

async fn decide(app: &TestApp, token: &str, path: &str, body: Value) -> Answer {
    let target = format!("/api/v1/reviews/{path}");
    sent(app.post(&target), &body)
        .basic("__token__", token)
        .await
}

async fn passes(app: &TestApp) -> bool {
    let is_listed = app
        .page("foo")
        .await
        .filenames()
        .contains(&FILENAME.to_owned());
    let status = app.file("foo", FILENAME).await.status;
    assert_eq!(
        is_listed,
        status == 200,
        "page and file say the same: {status}"
    );
    is_listed
}

async fn shown(app: &TestApp, id: i64) -> Value {
    app.get(&format!("/api/v1/reviews/{id}")).await.json()
}

#[tokio::test]
async fn many_ask_and_wait_for_one_decision() {
    let (_upstream, app) = place().await;
    let (ann, bob) = (
        app.token("ann", "read").await,
        app.token("bob", "read").await,
    );
    let first = ask_for(&app, &ann, "foo==1.0").await;
    assert_eq!(
        (first.status, first.json()["waiting"].as_i64()),
        (201, Some(1))
    );
    let again = ask_for(&app, &ann, "Foo == 1.0").await;
    let second = ask_for(&app, &bob, "foo==1.0").await;
    assert_eq!((again.status, second.status), (200, 200));
    assert_eq!(second.json()["id"], first.json()["id"]);
    assert_eq!(shown(&app, 1).await["waiting"][0]["address"], Value::Null);
    let rita = app.token("rita", "review").await;
    let case = app
        .get("/api/v1/reviews/1")
        .basic("__token__", &rita)
        .await
        .json();
    let who: Vec<_> = case["waiting"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["who"])
        .collect();
    assert_eq!(who, ["ann", "bob"]);
    insta::with_settings!({filters => vec![(r#""(seen)": "[0-9a-f]{16}""#, r#""$1": "[seen]""#)]}, {
        insta::assert_snapshot!(serde_json::to_string_pretty(&case).unwrap());
    });
}

#[tokio::test]
async fn an_approval_acts_on_pages_and_files_of_every_replica_within_a_second() {
    let (_upstream, app) = place().await;
    let other = app.second().await;
    for app in [&app, &other] {
        app.start_jobs();
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let rita = app.token("rita", "review").await;
    let id = review_of(&app, "foo==1.0").await;
    assert!(!passes(&app).await && !passes(&other).await);
    let said = decide(
        &app,
        &rita,
        &format!("{id}/approve"),
        json!({ "reason": "looked" }),
    )
    .await;
    assert_eq!(said.status, 200, "{}", said.shown());
    assert_eq!(said.json()["review"]["lifts"], json!(["too-young"]));
    assert!(passes(&app).await, "here it acts at once");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(passes(&other).await);
    let why = other.get("/why/foo==1.0").await.text();
    assert!(
        why.contains(&format!("waived by rita in review {id}: looked")),
        "{why}"
    );
    let back = decide(
        &other,
        &rita,
        &format!("{id}/withdraw"),
        json!({ "reason": "no" }),
    )
    .await;
    assert_eq!(back.json()["state"], "withdrawn");
    assert!(!passes(&other).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!passes(&app).await);
}

#[tokio::test]
async fn what_is_approved_until_a_moment_is_held_again_from_then_on() {
    let (upstream, app) = set_up(|setup| setup.of_upstream("fresh-for = '30d'")).await;
    let rita = app.token("rita", "review").await;
    let id = review_of(&app, "foo==1.0").await;
    let body = json!({ "reason": "for the fix", "until": "2026-06-15T14:00:00Z" });
    decide(&app, &rita, &format!("{id}/approve"), body).await;
    app.advance(2 * HOUR - Duration::from_millis(1));
    assert!(passes(&app).await);
    app.advance(Duration::from_millis(1));
    assert!(!passes(&app).await, "by itself, to the moment");
    assert_eq!(shown(&app, id).await["review"]["state"], "approved");
    schedule::run_now(&app.app, "reviews").await.unwrap();
    assert_eq!(shown(&app, id).await["review"]["state"], "expired");
    assert!(!passes(&app).await);
    assert_eq!(upstream.count("/simple/foo/"), 1);
    let past = json!({ "reason": "x", "until": "2026-01-01T00:00:00Z" });
    let id = review_of(&app, "foo==1.0").await;
    assert_eq!(
        decide(&app, &rita, &format!("{id}/deny"), past)
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn what_is_found_later_is_not_covered_and_shows() {
    let (_upstream, app) = place().await;
    let rita = app.token("rita", "review").await;
    let id = review_of(&app, "foo==1.0").await;
    let seen = shown(&app, id).await["review"]["seen"].clone();
    decide(
        &app,
        &rita,
        &format!("{id}/approve"),
        json!({ "reason": "fine" }),
    )
    .await;
    assert!(passes(&app).await);
    let (pattern, now) = ("foo".parse().unwrap(), app.app.now());
    names::prohibit(&app.app.db, &pattern, "gone bad", "ops", now)
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    assert_eq!(
        app.file("foo", FILENAME).await.json()["rule"],
        "prohibited-name"
    );
    decide::tend(&app.app).await.unwrap();
    let listed = app.get("/api/v1/reviews?state=approved").await.json();
    assert!(
        listed["reviews"][0]["outdated-since"].is_string(),
        "{listed}"
    );
    let id = review_of(&app, "foo==1.0").await;
    let body = json!({ "reason": "fine", "seen": seen });
    let said = decide(&app, &rita, &format!("{id}/approve"), body).await;
    assert_eq!(
        said.status,
        409,
        "something else was seen: {}",
        said.shown()
    );
    let body = json!({ "reason": "fine" });
    decide(&app, &rita, &format!("{id}/approve"), body).await;
    assert!(passes(&app).await);
}

#[tokio::test]
async fn a_denial_stops_what_passes_until_a_version_is_approved_again() {
    let (_upstream, app) = place().await;
    let rita = app.token("rita", "review").await;
    let allowed = "foo-0.9-py3-none-any.whl";
    assert_eq!(app.file("foo", allowed).await.status, 200);
    let id = review_of(&app, "foo").await;
    decide(
        &app,
        &rita,
        &format!("{id}/deny"),
        json!({ "reason": "unmaintained" }),
    )
    .await;
    let refused = app.file("foo", allowed).await;
    assert_eq!(
        (refused.status, &refused.json()["rule"]),
        (403, &json!("denied-by-review"))
    );
    assert!(
        refused.text().contains("review 1 denied it: unmaintained"),
        "{}",
        refused.text()
    );
    let again = review_of(&app, "foo==0.9").await;
    decide(
        &app,
        &rita,
        &format!("{again}/approve"),
        json!({ "reason": "this one" }),
    )
    .await;
    assert_eq!(app.file("foo", allowed).await.status, 200);
    app.advance(100 * 24 * HOUR);
    let other = app.file("foo", FILENAME).await;
    assert_eq!(
        other.json()["rule"],
        "denied-by-review",
        "the other version stays denied"
    );
}

#[tokio::test]
async fn four_eyes_means_two_who_did_not_ask() {
    let (_upstream, app) = set_up(|setup| setup.tables("[reviews]\nfour-eyes = true")).await;
    let ann = app.token("ann", "read,review").await;
    let (rita, sam) = (
        app.token("rita", "review").await,
        app.token("sam", "review").await,
    );
    let id = ask_for(&app, &ann, "foo==1.0").await.json()["id"].clone();
    let approve = format!("{id}/approve");
    let own = decide(&app, &ann, &approve, json!({ "reason": "mine" })).await;
    assert_eq!(own.status, 403, "{}", own.shown());
    let first = decide(&app, &rita, &approve, json!({ "reason": "fine" })).await;
    assert_eq!(
        (first.status, first.json()["missing"].as_u64()),
        (200, Some(1))
    );
    decide(&app, &rita, &approve, json!({ "reason": "really" })).await;
    assert!(!passes(&app).await, "one of two");
    let other = json!({ "reason": "all", "versions": ">0" });
    assert_eq!(decide(&app, &sam, &approve, other).await.status, 409);
    let second = decide(&app, &sam, &approve, json!({ "reason": "fine" })).await;
    assert_eq!(second.json()["review"]["decided-by"], "rita and sam");
    assert!(passes(&app).await);
}

#[tokio::test]
async fn the_laws_are_never_waived() {
    let (upstream, app) = place().await;
    let rita = app.token("rita", "review").await;
    names::own(&app.app.db, &"ours".parse().unwrap(), "ops", app.app.now())
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    let owned = ask_for(&app, "", "ours").await;
    assert_eq!(owned.status, 409, "{}", owned.shown());
    assert!(
        owned.json()["detail"]
            .as_str()
            .unwrap()
            .contains("no reviewer can lift")
    );
    let id = review_of(&app, "foo==1.0").await;
    decide(
        &app,
        &rita,
        &format!("{id}/approve"),
        json!({ "reason": "fine" }),
    )
    .await;
    assert!(passes(&app).await);
    app.page_is_kept("foo").await;
    app.outdate_pages();
    let other = incompressible(5000);
    upstream.remove("foo", FILENAME);
    upstream.add(young(ListedFile::raw("foo", "1.0", FILENAME, other)));
    app.page("foo").await;
    let refused = app.file("foo", FILENAME).await;
    assert_eq!(
        (refused.status, &refused.json()["rule"]),
        (403, &json!("changed-hash"))
    );
    assert_eq!(ask_for(&app, "", "foo==1.0").await.status, 409);
}

#[tokio::test]
async fn a_request_closes_itself_when_nothing_refuses_any_more() {
    let (_upstream, app) = place().await;
    let id = review_of(&app, "foo==1.0").await;
    let allowed = review_of(&app, "foo==0.9").await;
    app.advance(3 * 24 * HOUR);
    let queue = app.get("/api/v1/reviews?state=requested").await.json();
    let left: Vec<_> = queue["reviews"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!(
        left,
        [allowed],
        "what was never refused waits for its decision"
    );
    let case = shown(&app, id).await;
    assert_eq!(case["review"]["state"], "resolved");
    let why = "nothing refuses it any more; it was too-young";
    assert_eq!(case["review"]["reason"], why);
}

#[tokio::test]
async fn the_riskiest_comes_first_and_among_equals_the_least_popular() {
    let upstream = FixtureIndex::start().await;
    for project in ["used", "unused", "banned"] {
        upstream.add(old(wheel(project, "0.1")));
        upstream.add(young(wheel(project, "1.0")));
    }
    upstream.add(young(wheel("requests", "1.0")));
    let app = Setup::over(&upstream).start().await;
    app.file("used", "used-0.1-py3-none-any.whl").await;
    for project in ["requests", "used", "unused"] {
        review_of(&app, &format!("{project}==1.0")).await;
    }
    let (pattern, now) = ("banned".parse().unwrap(), app.app.now());
    names::prohibit(&app.app.db, &pattern, "", "ops", now)
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    review_of(&app, "banned==1.0").await;
    let queue = app.get("/api/v1/reviews?state=requested").await.json();
    let order = queue["reviews"].as_array().unwrap().iter();
    let order: Vec<_> = order.map(|one| one["project"].as_str().unwrap()).collect();
    assert_eq!(order, ["banned", "unused", "requests", "used"]);
}

#[tokio::test]
async fn the_case_shows_the_difference_to_the_version_before_and_what_depends_on_it() {
    let (upstream, app) = place().await;
    upstream.add(old(wheel("web", "2.0").requires("Foo>=0.9")));
    let metadata = "/files/web/web-2.0-py3-none-any.whl.metadata";
    assert_eq!(app.get(metadata).await.status, 200);
    let id = review_of(&app, "foo==1.0").await;
    let case = shown(&app, id).await;
    let compared = &case["comparison"];
    assert_eq!(
        (&compared["version"], &compared["before"]),
        (&json!("1.0"), &json!("0.9"))
    );
    assert_eq!(compared["dependencies-added"], json!(["baz"]), "{case:#}");
    assert_eq!(compared["dependencies-removed"], json!(["bar>=1"]));
    let changes = compared["changes"].as_array().unwrap();
    let licence = json!({ "what": "licence", "before": "MIT", "now": "BSD-3-Clause" });
    assert!(changes.contains(&licence), "{changes:?}");
    let web = json!({ "project": "web", "version": "2.0", "requirement": "Foo>=0.9" });
    assert_eq!(case["dependents"], json!([web]));
    upstream.stop();
    app.outdate_pages();
    assert!(shown(&app, id).await["review"]["findings"][0]["rule"] == "too-young");
}

#[tokio::test]
async fn several_are_decided_together_each_by_itself() {
    let (_upstream, app) = place().await;
    let rita = app.token("rita", "review").await;
    let first = review_of(&app, "foo==1.0").await;
    let second = review_of(&app, "foo==0.9").await;
    let body = json!({
        "ids": [first, second, 99], "verdict": "approve", "decision": { "reason": "fine" },
    });
    let said = decide(&app, &rita, "decide", body).await.json();
    assert!(said["decided"][0]["decided"].is_object() && said["decided"][1]["decided"].is_object());
    assert_eq!(said["decided"][2]["problem"], "there is no review 99");
    assert!(passes(&app).await);
    review_of(&app, "foo==1.0").await;
    review_of(&app, "foo").await;
    let body = json!({
        "project": "foo", "verdict": "deny", "decision": { "reason": "all of it" },
    });
    let said = decide(&app, &rita, "decide", body).await.json();
    assert_eq!(said["decided"].as_array().unwrap().len(), 2, "{said}");
    assert_eq!(
        app.file("foo", FILENAME).await.json()["rule"],
        "denied-by-review"
    );
}

#[tokio::test]
async fn who_may_not_decide_is_told_and_nothing_is_decided() {
    let (_upstream, app) = set_up(|setup| setup.top("anonymous-read = false")).await;
    let (ann, rita) = (
        app.token("ann", "read").await,
        app.token("rita", "review").await,
    );
    assert_eq!(ask_for(&app, "", "foo==1.0").await.status, 401);
    let id = ask_for(&app, &ann, "foo==1.0").await.json()["id"].clone();
    for path in [
        format!("{id}/approve"),
        format!("{id}/deny"),
        "decide".to_owned(),
    ] {
        let body = json!({ "reason": "mine" });
        assert_eq!(
            decide(&app, &ann, &path, body.clone()).await.status,
            403,
            "{path}"
        );
        let target = format!("/api/v1/reviews/{path}");
        assert_eq!(sent(app.post(&target), &body).await.status, 401, "{path}");
    }
    let one = app
        .get(&format!("/api/v1/reviews/{id}"))
        .basic("__token__", &rita)
        .await;
    assert_eq!(one.json()["review"]["state"], "requested");
    let withdraw = format!("{id}/withdraw");
    let own = decide(&app, &ann, &withdraw, json!({ "reason": "found another" }));
    assert_eq!(
        own.await.json()["state"],
        "withdrawn",
        "the only one who asked may take it back"
    );
    let blank = decide(
        &app,
        &rita,
        &format!("{id}/deny"),
        json!({ "reason": "  " }),
    )
    .await;
    assert_eq!(blank.status, 400);
    let form = app
        .post(&format!("/api/v1/reviews/{id}/deny"))
        .basic("__token__", &rita);
    let form = form
        .header("Content-Type", "text/plain")
        .body(b"{\"reason\":\"x\"}".to_vec());
    assert_eq!(
        form.await.status,
        415,
        "what a foreign page could send is not taken"
    );
}

#[tokio::test]
async fn nobody_fills_the_queue() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = Setup::over(&upstream).start().await;
    for bound in 0..100 {
        review_of(&app, &format!("foo>0.{bound}")).await;
    }
    let more = ask_for(&app, "", "foo>0.1000").await;
    assert_eq!(more.status, 429, "{}", more.shown());
}

#[tokio::test]
async fn a_browser_asks_with_a_form_and_sees_who_waits() {
    let (_upstream, app) = place().await;
    let page = async || app.get("/why/foo==1.0").accept("text/html").await.text();
    let form = page().await;
    assert!(
        form.contains("action=\"/why/foo%3D%3D1%2E0/review\""),
        "{form}"
    );
    let send = |site: &str, body: &str| {
        app.post("/why/foo%3D%3D1%2E0/review")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Sec-Fetch-Site", site)
            .body(body.as_bytes().to_vec())
    };
    let body = "reason=we+need+it&name=Ann+%3Cscript%3E";
    for site in ["cross-site", "same-site"] {
        assert_eq!(send(site, body).await.status, 403, "{site}");
    }
    let foreign = app
        .post("/why/foo/review")
        .header("Origin", "https://evil.example");
    let foreign = foreign.header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(foreign.body(body.as_bytes().to_vec()).await.status, 403);
    assert!(!page().await.contains("waits for a decision"));
    assert_eq!(send("same-origin", "reason=+&name=x").await.status, 400);
    let sent = send("same-origin", body).await;
    assert_eq!(sent.status, 303, "{}", sent.shown());
    assert_eq!(sent.header("location"), Some("/why/foo%3D%3D1%2E0"));
    let after = page().await;
    assert!(
        after.contains("Review 1 of foo==1.0 waits for a decision"),
        "{after}"
    );
    assert!(after.contains("Ann &lt;script&gt; at 127.0.0.1"), "{after}");
    let text = app.get("/why/foo==1.0").await.text();
    assert!(
        text.contains("portcullis review request 'foo==1.0' --reason"),
        "{text}"
    );
}

#[tokio::test]
async fn jobs_keep_reviews_up_to_date() {
    let (_upstream, app) = place().await;
    let id = review_of(&app, "foo==1.0").await;
    app.advance(4 * 24 * HOUR);
    app.start_jobs();
    let is_resolved = async || {
        let review = portcullis_store::reviews::find(&app.app.db, id)
            .await
            .unwrap();
        (review.unwrap().state == portcullis_store::reviews::State::Resolved).then_some(())
    };
    eventually(is_resolved).await;
}
