//! What is published keeps its bytes and its name, whoever races for it.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_store::generations::{self, Counter};
use portcullis_store::hosted::{self, HostedFile, NewFile, Published, Target, Withdrawal};
use portcullis_store::{Db, names, references};

use crate::support::{at, databases, name};

fn file(filename: &str, version: &str, content: &str) -> NewFile {
    NewFile {
        source: "internal".to_owned(),
        project: name("acme-x"),
        display_name: "Acme_X".to_owned(),
        version: version.parse().unwrap(),
        filename: filename.to_owned(),
        filetype: "sdist".to_owned(),
        sha256: Sha256::of(content.as_bytes()),
        md5: [1; 16],
        blake2_256: [2; 32],
        size: content.len() as u64,
        upload_time: at(5),
        requires_python: Some(">=3.9".to_owned()),
        metadata_sha256: Some(Sha256::of(b"metadata")),
        metadata_json: "{}".to_owned(),
        uploader: "ci".to_owned(),
    }
}

async fn publish(db: &Db, filename: &str, version: &str, content: &str) -> Published {
    hosted::publish(db, &file(filename, version, content), at(5))
        .await
        .unwrap()
}

async fn delete(db: &Db, target: Target<'_>) -> Vec<HostedFile> {
    hosted::delete(db, &by_ann(&name("acme-x"), target), at(9))
        .await
        .unwrap()
}

fn by_ann<'a>(project: &'a ProjectName, target: Target<'a>) -> Withdrawal<'a> {
    Withdrawal {
        source: "internal",
        project,
        target,
        who: "ann",
    }
}

async fn filenames(db: &Db) -> Vec<String> {
    let files = hosted::files(db, "internal", &name("acme-x"))
        .await
        .unwrap();
    files.into_iter().map(|file| file.filename).collect()
}

