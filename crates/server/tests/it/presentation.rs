//! How decisions reach a client: what a page hides, yanks, lists or replaces by a tombstone, and what
//! is said when a file is asked for all the same.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use portcullis_store::{decisions, names};

use crate::client::Answer;
use crate::test_app::{Setup, TestApp, eventually, old};

fn young(version: &str) -> ListedFile {
    ListedFile::from(wheel("foo", version)).upload_time("2026-06-14T12:00:00Z")
}

fn filename(version: &str) -> String {
    format!("foo-{version}-py3-none-any.whl")
}

/// A refusal is explained to every client in what it can show, and is the same for the metadata.
async fn refusal(app: &TestApp, project: &str, filename: &str) -> Answer {
    let answer = app.file(project, filename).await;
    assert_eq!(answer.status, 403, "{}", answer.shown());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        answer.reason.len() <= 200 && answer.reason.is_ascii(),
        "{}",
        answer.reason
    );
    assert!(
        answer.reason.contains(&answer.decision()),
        "{}",
        answer.reason
    );
    let sidecar = app.file(project, &format!("{filename}.metadata")).await;
    assert_eq!((sidecar.status, &sidecar.body), (403, &answer.body));
    assert_eq!(sidecar.reason, answer.reason);
    let head = app.head(&format!("/files/{project}/{filename}")).await;
    assert_eq!(
        (head.status, head.reason.as_str()),
        (403, answer.reason.as_str())
    );
    answer
}

/// The decision that a refusal names is the one on the page and the one on record.
async fn assert_on_record(app: &TestApp, refusal: &Answer, rule: &str) {
    let id = refusal.decision();
    let find = async || decisions::get(&app.app.db, &id).await.unwrap();
    let recorded = eventually(find).await;
    assert_eq!(recorded.rule, rule);
}

#[tokio::test]
async fn what_is_too_young_is_hidden_and_refused_with_when_it_passes() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(young("2.0"));
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await;
    assert_eq!(page.filenames(), [filename("1.0")]);
    assert_eq!(page.json()["versions"], serde_json::json!(["1.0"]));
    let refused = refusal(&app, "foo", &filename("2.0")).await;
    assert_eq!(
        page.json()["_portcullis"]["files"][0]["decision"],
        refused.decision()
    );
    assert_on_record(&app, &refused, "too-young").await;
    assert_answer!(refused);
    assert_answer!(page);
    assert_eq!(app.file("foo", &filename("1.0")).await.status, 200);
    assert_eq!(
        upstream.paths_containing(&filename("2.0")).len(),
        0,
        "not even fetched"
    );
}

#[tokio::test]
async fn where_everything_is_too_young_it_is_listed_and_refused() {
    let upstream = FixtureIndex::start().await;
    upstream.add(young("1.0"));
    upstream.add(young("2.0"));
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await;
    assert_eq!(page.filenames(), [filename("1.0"), filename("2.0")]);
    let refused = refusal(&app, "foo", &filename("2.0")).await;
    assert_eq!(page.json()["_portcullis"]["files"][1]["shown"], "refused");
    assert_eq!(
        page.json()["_portcullis"]["files"][1]["decision"],
        refused.decision()
    );
}

#[tokio::test]
async fn a_denied_version_is_yanked_with_the_reason() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("foo", "2.0")).yanked_because("it formats disks"));
    let setup = Setup::over(&upstream).policy("[rules.yanked]\neffect = 'deny'\n");
    let app = setup.start().await;
    let page = app.page("foo").await;
    assert_eq!(page.filenames().len(), 2);
    insta::assert_snapshot!(page.json()["files"][1]["yanked"].as_str().unwrap());
    let refused = refusal(&app, "foo", &filename("2.0")).await;
    assert_on_record(&app, &refused, "yanked").await;
    assert_answer!(refused);
    let html = app.get("/simple/foo/").accept("text/html").await.text();
    assert!(
        html.contains("data-yanked=\"Portcullis denies foo 2.0"),
        "{html}"
    );
}

