//! Content is kept whole or not at all, under its digest, in every kind of place.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, Facts, FileFacts, ProjectFacts, ReleaseShape};
use portcullis_core::gate::{self, Cleared};
use portcullis_core::inspection::{ContentFacts, Inspected, Knowledge, Statistics};
use portcullis_core::policy::{Policy, judge};
use portcullis_core::pypi::filename::DistKind;
use portcullis_core::pypi::simple::Yanked;
use portcullis_store::blobs::{AtRest, Blob, BlobError, Blobs};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{at, name, server};

pub(crate) fn places() -> Vec<(Blobs, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("file://{}", folder.path().join("deep/er").display());
    let mut places = vec![(
        Blobs::connect(&file, Path::new("/unused"), []).unwrap(),
        folder,
    )];
    let folder = tempfile::tempdir().unwrap();
    places.push((
        Blobs::connect("memory:", folder.path(), []).unwrap(),
        folder,
    ));
    if let Some(endpoint) = server("PORTCULLIS_TEST_S3") {
        let folder = tempfile::tempdir().unwrap();
        places.push((s3(&endpoint, folder.path()), folder));
    }
    places
}

pub(crate) fn s3(endpoint: &str, data_dir: &Path) -> Blobs {
    s3_in(&format!("it-{}", Uuid::now_v7()), endpoint, data_dir)
}

/// The blobs in a new bucket.
pub(crate) fn s3_in(bucket: &str, endpoint: &str, data_dir: &Path) -> Blobs {
    let address = endpoint
        .strip_prefix("http://")
        .unwrap()
        .trim_end_matches('/');
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("UNRELATED", "x"),
    ]
    .map(|(name, value)| (name.into(), value.into()));
    Blobs::connect(&format!("s3://{bucket}/pre/fix"), data_dir, variables).unwrap()
}

/// Bytes in which every part differs from every other.
fn content(length: usize) -> Bytes {
    (0..length)
        .map(|position| (position / 251 + position % 251) as u8)
        .collect()
}

