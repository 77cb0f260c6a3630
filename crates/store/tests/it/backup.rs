//! A backup taken while work goes on comes back whole, and a damaged one does not come back.

use std::path::Path;

use bytes::Bytes;
use portcullis_core::digest::Sha256;
use portcullis_store::backup::{self, BackupError, DATABASE_FILE, MANIFEST_FILE};
use portcullis_store::blobs::Blobs;
use portcullis_store::{Db, ledger, names};
use tempfile::TempDir;

use crate::support::{at, databases, pattern, sqlite};

/// A backup of a database with one name and two blobs, and the digest of one of them.
async fn backed_up(blobs: impl Fn(&Path) -> Blobs) -> (TempDir, Sha256) {
    let test = sqlite().await;
    let blobs = blobs(test.folder.path());
    names::own(&test.db, &pattern("acme-*"), "ann", at(1))
        .await
        .unwrap();
    blobs.put_bytes(Bytes::from_static(b"one")).await.unwrap();
    let two = blobs.put_bytes(Bytes::from_static(b"two")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    let manifest = backup::backup(&test.db, &blobs, &target, at(7))
        .await
        .unwrap();
    assert_eq!((manifest.files.len(), manifest.created_at), (3, at(7)));
    assert_eq!(backup::verify_backup(&target).unwrap(), manifest);
    let again = backup::backup(&test.db, &blobs, &target, at(8)).await;
    assert!(matches!(again, Err(BackupError::NotEmpty(_))));
    test.end().await;
    (folder, two)
}

#[tokio::test]
async fn a_backup_comes_back_whole() {
    let places: [fn(&Path) -> Blobs; 2] = [
        |folder| Blobs::in_folder(&folder.join("data")).unwrap(),
        |folder| Blobs::connect("memory:", folder, []).unwrap(),
    ];
    for place in places {
        let (folder, two) = backed_up(place).await;
        let data = folder.path().join("new/data");
        backup::restore(&folder.path().join("backup"), &data).unwrap();
        let db = Db::open_sqlite(&data.join(DATABASE_FILE)).await.unwrap();
        assert_eq!(names::owned(&db).await.unwrap().len(), 1);
        assert_eq!(ledger::verify(&db).await.unwrap().entries, 1);
        let blobs = Blobs::in_folder(&data).unwrap();
        assert_eq!(blobs.get_bytes(&two, 10).await.unwrap(), "two");
        db.close().await;
        let twice = backup::restore(&folder.path().join("backup"), &data);
        assert!(matches!(twice, Err(BackupError::NotEmpty(_))));
    }
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_written() {
    type Damage = fn(&Path, &Path);
    let table: [(&str, Damage); 6] = [
        ("a blob altered", |_, blob| {
            std::fs::write(blob, "TWO").unwrap()
        }),
        ("a blob cut", |_, blob| std::fs::write(blob, "tw").unwrap()),
        ("a blob gone", |_, blob| std::fs::remove_file(blob).unwrap()),
        ("the database altered", |backup, _| {
            std::fs::write(backup.join(DATABASE_FILE), "x").unwrap();
        }),
        ("no manifest", |backup, _| {
            std::fs::remove_file(backup.join(MANIFEST_FILE)).unwrap()
        }),
        ("a path that leads out", |backup, _| {
            let manifest = backup.join(MANIFEST_FILE);
            let text = std::fs::read_to_string(&manifest).unwrap();
            std::fs::write(&manifest, text.replacen("blobs/sha256", "../../blobs", 1)).unwrap();
        }),
    ];
    for (what, damage) in table {
        let (folder, two) =
            backed_up(|folder| Blobs::connect("memory:", folder, []).unwrap()).await;
        let backup = folder.path().join("backup");
        let hex = two.to_hex();
        damage(
            &backup,
            &backup.join("blobs/sha256").join(&hex[..2]).join(&hex),
        );
        let data = folder.path().join("data");
        assert!(backup::restore(&backup, &data).is_err(), "{what}");
        assert!(!data.exists(), "{what}");
    }
}

#[tokio::test]
async fn a_blob_that_was_altered_at_rest_fails_the_backup() {
    let test = sqlite().await;
    let root = test.folder.path().join("data");
    let blobs = Blobs::in_folder(&root).unwrap();
    let hex = blobs
        .put_bytes(Bytes::from_static(b"one"))
        .await
        .unwrap()
        .to_hex();
    std::fs::write(root.join("blobs/sha256").join(&hex[..2]).join(&hex), "eno").unwrap();
    let target = test.folder.path().join("backup");
    let failed = backup::backup(&test.db, &blobs, &target, at(1))
        .await
        .unwrap_err();
    assert!(failed.to_string().contains("was altered"), "{failed}");
    assert!(backup::verify_backup(&target).is_err());
    test.end().await;
}

#[tokio::test]
async fn a_server_is_backed_up_by_its_own_tools() {
    for test in databases().await {
        if let Db::Postgres { .. } = test.db {
            let blobs = Blobs::connect("memory:", test.folder.path(), []).unwrap();
            let target = test.folder.path().join("backup");
            let refused = backup::backup(&test.db, &blobs, &target, at(1))
                .await
                .unwrap_err();
            assert!(refused.to_string().contains("pg_dump"));
        }
        test.end().await;
    }
}
