//! Addresses that are nearly right lead to the right one, on this host, with their query.

use portcullis_fixtures::{FixtureIndex, wheel};
use url::Url;

use crate::test_app::{TestApp, old};

/// Where a chain of redirects from `path` ends, and with which status.
async fn follow(app: &TestApp, path: &str) -> (String, u16) {
    let base: Url = format!("http://{}", app.address).parse().unwrap();
    let mut url = base.join(path).unwrap();
    for _ in 0..4 {
        let target = url[url::Position::BeforePath..].to_owned();
        let answer = app.get(&target).await;
        let Some(location) = answer.header("location") else {
            return (target, answer.status);
        };
        assert_eq!(answer.status, 301, "{path}");
        url = url.join(location).unwrap();
        assert_eq!(url.origin(), base.origin(), "{path} leads to {location}");
    }
    panic!("{path} leads in circles");
}

#[tokio::test]
async fn unnormalised_names_and_missing_slashes_are_redirected() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo-bar", "1.0")));
    let app = TestApp::over(&upstream).await;
    for (path, expected) in [
        ("/simple", "/simple/"),
        ("/main/simple", "/main/simple/"),
        ("/simple/foo-bar", "/simple/foo-bar/"),
        ("/simple/Foo_Bar/", "/simple/foo-bar/"),
        ("/simple/Foo..Bar", "/simple/foo-bar/"),
        ("/main/simple/FOO-BAR", "/main/simple/foo-bar/"),
        ("/main/simple/foo_bar/", "/main/simple/foo-bar/"),
    ] {
        assert_eq!(
            follow(&app, path).await,
            (expected.to_owned(), 200),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_redirect_keeps_the_query_as_it_was() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo-bar", "1.0")));
    let app = TestApp::over(&upstream).await;
    for query in [
        "?format=application/vnd.pypi.simple.v1%2Bjson",
        "?format=application/vnd.pypi.simple.v1+json&x=1",
        "?x=%20&y",
    ] {
        for path in [
            "/simple/foo-bar",
            "/simple/Foo_Bar/",
            "/main/simple/Foo_Bar",
            "/simple",
        ] {
            let (end, status) = follow(&app, &format!("{path}{query}")).await;
            assert_eq!(status, 200, "{path}{query}");
            assert!(
                end.ends_with(&format!("/{query}")),
                "{path}{query} became {end}"
            );
        }
    }
}

#[tokio::test]
async fn no_name_is_an_address_elsewhere() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    for path in [
        "/simple/https:evil.example",
        "/simple/javascript:alert(1)",
        "/simple/%2F%2Fevil.example",
        "/main/simple/https:evil.example",
        "/legacy",
    ] {
        let answer = app.get(path).await;
        let base: Url = format!("http://{}{path}", app.address).parse().unwrap();
        if let Some(location) = answer.header("location") {
            let target = base.join(location).unwrap();
            assert_eq!(target.origin(), base.origin(), "{path} leads to {location}");
        }
    }
}

#[tokio::test]
async fn an_upload_without_the_slash_is_sent_on_with_its_body() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    for (path, expected) in [("/legacy", "/legacy/"), ("/main/legacy", "/main/legacy/")] {
        let answer = app.post(path).await;
        assert_eq!(answer.status, 308);
        let base: Url = format!("http://{}{path}", app.address).parse().unwrap();
        let target = base.join(answer.header("location").unwrap()).unwrap();
        assert_eq!(target.path(), expected);
    }
}
