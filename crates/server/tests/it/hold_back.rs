//! A file that is still arriving: its bytes flow at once, its last block waits for the judgement, one
//! transfer serves everybody, and what turns out wrong is never complete.

use std::future::IntoFuture as _;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::gate::HELD_BACK;
use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, incompressible, wheel};

use crate::client::Answer;
use crate::test_app::{Setup, TestApp, eventually, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const SUBJECT: &str = "pypi/foo/foo-1.0-py3-none-any.whl";

fn file(payload: usize) -> ListedFile {
    old(wheel("foo", "1.0").payload(payload))
}

async fn place(file: &ListedFile) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(file.clone());
    let app = TestApp::over(&upstream).await;
    (upstream, app)
}

fn drip(chunk: usize, millis: u64) -> Fault {
    Fault::Drip {
        chunk,
        every: Duration::from_millis(millis),
    }
}

/// Nothing of the last block was sent, and no client can take the answer for the file.
fn assert_held_back(answer: &Answer, length: usize) {
    assert!(!answer.is_complete, "{} {}", answer.status, answer.reason);
    let held_back = usize::try_from(HELD_BACK).unwrap();
    assert!(
        answer.body.len() <= length - held_back,
        "{} of {length}",
        answer.body.len()
    );
}

#[tokio::test]
async fn the_first_bytes_reach_the_client_before_the_last_ones_have_arrived() {
    let file = file(500_000);
    let (upstream, app) = place(&file).await;
    upstream.fault("/files/", drip(64 * 1024, 100));
    let mut opened = app.file("foo", FILENAME).open().await;
    assert_eq!(opened.answer.status, 200);
    opened.more().await;
    assert!(
        app.blobs().await.is_empty(),
        "the upstream has not finished"
    );
    let answer = opened.rest().await;
    assert!(answer.is_complete && answer.body == *file.bytes());
}

#[tokio::test]
async fn wrong_bytes_are_never_complete_nor_kept_and_the_retry_is_explained() {
    let file = file(500_000);
    let length = file.bytes().len();
    let (upstream, app) = place(&file).await;
    let mut wrong = file.bytes().to_vec();
    wrong[10] ^= 1;
    upstream.fault("/files/", Fault::WrongBytes(wrong));
    let first = app.file("foo", FILENAME).await;
    assert_eq!(first.status, 200);
    assert_held_back(&first, length);
    assert!(!first.body.is_empty());

    let resumed = app.file("foo", FILENAME);
    let resumed = resumed
        .header("Range", &format!("bytes={}-", first.body.len()))
        .await;
    assert_answer!(resumed);
    let alert = app.alert("wrong-bytes", SUBJECT).await;
    assert!(alert.detail.contains(&file.sha256()), "{}", alert.detail);
    assert!(app.blobs().await.is_empty());
    assert!(app.downloads("foo").await.is_empty());

    // What its source repairs is served at once.
    upstream.clear_faults();
    let healed = app.file("foo", FILENAME).await;
    assert!(healed.is_complete && healed.body == *file.bytes());
}

#[tokio::test]
async fn a_small_file_with_wrong_bytes_is_explained_at_once() {
    let file = file(100);
    let (upstream, app) = place(&file).await;
    upstream.fault("/files/", Fault::WrongBytes(vec![0; file.bytes().len()]));
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(
        (answer.status, &answer.json()["rule"]),
        (403, &"changed-hash".into())
    );
    assert!(answer.is_complete);
    app.alert("wrong-bytes", SUBJECT).await;
    assert!(app.blobs().await.is_empty());
}

