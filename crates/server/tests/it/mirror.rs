//! What is mirrored is here, inspected and judged before anybody asks; what may not be had is told and refused.

use std::sync::Arc;

use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::jobs::mirror;
use portcullis_server::jobs::schedule::RunError;
use portcullis_store::inspections;
use portcullis_store::mirrored::{self, MirrorState, Mirrored};

use crate::test_app::{NOW, Setup, TestApp, old};

async fn run(app: &TestApp) -> Result<String, RunError> {
    mirror::run_now(&app.app, Vec::new(), Arc::new(|_: &Mirrored| {})).await
}

async fn told(app: &TestApp) -> Vec<(String, MirrorState)> {
    let all = mirrored::all(&app.app.db).await.unwrap();
    let name = |file: &Mirrored| format!("{} {}", file.project, file.filename);
    all.iter().map(|file| (name(file), file.state)).collect()
}

fn here(name: &str) -> (String, MirrorState) {
    (name.to_owned(), MirrorState::Here)
}

#[tokio::test]
async fn the_newest_versions_are_warm_when_the_first_client_comes() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    for version in ["1.0", "2.0", "3.0", "4.0rc1"] {
        upstream.add(old(wheel("foo", version)));
    }
    let windows = wheel("foo", "3.0").tags("cp312", "cp312", "win_amd64");
    upstream.add(old(windows));
    upstream.add(old(wheel("bar", "1.0")));
    let tables = "[[mirror]]\nname = 'base'\nprojects = ['foo', 'bar', 'absent']\nnewest = 2\n\
                  python = ['3.12']\nplatforms = ['manylinux_x86_64']\n";
    let app = Setup::over(&upstream).tables(tables).start().await;
    let said = run(&app).await.unwrap();
    assert_eq!(said, "base: 3 here, 1 absent");
    assert_eq!(
        told(&app).await,
        [
            ("absent ".to_owned(), MirrorState::Absent),
            here("bar bar-1.0-py3-none-any.whl"),
            here("foo foo-2.0-py3-none-any.whl"),
            here("foo foo-3.0-py3-none-any.whl"),
        ]
    );
    assert_eq!(
        app.downloads("foo").await.len(),
        0,
        "nobody has received it"
    );
    let seen = app
        .app
        .blobs
        .size(&sha256(&wheel("foo", "3.0")))
        .await
        .unwrap();
    assert!(seen.is_some());
    let known = inspections::find(&app.app.db, &sha256(&wheel("foo", "3.0")))
        .await
        .unwrap();
    assert!(known.is_some(), "it was inspected");

    upstream.forget_requests();
    for target in [
        "foo-3.0-py3-none-any.whl",
        "foo-3.0-py3-none-any.whl.metadata",
    ] {
        assert_eq!(app.file("foo", target).await.status, 200);
    }
    assert_eq!(
        upstream.requests().len(),
        0,
        "the first client found it warm"
    );
    // Once more, nothing is fetched again.
    run(&app).await.unwrap();
    assert_eq!(upstream.paths_containing(".whl"), Vec::<String>::new());
    // What is not wanted any more is forgotten, and what came anew is fetched.
    upstream.add(old(wheel("foo", "5.0")));
    app.outdate_pages();
    run(&app).await.unwrap();
    let names: Vec<String> = told(&app).await.into_iter().map(|told| told.0).collect();
    assert_eq!(
        names[2..],
        [
            "foo foo-3.0-py3-none-any.whl",
            "foo foo-5.0-py3-none-any.whl"
        ]
    );
}

fn sha256(wheel: &portcullis_fixtures::Wheel) -> portcullis_core::digest::Sha256 {
    portcullis_core::digest::Sha256::of(&wheel.build())
}

