//! A file once seen keeps its bytes (promise 3): whatever an upstream does, and whenever the gateway is
//! restarted, only the first bytes are ever served under a file name.

use std::future::IntoFuture as _;
use std::time::Duration;

use portcullis_core::pypi::requirement::Requirement;
use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, wheel};
use portcullis_server::flow::purge::purge;
use portcullis_store::purges::Memory;

use crate::test_app::{TestApp, eventually, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const SUBJECT: &str = "pypi/foo/foo-1.0-py3-none-any.whl";

fn first() -> ListedFile {
    old(wheel("foo", "1.0").payload(200_000))
}

fn second() -> ListedFile {
    old(wheel("foo", "1.0").payload(200_007))
}

async fn place() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(first());
    let app = TestApp::over(&upstream).await;
    (upstream, app)
}

async fn assert_first_is_served(app: &TestApp) {
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
    assert!(answer.is_complete && answer.body == *first().bytes());
}

async fn assert_refused(app: &TestApp) {
    for path in [FILENAME.to_owned(), format!("{FILENAME}.metadata")] {
        let answer = app.file("foo", &path).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.shown());
        assert_eq!(answer.json()["rule"], "changed-hash");
    }
    let page = app.page("foo").await.json();
    assert_eq!(page["_portcullis"]["files"][0]["rule"], "changed-hash");
}

/// What an upstream can do to a file that was seen on its page: each step, then what must hold.
#[derive(Clone, Copy, Debug)]
enum Seen {
    OnThePage,
    Downloaded,
}

#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Restart,
}

async fn see(app: &TestApp, seen: Seen) {
    app.page("foo").await;
    if let Seen::Downloaded = seen {
        assert_first_is_served(app).await;
    }
    app.page_is_kept("foo").await;
    app.outdate_pages();
}

async fn pass(app: TestApp, between: Between) -> TestApp {
    match between {
        Between::Nothing => app,
        Between::Restart => app.restart().await,
    }
}

const WAYS: [(Seen, Between); 4] = [
    (Seen::OnThePage, Between::Nothing),
    (Seen::OnThePage, Between::Restart),
    (Seen::Downloaded, Between::Nothing),
    (Seen::Downloaded, Between::Restart),
];

#[tokio::test]
async fn a_file_that_changes_is_refused_until_it_is_as_it_was() {
    for (seen, between) in WAYS {
        let (upstream, app) = place().await;
        see(&app, seen).await;
        upstream.add(second());
        let app = pass(app, between).await;
        assert_refused(&app).await;
        let alert = app.alert("changed-hash", SUBJECT).await;
        for digest in [first().sha256(), second().sha256()] {
            assert!(
                alert.detail.contains(&digest),
                "{seen:?} {between:?}: {}",
                alert.detail
            );
        }
        app.page_is_kept("foo").await;
        app.outdate_pages();
        let app = pass(app, between).await;
        assert_refused(&app).await;

        upstream.add(first());
        app.outdate_pages();
        assert_first_is_served(&app).await;
        assert_eq!(app.blobs().await.len(), 1, "{seen:?} {between:?}");
    }
}

#[tokio::test]
async fn the_refusal_of_a_changed_file_shows_both_hashes() {
    let (upstream, app) = place().await;
    see(&app, Seen::OnThePage).await;
    upstream.add(second());
    assert_answer!(app.file("foo", FILENAME).await);
}

#[tokio::test]
async fn a_file_that_vanishes_and_returns_with_another_hash_is_refused() {
    for (seen, between) in WAYS {
        let (upstream, app) = place().await;
        see(&app, seen).await;
        upstream.remove("foo", FILENAME);
        upstream.add(old(wheel("foo", "0.9")));
        assert_eq!(
            app.page("foo").await.filenames(),
            ["foo-0.9-py3-none-any.whl"]
        );
        app.page_is_kept("foo").await;
        app.outdate_pages();
        let app = pass(app, between).await;
        upstream.add(second());
        let answer = app.file("foo", FILENAME).await;
        assert_eq!(
            (answer.status, &answer.json()["rule"]),
            (403, &"changed-hash".into())
        );
        app.alert("changed-hash", SUBJECT).await;
        app.outdate_pages();
        upstream.add(first());
        assert_first_is_served(&app).await;
    }
}

#[tokio::test]
async fn a_project_that_vanishes_and_returns_with_another_hash_is_refused() {
    for (seen, between) in WAYS {
        let (upstream, app) = place().await;
        see(&app, seen).await;
        upstream.fault("/simple/foo/", Fault::status(404));
        assert_eq!(app.page("foo").await.status, 404);
        app.outdate_pages();
        let app = pass(app, between).await;
        upstream.clear_faults();
        upstream.add(second());
        let answer = app.file("foo", FILENAME).await;
        assert_eq!(
            (answer.status, &answer.json()["rule"]),
            (403, &"changed-hash".into())
        );
    }
}