async fn keep(blobs: &Blobs, content: &Bytes) -> Sha256 {
    let mut spool = blobs.spool().await.unwrap();
    for chunk in content.chunks(100_000) {
        spool.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    let finished = spool.finish().await.unwrap();
    assert_eq!(
        (finished.sha256(), finished.size()),
        (Sha256::of(content), content.len() as u64)
    );
    blobs.commit(finished).await.unwrap()
}

async fn read(blob: &Blob, range: std::ops::Range<u64>) -> Vec<u8> {
    let chunks: Vec<Bytes> = blob.range(range).unwrap().try_collect().await.unwrap();
    assert!(chunks.iter().all(|chunk| chunk.len() <= 256 * 1024));
    chunks.concat()
}

fn clear(sha256: Sha256) -> Cleared {
    let project = ProjectFacts::named("main".parse().unwrap(), name("flask"));
    let file = FileFacts {
        filename: "flask-1.0.tar.gz".into(),
        kind: DistKind::Sdist,
        version: Fact::Known("1.0".parse().unwrap()),
        sha256: Fact::Known(sha256),
        first_sha256: None,
        upload_time: Fact::Known(at(0)),
        first_seen: Fact::Known(at(0)),
        size: Fact::Known(1),
        yanked: Yanked::No,
        release: ReleaseShape {
            wheels: 0,
            sdists: 1,
        },
    };
    let clean = Inspected {
        sha256,
        revision: 1,
        observations: Vec::new(),
        excerpts: Vec::new(),
        capabilities: Vec::new(),
        statistics: Statistics::default(),
        complete: true,
    };
    let content = ContentFacts {
        inspection: Knowledge::of(Arc::new(clean)),
        ..ContentFacts::default()
    };
    let facts = Facts {
        project: &project,
        release: None,
        file: Some(&file),
        content: Some(&content),
    };
    let now = at(90 * portcullis_core::time::Timestamp::DAY);
    gate::clear(&Arc::new(judge(facts, &Policy::built_in(), now)), sha256).unwrap()
}

#[tokio::test]
async fn content_is_kept_and_read_in_ranges() {
    for (blobs, _folder) in places() {
        for length in [0, 1, 70_000, 9 * 1024 * 1024 + 1] {
            let content = content(length);
            let sha256 = keep(&blobs, &content).await;
            assert_eq!(keep(&blobs, &content).await, sha256);
            let blob = blobs.open(&clear(sha256)).await.unwrap();
            let size = length as u64;
            assert_eq!(blob.size(), size);
            for (start, end) in [
                (0, size),
                (size / 2, size),
                (size / 3, size / 2),
                (size, size),
            ] {
                let expected = &content[start as usize..end as usize];
                assert!(
                    read(&blob, start..end).await == expected,
                    "{start}..{end} of {length}"
                );
            }
            for range in [(0, size + 1), (size + 1, size + 1)] {
                assert!(matches!(
                    blob.range(range.0..range.1),
                    Err(BlobError::Range { .. })
                ));
            }
            assert_eq!(blobs.verify(&sha256).await.unwrap(), AtRest::Intact);
        }
        let listed: Vec<_> = blobs.list().try_collect().await.unwrap();
        assert_eq!(listed.len(), 4);
    }
}

#[tokio::test]
async fn what_is_not_kept_is_missing_and_deleting_it_is_done_already() {
    for (blobs, _folder) in places() {
        let sha256 = Sha256::of(b"nothing");
        assert!(matches!(
            blobs.open(&clear(sha256)).await,
            Err(BlobError::Missing(_))
        ));
        assert_eq!(blobs.verify(&sha256).await.unwrap(), AtRest::Missing);
        assert!(!blobs.exists(&sha256).await.unwrap());
        blobs.delete(&sha256).await.unwrap();
        let kept = blobs
            .put_bytes(Bytes::from_static(b"something"))
            .await
            .unwrap();
        assert_eq!(blobs.size(&kept).await.unwrap(), Some(9));
        blobs.delete(&kept).await.unwrap();
        assert!(!blobs.exists(&kept).await.unwrap());
    }
}

#[tokio::test]
async fn small_content_goes_through_memory_up_to_a_cap() {
    for (blobs, _folder) in places() {
        let sha256 = blobs
            .put_bytes(Bytes::from_static(b"Metadata-Version: 2.4"))
            .await
            .unwrap();
        assert_eq!(
            blobs.get_bytes(&sha256, 21).await.unwrap(),
            "Metadata-Version: 2.4"
        );
        let refused = blobs.get_bytes(&sha256, 20).await;
        assert!(matches!(
            refused,
            Err(BlobError::TooLarge {
                size: 21,
                cap: 20,
                ..
            })
        ));
    }
}

#[tokio::test]
async fn the_probe_leaves_nothing_behind() {
    for (blobs, _folder) in places() {
        assert!(blobs.probe().await.unwrap().conditional_create);
        assert_eq!(blobs.list().count().await, 0);
    }
}

#[tokio::test]
async fn others_read_along_while_content_arrives_and_after_it_is_kept() {
    for (blobs, _folder) in places() {
        let mut spool = blobs.spool().await.unwrap();
        let mut progress = spool.progress();
        spool.write(Bytes::from_static(b"abc")).await.unwrap();
        assert_eq!(spool.flushed(), 0);
        spool.flush().await.unwrap();
        progress.changed().await.unwrap();
        assert_eq!((*progress.borrow(), spool.flushed()), (3, 3));
        let mut reader = std::fs::File::open(spool.path()).unwrap();
        spool.write(Bytes::from_static(b"def")).await.unwrap();
        let finished = spool.finish().await.unwrap();
        assert_eq!(std::fs::read(finished.path()).unwrap(), b"abcdef");
        assert_eq!(*progress.borrow_and_update(), 6);
        assert!(progress.changed().await.is_err());
        blobs.commit(finished).await.unwrap();
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).unwrap();
        assert_eq!(seen, b"abcdef");
    }
}

