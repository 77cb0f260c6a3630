//! What becomes of projects outside is told once for each change, and owned names are not told to
//! anybody who was not to hear them.

use std::time::Duration;

use portcullis_core::event::Severity;
use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::jobs::schedule::run_now;
use portcullis_store::events::{self, Event, Filter};

use crate::test_app::{Setup, TestApp, eventually, old};

async fn told(app: &TestApp, kind: &str) -> Vec<Event> {
    let filter = Filter {
        kind: kind.parse().unwrap(),
        ..Filter::latest(100)
    };
    events::latest(&app.app.db, &filter).await.unwrap()
}

async fn until_told(app: &TestApp, kind: &str) -> Event {
    eventually(async || told(app, kind).await.into_iter().next()).await
}

/// Asks for the page again, and waits until it is kept.
async fn again(app: &TestApp, project: &str) {
    app.outdate_pages();
    assert_eq!(app.page(project).await.status, 200);
    app.page_is_kept(project).await;
}

async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("foo", "2.0")));
    let app = TestApp::over(&upstream).await;
    assert_eq!(app.page("foo").await.status, 200);
    app.page_is_kept("foo").await;
    (upstream, app)
}

#[tokio::test]
async fn a_change_of_status_upstream_is_told_once() {
    let (upstream, app) = place().await;
    upstream.set_status("foo", "archived", Some("moved to bar"));
    again(&app, "foo").await;
    let event = until_told(&app, "project.*").await;
    assert_eq!(event.kind, "project.archived");
    assert_eq!(
        event.sentence,
        "pypi marks foo as archived (it was active): moved to bar."
    );
    again(&app, "foo").await;
    again(&app, "foo").await;
    assert_eq!(told(&app, "project.*").await.len(), 1);
    upstream.set_status("foo", "quarantined", None);
    again(&app, "foo").await;
    let event = until_told(&app, "project.quarantined").await;
    assert_eq!(event.severity, Severity::Critical);
}

#[tokio::test]
async fn versions_that_vanish_are_told_and_matter_more_when_they_were_downloaded() {
    let (upstream, app) = place().await;
    let answer = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert_eq!(answer.status, 200);
    upstream.remove("foo", "foo-1.0-py3-none-any.whl");
    again(&app, "foo").await;
    let event = until_told(&app, "version.vanished").await;
    assert_eq!(event.severity, Severity::Warning);
    assert_eq!(
        event.sentence,
        "pypi no longer lists foo 1.0; 1 file of it was downloaded here."
    );
    again(&app, "foo").await;
    assert_eq!(told(&app, "version.vanished").await.len(), 1);
}

#[tokio::test]
async fn a_project_in_use_that_is_gone_is_told_and_a_name_that_nobody_had_is_not() {
    let (upstream, app) = place().await;
    upstream.gone("foo");
    for _ in 0..3 {
        app.outdate_pages();
        app.page("foo").await;
        app.page("never-there").await;
    }
    let event = until_told(&app, "project.vanished").await;
    assert_eq!(event.subject, "pypi/foo");
    assert_eq!(told(&app, "*").await.len(), 1);
}

#[tokio::test]
async fn projects_that_no_client_asks_for_are_visited() {
    let (upstream, app) = place().await;
    upstream.set_status("foo", "quarantined", None);
    let visited = run_now(&app.app, "visit-projects").await.unwrap();
    assert_eq!(visited, "projects visited: 0, without an answer: 0");
    app.advance(Duration::from_secs(86_400));
    let visited = run_now(&app.app, "visit-projects").await.unwrap();
    assert_eq!(visited, "projects visited: 1, without an answer: 0");
    until_told(&app, "project.quarantined").await;
}

#[tokio::test]
async fn an_upstream_that_is_down_is_not_taken_for_one_that_forgot() {
    let (upstream, app) = place().await;
    upstream.stop();
    app.advance(Duration::from_secs(86_400));
    let visited = run_now(&app.app, "visit-projects").await;
    assert!(visited.is_err(), "{visited:?}");
    assert!(told(&app, "*").await.is_empty());
}

async fn owning(upstream: &FixtureIndex, monitor: &str) -> TestApp {
    let tables = format!("[names]\nowned = ['acme-billing', 'acme-core-*']\n[monitor]\n{monitor}");
    Setup::over(upstream).tables(&tables).start().await
}

#[tokio::test]
async fn new_names_outside_are_compared_with_ours() {
    let upstream = FixtureIndex::start().await;
    let feed = "<rss version='2.0'><channel>\
                <item><link>https://index.example/project/acme-biling/</link></item>\
                <item><link>https://index.example/project/acme-billing/99.0/</link></item>\
                <item><link>https://index.example/project/acme-core-x/0.1/</link></item>\
                <item><link>https://index.example/project/harmless-thing/</link></item>\
                </channel></rss>";
    upstream.route("/new.xml", "application/rss+xml", feed);
    let app = owning(
        &upstream,
        &format!("new-names = '{}/new.xml'", base(&upstream)),
    )
    .await;
    let read = run_now(&app.app, "new-names").await.unwrap();
    assert_eq!(read, "names read: 4, of concern: 3");
    let owned = told(&app, "name.owned-appeared").await;
    let owned: Vec<_> = owned
        .iter()
        .map(|event| (&*event.subject, event.severity))
        .collect();
    assert_eq!(
        owned,
        [
            ("acme-core-x", Severity::Warning),
            ("acme-billing", Severity::Critical)
        ]
    );
    let similar = told(&app, "name.similar-appeared").await;
    assert_eq!(similar.len(), 1);
    assert_eq!(similar[0].subject, "acme-biling");
    run_now(&app.app, "new-names").await.unwrap();
    assert_eq!(told(&app, "*").await.len(), 3);
}

fn base(upstream: &FixtureIndex) -> String {
    upstream.url().trim_end_matches('/').to_owned()
}

#[tokio::test]
async fn owned_names_are_looked_for_only_as_far_as_that_is_wanted() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("acme-billing", "100.0")));
    let app = owning(&upstream, "").await;
    assert_eq!(
        run_now(&app.app, "owned-names").await.unwrap(),
        "switched off"
    );
    assert!(upstream.paths_containing("acme").is_empty());

    let setup = "owned-names = 'list'\nnames-list = 'all.txt'";
    let app = owning(&upstream, setup).await;
    std::fs::write(app.path("all.txt"), "flask\nAcme_Billing\n").unwrap();
    let read = run_now(&app.app, "owned-names").await.unwrap();
    assert_eq!(read, "names read: 2, ours: 1");
    assert!(upstream.paths_containing("acme").is_empty());

    let app = owning(&upstream, "owned-names = 'ask'").await;
    let asked = run_now(&app.app, "owned-names").await.unwrap();
    assert_eq!(
        asked,
        "questions asked: 1, without an answer: 0, names found: 1"
    );
    let found = told(&app, "name.owned-appeared").await;
    assert_eq!(found[0].severity, Severity::Critical);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_an_error_of_its_job() {
    let upstream = FixtureIndex::start().await;
    let app = owning(&upstream, "new-names = 'nowhere.txt'").await;
    let failed = run_now(&app.app, "new-names")
        .await
        .unwrap_err()
        .to_string();
    assert!(failed.contains("nowhere.txt"), "{failed}");
    let states = portcullis_store::jobs::all(&app.app.db).await.unwrap();
    assert_eq!((states[0].failures, states[0].runs), (1, 1));
    assert!(
        states[0]
            .last_error
            .as_deref()
            .unwrap()
            .contains("nowhere.txt")
    );
    assert!(states[0].next_at > app.app.now());
}
