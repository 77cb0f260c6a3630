//! Files: whole, in parts, conditionally, and never compressed.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::client::Answer;
use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, old};
use crate::upload_form::publish;

const FILENAME: &str = "foo-1.0-py3-none-any.whl";

struct Place {
    upstream: FixtureIndex,
    app: TestApp,
    bytes: Vec<u8>,
    etag: String,
}

async fn place(payload: usize) -> Place {
    let upstream = FixtureIndex::start().await;
    let file = old(wheel("foo", "1.0").payload(payload));
    let (bytes, etag) = (file.bytes().to_vec(), format!("\"{}\"", file.sha256()));
    upstream.add(file);
    let app = TestApp::over(&upstream).await;
    Place {
        upstream,
        app,
        bytes,
        etag,
    }
}

#[tokio::test]
async fn the_first_answer_and_the_second_are_the_same_bytes() {
    for payload in [10, 300_000] {
        let place = place(payload).await;
        let cold = place.app.file("foo", FILENAME).await;
        place.upstream.stop();
        let warm = place
            .app
            .file("foo", FILENAME)
            .header("Accept-Encoding", "gzip, zstd")
            .await;
        for answer in [&cold, &warm] {
            assert_eq!(answer.status, 200, "{}", answer.reason);
            assert!(answer.is_complete && answer.body == place.bytes);
            assert_eq!(answer.header("etag"), Some(place.etag.as_str()));
            assert_eq!(answer.header("content-encoding"), None);
            assert_eq!(answer.header("content-type"), Some("application/zip"));
            assert_eq!(answer.header("accept-ranges"), Some("bytes"));
            assert_eq!(answer.header("cache-control"), Some("no-cache"));
        }
    }
}

#[tokio::test]
async fn a_project_is_found_in_every_spelling() {
    let place = place(10).await;
    for path in ["/files/Foo/", "/main/files/FOO/"] {
        let answer = place.app.get(&format!("{path}{FILENAME}")).await;
        assert_eq!(
            (answer.status, answer.body == place.bytes),
            (200, true),
            "{path}"
        );
    }
    let other = place.app.file("foo", "foo-2.0-py3-none-any.whl").await;
    assert_eq!(other.status, 404);
    assert_answer!(other);
}

#[tokio::test]
async fn head_says_what_get_would_without_fetching_the_file() {
    let place = place(300_000).await;
    let path = format!("/files/foo/{FILENAME}");
    let head = place.app.head(&path).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(place.upstream.paths_containing(FILENAME).len(), 0);
    let get = place.app.get(&path).await;
    for header in [
        "content-length",
        "etag",
        "content-type",
        "accept-ranges",
        "cache-control",
    ] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
}

