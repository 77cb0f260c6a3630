//! The simple repository API: which form a client gets, and what is in it.

use std::time::Duration;

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, sdist, wheel};
use serde_json::json;

use crate::client::{HTML, JSON};
use crate::test_app::{LONG_AGO, Setup, TestApp, old};
use crate::upload_form::publish;

const LEGACY: &str = "text/html";

#[tokio::test]
async fn every_installer_gets_the_form_that_it_asks_for() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let table = [
        ("pip 20", Some("text/html"), LEGACY),
        (
            "pip 23 and pdm",
            Some(
                "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, \
                 text/html; q=0.01",
            ),
            JSON,
        ),
        (
            "uv",
            Some(
                "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, \
                 text/html;q=0.01",
            ),
            JSON,
        ),
        (
            "poetry",
            Some("application/vnd.pypi.simple.v1+json, */*;q=0.1"),
            JSON,
        ),
        ("html by its name", Some(HTML), HTML),
        ("curl", Some("*/*"), LEGACY),
        ("nobody", None, LEGACY),
        (
            "latest json",
            Some("application/vnd.pypi.simple.latest+json"),
            JSON,
        ),
        (
            "latest html",
            Some("application/vnd.pypi.simple.latest+html"),
            HTML,
        ),
    ];
    for path in [
        "/simple/foo/",
        "/simple/",
        "/main/simple/foo/",
        "/main/simple/",
    ] {
        for (client, accept, expected) in table {
            let ask = app.get(path);
            let answer = match accept {
                Some(accept) => ask.accept(accept).await,
                None => ask.await,
            };
            assert_eq!(answer.status, 200, "{client} at {path}");
            assert_eq!(
                answer.header("content-type"),
                Some(expected),
                "{client} at {path}"
            );
            assert_eq!(
                answer.header("vary"),
                Some("Accept, Accept-Encoding"),
                "{client}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-cache"), "{client}");
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some("*"),
                "{client}"
            );
            assert!(answer.is_complete, "{client} at {path}");
        }
    }
}

#[tokio::test]
async fn a_format_parameter_wins_over_accept() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    for (format, expected) in [
        ("application/vnd.pypi.simple.v1%2Bjson", JSON),
        ("application/vnd.pypi.simple.v1+json", JSON),
        ("application/vnd.pypi.simple.latest%2Bhtml", HTML),
        ("text/html", LEGACY),
    ] {
        let answer = app
            .get(&format!("/simple/foo/?format={format}"))
            .accept(if expected == JSON { LEGACY } else { JSON })
            .await;
        assert_eq!(answer.header("content-type"), Some(expected), "{format}");
    }
    let answer = app.get("/simple/foo/?format=xml").accept(JSON).await;
    assert_eq!(answer.status, 406);
}

#[tokio::test]
async fn a_client_that_takes_none_of_our_forms_is_told_so() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    for path in ["/simple/foo/", "/simple/"] {
        let answer = app.get(path).accept("application/xml").await;
        assert_eq!(answer.status, 406, "{path}");
    }
    assert_answer!(app.get("/simple/").accept("application/json").await);
}

fn everything(upstream: &FixtureIndex) {
    let rich = wheel("rich", "2.0").requires_python(">=3.8,<4");
    upstream.add(
        old(rich)
            .extra("x-note", json!({"deep": [1, null, "ä"]}))
            .extra("_private", json!(3)),
    );
    upstream.add(old(sdist("rich", "2.0")).yanked_because("it \"breaks\" <all>"));
    upstream
        .add(old(wheel("rich", "1.0").tags("cp311", "cp311", "manylinux_2_17_x86_64")).yanked());
    upstream
        .add(old(ListedFile::raw("rich", "1.0", "rich-1.0.zip", &b"zip"[..])).hash("md5", "00"));
    upstream.set_page_key("rich", "x-shelf", json!("left"));
    upstream.set_page_key(
        "rich",
        "alternate-locations",
        json!(["https://mirror.example/rich/"]),
    );
    upstream.set_status("rich", "deprecated", Some("use poor"));
    upstream.offer_metadata();
}

#[tokio::test]
async fn a_page_says_in_json_all_that_the_upstream_says() {
    let upstream = FixtureIndex::start().await;
    everything(&upstream);
    let app = TestApp::over(&upstream).await;
    assert_answer!(app.page("rich").await);
}

#[tokio::test]
async fn a_page_says_in_html_what_html_has_room_for() {
    let upstream = FixtureIndex::start().await;
    everything(&upstream);
    let app = TestApp::over(&upstream).await;
    let answer = app.get("/simple/rich/").accept(LEGACY).await;
    assert_answer!(answer);
    let versioned = app.get("/simple/rich/").accept(HTML).await;
    assert_eq!(versioned.body, answer.body);
}

#[tokio::test]
async fn keys_that_we_do_not_know_are_kept_as_they_were_and_only_addresses_change() {
    let upstream = FixtureIndex::start().await;
    everything(&upstream);
    let app = TestApp::over(&upstream).await;
    let theirs = page_of(&upstream, "rich").await;
    let mut ours = app.page("rich").await.json();
    let (theirs_files, ours_files) = (
        theirs["files"].as_array().unwrap().clone(),
        ours["files"].as_array_mut().unwrap(),
    );
    for (ours, theirs) in ours_files.iter().zip(&theirs_files) {
        for key in [
            "filename",
            "hashes",
            "size",
            "upload-time",
            "yanked",
            "x-note",
            "_private",
        ] {
            assert_eq!(ours[key], theirs[key], "{key}");
        }
        let filename = ours["filename"].as_str().unwrap();
        assert_eq!(ours["url"], format!("../../files/rich/{filename}"));
    }
    for key in [
        "name",
        "versions",
        "project-status",
        "x-shelf",
        "alternate-locations",
    ] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
}

