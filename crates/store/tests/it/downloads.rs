//! Who received what is recorded before it is acknowledged, and no record can be altered unseen.

use portcullis_core::digest::Sha256;
use portcullis_core::time::Timestamp;
use portcullis_store::downloads::{self, Download, DownloadKind};
use portcullis_store::exposure::{self, After, Exposed, Span, Window};
use portcullis_store::recorder::{RecordError, Recorder};
use portcullis_store::{Db, StoreError, ledger};

use crate::support::{at, databases, name};

pub(crate) fn download(project: &str, moment: i64) -> Download {
    Download {
        at: at(moment),
        index: "main".to_owned(),
        source: "up".to_owned(),
        project: name(project),
        version: Some("1.0".to_owned()),
        filename: format!("{project}-1.0.tar.gz"),
        sha256: Sha256::of(project.as_bytes()),
        size: 7,
        kind: DownloadKind::File,
        token: Some("ci".to_owned()),
        job: Some("payments-build-4412\n".to_owned()),
        client_addr: Some("127.0.0.1".to_owned()),
        user_agent: Some("pip/26.0 \0{}".to_owned()),
        installer: Some("pip".to_owned()),
        installer_version: None,
        python: Some("3.13.1".to_owned()),
        distro: None,
        ci: Some(true),
        decision: Some("a1".to_owned()),
    }
}

fn window(from: i64, to: i64) -> Window {
    Window {
        from: at(from),
        to: at(to),
        after: None,
        limit: 100,
    }
}

async fn moments(db: &Db, exposed: &Exposed<'_>, window: Window) -> Vec<Timestamp> {
    let rows = exposure::downloads(db, exposed, window).await.unwrap();
    rows.iter().map(|row| row.download.at).collect()
}

#[tokio::test]
async fn exposure_answers_who_received_what_and_when() {
    for test in databases().await {
        let db = &test.db;
        let group: Vec<_> = [10, 20, 20, 30]
            .map(|moment| download("flask", moment))
            .into();
        downloads::record_group(db, &group, at(40)).await.unwrap();
        downloads::record_group(db, &[download("django", 20)], at(40))
            .await
            .unwrap();
        downloads::record_group(db, &[], at(40)).await.unwrap();
        let flask = name("flask");
        let project = Exposed::Project(&flask);
        assert_eq!(
            moments(db, &project, window(0, 99)).await,
            [10, 20, 20, 30].map(at)
        );
        assert_eq!(
            moments(db, &project, window(10, 30)).await,
            [10, 20, 20].map(at)
        );
        assert_eq!(moments(db, &project, window(31, 99)).await, []);
        let content = Sha256::of(b"django");
        assert_eq!(
            moments(db, &Exposed::Content(&content), window(0, 99)).await,
            [at(20)]
        );

        let mut page = Window {
            limit: 2,
            ..window(0, 99)
        };
        let first = exposure::downloads(db, &project, page).await.unwrap();
        page.after = first.last().map(|row| After {
            at: row.download.at,
            id: row.id,
        });
        let second = exposure::downloads(db, &project, page).await.unwrap();
        assert_eq!((first.len(), second.len()), (2, 2));
        assert!(first[1].id < second[0].id);

        let expected = Download {
            user_agent: Some("pip/26.0 \u{fffd}{}".to_owned()),
            job: Some("payments-build-4412\u{fffd}".to_owned()),
            ..download("flask", 10)
        };
        assert_eq!(first[0].download, expected);
        assert_eq!(test.kinds().await, ["downloads", "downloads"]);
        assert_eq!(ledger::verify(db).await.unwrap().downloads, 5);
        test.end().await;
    }
}

/// Rows that were written before clients could name their job.
#[tokio::test]
async fn a_record_without_a_job_has_the_digest_that_it_always_had() {
    for test in databases().await {
        let old = Download {
            job: None,
            ..download("flask", 1)
        };
        downloads::record_group(&test.db, &[old], at(9))
            .await
            .unwrap();
        let entry = ledger::entries(&test.db, 1, 1).await.unwrap().remove(0);
        let digest = "28ef2846fc1157dab5000fc7f743ebb509ebe629c45ff200940e52ba95861317";
        assert!(entry.payload.contains(digest), "{}", entry.payload);
        test.end().await;
    }
}

fn release(version: &str, moment: i64, token: &str) -> Download {
    Download {
        version: Some(version.to_owned()),
        filename: format!("flask-{version}.tar.gz"),
        sha256: Sha256::of(version.as_bytes()),
        token: Some(token.to_owned()),
        ..download("flask", moment)
    }
}