#[tokio::test]
async fn no_wrong_length_makes_a_complete_answer() {
    let right = file(300_000);
    let length = right.bytes().len();
    let without_size = || right.clone().without_size();
    let table: Vec<(&str, ListedFile, Fault)> = vec![
        (
            "longer than it says",
            right.clone(),
            Fault::DeclaredLength(length as u64 - 100),
        ),
        (
            "shorter than it says",
            right.clone(),
            Fault::DeclaredLength(length as u64 + 100),
        ),
        ("cut short", right.clone(), Fault::CloseAfter(200_000)),
        ("endless", right.clone(), Fault::EndlessBody),
        (
            "more than listed",
            right.clone().size(length as u64 - 1),
            Fault::Delay(Duration::ZERO),
        ),
        (
            "less than listed",
            right.clone().size(length as u64 + 1),
            Fault::Delay(Duration::ZERO),
        ),
        (
            "no size, longer",
            without_size(),
            Fault::DeclaredLength(length as u64 - 100),
        ),
        (
            "no size, shorter",
            without_size(),
            Fault::DeclaredLength(length as u64 + 100),
        ),
        (
            "no size, cut short",
            without_size(),
            Fault::CloseAfter(200_000),
        ),
    ];
    for (what, listed, fault) in table {
        let (upstream, app) = place(&listed).await;
        upstream.without_ranges();
        upstream.fault("/files/", fault);
        let answer = app.file("foo", FILENAME).await;
        match answer.status {
            200 => assert_held_back(&answer, length),
            status => assert!(matches!(status, 403 | 502 | 503), "{what}: {status}"),
        }
        assert!(app.blobs().await.is_empty(), "{what}");
        assert!(app.downloads("foo").await.is_empty(), "{what}");
        let scratch = app.path("data/spool");
        let is_clean = async || count_files(&scratch).eq(&0).then_some(());
        eventually(is_clean).await;
    }
}

fn count_files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    let count = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => count_files(&path),
        path => usize::from(path.to_string_lossy().contains("receiving-")),
    };
    entries.map(|entry| count(entry.unwrap())).sum()
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_taken_up_there_and_clients_see_nothing_of_it() {
    let table = [("once", 200_000, 1, 1), ("each time", 40_000, u32::MAX, 7)];
    for (what, after, times, resumed) in table {
        let file = file(300_000);
        let (upstream, app) = place(&file).await;
        upstream.fault_times("/files/", Fault::CloseAfter(after), times);
        let answer = app.file("foo", FILENAME).await;
        assert!(
            answer.is_complete && answer.body == *file.bytes(),
            "{what}: {}",
            answer.status
        );
        let ranges: Vec<Option<String>> = upstream
            .requests()
            .iter()
            .filter(|request| request.path.contains(FILENAME))
            .map(|request| request.header("range").map(str::to_owned))
            .collect();
        assert_eq!(ranges.len(), resumed + 1, "{what}: {ranges:?}");
        assert_eq!(ranges[1], Some(format!("bytes={after}-")), "{what}");
    }
}

#[tokio::test]
async fn a_source_without_ranges_sends_all_of_it_again_and_what_is_known_is_passed_over() {
    let file = file(300_000);
    let (upstream, app) = place(&file).await;
    upstream.without_ranges();
    upstream.fault_times("/files/", Fault::CloseAfter(200_000), 1);
    let answer = app.file("foo", FILENAME).await;
    assert!(answer.is_complete && answer.body == *file.bytes());
}

#[tokio::test]
async fn a_file_that_was_replaced_while_it_arrived_is_not_put_together_from_both() {
    let file = file(300_000);
    let (upstream, app) = place(&file).await;
    upstream.without_ranges();
    let other = vec![7; file.bytes().len()];
    upstream.fault("/files/", Fault::WrongBytes(other));
    upstream.fault_times("/files/", Fault::CloseAfter(200_000), 1);
    let answer = app.file("foo", FILENAME).await;
    assert!(!answer.is_complete);
    assert!(app.blobs().await.is_empty());
    assert!(app.downloads("foo").await.is_empty());
    app.alert("wrong-bytes", &format!("pypi/foo/{FILENAME}"))
        .await;
}

#[tokio::test]
async fn a_file_without_an_announced_digest_is_never_put_together() {
    let file = file(300_000).without_hash();
    let (upstream, app) = place(&file).await;
    upstream.fault_times("/files/", Fault::CloseAfter(200_000), 1);
    assert!(!app.file("foo", FILENAME).await.is_complete);
    assert_eq!(upstream.paths_containing(FILENAME).len(), 1);
}

