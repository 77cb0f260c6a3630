//! Every way in which an upstream can lie or fail, against the pages and files of a gateway: what is
//! answered is bounded and explained, nothing falls over, and other projects go on.

use std::time::{Duration, Instant};

use portcullis_fixtures::{Fault, FixtureIndex, wheel};

use crate::test_app::{Setup, TestApp, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";

async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("well", "1.0")));
    let app = Setup::over(&upstream)
        .of_upstream("timeout = '1s'")
        .start()
        .await;
    (upstream, app)
}

fn table(upstream: &FixtureIndex) -> Vec<(&'static str, Fault, u16)> {
    let own = |path: &str| Fault::Redirect(format!("{}{path}", upstream.url()));
    vec![
        ("deep HTML", Fault::HtmlBomb { depth: 500_000 }, 200),
        ("deep JSON", Fault::JsonBomb { depth: 500_000 }, 502),
        ("a gzip bomb", Fault::GzipBomb { length: 80 << 20 }, 502),
        ("an endless page", Fault::EndlessBody, 502),
        ("500", Fault::status(500), 503),
        ("503", Fault::status(503), 503),
        ("429", Fault::status_retry_after(429, 7), 503),
        ("401", Fault::status(401), 502),
        ("403", Fault::status(403), 502),
        ("451", Fault::status(451), 502),
        ("418", Fault::status(418), 502),
        ("304 to nothing known", Fault::status(304), 502),
        ("absence", Fault::status(404), 404),
        (
            "a private address",
            Fault::Redirect("http://10.1.2.3/simple/foo/".to_owned()),
            502,
        ),
        (
            "a link-local address",
            Fault::Redirect("http://169.254.169.254/".to_owned()),
            502,
        ),
        (
            "a file",
            Fault::Redirect("file:///etc/passwd".to_owned()),
            502,
        ),
        ("a circle", own("/simple/foo/"), 502),
        ("silence", Fault::HangBeforeHeaders, 503),
        ("half a page", Fault::CloseAfter(20), 503),
        (
            "another protocol",
            Fault::Raw(b"220 mail.example ESMTP\r\n\r\n".to_vec()),
            503,
        ),
        ("no answer", Fault::Raw(Vec::new()), 503),
        ("an image", Fault::ContentType("image/png".to_owned()), 502),
        (
            "JSON called HTML",
            Fault::ContentType("text/html".to_owned()),
            200,
        ),
        ("no JSON", Fault::WrongBytes(b"<html>".to_vec()), 502),
        ("another project's page", own("/simple/well/"), 502),
    ]
}

#[tokio::test]
async fn a_lying_page_is_answered_within_bounds() {
    let (first, _) = place().await;
    for (what, fault, expected) in table(&first) {
        let (upstream, app) = place().await;
        let fault = match fault {
            Fault::Redirect(url) => Fault::Redirect(url.replace(&first.url(), &upstream.url())),
            other => other,
        };
        upstream.fault("/simple/foo/", fault);
        let begun = Instant::now();
        let page = app.page("foo").await;
        assert_eq!(page.status, expected, "{what}: {}", page.shown());
        assert!(page.is_complete, "{what}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        let file = app.file("foo", FILENAME).await;
        let is_explained = file.header("content-type") == Some("application/problem+json");
        assert!(
            file.status >= 400 && is_explained,
            "{what}: {}",
            file.shown()
        );
        if expected != 503 {
            let well = app.page("well").await;
            assert_eq!(well.status, 200, "after {what}: {}", well.shown());
        }
        assert_eq!(app.get("/livez").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn links_that_lead_nowhere_good_are_left_out_and_the_others_work() {
    let upstream = FixtureIndex::start().await;
    for (version, url) in [
        ("1.1", "javascript:alert(1)"),
        ("1.2", "data:text/plain,x"),
        ("1.3", "file:///etc/passwd"),
        ("1.4", "ftp://files.example/x.whl"),
        ("1.5", "http://"),
    ] {
        upstream.add(old(wheel("foo", version)).at(url));
    }
    upstream.add(old(wheel("foo", "2.1")));
    upstream.add(old(wheel("foo", "2.2")).relative());
    upstream.add(old(wheel("foo", "2.3")).protocol_relative());
    for form in ["json", "html"] {
        if form == "html" {
            upstream.serve_html();
        }
        let app = TestApp::over(&upstream).await;
        let expected =
            ["2.1", "2.2", "2.3"].map(|version| format!("foo-{version}-py3-none-any.whl"));
        assert_eq!(app.page("foo").await.filenames(), expected, "{form}");
        for filename in &expected {
            assert_eq!(
                app.file("foo", filename).await.status,
                200,
                "{form} {filename}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_leads_inside_is_not_fetched() {
    let inside = FixtureIndex::start().await;
    inside.route("/secret", "text/plain", "secret");
    let upstream = FixtureIndex::start().await;
    let port = inside.address().port();
    for (version, url) in [
        ("1.1", format!("http://localhost:{port}/secret")),
        ("1.2", "http://10.0.0.1/secret".to_owned()),
        ("1.3", format!("http://[::1]:{port}/secret")),
        ("1.4", format!("http://127.0.0.2:{port}/secret")),
        ("1.5", "http://0x7f000001/secret".to_owned()),
        ("1.6", format!("{}/hop", upstream.url())),
    ] {
        upstream.add(old(wheel("foo", version)).at(&url));
    }
    upstream.fault(
        "/hop",
        Fault::Redirect(format!("http://localhost:{port}/secret")),
    );
    let app = TestApp::over(&upstream).await;
    for minor in 1..=6 {
        let filename = format!("foo-1.{minor}-py3-none-any.whl");
        for path in [filename.clone(), format!("{filename}.metadata")] {
            let answer = app.file("foo", &path).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.shown());
        }
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn a_page_with_the_same_file_twice_serves_one_of_them_truly() {
    let upstream = FixtureIndex::start().await;
    let right = old(wheel("foo", "1.0"));
    let page = serde_json::json!({
        "meta": {"api-version": "1.1"}, "name": "foo", "versions": ["1.0"],
        "files": [
            {"filename": FILENAME, "url": "/files/foo/foo-1.0-py3-none-any.whl",
             "hashes": {"sha256": right.sha256()}, "size": right.bytes().len()},
            {"filename": FILENAME, "url": "/files/foo/other.whl",
             "hashes": {"sha256": "00".repeat(32)}, "size": 5},
        ],
    });
    upstream.add(right.clone());
    let json = "application/vnd.pypi.simple.v1+json";
    upstream.route("/simple/foo/", json, page.to_string());
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await;
    assert_eq!(page.filenames(), [FILENAME]);
    let answer = app.file("foo", FILENAME).await;
    let listed = &page.json()["files"][0]["hashes"]["sha256"];
    match answer.status {
        200 => assert_eq!(*listed, right.sha256()),
        status => assert!(matches!(status, 403 | 404), "{status}"),
    }
}
