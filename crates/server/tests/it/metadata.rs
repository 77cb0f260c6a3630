//! `<file>.metadata` (PEP 658): offered for every wheel, since it can always be had, and true.

use portcullis_core::digest::Sha256;
use portcullis_fixtures::{Fault, FixtureIndex, sdist, wheel};

use crate::test_app::{Setup, TestApp, old};
use crate::upload_form::publish;

const SIDECAR: &str = "foo-1.0-py3-none-any.whl.metadata";

/// The wheel is not fetched because its metadata is asked for.
const NOTHING_AHEAD: &str = "[inspection]\nahead = false\nisolation = 'thread'\n";

fn big() -> portcullis_fixtures::Wheel {
    wheel("foo", "1.0").requires("bar>=1").payload(300_000)
}

#[tokio::test]
async fn metadata_is_had_from_beside_the_wheel_where_the_upstream_offers_it() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    upstream.add(old(big()));
    let app = Setup::over(&upstream).tables(NOTHING_AHEAD).start().await;
    let page = app.page("foo").await.json();
    let digest = Sha256::of(&big().metadata()).to_hex();
    assert_eq!(page["files"][0]["core-metadata"]["sha256"], digest);
    for _ in 0..2 {
        let answer = app.file("foo", SIDECAR).await;
        assert_eq!((answer.status, answer.body), (200, big().metadata()));
    }
    assert_eq!(
        upstream.paths_containing(SIDECAR).len(),
        1,
        "the second came from the vault"
    );
    assert_eq!(upstream.paths_containing(".whl").len(), 1);
}

#[tokio::test]
async fn metadata_is_read_out_of_the_wheel_by_range_otherwise() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(big()));
    let app = Setup::over(&upstream).tables(NOTHING_AHEAD).start().await;
    let page = app.page("foo").await.json();
    assert_eq!(page["files"][0]["core-metadata"], true);
    let answer = app.file("foo", SIDECAR).await;
    assert_eq!((answer.status, answer.body), (200, big().metadata()));
    let asked = upstream.requests();
    let mut of_the_wheel = asked
        .iter()
        .filter(|request| request.path.ends_with(".whl"));
    assert!(of_the_wheel.all(|request| request.header("range").is_some()));
}

#[tokio::test]
async fn metadata_is_read_out_of_the_whole_wheel_where_there_are_no_ranges() {
    let upstream = FixtureIndex::start().await;
    upstream.without_ranges();
    upstream.add(old(big()));
    let app = TestApp::over(&upstream).await;
    let answer = app.file("foo", SIDECAR).await;
    assert_eq!((answer.status, answer.body), (200, big().metadata()));
    upstream.stop();
    let wheel = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert!(
        wheel.is_complete && wheel.body == big().build(),
        "the wheel is here by now"
    );
}

#[tokio::test]
async fn metadata_that_is_not_what_the_page_announced_is_not_passed_on() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    upstream.add(old(big()));
    let app = TestApp::over(&upstream).await;
    upstream.fault(
        SIDECAR,
        Fault::WrongBytes(b"Metadata-Version: 2.1\n".to_vec()),
    );
    let answer = app.file("foo", SIDECAR).await;
    assert_eq!(answer.status, 403);
    app.alert("wrong-bytes", &format!("pypi/foo/{SIDECAR}"))
        .await;
    assert!(app.blobs().await.is_empty());
    upstream.clear_faults();
    assert_eq!(app.file("foo", SIDECAR).await.body, big().metadata());
}

#[tokio::test]
async fn metadata_can_be_asked_about_by_head_and_by_validator() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(big()));
    let app = TestApp::over(&upstream).await;
    let get = app.file("foo", SIDECAR).await;
    let head = app.head(&format!("/files/foo/{SIDECAR}")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    let etag = format!("\"{}\"", Sha256::of(&big().metadata()));
    assert_eq!(get.header("etag"), Some(etag.as_str()));
    let known = app
        .file("foo", SIDECAR)
        .header("If-None-Match", &etag)
        .await;
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[tokio::test]
async fn only_wheels_have_metadata_files() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(sdist("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await.json();
    assert!(page["files"][0].get("core-metadata").is_none());
    let answer = app.file("foo", "foo-1.0.tar.gz.metadata").await;
    assert_eq!(answer.status, 404);
    assert_answer!(answer);
}

#[tokio::test]
async fn metadata_of_a_wheel_that_is_here_is_had_while_the_upstream_is_down() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    upstream.add(old(big()));
    let app = TestApp::over(&upstream).await;
    assert!(
        app.file("foo", "foo-1.0-py3-none-any.whl")
            .await
            .is_complete
    );
    upstream.stop();
    let answer = app.file("foo", SIDECAR).await;
    assert_eq!((answer.status, answer.body), (200, big().metadata()));
}

#[tokio::test]
async fn a_published_wheel_has_its_own_metadata() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let token = app.token("ci", "upload").await;
    publish(&app, &token, &big()).await;
    let page = app.page("foo").await.json();
    let digest = Sha256::of(&big().metadata()).to_hex();
    assert_eq!(page["files"][0]["core-metadata"]["sha256"], digest);
    assert_eq!(app.file("foo", SIDECAR).await.body, big().metadata());
}

#[tokio::test]
async fn a_wheel_that_is_none_has_no_metadata_to_give() {
    let upstream = FixtureIndex::start().await;
    let nonsense = portcullis_fixtures::ListedFile::raw(
        "foo",
        "1.0",
        "foo-1.0-py3-none-any.whl",
        vec![b'x'; 100_000],
    );
    upstream.add(old(nonsense));
    let app = Setup::over(&upstream).start().await;
    let answer = app.file("foo", SIDECAR).await;
    assert_eq!(answer.status, 403);
    assert_answer!(answer);
}
