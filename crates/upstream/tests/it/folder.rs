//! A directory as a source.

use std::fs;
use std::io::Read as _;

use portcullis_core::digest::Sha256;
use portcullis_fixtures::{sdist, wheel};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::folder::FolderSource;

use crate::project;

fn folder() -> (tempfile::TempDir, FolderSource) {
    let root = tempfile::tempdir().unwrap();
    let source = FolderSource::new("air-gap", root.path());
    (root, source)
}

#[tokio::test]
async fn files_at_the_top_and_in_a_projects_folder_are_one_page() {
    let (root, source) = folder();
    let (flat, nested) = (wheel("Foo.Bar", "1.0"), sdist("foo-bar", "2.0"));
    fs::write(root.path().join(flat.filename()), flat.build()).unwrap();
    fs::create_dir(root.path().join("Foo_Bar")).unwrap();
    fs::write(
        root.path().join("Foo_Bar").join(nested.filename()),
        nested.build(),
    )
    .unwrap();
    for other in ["notes.txt", "foo_bar-1.0.exe", "foo-1.0.tar.gz", ".hidden"] {
        fs::write(root.path().join(other), "x").unwrap();
    }
    let page = source.page(&project("foo-bar")).await.unwrap().unwrap();
    let names: Vec<&str> = page.files.iter().map(|file| &*file.filename).collect();
    assert_eq!(
        names,
        ["foo_bar-1.0-py3-none-any.whl", "foo_bar-2.0.tar.gz"]
    );
    assert_eq!(page.files[0].sha256(), Some(Sha256::of(&flat.build())));
    assert_eq!(page.files[0].size, Some(flat.build().len() as u64));
    assert!(page.files.iter().all(|file| file.upload_time.is_none()));
    assert!(source.page(&project("nothing")).await.unwrap().is_none());
    assert_eq!(
        source.projects().await.unwrap(),
        [project("foo"), project("foo-bar")]
    );
}

#[tokio::test]
async fn a_file_opens_with_the_hash_of_its_bytes_and_again_when_it_changed() {
    let (root, source) = folder();
    let path = root.path().join("foo-1.0.tar.gz");
    for content in ["first", "the second"] {
        fs::write(&path, content).unwrap();
        let mut opened = source
            .open(&project("foo"), "foo-1.0.tar.gz")
            .await
            .unwrap()
            .expect("the file");
        assert_eq!(opened.sha256, Sha256::of(content.as_bytes()));
        assert_eq!(opened.size, content.len() as u64);
        let mut text = String::new();
        opened.file.read_to_string(&mut text).unwrap();
        assert_eq!(text, content);
    }
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_opened() {
    let (root, source) = folder();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("foo-1.0.tar.gz");
    fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, root.path().join("foo-1.0.tar.gz")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("bar")).unwrap();
    fs::write(root.path().join("foo-2.0.tar.gz"), "fine").unwrap();
    std::os::unix::fs::symlink("foo-2.0.tar.gz", root.path().join("foo-3.0.tar.gz")).unwrap();

    let page = source.page(&project("foo")).await.unwrap().unwrap();
    let names: Vec<&str> = page.files.iter().map(|file| &*file.filename).collect();
    assert_eq!(names, ["foo-2.0.tar.gz", "foo-3.0.tar.gz"]);
    let opened = source.open(&project("foo"), "foo-1.0.tar.gz").await;
    assert!(
        matches!(opened, Err(UpstreamError::Forbidden { .. })),
        "{opened:?}"
    );
    let page = source.page(&project("bar")).await;
    assert!(
        matches!(page, Err(UpstreamError::Forbidden { .. })),
        "{page:?}"
    );
    for name in [
        "../foo-1.0.tar.gz",
        "/etc/passwd",
        "..",
        "",
        "foo/../foo-1.0.tar.gz",
        "foo\0",
    ] {
        let opened = source.open(&project("foo"), name).await.unwrap();
        assert!(opened.is_none(), "{name:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_outage_and_not_an_empty_one() {
    let (root, source) = folder();
    drop(root);
    let page = source.page(&project("foo")).await;
    assert!(
        matches!(page, Err(UpstreamError::Unreachable { .. })),
        "{page:?}"
    );
}