#[tokio::test]
async fn a_prohibited_name_is_listed_and_refused() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    prohibit(&app, "foo", "it calls home").await;
    app.app.reload_names().await.unwrap();
    let page = app.page("foo").await;
    assert_eq!(page.filenames(), [filename("1.0")]);
    assert_eq!(page.json()["files"][0]["yanked"], false);
    let refused = refusal(&app, "foo", &filename("1.0")).await;
    assert_on_record(&app, &refused, "prohibited-name").await;
    assert_answer!(refused);
}

async fn prohibit(app: &TestApp, pattern: &str, reason: &str) {
    let pattern = pattern.parse().unwrap();
    names::prohibit(&app.app.db, &pattern, reason, "test", app.app.now())
        .await
        .unwrap();
}

async fn tombstone(app: &TestApp, project: &str) -> (Answer, Answer) {
    let page = app.page(project).await;
    let listed = page.filenames();
    assert_eq!(listed.len(), 1, "{}", page.shown());
    let refused = refusal(app, project, &listed[0]).await;
    assert!(listed[0].contains(&refused.decision()), "{}", listed[0]);
    assert_eq!(page.json()["_portcullis"]["decision"], refused.decision());
    (page, refused)
}

#[tokio::test]
async fn a_refused_name_with_nothing_to_list_has_a_tombstone() {
    let upstream = FixtureIndex::start().await;
    upstream.add_empty("empty");
    let setup = Setup::over(&upstream).tables("[names]\nowned = ['acme-*']");
    let app = setup.start().await;
    prohibit(&app, "ghost", "no such thing").await;
    prohibit(&app, "empty", "").await;
    app.app.reload_names().await.unwrap();
    for (project, rule) in [
        ("ghost", "prohibited-name"),
        ("empty", "prohibited-name"),
        ("acme-billing", "owned-name"),
        ("smtplib", "stdlib-name"),
    ] {
        let (page, refused) = tombstone(&app, project).await;
        assert_on_record(&app, &refused, rule).await;
        if project == "acme-billing" {
            assert_answer!(page);
            assert_answer!(refused);
        }
        let html = app.get(&format!("/simple/{project}/")).await.text();
        assert!(html.contains("-0+blocked.by.policy."), "{html}");
        let old_tombstone = format!("{project}-0+blocked.by.policy.0000000000-py3-none-any.whl");
        let answer = app.file(project, &old_tombstone).await;
        assert_eq!(
            (answer.status, &answer.json()["rule"]),
            (403, &rule.into()),
            "{project}"
        );
    }
}

#[tokio::test]
async fn a_direct_link_to_a_refused_name_is_explained_although_nothing_is_listed() {
    let upstream = FixtureIndex::start().await;
    let setup = Setup::over(&upstream).tables("[names]\nowned = ['acme-*']");
    let app = setup.start().await;
    let refused = refusal(&app, "acme-web", "acme_web-1.0-py3-none-any.whl").await;
    assert_eq!(refused.json()["rule"], "owned-name");
}

