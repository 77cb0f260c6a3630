//! A cache that has a bound keeps it, at the cost of what nobody used for longest and of nothing that is ours;
//! and what comes back is held against what it was.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::digest::Sha256;
use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use portcullis_server::cache;
use portcullis_server::jobs::schedule::run_now;
use portcullis_store::ledger;

use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, eventually, old};
use crate::upload_form::Form;

const SIZE: usize = 200 << 10;

/// Five of them fit into 1 MiB.
const BOUND: &str = "[cache]\nmax-size = '1 MiB'\nevict-to = 60\n";

fn filename(number: usize) -> String {
    format!("big-{number}.0.tar.gz")
}

fn big(number: usize) -> ListedFile {
    let bytes = vec![u8::try_from(number).unwrap(); SIZE];
    old(ListedFile::raw(
        "big",
        &format!("{number}.0"),
        &filename(number),
        bytes,
    ))
}

async fn place(files: usize, tables: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    for number in 0..files {
        upstream.add(big(number));
    }
    let setup = Setup::over(&upstream)
        .policy(LOOKS_INTO_NOTHING)
        .tables(tables);
    (upstream, setup.start().await)
}

async fn download(app: &TestApp, number: usize) {
    let answer = app.file("big", &filename(number)).await;
    assert_eq!((answer.status, answer.body.len()), (200, SIZE));
}

async fn kept(app: &TestApp, files: usize) -> Vec<usize> {
    let blobs = app.blobs().await;
    let is_kept = |number: &usize| {
        let bytes = vec![u8::try_from(*number).unwrap(); SIZE];
        blobs.contains(&Sha256::of(&bytes))
    };
    (0..files).filter(is_kept).collect()
}

#[tokio::test]
async fn the_bound_holds_under_load_and_what_was_published_here_stays() {
    // Figures are kept from the moment on at which somebody wants them.
    portcullis_server::serve::figures();
    let (_upstream, app) = place(24, BOUND).await;
    let form = Form::of_wheel(&wheel("acme-x", "1.0"));
    let token = app.token("ci", "upload").await;
    assert_eq!(form.to(&app, &token).await.status, 200);
    app.start_jobs();
    for begin in [0, 8, 16] {
        join_all((begin..begin + 8).map(|number| download(&app, number))).await;
        app.advance(Duration::from_secs(120));
    }
    let is_bounded = async || {
        cache::flush(&app.app).await;
        let bytes = app.app.cache.totals().bytes;
        (bytes > 0 && bytes <= 1 << 20).then_some(bytes)
    };
    eventually(is_bounded).await;
    let count = eventually(async || {
        let count = kept(&app, 24).await.len();
        (count <= 5).then_some(count)
    });
    assert!(count.await > 0);
    let hosted = app.file("acme-x", "acme_x-1.0-py3-none-any.whl").await;
    assert_eq!(hosted.status, 200);
    let body = app.get("/metrics").await.text();
    assert!(
        body.contains("portcullis_cache_max_bytes 1048576"),
        "{body}"
    );
    ledger::verify(&app.app.db).await.unwrap();
}

#[tokio::test]
async fn what_was_unused_for_longest_goes_and_comes_back_as_it_was() {
    let (upstream, app) = place(6, BOUND).await;
    for number in 0..6 {
        download(&app, number).await;
        app.advance(Duration::from_secs(1));
    }
    app.advance(Duration::from_secs(60 * 60));
    download(&app, 0).await;
    app.advance(Duration::from_secs(120));
    let said = run_now(&app.app, cache::JOB).await.unwrap();
    assert!(said.starts_with("3 files"), "{said}");
    assert_eq!(kept(&app, 6).await, [0, 4, 5]);

    upstream.forget_requests();
    download(&app, 1).await;
    assert_eq!(upstream.paths_containing(&filename(1)).len(), 1);
    assert_eq!(kept(&app, 6).await, [0, 1, 4, 5]);

    // The upstream has put another file in the place of one that was evicted.
    upstream.remove("big", &filename(2));
    let bytes = vec![77; SIZE];
    upstream.add(old(ListedFile::raw("big", "2.0", &filename(2), bytes)));
    app.outdate_pages();
    let refused = app.file("big", &filename(2)).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("changed"), "{}", refused.text());
}

#[tokio::test]
async fn nothing_is_evicted_while_the_gateway_is_offline_or_has_no_bound() {
    let (_upstream, app) = place(6, BOUND).await;
    for number in 0..6 {
        download(&app, number).await;
    }
    app.advance(Duration::from_secs(120));
    app.app.config.line.cut();
    run_now(&app.app, cache::JOB).await.unwrap();
    assert_eq!(kept(&app, 6).await.len(), 6);
    app.app.config.line.restore();
    run_now(&app.app, cache::JOB).await.unwrap();
    assert_eq!(kept(&app, 6).await.len(), 3);

    let (_upstream, unbounded) = place(6, "").await;
    for number in 0..6 {
        download(&unbounded, number).await;
    }
    unbounded.advance(Duration::from_secs(120));
    run_now(&unbounded.app, cache::JOB).await.unwrap();
    assert_eq!(kept(&unbounded, 6).await.len(), 6);
}

#[tokio::test]
async fn files_that_nobody_uses_go_after_a_while_and_before_the_disk_is_full() {
    let (_upstream, app) = place(3, "[cache]\nmax-idle = '30d'\n").await;
    for number in 0..3 {
        download(&app, number).await;
    }
    app.advance(Duration::from_secs(29 * 24 * 60 * 60));
    run_now(&app.app, cache::JOB).await.unwrap();
    download(&app, 1).await;
    app.advance(Duration::from_secs(2 * 24 * 60 * 60));
    run_now(&app.app, cache::JOB).await.unwrap();
    assert_eq!(kept(&app, 3).await, [1]);

    // No disk has so much room.
    let (_upstream, app) = place(3, "[cache]\nmin-free = '100000 TiB'\n").await;
    for number in 0..3 {
        download(&app, number).await;
    }
    app.advance(Duration::from_secs(120));
    run_now(&app.app, cache::JOB).await.unwrap();
    assert_eq!(kept(&app, 3).await, Vec::<usize>::new());
    download(&app, 2).await;
}

#[tokio::test]
async fn a_file_that_everybody_installs_is_written_down_once_in_a_while() {
    let (_upstream, app) = place(1, "").await;
    download(&app, 0).await;
    cache::flush(&app.app).await;
    let used_at = async || -> i64 {
        let portcullis_store::Db::Sqlite { read, .. } = &app.app.db else {
            unreachable!("tests run on SQLite");
        };
        sqlx::query_scalar("SELECT used_at FROM cached")
            .fetch_one(read)
            .await
            .unwrap()
    };
    let first = used_at().await;
    app.advance(Duration::from_secs(9 * 60));
    for _ in 0..20 {
        download(&app, 0).await;
    }
    cache::flush(&app.app).await;
    assert_eq!(used_at().await, first);
    app.advance(Duration::from_secs(61));
    download(&app, 0).await;
    cache::flush(&app.app).await;
    assert_eq!(used_at().await, first + 601_000);
}
