//! While an upstream is down: its last good page stands in for a while, and says so.

use std::time::Duration;

use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use portcullis_store::Db;

use crate::test_app::{Setup, TestApp, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const STALE_SINCE: &str = "x-portcullis-stale-since";

async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let setup = Setup::over(&upstream).of_upstream("fresh-for = '1m'\nstale-for = '2h'");
    let app = setup.start().await;
    assert_eq!(app.page("foo").await.header(STALE_SINCE), None);
    app.page_is_kept("foo").await;
    (upstream, app)
}

#[tokio::test]
async fn a_fresh_page_is_served_without_asking() {
    let (upstream, app) = place().await;
    upstream.stop();
    app.advance(Duration::from_secs(59));
    let page = app.page("foo").await;
    assert_eq!((page.status, page.header(STALE_SINCE)), (200, None));
}

#[tokio::test]
async fn the_last_good_page_stands_in_and_says_since_when() {
    let (upstream, app) = place().await;
    assert_eq!(app.file("foo", FILENAME).await.status, 200);
    upstream.stop();
    app.advance(Duration::from_secs(60 * 60));
    for _ in 0..2 {
        let page = app.page("foo").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header(STALE_SINCE), Some("2026-06-15T12:00:00.000Z"));
        assert_eq!(page.filenames(), [FILENAME]);
    }
    assert_eq!(
        app.file("foo", FILENAME).await.status,
        200,
        "the file is in the vault"
    );
    let why = app.get("/why/foo").await.text();
    assert!(why.contains("cannot be reached"), "{why}");

    let app = app.restart().await;
    let page = app.page("foo").await;
    assert_eq!(
        page.header(STALE_SINCE),
        Some("2026-06-15T12:00:00.000Z"),
        "after a restart too"
    );
    assert_eq!(app.file("foo", FILENAME).await.status, 200);
}

#[tokio::test]
async fn a_page_that_is_too_old_does_not_stand_in() {
    let (upstream, app) = place().await;
    upstream.stop();
    app.advance(Duration::from_secs(2 * 60 * 60 - 1));
    assert_eq!(app.page("foo").await.status, 200);
    app.advance(Duration::from_secs(11));
    let page = app.page("foo").await;
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").is_some());
    assert_eq!(app.file("foo", FILENAME).await.status, 503);
}

#[tokio::test]
async fn a_source_that_is_back_is_believed_again() {
    let (upstream, app) = place().await;
    upstream.fault("/simple/", Fault::status(500));
    app.advance(Duration::from_secs(61));
    assert!(app.page("foo").await.header(STALE_SINCE).is_some());
    upstream.clear_faults();
    app.advance(Duration::from_secs(9));
    assert!(
        app.page("foo").await.header(STALE_SINCE).is_some(),
        "it is left alone for a while"
    );
    app.advance(Duration::from_secs(2));
    assert_eq!(app.page("foo").await.header(STALE_SINCE), None);

    upstream.add(old(wheel("foo", "2.0")));
    app.advance(Duration::from_secs(61));
    assert_eq!(app.page("foo").await.filenames().len(), 2);
}

#[tokio::test]
async fn what_a_source_says_it_does_not_have_has_no_stand_in() {
    let (upstream, app) = place().await;
    upstream.gone("foo");
    app.advance(Duration::from_secs(61));
    assert_eq!(app.page("foo").await.status, 404);
    assert_eq!(app.file("foo", FILENAME).await.status, 404);
}

#[tokio::test]
async fn absence_is_believed_for_half_a_minute() {
    let (upstream, app) = place().await;
    assert_eq!(app.page("bar").await.status, 404);
    upstream.add(old(wheel("bar", "1.0")));
    app.advance(Duration::from_secs(29));
    assert_eq!(app.page("bar").await.status, 404);
    app.advance(Duration::from_secs(1));
    assert_eq!(app.page("bar").await.status, 200);
    assert_eq!(upstream.count("/simple/bar/"), 2);
}

/// A page that an older version kept, or that was damaged, is fetched anew; its validators would have
/// the upstream say for ever that nothing has changed.
#[tokio::test]
async fn a_kept_page_that_cannot_be_read_is_fetched_anew() {
    let (upstream, app) = place().await;
    let Db::Sqlite { write, .. } = &app.app.db else {
        panic!("not SQLite")
    };
    let damage = sqlx::query("UPDATE page SET body = x'00'");
    damage.execute(write).await.unwrap();
    let app = app.restart().await;
    assert_eq!(app.page("foo").await.filenames(), [FILENAME]);
    app.advance(Duration::from_secs(61));
    upstream.stop();
    assert_eq!(
        app.page("foo").await.status,
        200,
        "and is kept as it should be"
    );
}
