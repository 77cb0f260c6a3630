//! Offline, no request leaves; what is here is served, and what is not is out of reach rather than absent.

use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::jobs::schedule::{RunError, run_now};
use portcullis_server::offline::{OFF, ON, SWITCH};
use portcullis_store::switches::{self, Switch};

use crate::test_app::{Setup, TestApp, eventually, old};

const ONE: &str = "foo-1.0-py3-none-any.whl";
const TWO: &str = "foo-2.0-py3-none-any.whl";

/// Two versions are listed and one of them was downloaded; of `bar` the page is kept and no file.
async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    for version in ["1.0", "2.0"] {
        upstream.add(old(wheel("foo", version)));
    }
    upstream.add(old(wheel("bar", "1.0")));
    let app = Setup::over(&upstream).start().await;
    assert_eq!(app.page("foo").await.filenames(), [ONE, TWO]);
    assert_eq!(app.page("bar").await.status, 200);
    assert_eq!(app.file("foo", ONE).await.status, 200);
    app.page_is_kept("foo").await;
    app.page_is_kept("bar").await;
    (upstream, app)
}

async fn throw(app: &TestApp, state: &str) {
    let switch = Switch {
        name: SWITCH.to_owned(),
        state: state.to_owned(),
        reason: "a drill".to_owned(),
        who: "test".to_owned(),
        at: app.app.now(),
    };
    switches::throw(&app.app.db, &switch).await.unwrap();
}

async fn is_served_from_here(upstream: &FixtureIndex, app: &TestApp) {
    portcullis_server::serve::figures();
    upstream.forget_requests();
    let page = app.page("foo").await;
    assert_eq!((page.status, page.filenames()), (200, vec![ONE.to_owned()]));
    assert_eq!(page.json()["versions"], serde_json::json!(["1.0"]));
    assert!(page.header("x-portcullis-stale-since").is_some());
    assert_eq!(app.file("foo", ONE).await.status, 200);
    assert_eq!(
        app.file("foo", &format!("{ONE}.metadata")).await.status,
        200
    );
    for target in [
        format!("/files/foo/{TWO}"),
        format!("/files/foo/{TWO}.metadata"),
        "/simple/bar/".to_owned(),
        "/simple/never-heard-of/".to_owned(),
    ] {
        let answer = app.get(&target).await;
        assert_eq!(answer.status, 503, "{target}");
        assert!(
            answer.text().contains("offline"),
            "{target}: {}",
            answer.text()
        );
    }
    let ready = app.get("/readyz").await.json();
    assert_eq!(ready["offline"], true);
    let figures = app.get("/metrics").await.text();
    assert!(figures.contains("portcullis_offline 1"), "{figures}");
    assert_eq!(upstream.requests().len(), 0, "a request has left");
}

#[tokio::test]
async fn what_is_here_is_served_however_old_it_is_and_nobody_is_asked() {
    let (upstream, app) = place().await;
    app.advance(Duration::from_secs(400 * 24 * 60 * 60));
    app.app.config.line.cut();
    app.app.forget_all();
    is_served_from_here(&upstream, &app).await;
    // An hour later the same, whatever was remembered for a moment.
    app.advance(Duration::from_secs(60 * 60));
    is_served_from_here(&upstream, &app).await;
}

#[tokio::test]
async fn a_name_of_ours_is_found_or_absent_as_ever() {
    let (_upstream, app) = place().await;
    let owned = portcullis_core::pypi::name::NamePattern::Exact("secret".parse().unwrap());
    portcullis_store::names::own(&app.app.db, &owned, "test", app.app.now())
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    let online = app.page("secret").await;
    app.app.config.line.cut();
    app.app.forget_all();
    let offline = app.page("secret").await;
    assert_ne!(offline.status, 503);
    assert_eq!((offline.status, offline.body), (online.status, online.body));
}

#[tokio::test]
async fn the_switch_reaches_every_replica_and_jobs_that_would_ask_are_left_alone() {
    let (upstream, app) = place().await;
    let other = app.second().await;
    other.start_jobs();
    assert_eq!(other.page("foo").await.filenames().len(), 2);
    throw(&app, ON).await;
    eventually(async || other.app.is_offline().then_some(())).await;
    is_served_from_here(&upstream, &other).await;
    let refused = run_now(&other.app, "visit-projects").await;
    assert!(matches!(refused, Err(RunError::Offline(_))), "{refused:?}");

    throw(&app, OFF).await;
    eventually(async || (!other.app.is_offline()).then_some(())).await;
    assert_eq!(other.page("foo").await.filenames().len(), 2);
    assert_eq!(other.file("foo", TWO).await.status, 200);
    // A process that is opened while the switch is on, a command for example, is offline too.
    throw(&app, ON).await;
    assert!(app.second().await.app.is_offline());
}