#[tokio::test]
async fn what_a_rule_only_observes_passes_and_is_seen_in_why() {
    for (policy, listed) in [
        ("[rules.too-young]\nmode = 'observe'\n", 1),
        ("[rules.too-young]\nmode = 'off'\n", 1),
        ("[rules.too-young]\neffect = 'warn'\n", 1),
        ("[rules.too-young]\ndays = 0\n", 1),
    ] {
        let upstream = FixtureIndex::start().await;
        upstream.add(young("1.0"));
        let app = Setup::over(&upstream).policy(policy).start().await;
        let page = app.page("foo").await;
        assert_eq!(page.filenames().len(), listed, "{policy}");
        assert!(page.json().get("_portcullis").is_none(), "{policy}");
        assert_eq!(
            app.file("foo", &filename("1.0")).await.status,
            200,
            "{policy}"
        );
        let why = app.get("/why/foo").await.text();
        let words = why.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words.contains("only observed"),
            policy.contains("observe"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn what_not_knowing_means_is_the_policys_to_say() {
    for (on_unknown, status) in [("allow", 200), ("warn", 200), ("hold", 403), ("deny", 403)] {
        let upstream = FixtureIndex::start().await;
        upstream.add(wheel("foo", "1.0"));
        let policy = format!("[rules.too-young]\non-unknown = '{on_unknown}'\n");
        let app = Setup::over(&upstream).policy(&policy).start().await;
        assert_eq!(
            app.file("foo", &filename("1.0")).await.status,
            status,
            "{on_unknown}"
        );
    }
}

#[tokio::test]
async fn each_index_has_its_own_policy() {
    let upstream = FixtureIndex::start().await;
    upstream.add(young("1.0"));
    let setup =
        Setup::over(&upstream).tables("[indexes.lab]\nsources = ['pypi']\npolicy = 'lab.toml'");
    std::fs::write(setup.path("lab.toml"), "[rules.too-young]\nmode = 'off'\n").unwrap();
    // The indexes are sorted by name: the default has to be told.
    let app = setup.default_index("main").start().await;
    let path = format!("files/foo/{}", filename("1.0"));
    let refused = app.get(&format!("/{path}")).await;
    assert_eq!(refused.status, 403);
    let why = refused.json()["why"].as_str().unwrap().to_owned();
    assert!(why.ends_with("/why/foo"), "{why}");
    assert_eq!(app.get(&format!("/lab/{path}")).await.status, 200);
    assert_eq!(app.get(&format!("/main/{path}")).await.status, 403);
}

#[tokio::test]
async fn the_address_in_a_refusal_leads_to_the_explanation() {
    let upstream = FixtureIndex::start().await;
    upstream.add(young("1.0"));
    let setup = Setup::over(&upstream).top("public-url = 'https://gw.example/py/'");
    let app = setup.start().await;
    let refused = app.file("foo", &filename("1.0")).await;
    assert_eq!(refused.json()["why"], "https://gw.example/py/why/foo");
    assert!(
        refused.reason.ends_with("https://gw.example/py/why/foo"),
        "{}",
        refused.reason
    );
    let text = app.get("/why/foo").await.text();
    assert!(
        text.contains("too-young") && text.contains("2026-06-17 12:00 UTC"),
        "{text}"
    );
    let json = app.get("/why/foo").accept("application/json").await.json();
    assert_eq!(json["files"][0]["decision"], refused.decision());
    assert_eq!(json["route"]["source"], "pypi");
    let html = app.get("/why/foo").accept("text/html").await;
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(app.get("/why/%20").await.status, 400);
    assert_eq!(app.get("/nowhere/why/foo").await.status, 404);
}

#[tokio::test]
async fn a_hostile_reason_stays_one_line_everywhere() {
    let upstream = FixtureIndex::start().await;
    let reason = "x\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script> ä\u{202e}";
    upstream.add(old(wheel("foo", "1.0")).yanked_because(reason));
    let setup = Setup::over(&upstream).policy("[rules.yanked]\neffect = 'deny'\n");
    let app = setup.start().await;
    let refused = refusal(&app, "foo", &filename("1.0")).await;
    assert_eq!(refused.header("set-cookie"), None);
    let page = app.get("/why/foo").accept("text/html").await.text();
    assert!(!page.contains("<script>"), "{page}");
    let page = app.get("/simple/foo/").accept("text/html").await.text();
    assert!(!page.contains("<script>"), "{page}");
}

#[tokio::test]
async fn a_file_under_an_owned_name_from_an_inside_upstream_passes() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("acme-x", "1.0")));
    let setup = Setup::over(&upstream)
        .of_upstream("inside = true")
        .tables("[names]\nowned = ['acme-*']");
    let app = setup.start().await;
    assert_eq!(app.page("acme-x").await.filenames().len(), 1);
    assert_eq!(
        app.file("acme-x", "acme_x-1.0-py3-none-any.whl")
            .await
            .status,
        200
    );
}
