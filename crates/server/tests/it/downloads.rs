//! Who received what: the record of each download is there before the download is complete.

use std::future::IntoFuture as _;
use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_store::{Db, decisions};

use crate::test_app::{TestApp, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const PIP: &str = r#"pip/26.3 {"ci":true,"distro":{"name":"Debian GNU/Linux","version":"12"},"installer":{"name":"pip","version":"26.3"},"python":"3.11.7"}"#;

#[tokio::test]
async fn a_download_is_recorded_with_who_what_and_why() {
    let upstream = FixtureIndex::start().await;
    let file = old(wheel("foo", "1.0").payload(200_000));
    let (sha256, size) = (file.sha256(), file.bytes().len() as u64);
    upstream.add(file);
    let app = TestApp::over(&upstream).await;
    let token = app.token("laptop", "read").await;
    for _ in 0..2 {
        let ask = app.file("foo", FILENAME).basic("__token__", &token);
        let answer = ask.header("User-Agent", PIP).await;
        assert!(answer.is_complete);
    }
    let recorded = app.downloads("foo").await;
    assert_eq!(recorded.len(), 2);
    for download in recorded.into_iter().map(|recorded| recorded.download) {
        assert_eq!(
            (download.sha256.to_hex(), download.size),
            (sha256.clone(), size)
        );
        assert_eq!(
            (download.index.as_str(), download.source.as_str()),
            ("main", "pypi")
        );
        assert_eq!(download.version.as_deref(), Some("1.0"));
        assert_eq!(download.token.as_deref(), Some("laptop"));
        assert_eq!(download.client_addr.as_deref(), Some("127.0.0.1"));
        assert_eq!(download.installer.as_deref(), Some("pip"));
        assert_eq!(download.python.as_deref(), Some("3.11.7"));
        assert_eq!(download.distro.as_deref(), Some("Debian GNU/Linux 12"));
        assert_eq!(download.ci, Some(true));
        let decision = download.decision.unwrap();
        let recorded = decisions::get(&app.app.db, &decision).await.unwrap();
        assert_eq!(recorded.unwrap().filename, FILENAME);
    }
}

#[tokio::test]
async fn the_decision_of_a_download_is_on_record_although_the_page_had_no_hash() {
    for payload in [10, 200_000] {
        let upstream = FixtureIndex::start().await;
        upstream.add(old(wheel("foo", "1.0").payload(payload)).without_hash());
        let app = TestApp::over(&upstream).await;
        assert!(app.file("foo", FILENAME).await.is_complete);
        let download = app.downloads("foo").await.remove(0).download;
        let decision = download.decision.unwrap();
        let recorded = decisions::get(&app.app.db, &decision).await.unwrap();
        assert_eq!(recorded.unwrap().sha256, Some(download.sha256));
    }
}

#[tokio::test]
async fn what_a_client_did_not_receive_is_not_recorded() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    app.page("foo").await;
    app.head(&format!("/files/foo/{FILENAME}")).await;
    app.file("foo", "foo-9.0-py3-none-any.whl").await;
    assert!(app.downloads("foo").await.is_empty());
}

/// Whoever holds the only connection that writes keeps every record from being committed.
#[tokio::test]
async fn no_file_is_complete_before_its_download_is_on_record() {
    let upstream = FixtureIndex::start().await;
    let file = old(wheel("foo", "1.0").payload(400_000));
    let length = file.bytes().len();
    upstream.add(file);
    let app = TestApp::over(&upstream).await;
    let Db::Sqlite { write, .. } = &app.app.db else {
        panic!("not SQLite")
    };
    for temperature in ["cold", "warm"] {
        let held = write.acquire().await.unwrap();
        let ask = app.file("foo", FILENAME).into_future();
        let waiting = tokio::spawn(ask);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(!waiting.is_finished(), "{temperature}");
        drop(held);
        let answer = waiting.await.unwrap();
        assert!(
            answer.is_complete && answer.body.len() == length,
            "{temperature}"
        );
    }
    assert_eq!(app.downloads("foo").await.len(), 2);
}

#[tokio::test]
async fn a_download_that_cannot_be_recorded_is_not_completed() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0").payload(200_000)));
    let app = TestApp::over(&upstream).await;
    assert!(app.file("foo", FILENAME).await.is_complete);
    let Db::Sqlite { write, .. } = &app.app.db else {
        panic!("not SQLite")
    };
    sqlx::query("DROP TABLE download")
        .execute(write)
        .await
        .unwrap();
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 503);
    assert_answer!(answer);
}
