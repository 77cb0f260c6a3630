//! What is not about packages: health, figures, ids of requests, wrong methods, and the end.

use std::time::Duration;

use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use tokio::net::TcpStream;

use crate::test_app::{Setup, TestApp, old};

async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0").payload(500_000)));
    let app = Setup::over(&upstream).start().await;
    (upstream, app)
}

#[tokio::test]
async fn a_gateway_that_works_says_that_it_lives_and_is_ready() {
    let (upstream, app) = place().await;
    assert_answer!(app.get("/livez").await);
    assert_answer!(app.get("/readyz").await);
    upstream.stop();
    for _ in 0..6 {
        app.page("foo").await;
    }
    let ready = app.get("/readyz").await;
    assert_eq!(
        ready.status, 200,
        "an upstream that is down does not make us unready"
    );
    assert_eq!(ready.json()["upstreams"]["pypi"], "paused");
}

#[tokio::test]
async fn a_gateway_without_its_database_lives_and_is_not_ready() {
    let (_upstream, app) = place().await;
    app.app.db.close().await;
    assert_eq!(app.get("/livez").await.status, 200);
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_answer!(ready);
}

#[tokio::test]
async fn figures_are_told() {
    portcullis_server::serve::figures();
    let (_upstream, app) = place().await;
    app.file("foo", "foo-1.0-py3-none-any.whl").await;
    let answer = app.get("/metrics").await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for figure in [
        "portcullis_downloads_total",
        "portcullis_received_bytes_total{source=\"pypi\"}",
        "portcullis_upstream_paused{source=\"pypi\"}",
        "portcullis_page_cache_bytes",
    ] {
        assert!(text.contains(figure), "{figure} in {text}");
    }
}

#[tokio::test]
async fn an_answer_has_the_id_of_its_request() {
    let (_upstream, app) = place().await;
    for path in ["/readyz", "/files/foo/x.whl", "/nothing/at/all", "/why/foo"] {
        let given = app.get(path).header("X-Request-Id", "abc-123").await;
        assert_eq!(given.header("x-request-id"), Some("abc-123"), "{path}");
        let own = app.get(path).header("X-Request-Id", "a b<c>").await;
        let id = own
            .header("x-request-id")
            .unwrap_or_else(|| panic!("{path} has no id"));
        assert_eq!(id.len(), 36, "{path}: {id}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_done_are_explained() {
    let (_upstream, app) = place().await;
    for path in [
        "/nothing",
        "/simple/foo/bar/",
        "/files/foo",
        "/a/b/c/d/e",
        "/main/main/",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    assert_answer!(app.get("/nothing?x=1").await);
    let doors = [
        "/simple/",
        "/simple/foo/",
        "/files/foo/x.whl",
        "/readyz",
        "/livez",
        "/why/foo",
    ];
    for path in doors {
        let answer = app.post(path).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
        assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{path}");
    }
    let answer = app.get("/legacy/").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_answer!(answer);
}

#[tokio::test]
async fn the_root_says_how_to_point_an_installer_here() {
    let (_upstream, app) = place().await;
    let answer = app.get("/").await;
    assert_answer!(answer);
    let hostile = app
        .get("/")
        .header("X-Forwarded-Host", "evil.example")
        .await;
    assert!(!hostile.text().contains("evil.example"));
}

#[tokio::test]
async fn a_transfer_under_way_is_finished_when_the_gateway_stops() {
    let (upstream, app) = place().await;
    upstream.fault(
        "/files/",
        Fault::Drip {
            chunk: 64 * 1024,
            every: Duration::from_millis(60),
        },
    );
    let mut opened = app.file("foo", "foo-1.0-py3-none-any.whl").open().await;
    opened.more().await;
    let address = app.address;
    let (stopped, _setup) = app.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        TcpStream::connect(address).await.is_err(),
        "no new connections"
    );
    assert!(!stopped.is_finished());
    let answer = opened.rest().await;
    assert!(answer.is_complete);
    tokio::time::timeout(Duration::from_secs(5), stopped)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_transfer_that_takes_too_long_does_not_keep_the_gateway_from_stopping() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0").payload(500_000)));
    upstream.fault(
        "/files/",
        Fault::Drip {
            chunk: 140 * 1024,
            every: Duration::from_secs(5),
        },
    );
    let app = Setup::over(&upstream)
        .tables("[limits]\nshutdown = '1s'")
        .start()
        .await;
    let opened = app.file("foo", "foo-1.0-py3-none-any.whl").open().await;
    let (stopped, _setup) = app.stop();
    tokio::time::timeout(Duration::from_secs(4), stopped)
        .await
        .unwrap()
        .unwrap();
    drop(opened);
}
