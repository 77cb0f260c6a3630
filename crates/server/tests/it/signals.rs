//! Signals: asked in the background about projects in use, and never about owned names.

use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::jobs::schedule::run_now;
use portcullis_store::signals;

use crate::test_app::{Setup, TestApp, eventually, name, old};

const LOW: &str = "[rules.low-signals]\nscorecard = 5\neffect = 'deny'\n";

const WHEEL: &str = "foo-1.0-py3-none-any.whl";

async fn upstream() -> FixtureIndex {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    let link = "Source, https://github.com/acme/foo";
    upstream.add(old(wheel("foo", "1.0").header("Project-URL", link)));
    upstream.add(old(wheel("acme-tool", "1.0")));
    upstream
}

async fn gateway(upstream: &FixtureIndex, provider: &str) -> TestApp {
    let setup = Setup::over(upstream).policy(LOW);
    let scores = setup.path("scores.jsonl");
    std::fs::write(scores, "{\"project\": \"foo\", \"scorecard\": 3.5}\n").unwrap();
    setup.tables(provider).start().await
}

fn scorecard(upstream: &FixtureIndex) -> String {
    format!(
        "[signals.scores]\nkind = 'scorecard'\nurl = '{}/scores'\n",
        upstream.url()
    )
}

#[tokio::test]
async fn a_project_in_use_that_is_rated_low_is_refused_once_that_is_known() {
    let upstream = upstream().await;
    let body = r#"{"score": 3.5, "checks": []}"#;
    upstream.route(
        "/scores/projects/github.com/acme/foo",
        "application/json",
        body,
    );
    let app = gateway(&upstream, &scorecard(&upstream)).await;
    app.start_jobs();
    assert_eq!(
        app.file("foo", &format!("{WHEEL}.metadata")).await.status,
        200
    );
    assert_eq!(
        app.file("foo", WHEEL).await.status,
        200,
        "silence is not low"
    );
    let said = run_now(&app.app, "signals").await;
    let is_refused = async || Some(app.file("foo", WHEEL).await).filter(|got| got.status == 403);
    let refused = eventually(is_refused).await;
    let text = refused.text();
    assert!(
        text.contains("its scorecard is 3.5, less than 5"),
        "{text} after {said:?}"
    );
}

#[tokio::test]
async fn a_file_of_signals_serves_where_nobody_can_be_asked() {
    let upstream = upstream().await;
    let provider = "[signals.local]\nkind = 'file'\npath = 'scores.jsonl'\n";
    let app = gateway(&upstream, provider).await;
    assert_eq!(app.file("foo", WHEEL).await.status, 200);
    assert_eq!(
        run_now(&app.app, "signals").await.unwrap(),
        "local: 1 projects"
    );
    assert_eq!(
        run_now(&app.app, "signals").await.unwrap(),
        "local: 0 projects"
    );
    let known = signals::list(&app.app.db, Some(&name("foo")), 9)
        .await
        .unwrap();
    assert_eq!(known[0].signal.value, 3.5);
}

#[tokio::test]
async fn a_provider_that_is_down_fails_the_job_and_nothing_else() {
    let upstream = upstream().await;
    let provider = "[signals.scores]\nkind = 'deps-dev'\nurl = 'http://127.0.0.1:1/'\n";
    let app = gateway(&upstream, provider).await;
    assert_eq!(app.file("foo", WHEEL).await.status, 200);
    let failed = run_now(&app.app, "signals").await.unwrap_err().to_string();
    assert!(failed.starts_with("scores: "), "{failed}");
    assert_eq!(app.file("foo", WHEEL).await.status, 200);
}

#[tokio::test]
async fn nobody_is_asked_about_names_that_have_become_ours() {
    let upstream = upstream().await;
    let app = gateway(&upstream, &scorecard(&upstream)).await;
    let tool = "acme_tool-1.0-py3-none-any.whl";
    assert_eq!(app.file("acme-tool", tool).await.status, 200);
    let pattern = "acme-*".parse().unwrap();
    portcullis_store::names::own(&app.app.db, &pattern, "ann", app.app.now())
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    assert_eq!(
        run_now(&app.app, "signals").await.unwrap(),
        "scores: 0 projects"
    );
    assert!(
        upstream
            .paths_containing("acme")
            .iter()
            .all(|path| !path.contains("scores"))
    );
}