#[tokio::test]
async fn a_file_is_published_once_and_keeps_its_bytes() {
    for test in databases().await {
        let db = &test.db;
        assert_eq!(
            publish(db, "x-1.0.tar.gz", "1.0", "one").await,
            Published::New
        );
        assert_eq!(
            publish(db, "x-1.0.tar.gz", "1.0", "one").await,
            Published::Identical
        );
        let Published::Conflict { existing } = publish(db, "x-1.0.tar.gz", "1.0", "two").await
        else {
            panic!("other bytes were taken");
        };
        assert_eq!(existing.sha256, Sha256::of(b"one"));

        let kept = hosted::file(db, "internal", "x-1.0.tar.gz")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kept, *existing);
        assert_eq!(
            (kept.size, kept.md5.len(), kept.blake2_256.len()),
            (3, 16, 32)
        );
        assert_eq!(kept.requires_python.as_deref(), Some(">=3.9"));
        assert_eq!(
            (kept.yanked, kept.deleted_at, kept.upload_time),
            (false, None, at(5))
        );
        let projects = hosted::projects(db, "internal").await.unwrap();
        assert_eq!(
            (projects.len(), projects[0].display_name.as_str()),
            (1, "Acme_X")
        );
        assert!(hosted::projects(db, "other").await.unwrap().is_empty());

        assert_eq!(test.kinds().await, ["name", "publication"]);
        let owned = names::owned(db).await.unwrap();
        assert_eq!(owned[0].ownership().pattern.to_string(), "acme-x");
        test.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_racing_publications_one_wins() {
    for test in databases().await {
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let db = test.db.clone();
                let new = file("x-1.0.tar.gz", "1.0", &format!("content {number}"));
                tokio::spawn(async move { hosted::publish(&db, &new, at(5)).await.unwrap() })
            })
            .collect();
        let (mut won, mut conflicts) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Published::New => won += 1,
                Published::Conflict { .. } => conflicts += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((won, conflicts), (1, 49));
        assert_eq!(test.kinds().await, ["name", "publication"]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_deleted_file_leaves_its_name_used_for_ever() {
    for test in databases().await {
        let db = &test.db;
        publish(db, "x-1.0.tar.gz", "1.0", "one").await;
        publish(db, "x-2.0.tar.gz", "2.0", "two").await;
        let target = Target::File("x-1.0.tar.gz");
        let gone = delete(db, target).await;
        assert_eq!(gone[0].sha256, Sha256::of(b"one"));
        assert_eq!(filenames(db).await, ["x-2.0.tar.gz"]);
        for content in ["one", "other"] {
            assert_eq!(
                publish(db, "x-1.0.tar.gz", "1.0", content).await,
                Published::NameUsed
            );
        }
        let tombstone = hosted::file(db, "internal", "x-1.0.tar.gz")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(tombstone.deleted_at, Some(at(9)));
        let again = delete(db, target).await;
        assert!(again.is_empty());
        assert_eq!(references::count(db, &Sha256::of(b"one")).await.unwrap(), 0);
        assert_eq!(references::count(db, &Sha256::of(b"two")).await.unwrap(), 1);
        assert_eq!(
            test.kinds().await,
            ["name", "publication", "publication", "deletion"]
        );
        test.end().await;
    }
}

#[tokio::test]
async fn a_deleted_project_stays_owned_and_comes_back_with_its_next_file() {
    for test in databases().await {
        let db = &test.db;
        let project = name("acme-x");
        publish(db, "x-1.0.tar.gz", "1.0", "one").await;
        let gone = delete(db, Target::Project).await;
        assert_eq!(gone.len(), 1);
        assert!(hosted::projects(db, "internal").await.unwrap().is_empty());
        assert!(
            hosted::project(db, "internal", &project)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(names::owned(db).await.unwrap().len(), 1);
        assert_eq!(
            publish(db, "x-1.0.tar.gz", "1.0", "one").await,
            Published::NameUsed
        );
        assert!(hosted::projects(db, "internal").await.unwrap().is_empty());
        assert_eq!(
            publish(db, "x-1.1.tar.gz", "1.1", "new").await,
            Published::New
        );
        assert_eq!(hosted::projects(db, "internal").await.unwrap().len(), 1);
        test.end().await;
    }
}

#[tokio::test]
async fn a_release_is_yanked_in_every_spelling_of_its_version() {
    for test in databases().await {
        let db = &test.db;
        let project = name("acme-x");
        publish(db, "x-1.0.tar.gz", "1.0", "one").await;
        publish(db, "x-1.0.0-py3-none-any.whl", "1.0.0", "wheel").await;
        publish(db, "x-2.0.tar.gz", "2.0", "two").await;
        let version = "1".parse().unwrap();
        let release = Target::Release(&version);
        let yank = async |target, reason| {
            hosted::yank(db, &by_ann(&project, target), reason, at(9))
                .await
                .unwrap()
                .len()
        };
        let unyank = async |target| {
            hosted::unyank(db, &by_ann(&project, target), at(9))
                .await
                .unwrap()
                .len()
        };
        assert_eq!(yank(release, "bro\0ken").await, 2);
        let files = hosted::files(db, "internal", &project).await.unwrap();
        let marks: Vec<_> = files.iter().map(HostedFile::yank_marker).collect();
        let broken = Yanked::Because("bro\u{fffd}ken".into());
        assert_eq!(marks, [broken.clone(), broken, Yanked::No]);

        let one = Target::File("x-1.0.tar.gz");
        assert_eq!((unyank(one).await, unyank(one).await), (1, 0));
        assert_eq!(unyank(Target::Project).await, 1);
        assert_eq!(yank(Target::File("nothing"), "").await, 0);
        assert_eq!(yank(one, "").await, 1);
        let marked = hosted::file(db, "internal", "x-1.0.tar.gz")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(marked.yank_marker(), Yanked::Yes);
        assert_eq!(
            test.kinds().await[4..],
            ["yank", "unyank", "unyank", "yank"]
        );
        test.end().await;
    }
}

#[tokio::test]
async fn replicas_learn_which_projects_changed() {
    for test in databases().await {
        let db = &test.db;
        let generation = async || generations::all(db).await.unwrap()[&Counter::Hosted];
        let before = generation().await;
        assert_eq!(before, 0);
        publish(db, "x-1.0.tar.gz", "1.0", "one").await;
        let changed = hosted::changed_since(db, before).await.unwrap();
        assert_eq!(changed, [("internal".to_owned(), name("acme-x"))]);
        let before = generation().await;
        assert!(hosted::changed_since(db, before).await.unwrap().is_empty());
        publish(db, "x-1.0.tar.gz", "1.0", "one").await;
        assert_eq!(generation().await, before);
        let all = Target::Project;
        delete(db, all).await;
        assert_eq!(hosted::changed_since(db, before).await.unwrap().len(), 1);
        test.end().await;
    }
}

/// Publishes a file with this content, for stories about what else refers to it.
pub(crate) async fn publish_content(db: &Db, content: &str) {
    let published = publish(db, "x-9.0.tar.gz", "9.0", content).await;
    assert_eq!(published, Published::New);
}
