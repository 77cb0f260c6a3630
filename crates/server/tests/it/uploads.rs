//! Publishing, as twine and the others do it: what is accepted, and what is there afterwards.

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_fixtures::{FixtureIndex, sdist, wheel};
use portcullis_store::hosted::{self, Target, Withdrawal};
use portcullis_store::ledger;

use crate::test_app::{Setup, TestApp, name};
use crate::upload_form::{Form, publish};

async fn place() -> (FixtureIndex, TestApp, String) {
    let upstream = FixtureIndex::start().await;
    let app = Setup::over(&upstream).start().await;
    let token = app.token("ci", "upload").await;
    (upstream, app, token)
}

#[tokio::test]
async fn what_was_published_is_there_with_all_that_belongs_to_it() {
    let (_upstream, app, token) = place().await;
    let wheel = wheel("Acme.Tool", "1.0")
        .requires_python(">=3.9")
        .requires("flask");
    let sdist = sdist("Acme.Tool", "1.0");
    let answer = Form::of_wheel(&wheel).to(&app, &token).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    let answer = Form::of_sdist(&sdist).to(&app, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());

    let page = app.page("acme-tool").await;
    assert_answer!(page);
    let file = app.file("acme-tool", &wheel.filename()).await;
    assert_eq!((file.status, file.body), (200, wheel.build()));
    let file = app.file("acme-tool", &sdist.filename()).await;
    assert_eq!((file.status, file.body), (200, sdist.build()));
    let sidecar = app
        .file("acme-tool", &format!("{}.metadata", wheel.filename()))
        .await;
    assert_eq!(sidecar.body, wheel.metadata());
    let json = app.get("/pypi/acme-tool/json").await.json();
    assert_eq!(json["info"]["version"], "1.0");
    assert_eq!(json["info"]["requires_python"], ">=3.9");

    let files = hosted::files(&app.app.db, "internal", &name("acme-tool"))
        .await
        .unwrap();
    assert_eq!(files[0].sha256, Sha256::of(&wheel.build()));
    assert_eq!(files[0].uploader, "ci");
    let entries = ledger::entries(&app.app.db, 1, 100).await.unwrap();
    let published = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Publication);
    assert_eq!(published.count(), 2);
}

#[tokio::test]
async fn what_was_answered_with_200_is_there_after_a_restart() {
    let (_upstream, app, token) = place().await;
    let wheel = wheel("foo", "1.0");
    publish(&app, &token, &wheel).await;
    let app = app.restart().await;
    assert_eq!(app.file("foo", &wheel.filename()).await.body, wheel.build());
    assert!(app.app.names.load().owned.ownership(&name("foo")).is_some());
}

#[tokio::test]
async fn the_same_file_again_is_fine_and_another_is_a_conflict() {
    let (_upstream, app, token) = place().await;
    let first = wheel("foo", "1.0");
    publish(&app, &token, &first).await;
    let again = Form::of_wheel(&first).to(&app, &token).await;
    assert_eq!(again.status, 200);
    assert_answer!(again);
    let other = first.clone().file("foo/__init__.py", "changed = 1\n");
    let conflict = Form::of_wheel(&other).to(&app, &token).await;
    assert!(
        conflict.reason.starts_with("File already exists ("),
        "{}",
        conflict.reason
    );
    assert_answer!(conflict);
    app.alert("changed-hash", "internal/foo/foo-1.0-py3-none-any.whl")
        .await;
    assert_eq!(app.file("foo", &first.filename()).await.body, first.build());
    assert!(
        !app.blobs().await.contains(&Sha256::of(&other.build())),
        "it is not kept"
    );
}

#[tokio::test]
async fn a_deleted_file_name_is_never_used_again() {
    let (_upstream, app, token) = place().await;
    let wheel = wheel("foo", "1.0");
    publish(&app, &token, &wheel).await;
    let project = name("foo");
    let withdrawal = Withdrawal {
        source: "internal",
        project: &project,
        target: Target::File(&wheel.filename()),
        who: "test",
    };
    hosted::delete(&app.app.db, &withdrawal, app.app.now())
        .await
        .unwrap();
    let answer = Form::of_wheel(&wheel).to(&app, &token).await;
    assert_answer!(answer);
}

#[tokio::test]
async fn of_twenty_different_files_with_one_name_one_is_published() {
    let (_upstream, app, token) = place().await;
    let versions: Vec<_> = (0..20)
        .map(|number| wheel("foo", "1.0").file("foo/number.py", format!("{number}\n")))
        .collect();
    let mut asks = Vec::new();
    for wheel in &versions {
        let ask = Form::of_wheel(wheel).to(&app, &token);
        asks.push(tokio::spawn(std::future::IntoFuture::into_future(ask)));
    }
    let mut published = Vec::new();
    for (ask, wheel) in asks.into_iter().zip(&versions) {
        let answer = ask.await.unwrap();
        match answer.status {
            200 => published.push(wheel),
            _ => assert!(
                answer.reason.starts_with("File already exists ("),
                "{}",
                answer.reason
            ),
        }
    }
    assert_eq!(published.len(), 1);
    let served = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert_eq!(served.body, published[0].build());
}

#[tokio::test]
async fn an_upload_goes_to_the_hosted_source_of_its_index() {
    let upstream = FixtureIndex::start().await;
    let setup = Setup::over(&upstream).tables(
        "[sources.lab]\nkind = 'hosted'\n[indexes.lab]\nsources = ['lab']\n\
         [indexes.public]\nsources = ['pypi']",
    );
    let app = setup.default_index("main").start().await;
    let token = app.token("ci", "upload").await;
    let form = Form::of_wheel(&wheel("foo", "1.0"));
    let answer = form
        .to_address(app.post("/lab/legacy/"))
        .basic("__token__", &token)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
    assert_eq!(app.get("/lab/simple/foo/").await.status, 200);
    let page = app.page("foo").await;
    assert!(
        page.filenames()[0].contains("blocked.by.policy"),
        "ours, and not in this index"
    );
    let answer = form
        .to_address(app.post("/public/legacy/"))
        .basic("__token__", &token)
        .await;
    assert_eq!(answer.status, 400);
    assert_answer!(answer);
}

#[tokio::test]
async fn a_first_publication_makes_the_name_ours_at_once() {
    let (upstream, app, token) = place().await;
    upstream.add(crate::test_app::old(wheel("foo", "9.0")));
    assert_eq!(
        app.page("foo").await.filenames(),
        ["foo-9.0-py3-none-any.whl"]
    );
    upstream.forget_requests();
    publish(&app, &token, &wheel("foo", "1.0")).await;
    assert_eq!(
        app.page("foo").await.filenames(),
        ["foo-1.0-py3-none-any.whl"]
    );
    assert_eq!(
        app.file("foo", "foo-9.0-py3-none-any.whl").await.status,
        404
    );
    assert!(upstream.requests().is_empty());
}
