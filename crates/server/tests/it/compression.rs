//! Encodings of pages and their validators.

use std::io::Read as _;

use portcullis_fixtures::{FixtureIndex, wheel};

use crate::client::{Answer, JSON};
use crate::test_app::{TestApp, old};

async fn big_page() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    for minor in 0..40 {
        upstream.add(old(wheel("big", &format!("1.{minor}"))));
    }
    let app = TestApp::over(&upstream).await;
    (upstream, app)
}

fn plain(answer: &Answer) -> Vec<u8> {
    match answer.header("content-encoding") {
        None => answer.body.clone(),
        Some("gzip") => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&answer.body[..]);
            decoder.read_to_end(&mut plain).unwrap();
            plain
        }
        Some("zstd") => zstd::stream::decode_all(&answer.body[..]).unwrap(),
        Some(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_encoding_is_the_same_page() {
    let (_upstream, app) = big_page().await;
    for accept in [JSON, "text/html"] {
        let identity = app.get("/simple/big/").accept(accept).await;
        for (asked, given) in [
            ("identity", None),
            ("gzip, deflate", Some("gzip")),
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("zstd;q=0.5, gzip;q=1", Some("gzip")),
            ("br", None),
        ] {
            let ask = app.get("/simple/big/").accept(accept);
            let answer = ask.header("Accept-Encoding", asked).await;
            assert_eq!(answer.header("content-encoding"), given, "{asked}");
            assert_eq!(plain(&answer), identity.body, "{asked}");
            assert!(
                given.is_none() || answer.body.len() < identity.body.len() / 2,
                "{asked}"
            );
        }
    }
}

#[tokio::test]
async fn each_encoding_has_its_validator_and_each_of_them_spares_the_body() {
    let (_upstream, app) = big_page().await;
    let mut tags = Vec::new();
    for encoding in ["identity", "gzip", "zstd"] {
        let ask = app
            .get("/simple/big/")
            .accept(JSON)
            .header("Accept-Encoding", encoding);
        let tag = ask.clone().await.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag} is a strong validator");
        let again = ask.header("If-None-Match", &tag).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{encoding}");
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        assert_eq!(again.header("cache-control"), Some("no-cache"));
        assert_eq!(again.header("vary"), Some("Accept, Accept-Encoding"));
        tags.push(tag);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3);
    let other = app
        .get("/simple/big/")
        .accept(JSON)
        .header("If-None-Match", "\"other\"")
        .await;
    assert_eq!(other.status, 200);
    let html = app
        .get("/simple/big/")
        .header("If-None-Match", &tags[0])
        .await;
    assert_eq!(html.status, 200, "another form is another page");
}

#[tokio::test]
async fn a_page_that_changes_has_another_validator() {
    let (upstream, app) = big_page().await;
    let before = app.page("big").await;
    upstream.add(old(wheel("big", "2.0")));
    app.outdate_pages();
    let ask = app.get("/simple/big/").accept(JSON);
    let after = ask
        .header("If-None-Match", before.header("etag").unwrap())
        .await;
    assert_eq!(after.status, 200);
    assert!(
        after
            .filenames()
            .contains(&"big-2.0-py3-none-any.whl".to_owned())
    );
}

#[tokio::test]
async fn a_page_that_the_upstream_confirms_is_not_made_again() {
    let (upstream, app) = big_page().await;
    let before = app.page("big").await;
    app.page_is_kept("big").await;
    app.outdate_pages();
    let after = app.page("big").await;
    assert_eq!(after.header("etag"), before.header("etag"));
    let requests = upstream.requests();
    let conditional = requests
        .iter()
        .filter(|request| request.header("if-none-match").is_some());
    assert_eq!(conditional.count(), 1);
    app.page("big").await;
    assert_eq!(upstream.count("/simple/big/"), 2, "it is fresh again");
}
