//! Folders as sources, for air gaps: what is put into them is there.

use std::time::Duration;

use portcullis_fixtures::{Wheel, sdist, wheel};

use crate::client::JSON;
use crate::test_app::{Setup, TestApp};

async fn place(files: &[Wheel]) -> TestApp {
    let setup = Setup::with(
        "[sources.shelf]\nkind = 'folder'\npath = 'shelf'\n[indexes.main]\nsources = ['shelf']\n",
    );
    std::fs::create_dir(setup.path("shelf")).unwrap();
    for wheel in files {
        std::fs::write(setup.path("shelf").join(wheel.filename()), wheel.build()).unwrap();
    }
    setup.start().await
}

#[tokio::test]
async fn what_lies_in_a_folder_is_listed_and_served() {
    let foo = wheel("foo", "1.0").payload(200_000);
    let app = place(std::slice::from_ref(&foo)).await;
    assert_eq!(app.page("foo").await.filenames(), [foo.filename()]);
    for _ in 0..2 {
        let answer = app.file("foo", &foo.filename()).await;
        assert!(answer.is_complete && answer.body == foo.build());
    }
    let sidecar = app
        .file("foo", &format!("{}.metadata", foo.filename()))
        .await;
    assert_eq!(sidecar.body, foo.metadata());
    let list = app.get("/simple/").accept(JSON).await.json();
    assert_eq!(list["projects"][0]["name"], "foo");
    assert_eq!(app.page("bar").await.status, 404);
}

#[tokio::test]
async fn what_is_put_into_a_folder_appears_without_a_restart() {
    let app = place(&[wheel("foo", "1.0")]).await;
    assert_eq!(app.page("foo").await.filenames().len(), 1);
    let second = sdist("foo", "2.0");
    std::fs::write(app.path("shelf").join(second.filename()), second.build()).unwrap();
    app.advance(Duration::from_secs(60));
    assert_eq!(app.page("foo").await.filenames().len(), 2);
    std::fs::remove_file(app.path("shelf").join(second.filename())).unwrap();
    app.advance(Duration::from_secs(60));
    assert_eq!(app.page("foo").await.filenames().len(), 1);
}

#[tokio::test]
async fn a_file_of_a_folder_keeps_its_bytes_too() {
    let foo = wheel("foo", "1.0");
    let app = place(std::slice::from_ref(&foo)).await;
    assert_eq!(app.file("foo", &foo.filename()).await.status, 200);
    let other = wheel("foo", "1.0").file("foo/evil.py", "1");
    std::fs::write(app.path("shelf").join(foo.filename()), other.build()).unwrap();
    app.advance(Duration::from_secs(60));
    let answer = app.file("foo", &foo.filename()).await;
    assert_eq!(
        (answer.status, &answer.json()["rule"]),
        (403, &"changed-hash".into())
    );
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_outage_and_not_an_empty_folder() {
    let app = place(&[]).await;
    std::fs::remove_dir(app.path("shelf")).unwrap();
    let answer = app.page("foo").await;
    assert_eq!(answer.status, 503);
    assert_answer!(answer);
}