fn files_under(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing_behind() {
    for (blobs, folder) in places() {
        let mut spool = blobs.spool().await.unwrap();
        spool.write(content(300_000)).await.unwrap();
        assert!(
            files_under(folder.path())
                .iter()
                .any(|file| file.starts_with("receiving-"))
        );
        drop(spool);
        drop(blobs.spool().await.unwrap().finish().await.unwrap());
        keep(&blobs, &content(10)).await;
        assert!(
            !files_under(folder.path())
                .iter()
                .any(|file| file.starts_with("receiving-"))
        );
        drop(blobs);
        assert!(
            !files_under(folder.path())
                .iter()
                .any(|file| file == "alive.lock")
        );
    }
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_and_what_a_live_one_receives_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let live = Blobs::in_folder(folder.path()).unwrap();
    let mut spool = live.spool().await.unwrap();
    let dead = folder.path().join("spool").join(Uuid::now_v7().to_string());
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("receiving-x"), "left behind").unwrap();
    std::fs::write(dead.join("alive.lock"), "").unwrap();
    let stranger = folder.path().join("spool/not-ours");
    std::fs::create_dir(&stranger).unwrap();

    let _other = Blobs::in_folder(folder.path()).unwrap();
    assert!(!dead.exists());
    assert!(stranger.exists());
    spool
        .write(Bytes::from_static(b"still here"))
        .await
        .unwrap();
    let sha256 = live.commit(spool.finish().await.unwrap()).await.unwrap();
    assert!(live.exists(&sha256).await.unwrap());
}

#[tokio::test]
async fn altered_bytes_at_rest_are_found_and_set_right() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_folder(folder.path()).unwrap();
    let sha256 = keep(&blobs, &content(100)).await;
    let Blob::Local(local) = blobs.open_for_inspection(&sha256).await.unwrap() else {
        panic!("not a file");
    };
    let hex = sha256.to_hex();
    let expected = folder
        .path()
        .join("blobs/sha256")
        .join(&hex[..2])
        .join(&hex);
    assert_eq!(local.path(), expected.canonicalize().unwrap());
    std::fs::write(&expected, "altered").unwrap();
    let actual = Sha256::of(b"altered");
    assert_eq!(
        blobs.verify(&sha256).await.unwrap(),
        AtRest::Altered { actual }
    );
    assert!(matches!(
        blobs.get_bytes(&sha256, 1000).await,
        Err(BlobError::Altered { .. })
    ));
    keep(&blobs, &content(100)).await;
    assert_eq!(blobs.verify(&sha256).await.unwrap(), AtRest::Intact);
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_fails_rather_than_end_early() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_folder(folder.path()).unwrap();
    let sha256 = keep(&blobs, &content(600_000)).await;
    let blob = blobs.open_for_inspection(&sha256).await.unwrap();
    let Blob::Local(local) = &blob else {
        panic!("not a file")
    };
    let file = std::fs::File::options()
        .write(true)
        .open(local.path())
        .unwrap();
    file.set_len(300_000).unwrap();
    let chunks: Vec<_> = blob.whole().collect().await;
    assert!(chunks.last().unwrap().is_err());
}

#[tokio::test]
async fn what_does_not_have_a_blobs_name_is_passed_over() {
    let store = Arc::new(object_store::memory::InMemory::new());
    for key in ["blobs/sha256/README", "blobs/sha256/aa/bb", "other/x"] {
        store.put(&Key::from(key), "x".into()).await.unwrap();
    }
    let misplaced = format!("blobs/sha256/zz/{}", Sha256::of(b"x"));
    store.put(&Key::from(misplaced), "x".into()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::over(store, folder.path()).unwrap();
    assert_eq!(blobs.list().count().await, 0);
}

#[tokio::test]
async fn an_object_that_got_shorter_is_not_passed_off_as_whole() {
    let store = Arc::new(object_store::memory::InMemory::new());
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::over(store.clone(), folder.path()).unwrap();
    let sha256 = keep(&blobs, &content(1000)).await;
    let blob = blobs.open_for_inspection(&sha256).await.unwrap();
    let hex = sha256.to_hex();
    let key = Key::from(format!("blobs/sha256/{}/{hex}", &hex[..2]));
    store.put(&key, "short".into()).await.unwrap();
    let result: Result<Vec<Bytes>, _> = blob.whole().try_collect().await;
    assert!(
        matches!(result, Err(BlobError::BrokenOff { missing: 995 })),
        "{result:?}"
    );
}

#[test]
fn what_is_no_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for location in ["", "s3://", "s3:///x", "http://files.example/", "file://"] {
        let refused = Blobs::connect(location, folder.path(), []);
        assert!(
            matches!(refused, Err(BlobError::Location(_))),
            "{location:?}"
        );
    }
}
