//! What is not published, and what its uploader is told: the same in the reason phrase, for twine and
//! hatch, and in the problem document, for uv.

use portcullis_fixtures::{FixtureIndex, Wheel, sdist, wheel};
use portcullis_store::names;

use crate::client::Answer;
use crate::test_app::{Setup, TestApp};
use crate::upload_form::{Form, publish};

async fn place() -> (FixtureIndex, TestApp, String) {
    let upstream = FixtureIndex::start().await;
    let setup = Setup::over(&upstream)
        .top("")
        .tables("[names]\nowned = ['acme-*']\n[limits]\nupload = '200 KiB'");
    let app = setup.start().await;
    let token = app.token("ci", "upload").await;
    (upstream, app, token)
}

fn foo() -> Wheel {
    wheel("foo", "1.0").file("foo/__init__.py", "x = 1\n")
}

fn with_record(entry: &str) -> Form {
    let file = "foo/__init__.py";
    Form::of_wheel(&foo().record_line(file, &format!("{file},{entry}")))
}

/// Both ways of saying it say the same, and nothing was kept.
async fn assert_told(app: &TestApp, what: &str, answer: &Answer) {
    assert!(answer.is_complete, "{what}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{what}"
    );
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    let told = detail.chars().take(60).collect::<String>();
    assert!(answer.reason.is_ascii(), "{what}");
    assert!(
        answer.reason.starts_with(&told) || !told.is_ascii(),
        "{what}: {}",
        answer.reason
    );
    assert!(app.blobs().await.is_empty(), "{what}");
    let page = app.page("foo").await;
    assert_eq!(page.status, 404, "{what}: {}", page.shown());
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_told_in_one_line() {
    let (_upstream, app, token) = place().await;
    let form = || Form::of_wheel(&foo());
    let other_bytes = wheel("foo", "1.0").build();
    let table: Vec<(&str, Form)> = vec![
        ("no name", form().without("name")),
        ("no version", form().without("version")),
        ("no filetype", form().without("filetype")),
        ("another protocol", form().set("protocol_version", "2")),
        ("another file type", form().set("filetype", "bdist_egg")),
        (
            "no digest",
            form()
                .without("md5_digest")
                .without("sha256_digest")
                .without("blake2_256_digest"),
        ),
        ("wrong sha256", form().set("sha256_digest", &"0".repeat(64))),
        ("wrong md5", form().set("md5_digest", &"0".repeat(32))),
        (
            "wrong blake2",
            form().set("blake2_256_digest", &"0".repeat(64)),
        ),
        ("no digest but nonsense", form().set("sha256_digest", "xyz")),
        ("another name in the form", form().set("name", "bar")),
        ("another version in the form", form().set("version", "2.0")),
        (
            "another name in the file name",
            form().filename("bar-1.0-py3-none-any.whl"),
        ),
        (
            "another version in the file name",
            form().filename("foo-2.0-py3-none-any.whl"),
        ),
        ("no file name", form().filename("")),
        (
            "a path as a file name",
            form().filename("../../foo-1.0-py3-none-any.whl"),
        ),
        (
            "an sdist called a wheel",
            Form::of_sdist(&sdist("foo", "1.0")).set("filetype", "bdist_wheel"),
        ),
        (
            "a description too long",
            form().set("summary", &"x".repeat(70_000)),
        ),
        ("not a zip", form().content(b"not a zip".to_vec())),
        ("an empty file", form().content(Vec::new())),
        (
            "half a zip",
            form().content(other_bytes[..other_bytes.len() / 2].to_vec()),
        ),
        (
            "RECORD has nonsense for a hash",
            with_record("sha256=AAAA,6"),
        ),
        (
            "RECORD has another hash",
            with_record("sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,6"),
        ),
        ("no RECORD", Form::of_wheel(&foo().without_record())),
        (
            "a member that climbs out",
            Form::of_wheel(&foo().file("../evil.py", "1")),
        ),
        (
            "another name in METADATA",
            Form::of_wheel(
                &foo().metadata_override("Metadata-Version: 2.1\nName: bar\nVersion: 1.0\n"),
            ),
        ),
        (
            "another version in METADATA",
            Form::of_wheel(
                &foo().metadata_override("Metadata-Version: 2.1\nName: foo\nVersion: 3.0\n"),
            ),
        ),
        (
            "no METADATA to speak of",
            Form::of_wheel(&foo().metadata_override("nonsense")),
        ),
    ];
    let mut told = String::new();
    for (what, form) in table {
        let answer = form.to(&app, &token).await;
        assert_told(&app, what, &answer).await;
        told += &format!("{what}\n    {} {}\n", answer.status, answer.reason);
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_is_no_form_at_all_is_told_too() {
    let (_upstream, app, token) = place().await;
    let answer = app
        .post("/legacy/")
        .basic("__token__", &token)
        .body(b"hello".to_vec())
        .await;
    assert_told(&app, "no content type", &answer).await;
    assert_answer!(answer);
    let ask = app
        .post("/legacy/")
        .basic("__token__", &token)
        .body(b"--x\r\nnonsense".to_vec());
    let answer = ask
        .header("Content-Type", "multipart/form-data; boundary=x")
        .await;
    assert_eq!(answer.status, 400);
    let full = Form::of_wheel(&foo()).body();
    let ask = app.post("/legacy/").basic("__token__", &token);
    let ask = ask.header(
        "Content-Type",
        "multipart/form-data; boundary=---------------------------f0rm",
    );
    let answer = ask.body(full[..full.len() - 200].to_vec()).await;
    assert_told(&app, "cut off", &answer).await;
}

#[tokio::test]
async fn old_actions_are_gone() {
    let (_upstream, app, token) = place().await;
    for action in ["submit", "doc_upload", "remove_pkg"] {
        let answer = Form::of_wheel(&foo())
            .set(":action", action)
            .to(&app, &token)
            .await;
        assert_eq!(answer.status, 410, "{action}");
    }
    assert_answer!(
        Form::of_wheel(&foo())
            .set(":action", "submit")
            .to(&app, &token)
            .await
    );
}

#[tokio::test]
async fn a_file_above_the_limit_is_refused_and_not_kept() {
    let (_upstream, app, token) = place().await;
    let answer = Form::of_wheel(&foo().payload(300_000))
        .to(&app, &token)
        .await;
    assert_told(&app, "too large", &answer).await;
    assert_answer!(answer);
}

#[tokio::test]
async fn who_may_not_publish_is_told_why() {
    let (_upstream, app, _token) = place().await;
    let form = Form::of_wheel(&foo());
    let nobody = form.to_address(app.post("/legacy/")).await;
    assert_told(&app, "no token", &nobody).await;
    assert!(nobody.header("www-authenticate").is_some());
    assert_answer!(nobody);

    let reader = app.token("reader", "read").await;
    let answer = form.to(&app, &reader).await;
    assert_told(&app, "read only", &answer).await;
    assert_answer!(answer);

    let other = app.token("bar-ci", "upload:bar").await;
    let answer = form.to(&app, &other).await;
    assert_eq!(answer.status, 403);
    let unknown = form.to(&app, "pc_nonsense").await;
    assert_eq!(unknown.status, 401);
}

#[tokio::test]
async fn a_name_in_somebody_elses_namespace_is_a_conflict() {
    let (_upstream, app, token) = place().await;
    let other = app.token("foo-ci", "upload:foo").await;
    let form = Form::of_wheel(&wheel("acme-web", "1.0"));
    let answer = form.to(&app, &other).await;
    assert_answer!(answer);
    let own = app.token("acme-ci", "upload:acme-*").await;
    for (token, minor) in [(own, 0), (token, 1)] {
        let form = Form::of_wheel(&wheel("acme-web", &format!("1.{minor}")));
        assert_eq!(form.to(&app, &token).await.status, 200);
    }
}

#[tokio::test]
async fn a_release_has_one_sdist_and_one_wheel_of_each_kind() {
    let (_upstream, app, token) = place().await;
    let first = sdist("two-parts", "1.0");
    assert_eq!(Form::of_sdist(&first).to(&app, &token).await.status, 200);
    let second = Form::of_sdist(&first).filename("two-parts-1.0.tar.gz");
    let answer = second.to(&app, &token).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.reason);
    let zip = Form::of_sdist(&first)
        .filename("two_parts-1.0.zip")
        .to(&app, &token)
        .await;
    assert_eq!(zip.status, 400);

    publish(&app, &token, &wheel("two-parts", "1.0")).await;
    let respelt = Form::of_wheel(&wheel("two-parts", "1.0").file("two_parts/x.py", "1"))
        .filename("Two_Parts-1.0-py3-none-any.whl");
    let answer = respelt.to(&app, &token).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.reason);
}

#[tokio::test]
async fn a_policy_applies_to_what_is_published_too() {
    let (_upstream, app, token) = place().await;
    let pattern = "foo".parse().unwrap();
    let now = app.app.now();
    names::prohibit(&app.app.db, &pattern, "taken", "test", now)
        .await
        .unwrap();
    app.app.reload_names().await.unwrap();
    let answer = Form::of_wheel(&foo()).to(&app, &token).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["rule"], "prohibited-name");
    assert!(app.blobs().await.is_empty());
}
