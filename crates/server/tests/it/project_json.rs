//! `/pypi/<project>/json`: the same page, for tools and scripts that read that form.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::test_app::{Setup, TestApp, old};

async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    let described = |version: &str| {
        wheel("foo", version)
            .header("Summary", "A thing")
            .requires("bar>=1")
            .description("# Foo")
    };
    upstream.add(old(described("1.0")));
    upstream.add(old(described("1.1")).yanked_because("broken"));
    upstream.add(ListedFile::from(described("2.0")).upload_time("2026-06-14T12:00:00Z"));
    upstream.offer_metadata();
    let app = Setup::over(&upstream).tables("[indexes.other]\nsources = ['pypi']");
    (upstream, app.default_index("main").start().await)
}

#[tokio::test]
async fn a_project_is_told_as_its_page_shows_it() {
    let (_upstream, app) = place().await;
    let answer = app.get("/pypi/foo/json").await;
    assert_answer!(answer);
    let json = answer.json();
    assert!(json["releases"].get("2.0").is_none(), "too young");
    let url = json["urls"][0]["url"].as_str().unwrap();
    let path = url
        .strip_prefix(&format!("http://{}", app.address))
        .unwrap();
    assert_eq!(app.get(path).await.status, 200);
}

#[tokio::test]
async fn a_release_is_told_alone() {
    let (_upstream, app) = place().await;
    let json = app.get("/pypi/Foo/1.0.0/json").await.json();
    assert_eq!(json["info"]["version"], "1.0");
    assert_eq!(json["urls"].as_array().unwrap().len(), 1);
    assert!(json.get("releases").is_none());
    for missing in [
        "/pypi/foo/9.9/json",
        "/pypi/foo/nonsense/json",
        "/pypi/foo/2.0/json",
    ] {
        assert_eq!(app.get(missing).await.status, 404, "{missing}");
    }
    assert_eq!(app.get("/pypi/nothing/json").await.status, 404);
}

#[tokio::test]
async fn every_index_leads_to_its_own_files() {
    let (_upstream, app) = place().await;
    let json = app.get("/other/pypi/foo/1.0/json").await.json();
    let url = json["urls"][0]["url"].as_str().unwrap();
    assert!(url.contains("/other/files/foo/"), "{url}");
}