/// The upstream's own page.
async fn page_of(upstream: &FixtureIndex, project: &str) -> serde_json::Value {
    let path = format!("/simple/{project}/");
    let ask = crate::client::Ask::new(upstream.address(), "GET", &path);
    // The fixture keeps connections open: its answer is read by its length.
    let mut opened = ask.accept(JSON).open().await;
    let length: usize = opened
        .answer
        .header("content-length")
        .unwrap()
        .parse()
        .unwrap();
    while opened.answer.body.len() < length {
        opened.more().await;
    }
    opened.answer.json()
}

#[tokio::test]
async fn the_list_names_what_is_hosted_and_no_upstream_is_asked_for_its_own() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let token = app.token("ci", "upload").await;
    for project in ["Zeta_Tool", "alpha.tool"] {
        publish(&app, &token, &wheel(project, "1.0")).await;
    }
    app.page("foo").await;
    assert_answer!(app.get("/simple/").accept(JSON).await);
    let html = app.get("/simple/").accept(LEGACY).await.text();
    assert!(
        html.contains("<a href=\"alpha-tool/\">alpha-tool</a>"),
        "{html}"
    );
    assert!(
        html.contains("<a href=\"zeta-tool/\">zeta-tool</a>"),
        "{html}"
    );
    assert!(!html.contains("foo"), "{html}");
    assert_eq!(upstream.count("/simple/"), 0);
}

#[tokio::test]
async fn head_says_what_get_would_and_sends_nothing() {
    let upstream = FixtureIndex::start().await;
    everything(&upstream);
    let app = TestApp::over(&upstream).await;
    for path in ["/simple/rich/", "/simple/"] {
        let get = app.get(path).accept(JSON).await;
        let head = app.head(path).accept(JSON).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for header in [
            "content-type",
            "content-length",
            "etag",
            "vary",
            "cache-control",
        ] {
            assert_eq!(
                head.header(header),
                get.header(header),
                "{header} of {path}"
            );
        }
    }
}

#[tokio::test]
async fn namespaces_are_told_where_there_are_some() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await.json();
    assert_eq!(page["meta"]["api-version"], "1.4");
    assert!(page.get("namespaces").is_none());

    let setup = Setup::over(&upstream).tables("[names]\nowned = ['acme-*', 'acme-web-*', 'corp']");
    let app = setup.start().await;
    let token = app.token("ci", "upload").await;
    publish(&app, &token, &wheel("acme-web-shop", "1.0")).await;
    let page = app.page("acme-web-shop").await.json();
    assert_eq!(page["meta"]["api-version"], "1.5");
    insta::assert_snapshot!(page["namespaces"].to_string());
    assert_eq!(app.page("foo").await.json()["namespaces"], json!(null));
    assert_answer!(app.get("/namespaces").await);
    assert_answer!(app.get("/namespace/acme").await);
    assert_answer!(app.get("/namespace/Acme_Web").await);
    for unknown in ["corp", "other", "!!"] {
        assert_eq!(
            app.get(&format!("/namespace/{unknown}")).await.status,
            404,
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn an_upstream_with_nothing_but_html_is_enriched() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.serve_html();
    upstream.serve_project_json();
    let app = TestApp::over(&upstream).await;
    let page = app.page("foo").await.json();
    assert_eq!(page["files"][0]["upload-time"], LONG_AGO);
    assert!(page["files"][0]["size"].as_u64().unwrap() > 100);
    assert_eq!(page["files"][0]["core-metadata"], json!(true));
}

#[tokio::test]
async fn details_that_were_known_outlive_a_failure_of_the_project_api() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.serve_html();
    upstream.serve_project_json();
    let app = TestApp::over(&upstream).await;
    app.page("foo").await;
    app.page_is_kept("foo").await;
    upstream.add(old(wheel("foo", "2.0")));
    upstream.fault("/pypi/", Fault::status(500));
    app.outdate_pages();
    let page = app.page("foo").await.json();
    assert_eq!(page["files"][0]["upload-time"], LONG_AGO);
    assert_eq!(page["files"][1]["upload-time"], json!(null));
    // Soon the details are asked for again, although the page itself is as it was.
    upstream.clear_faults();
    let app = app.restart().await;
    app.advance(Duration::from_secs(61));
    let page = app.page("foo").await.json();
    assert_eq!(page["files"][1]["upload-time"], LONG_AGO);
}

#[tokio::test]
async fn what_is_not_there_is_404_with_an_explanation() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    assert_answer!(app.page("nothing-here").await);
    for path in [
        "/other/simple/foo/",
        "/other/simple/",
        "/simple/-bad-/",
        "/Main/simple/foo/",
    ] {
        let answer = app.get(path).accept(JSON).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    upstream.add(old(wheel("left", "1.0")));
    upstream.gone("left");
    assert_eq!(app.page("left").await.status, 404);
}