#[tokio::test]
async fn receipts_count_what_each_identity_received_of_each_file() {
    for test in databases().await {
        let db = &test.db;
        let group = [
            release("1.0", 10, "ci"),
            release("1.0", 30, "ci"),
            release("1.0", 20, "laptop"),
            release("2.0", 40, "ci"),
            release("3.0", 50, "ci"),
            download("django", 60),
        ];
        downloads::record_group(db, &group, at(99)).await.unwrap();
        let flask = name("flask");
        assert_eq!(
            exposure::versions(db, &flask).await.unwrap(),
            ["1.0", "2.0", "3.0"]
        );
        assert!(
            exposure::versions(db, &name("nothing"))
                .await
                .unwrap()
                .is_empty()
        );

        let asked = ["1.0", "2.0"].map(str::to_owned);
        let content = Sha256::of(b"1.0");
        let span = Span {
            from: at(0),
            to: at(60),
        };
        for (exposed, expected) in [
            (
                Exposed::Releases(&flask, &asked),
                "1.0 ci 2 10-30, 1.0 laptop 1 20-20, 2.0 ci 1 40-40",
            ),
            (
                Exposed::Content(&content),
                "1.0 ci 2 10-30, 1.0 laptop 1 20-20",
            ),
            (
                Exposed::Anything,
                "1.0 ci 2 10-30, 1.0 laptop 1 20-20, 2.0 ci 1 40-40, 3.0 ci 1 50-50",
            ),
            (Exposed::Releases(&flask, &[]), ""),
        ] {
            let mut found = Vec::new();
            exposure::receipts(db, exposed, span, |one| {
                let (first, last) = (one.first_at.as_millis(), one.last_at.as_millis());
                let (version, token) = (one.version.unwrap(), one.token.unwrap());
                found.push(format!("{version} {token} {} {first}-{last}", one.times));
            })
            .await
            .unwrap();
            found.sort();
            assert_eq!(found.join(", "), expected);
        }

        let mut moments = Vec::new();
        exposure::each_download(db, Exposed::Releases(&flask, &asked), span, |row| {
            moments.push(row.download.at.as_millis());
            moments.len() < 3
        })
        .await
        .unwrap();
        assert_eq!(
            moments,
            [10, 20, 30],
            "in the order of time, and no further than wanted"
        );
        let rows = exposure::by_ids(db, &[5, 2]).await.unwrap();
        assert_eq!([rows[0].id, rows[1].id], [2, 5]);
        let releases = exposure::releases_of(db, &content).await.unwrap();
        assert_eq!(releases, [(flask.clone(), Some("1.0".to_owned()))]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_large_group_is_one_entry() {
    for test in databases().await {
        let group: Vec<_> = (0..250).map(|moment| download("flask", moment)).collect();
        downloads::record_group(&test.db, &group, at(999))
            .await
            .unwrap();
        assert_eq!(test.kinds().await, ["downloads"]);
        assert_eq!(ledger::verify(&test.db).await.unwrap().downloads, 250);
        test.end().await;
    }
}

#[tokio::test]
async fn an_altered_download_is_found() {
    let table = [
        (
            "UPDATE download SET client_addr = '10.0.0.1' WHERE id = 2",
            1,
        ),
        ("UPDATE download SET token = NULL WHERE id = 1", 1),
        ("UPDATE download SET job = NULL WHERE id = 2", 1),
        ("UPDATE download SET job = 'other' WHERE id = 3", 2),
        ("UPDATE download SET ci = NULL WHERE id = 3", 2),
        ("DELETE FROM download WHERE id = 3", 2),
        ("DELETE FROM download WHERE id = 4", 2),
        (
            "INSERT INTO download \
             (id, at, index_name, source, project, filename, sha256, size, kind) \
             SELECT 5, at, index_name, source, project, filename, sha256, size, kind \
             FROM download WHERE id = 1",
            3,
        ),
    ];
    for (alteration, expected) in table {
        for test in databases().await {
            for group in [[1, 2], [3, 4]] {
                let group = group.map(|moment| download("flask", moment));
                downloads::record_group(&test.db, &group, at(9))
                    .await
                    .unwrap();
            }
            test.tamper(alteration).await;
            let StoreError::Ledger(broken) = ledger::verify(&test.db).await.unwrap_err() else {
                panic!("{alteration}");
            };
            assert_eq!(broken.seq, expected, "{alteration}: {broken}");
            test.end_altered().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_committed_and_commits_are_shared() {
    for test in databases().await {
        let (recorder, task) = Recorder::start(test.db.clone());
        let waiting: Vec<_> = (0..300)
            .map(|moment| {
                let (recorder, db) = (recorder.clone(), test.db.clone());
                tokio::spawn(async move {
                    recorder.record(download("flask", moment)).await.unwrap();
                    let flask = name("flask");
                    let project = Exposed::Project(&flask);
                    moments(&db, &project, window(moment, moment + 1))
                        .await
                        .len()
                })
            })
            .collect();
        for found in waiting {
            assert_eq!(found.await.unwrap(), 1);
        }
        drop(recorder);
        task.await.unwrap();
        assert_eq!(ledger::verify(&test.db).await.unwrap().downloads, 300);
        assert!(test.kinds().await.len() < 300);
        test.end().await;
    }
}

#[tokio::test]
async fn when_the_database_fails_every_waiter_learns_it() {
    for test in databases().await {
        let (recorder, task) = Recorder::start(test.db.clone());
        test.db.close().await;
        let both = [download("flask", 1), download("flask", 2)].map(|new| recorder.record(new));
        for answer in futures_util::future::join_all(both).await {
            assert!(matches!(answer, Err(RecordError::Failed(_))), "{answer:?}");
        }
        task.abort();
        let _ = task.await;
        let stopped = recorder.record(download("flask", 3)).await;
        assert!(matches!(stopped, Err(RecordError::Stopped)), "{stopped:?}");
        test.end_altered().await;
    }
}