#[tokio::test]
async fn parts_are_the_parts_of_the_file_cold_and_warm() {
    let length = place(200_000).await.bytes.len();
    let table: &[(&str, std::ops::Range<usize>)] = &[
        ("bytes=0-9", 0..10),
        ("bytes=100-", 100..length),
        ("bytes=-10", length - 10..length),
        ("bytes=-99999999", 0..length),
        (
            &format!("bytes={}-{}", length - 1, length + 5),
            length - 1..length,
        ),
        ("bytes=70000-140000", 70_000..140_001),
    ];
    for (range, expected) in table {
        // A place of its own, so that the first answer is a cold one.
        let place = place(200_000).await;
        for temperature in ["cold", "warm"] {
            let answer = place.app.file("foo", FILENAME).header("Range", range).await;
            let Answer { status, .. } = answer;
            assert_eq!(status, 206, "{range} {temperature}");
            assert!(
                answer.body == place.bytes[expected.clone()],
                "{range} {temperature}"
            );
            let content_range = format!("bytes {}-{}/{length}", expected.start, expected.end - 1);
            assert_eq!(
                answer.header("content-range"),
                Some(content_range.as_str()),
                "{range}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_part_of_the_file_is_416_and_what_makes_no_sense_is_the_whole() {
    let place = place(10).await;
    let length = place.bytes.len();
    for range in [format!("bytes={length}-"), "bytes=-0".to_owned()] {
        let answer = place
            .app
            .file("foo", FILENAME)
            .header("Range", &range)
            .await;
        assert_eq!(answer.status, 416, "{range}");
        let content_range = format!("bytes */{length}");
        assert_eq!(answer.header("content-range"), Some(content_range.as_str()));
    }
    for range in ["bytes=0-1,4-5", "bytes=b-a", "lines=1-2", "bytes=9-3"] {
        let answer = place.app.file("foo", FILENAME).header("Range", range).await;
        assert_eq!(
            (answer.status, answer.body == place.bytes),
            (200, true),
            "{range}"
        );
    }
}

#[tokio::test]
async fn a_range_counts_only_for_the_file_that_the_client_began_with() {
    let place = place(10).await;
    for (if_range, status) in [
        (place.etag.as_str(), 206),
        ("\"other\"", 200),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 200),
    ] {
        let ask = place.app.file("foo", FILENAME).header("Range", "bytes=0-4");
        assert_eq!(
            ask.header("If-Range", if_range).await.status,
            status,
            "{if_range}"
        );
    }
}

#[tokio::test]
async fn a_client_that_has_the_file_is_spared_it() {
    let place = place(10).await;
    let weak = format!("W/{}", place.etag);
    for known in [
        place.etag.as_str(),
        "*",
        &format!("\"a\", {}", place.etag),
        &weak,
    ] {
        let answer = place
            .app
            .file("foo", FILENAME)
            .header("If-None-Match", known)
            .await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), Some(place.etag.as_str()));
    }
    let answer = place
        .app
        .file("foo", FILENAME)
        .header("If-None-Match", "\"a\"")
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn files_of_every_kind_pass_and_keep_their_type() {
    let upstream = FixtureIndex::start().await;
    for (filename, expected) in [
        ("foo-1.0.tar.gz", "application/gzip"),
        ("foo-1.0.zip", "application/zip"),
        ("foo-1.0.tar.bz2", "application/x-bzip2"),
        ("foo-1.0-variants.json", "application/json"),
        ("foo-1.0-py3.6.egg", "application/zip"),
        ("foo-1.0.win32.exe", "application/octet-stream"),
    ] {
        upstream.add(old(ListedFile::raw(
            "foo",
            "1.0",
            filename,
            filename.as_bytes().to_vec(),
        )));
        let setup = Setup::over(&upstream).policy(LOOKS_INTO_NOTHING);
        let app = setup.start().await;
        let answer = app.file("foo", filename).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, filename));
        assert_eq!(answer.header("content-type"), Some(expected));
    }
}

#[tokio::test]
async fn a_file_name_with_odd_characters_is_listed_and_found() {
    let upstream = FixtureIndex::start().await;
    let filename = "foo-1.0+a b%ä.tar.gz";
    upstream
        .add(old(ListedFile::raw("foo", "1.0", filename, &b"odd"[..])).at("../../files/foo/plain"));
    upstream.add(old(ListedFile::raw("foo", "1.0", "plain", &b"odd"[..])));
    let setup = Setup::over(&upstream).policy(LOOKS_INTO_NOTHING);
    let app = setup.start().await;
    let page = app.page("foo").await.json();
    let url = page["files"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(url, "../../files/foo/foo-1.0+a%20b%25%C3%A4.tar.gz");
    let answer = app.get(url.strip_prefix("../..").unwrap()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"odd"[..]));
}

#[tokio::test]
async fn a_published_file_is_served_like_any_other() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let token = app.token("ci", "upload").await;
    let wheel = wheel("foo", "1.0").payload(100_000);
    publish(&app, &token, &wheel).await;
    let answer = app.file("foo", FILENAME).await;
    assert!(answer.is_complete && answer.body == wheel.build());
    let part = app
        .file("foo", FILENAME)
        .header("Range", "bytes=-100")
        .await;
    assert_eq!((part.status, part.body.len()), (206, 100));
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn every_index_has_its_own_addresses() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let setup = Setup::over(&upstream)
        .tables("[indexes.inside]\nsources = ['internal']\n[indexes.all]\nsources = ['pypi']");
    let app = setup.default_index("main").start().await;
    assert_eq!(app.get("/inside/simple/foo/").await.status, 404);
    assert_eq!(app.get("/all/simple/foo/").await.status, 200);
    assert_eq!(
        app.get(&format!("/inside/files/foo/{FILENAME}"))
            .await
            .status,
        404
    );
    assert_eq!(
        app.get(&format!("/all/files/foo/{FILENAME}")).await.status,
        200
    );
}