#[tokio::test]
async fn what_the_policy_refuses_is_told_and_stays_refused() {
    let upstream = FixtureIndex::start().await;
    upstream.add(portcullis_fixtures::ListedFile::from(wheel("foo", "2.0")).upload_time(NOW));
    upstream.add(old(wheel("denied", "1.0")));
    let policy = "[[exceptions]]\nproject = 'none'\nrule = 'too-young'\nreason = 'x'\nowner = 'y'\n\
                  expires = '2030-01-01'\n";
    let tables = "[[mirror]]\nname = 'base'\nprojects = ['foo', 'denied']\n";
    let app = Setup::over(&upstream)
        .policy(policy)
        .tables(tables)
        .start()
        .await;
    let denied = portcullis_core::pypi::name::NamePattern::Exact("denied".parse().unwrap());
    portcullis_store::names::prohibit(&app.app.db, &denied, "no", "test", app.app.now())
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    let said = run(&app).await.unwrap();
    assert_eq!(said, "base: 1 held, 1 denied");
    assert_eq!(upstream.paths_containing(".whl"), Vec::<String>::new());
    let all = mirrored::all(&app.app.db).await.unwrap();
    assert!(all.iter().all(|file| !file.why.is_empty()), "{all:?}");
    assert_eq!(
        app.file("foo", "foo-2.0-py3-none-any.whl").await.status,
        403
    );
    assert_eq!(app.blobs().await.len(), 0);
}

#[tokio::test]
async fn of_a_lock_only_the_files_that_it_names_are_fetched() {
    let upstream = FixtureIndex::start().await;
    for version in ["1.0", "2.0"] {
        upstream.add(old(wheel("foo", version)));
        upstream.add(old(wheel("foo", version).tags(
            "cp312",
            "cp312",
            "win_amd64",
        )));
        upstream.add(old(wheel("bar", version)));
    }
    let tables = "[[mirror]]\nname = 'team'\nfiles = ['requirements.txt', 'missing.lock']\n";
    let setup = Setup::over(&upstream).tables(tables);
    let digest = sha256(&wheel("foo", "1.0"));
    let text = format!("foo==1.0 --hash=sha256:{digest}\nbar>=1.0\n");
    std::fs::write(setup.path("requirements.txt"), text).unwrap();
    let app = setup.start().await;
    let error = run(&app).await.unwrap_err().to_string();
    assert!(error.contains("missing.lock"), "{error}");
    assert_eq!(
        told(&app).await,
        [
            here("bar bar-2.0-py3-none-any.whl"),
            here("foo foo-1.0-py3-none-any.whl")
        ]
    );
}

#[tokio::test]
async fn an_outage_is_told_and_the_next_run_makes_up_for_it() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let tables = "[[mirror]]\nname = 'base'\nprojects = ['foo']\n";
    let app = Setup::over(&upstream).tables(tables).start().await;
    upstream.stop();
    run(&app).await.unwrap();
    assert_eq!(
        told(&app).await,
        [("foo ".to_owned(), MirrorState::Unreachable)]
    );
    upstream.start_again();
    app.advance(std::time::Duration::from_secs(120));
    run(&app).await.unwrap();
    assert_eq!(told(&app).await, [here("foo foo-1.0-py3-none-any.whl")]);
}

#[tokio::test]
async fn two_replicas_fetch_each_file_once() {
    let upstream = FixtureIndex::start().await;
    for number in 0..10 {
        upstream.add(old(wheel("foo", &format!("{number}.0"))));
    }
    let tables = "[[mirror]]\nname = 'base'\nprojects = ['foo']\nnewest = 20\nat-once = 4\n";
    let app = Setup::over(&upstream).tables(tables).start().await;
    let other = app.second().await;
    let (one, two) = tokio::join!(run(&app), run(&other));
    let refused = [&one, &two].into_iter().filter(|ran| ran.is_err());
    for error in refused {
        assert!(matches!(error, Err(RunError::Held(_))), "{error:?}");
    }
    assert!(one.is_ok() || two.is_ok());
    let paths = upstream.paths_containing(".whl");
    let whole: Vec<_> = paths.iter().filter(|path| path.ends_with(".whl")).collect();
    assert_eq!(whole.len(), 10, "{whole:?}");
}
