//! Cached content goes when it is thrown away, and only when nothing else needs it.

use std::path::Path;

use bytes::Bytes;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_store::blobs::Blobs;
use portcullis_store::pins::{self, NewPin, Pin};
use portcullis_store::purges::{self, Memory, Purge};
use portcullis_store::sidecars::{self, Sidecar, SidecarOrigin};
use portcullis_store::{Db, references};

use crate::support::{at, databases, name};

async fn cached(db: &Db, blobs: &Blobs, source: &str, project: &ProjectName, content: &str) {
    let sha256 = blobs
        .put_bytes(Bytes::from(content.to_owned()))
        .await
        .unwrap();
    let filename = "x-1.0-py3-none-any.whl".to_owned();
    let size = content.len() as u64;
    let pin = NewPin {
        filename,
        sha256,
        size,
    };
    pins::pin(db, source, project, &pin, at(1)).await.unwrap();
}

async fn purge(db: &Db, blobs: &Blobs, project: &ProjectName, memory: Memory) -> u64 {
    let filenames = ["x-1.0-py3-none-any.whl".to_owned()];
    let purge = Purge {
        source: "up",
        project,
        filenames: &filenames,
        memory,
        who: "admin",
    };
    purges::purge(db, blobs, &purge, at(5)).await.unwrap()
}

fn in_folder(folder: &Path) -> Blobs {
    Blobs::in_folder(folder).unwrap()
}

#[tokio::test]
async fn purged_content_is_gone_and_its_digest_stays_known_unless_it_is_forgotten() {
    for test in databases().await {
        let folder = tempfile::tempdir().unwrap();
        let (db, blobs, x) = (&test.db, in_folder(folder.path()), name("x"));
        cached(db, &blobs, "up", &x, "wheel").await;
        let metadata = blobs
            .put_bytes(Bytes::from_static(b"metadata"))
            .await
            .unwrap();
        let filename = "x-1.0-py3-none-any.whl".to_owned();
        let sidecar = Sidecar {
            filename,
            sha256: metadata,
            origin: SidecarOrigin::Extracted,
        };
        sidecars::keep(db, "up", &x, &sidecar, at(2)).await.unwrap();

        let freed = purge(db, &blobs, &x, Memory::Keep).await;
        assert_eq!(freed, ("wheel".len() + "metadata".len()) as u64);
        assert!(!blobs.exists(&Sha256::of(b"wheel")).await.unwrap());
        assert!(!blobs.exists(&metadata).await.unwrap());
        let other = NewPin {
            filename: "x-1.0-py3-none-any.whl".to_owned(),
            sha256: Sha256::of(b"other"),
            size: 5,
        };
        let answer = pins::pin(db, "up", &x, &other, at(6)).await.unwrap();
        assert_eq!(
            answer,
            Pin::Differs {
                first: Sha256::of(b"wheel")
            }
        );

        purge(db, &blobs, &x, Memory::Forget).await;
        let answer = pins::pin(db, "up", &x, &other, at(7)).await.unwrap();
        assert_eq!(answer, Pin::First);
        test.end().await;
    }
}

#[tokio::test]
async fn content_that_another_project_or_source_needs_stays() {
    for test in databases().await {
        let folder = tempfile::tempdir().unwrap();
        let (db, blobs) = (&test.db, in_folder(folder.path()));
        let (x, y) = (name("x"), name("y"));
        cached(db, &blobs, "up", &x, "same").await;
        cached(db, &blobs, "elsewhere", &y, "same").await;
        assert_eq!(purge(db, &blobs, &x, Memory::Forget).await, 0);
        assert!(blobs.exists(&Sha256::of(b"same")).await.unwrap());
        test.end().await;
    }
}

#[tokio::test]
async fn bytes_are_deleted_only_when_no_row_refers_to_them() {
    for test in databases().await {
        let folder = tempfile::tempdir().unwrap();
        let (db, blobs, x) = (&test.db, in_folder(folder.path()), name("x"));
        cached(db, &blobs, "up", &x, "needed").await;
        let stray = blobs.put_bytes(Bytes::from_static(b"stray")).await.unwrap();
        let needed = Sha256::of(b"needed");
        for (sha256, freed) in [(needed, None), (stray, Some(5)), (stray, None)] {
            let found = references::delete_unneeded(db, &blobs, &sha256)
                .await
                .unwrap();
            assert_eq!(found, freed);
        }
        assert!(blobs.exists(&needed).await.unwrap());
        test.end().await;
    }
}