/// The hash that was on the page counts, although nobody had downloaded the file yet and the page does
/// not say any more what its hash is.
#[tokio::test]
async fn dropping_the_hash_from_the_page_does_not_let_other_bytes_in() {
    for (seen, between) in WAYS {
        let (upstream, app) = place().await;
        see(&app, seen).await;
        upstream.add(second().without_hash());
        let app = pass(app, between).await;
        if let Seen::OnThePage = seen {
            let cold = app.file("foo", FILENAME).await;
            assert!(
                !cold.is_complete || cold.status == 403,
                "{between:?}: {}",
                cold.reason
            );
            let answer = app.file("foo", FILENAME).await;
            assert_eq!(answer.status, 403, "{}", answer.shown());
            assert_eq!(answer.json()["rule"], "changed-hash");
            app.alert("changed-hash", SUBJECT).await;
            assert!(app.blobs().await.is_empty(), "refused bytes are not kept");
        } else {
            assert_first_is_served(&app).await;
        }
        upstream.add(first());
        app.outdate_pages();
        assert_first_is_served(&app).await;
    }
}

#[tokio::test]
async fn a_purge_that_keeps_its_memory_lets_only_the_first_bytes_back() {
    let upstream = FixtureIndex::start().await;
    upstream.add(first().without_hash());
    let app = TestApp::over(&upstream).await;
    assert_first_is_served(&app).await;
    upstream.add(second().without_hash());
    let all: Requirement = "foo".parse().unwrap();
    let purged = purge(&app.app, &all, Memory::Keep, "test").await.unwrap();
    assert_eq!(purged.files.len(), 1);
    app.outdate_pages();
    assert!(!app.file("foo", FILENAME).await.is_complete);
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 403, "{}", answer.shown());
    assert_eq!(answer.json()["rule"], "changed-hash");
    app.alert("changed-hash", SUBJECT).await;
    assert!(app.blobs().await.is_empty());
}

#[tokio::test]
async fn a_purge_that_forgets_takes_the_file_as_it_is_now() {
    let (upstream, app) = place().await;
    see(&app, Seen::Downloaded).await;
    upstream.add(second());
    assert_refused(&app).await;
    app.page_is_kept("foo").await;
    let all: Requirement = "foo".parse().unwrap();
    purge(&app.app, &all, Memory::Forget, "test").await.unwrap();
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
    assert!(answer.is_complete && answer.body == *second().bytes());
}

/// Two looks at a page in quick succession: the first is not in the database yet when the second comes.
#[tokio::test]
async fn what_was_seen_a_moment_ago_counts_although_it_is_not_on_disk_yet() {
    for _ in 0..5 {
        let (upstream, app) = place().await;
        assert_eq!(app.page("foo").await.status, 200);
        upstream.add(second());
        app.outdate_pages();
        let answer = app.file("foo", FILENAME).await;
        assert_eq!(answer.status, 403, "{}", answer.shown());
    }
}

/// Two replicas fetch a page for the first time, and the upstream tells them different things: whichever
/// writes last, what the first one saw is known afterwards.
#[tokio::test]
async fn what_another_replica_saw_meanwhile_is_not_forgotten() {
    let upstream = FixtureIndex::start().await;
    upstream.add(second());
    let slow = TestApp::over(&upstream).await;
    let quick = slow.second().await;
    upstream.fault("/simple/", Fault::Delay(Duration::from_millis(500)));
    let asked = tokio::spawn(slow.get("/simple/foo/").into_future());
    eventually(async || (upstream.count("/simple/foo/") == 1).then_some(())).await;
    upstream.clear_faults();
    upstream.add(first());
    assert_eq!(quick.page("foo").await.status, 200);
    quick.page_is_kept("foo").await;
    assert_eq!(asked.await.unwrap().status, 200);
    // The page of the slow one is on its way into the database.
    tokio::time::sleep(Duration::from_millis(300)).await;
    upstream.add(second());
    let slow = slow.restart().await;
    let answer = slow.file("foo", FILENAME).await;
    assert_eq!(
        (answer.status, &answer.json()["rule"]),
        (403, &"changed-hash".into())
    );
}

#[tokio::test]
async fn what_another_process_forgets_is_forgotten_by_this_one() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    app.start_jobs();
    let filename = wheel("foo", "1.0").filename();
    assert_eq!(app.file("foo", &filename).await.status, 200);
    upstream.remove("foo", &filename);
    upstream.add(old(wheel("foo", "1.0").file("foo/new.py", "new = True\n")));
    app.outdate_pages();
    assert_eq!(app.file("foo", &filename).await.status, 403);
    let other = app.second().await;
    let requirement = "foo==1.0".parse().unwrap();
    let forget = portcullis_store::purges::Memory::Forget;
    portcullis_server::flow::purge::purge(&other.app, &requirement, forget, "admin")
        .await
        .unwrap();
    eventually(async || (app.file("foo", &filename).await.status == 200).then_some(())).await;
}
