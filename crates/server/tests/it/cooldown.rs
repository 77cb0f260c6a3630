//! The cooldown and its mercy: a release that fixes a known vulnerability passes at once, unless its
//! attestations say that somebody else published it; and the clock that nobody outside can set.

use std::sync::Arc;
use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use portcullis_server::config::{FeedConfig, FeedKind, FeedOrigin};
use portcullis_server::flow::feeds::{Shrunk, Wanted, Way, refresh};
use serde_json::{Value, json};

use crate::test_app::{Setup, TestApp, old};

/// Half a day before the tests' present.
const TODAY: &str = "2026-06-15T00:00:00Z";

fn young(version: &str) -> ListedFile {
    ListedFile::from(wheel("foo", version)).upload_time(TODAY)
}

/// Advisories that foo 1.1 fixes, each known since a date.
async fn know(app: &TestApp, published: &str) {
    let record = json!({
        "id": "PYSEC-2026-1",
        "modified": published,
        "published": published,
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "foo" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.1" }] }],
        }],
    });
    let file = app.path("advisory.json");
    std::fs::write(&file, record.to_string()).unwrap();
    let config = FeedConfig::new(FeedKind::Osv, FeedOrigin::Path(file));
    let wanted = Wanted {
        name: "advisories",
        config: &config,
        way: Way::Replace,
        shrunk: Shrunk::Refused,
        who: "test",
        on_bytes: Arc::new(|_, _| {}),
    };
    refresh(&app.app, &wanted).await.unwrap();
}

/// A file that is attested by what runs in `repository`.
fn attested(upstream: &FixtureIndex, file: ListedFile, repository: &str) -> ListedFile {
    let path = format!("/integrity/{}/provenance", file.filename());
    let provenance = json!({
        "version": 1,
        "attestation_bundles": [{
            "publisher": { "kind": "GitHub", "repository": repository, "workflow": "release.yml" },
            "attestations": [],
        }],
    });
    upstream.route(
        &path,
        "application/vnd.pypi.integrity.v1+json",
        provenance.to_string(),
    );
    let url = format!("{}{path}", upstream.url());
    file.extra("provenance", Value::from(url))
}

async fn listed(app: &TestApp) -> Vec<String> {
    let page = app.page("foo").await.json();
    let files = page["files"].as_array().unwrap().iter();
    files
        .map(|file| file["filename"].as_str().unwrap().to_owned())
        .collect()
}

const BEFORE: &str = "foo-1.0-py3-none-any.whl";
const FIX: &str = "foo-1.1-py3-none-any.whl";

#[tokio::test]
async fn a_fix_of_the_same_publisher_passes_and_says_why() {
    let upstream = FixtureIndex::start().await;
    upstream.add(attested(&upstream, old(wheel("foo", "1.0")), "acme/foo"));
    upstream.add(attested(&upstream, young("1.1"), "acme/foo"));
    let app = TestApp::over(&upstream).await;
    assert_eq!(listed(&app).await, [BEFORE]);
    know(&app, "2026-06-01T00:00:00Z").await;
    assert_eq!(listed(&app).await, [BEFORE, FIX]);
    assert_eq!(app.file("foo", FIX).await.status, 200);
    let why = app.get("/why/foo==1.1").await.text();
    assert!(why.contains("passes although it is new"), "{why}");
    assert!(why.contains("acme/foo"), "{why}");
    let asked = upstream.paths_containing("/integrity/");
    assert_eq!(asked.len(), 2, "attestations are asked for once: {asked:?}");
}

#[tokio::test]
async fn a_fix_of_somebody_else_waits() {
    for repository in [Some("mallory/foo"), None] {
        let upstream = FixtureIndex::start().await;
        upstream.add(attested(&upstream, old(wheel("foo", "1.0")), "acme/foo"));
        upstream.add(match repository {
            Some(repository) => attested(&upstream, young("1.1"), repository),
            None => young("1.1"),
        });
        let app = TestApp::over(&upstream).await;
        know(&app, "2026-06-01T00:00:00Z").await;
        assert_eq!(listed(&app).await, [BEFORE], "{repository:?}");
        let answer = app.file("foo", FIX).await;
        assert_eq!(answer.status, 403);
        let publisher = answer.json()["evidence"]["publisher"].to_string();
        assert!(publisher.contains("before GitHub acme/foo"), "{publisher}");
    }
}

#[tokio::test]
async fn a_fix_whose_attestations_cannot_be_had_waits() {
    let upstream = FixtureIndex::start().await;
    upstream.add(attested(&upstream, old(wheel("foo", "1.0")), "acme/foo"));
    let lost = format!("{}/integrity/lost", upstream.url());
    upstream.add(young("1.1").extra("provenance", Value::from(lost)));
    let app = TestApp::over(&upstream).await;
    know(&app, "2026-06-01T00:00:00Z").await;
    assert_eq!(listed(&app).await, [BEFORE]);
}

#[tokio::test]
async fn nobody_gets_through_by_an_advisory_of_today() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(young("1.1"));
    let app = TestApp::over(&upstream).await;
    know(&app, "2026-06-15T11:00:00Z").await;
    assert_eq!(listed(&app).await, [BEFORE]);
    app.advance(Duration::from_secs(23 * 60 * 60));
    assert_eq!(listed(&app).await, [BEFORE, FIX]);
}

#[tokio::test]
async fn the_clock_of_this_gateway_counts_from_when_it_saw_a_file() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let policy = "[rules.too-young]\nseen-days = 2\n";
    let app = Setup::over(&upstream).policy(policy).start().await;
    // Everything is new to a new gateway: what waits is listed and refused.
    assert_eq!(app.file("foo", BEFORE).await.status, 403);
    app.page_is_kept("foo").await;
    app.advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(app.file("foo", BEFORE).await.status, 200);
    // An upload time of long ago does not make a new file an old one, not even after a restart.
    upstream.add(old(wheel("foo", "1.1")));
    app.outdate_pages();
    assert_eq!(listed(&app).await, [BEFORE]);
    app.page_is_kept("foo").await;
    let app = app.restart().await;
    assert_eq!(listed(&app).await, [BEFORE]);
    app.advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(listed(&app).await, [BEFORE, FIX]);
}