#[tokio::test]
async fn a_transfer_that_does_not_go_on_is_begun_again_by_the_next_who_asks() {
    let file = file(300_000);
    let (upstream, app) = place(&file).await;
    upstream.without_ranges();
    upstream.fault("/files/", Fault::CloseAfter(200_000));
    assert!(!app.file("foo", FILENAME).await.is_complete);
    upstream.clear_faults();
    let again = app.file("foo", FILENAME).await;
    assert!(again.is_complete && again.body == *file.bytes());
}

#[tokio::test]
async fn a_client_that_leaves_does_not_end_the_transfer() {
    let file = file(500_000);
    let (upstream, app) = place(&file).await;
    upstream.fault("/files/", drip(64 * 1024, 30));
    let mut opened = app.file("foo", FILENAME).open().await;
    opened.more().await;
    drop(opened);
    eventually(async || (!app.blobs().await.is_empty()).then_some(())).await;
    let answer = app.file("foo", FILENAME).await;
    assert!(answer.body == *file.bytes());
    assert_eq!(upstream.paths_containing(FILENAME).len(), 1);
}

#[tokio::test]
async fn fifty_clients_cost_one_transfer() {
    for payload in [100, 300_000] {
        let file = file(payload);
        let (upstream, app) = place(&file).await;
        upstream.fault("/files/", drip(100_000, 20));
        let asks = (0..50).map(|_| tokio::spawn(app.file("foo", FILENAME).into_future()));
        for answer in asks.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            assert!(answer.is_complete && answer.body == *file.bytes());
        }
        assert_eq!(upstream.paths_containing(FILENAME).len(), 1);
        assert_eq!(upstream.count("/simple/foo/"), 1);
        assert_eq!(app.downloads("foo").await.len(), 50);
    }
}

/// Clients that come in while a small transfer is ending: each finds it in the vault or joins it.
#[tokio::test]
async fn clients_that_come_as_a_transfer_ends_do_not_begin_another() {
    let upstream = FixtureIndex::start().await;
    let versions: Vec<String> = (0..15).map(|minor| format!("1.{minor}")).collect();
    for version in &versions {
        upstream.add(old(wheel("foo", version)));
    }
    let app = TestApp::over(&upstream).await;
    app.page("foo").await;
    for version in &versions {
        let filename = format!("foo-{version}-py3-none-any.whl");
        let mut asks = Vec::new();
        for _ in 0..30 {
            asks.push(tokio::spawn(app.file("foo", &filename).into_future()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for ask in asks {
            assert_eq!(ask.await.unwrap().status, 200);
        }
        assert_eq!(upstream.paths_containing(&filename).len(), 1, "{filename}");
    }
}

/// A file whose page gives no hash is judged by the one that it turns out to have.
#[tokio::test]
async fn a_file_without_a_hash_is_pinned_by_its_first_bytes() {
    let file = file(300_000).without_hash();
    let (upstream, app) = place(&file).await;
    let cold = app.file("foo", FILENAME).await;
    assert!(cold.is_complete && cold.body == *file.bytes());
    let other = ListedFile::raw("foo", "1.0", FILENAME, incompressible(file.bytes().len()));
    upstream.add(old(other).without_hash());
    app.outdate_pages();
    let warm = app.file("foo", FILENAME).await;
    assert!(warm.body == *file.bytes(), "the first bytes stay");
    assert_eq!(app.blobs().await, [Sha256::of(file.bytes())]);
}

#[tokio::test]
async fn an_upstream_that_does_not_have_what_it_lists_is_told_apart_from_an_outage() {
    let upstream = FixtureIndex::start().await;
    let missing = format!("{}/files/foo/elsewhere.whl", upstream.url());
    upstream.add(file(100).at(&missing));
    let app = Setup::over(&upstream).start().await;
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 404);
    assert_answer!(answer);
    upstream.fault("/files/", Fault::status(500));
    let answer = app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
}
