//! A team's lock is on record as a whole, and is found by project and by content.

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::lockfile;
use portcullis_store::locks::{self, LockName, NewLock};

use crate::support::{at, databases, name};

fn lock(text: &str) -> LockName {
    text.parse().unwrap()
}

async fn put(db: &portcullis_store::Db, lock_name: &str, text: &str, moment: i64) {
    let files = lockfile::read("requirements.txt", text.as_bytes()).unwrap();
    let new = NewLock {
        name: &lock(lock_name),
        files: &files,
        digest: Sha256::of(text.as_bytes()),
        token: Some("ci"),
        who: "ann",
    };
    locks::put(db, &new, at(moment)).await.unwrap();
}

#[tokio::test]
async fn a_lock_is_replaced_as_a_whole_and_found_by_project_and_content() {
    for test in databases().await {
        let db = &test.db;
        let (one, two) = (Sha256::of(b"1"), Sha256::of(b"2"));
        let text =
            format!("flask==3.0.0 --hash=sha256:{one} --hash=sha256:{two}\nclick==8.1\n-r x\n");
        put(db, "payments/build", &text, 10).await;
        put(db, "docs", "flask==2.0\n", 20).await;
        let flask = locks::of_project(db, &name("flask")).await.unwrap();
        let found: Vec<_> = flask
            .iter()
            .map(|entry| {
                (
                    entry.lock.to_string(),
                    entry.version.as_deref(),
                    entry.sha256,
                )
            })
            .collect();
        assert_eq!(found[0], ("docs".to_owned(), Some("2.0"), None));
        assert_eq!(found.len(), 3);
        assert_eq!(flask[1].token.as_deref(), Some("ci"));
        let by_content = locks::of_content(db, &two).await.unwrap();
        assert_eq!(by_content[0].lock, lock("payments/build"));

        put(db, "payments/build", "click==8.2\n", 30).await;
        assert!(locks::of_content(db, &two).await.unwrap().is_empty());
        let listed = locks::list(db).await.unwrap();
        let listed: Vec<_> = listed
            .iter()
            .map(|lock| (lock.name.to_string(), lock.entries, lock.skipped, lock.at))
            .collect();
        assert_eq!(
            listed,
            [
                ("docs".to_owned(), 1, 0, at(20)),
                ("payments/build".to_owned(), 1, 0, at(30))
            ]
        );

        assert!(
            locks::remove(db, &lock("docs"), "ann", at(40))
                .await
                .unwrap()
        );
        assert!(
            !locks::remove(db, &lock("docs"), "ann", at(50))
                .await
                .unwrap()
        );
        assert!(
            locks::of_project(db, &name("flask"))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(test.kinds().await, ["lock"; 4]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_large_lock_is_put_on_record() {
    for test in databases().await {
        let text: String = (0..5000).map(|number| format!("p{number}==1\n")).collect();
        put(&test.db, "all", &text, 10).await;
        let found = locks::of_project(&test.db, &name("p4999")).await.unwrap();
        assert_eq!(found.len(), 1);
        test.end().await;
    }
}
