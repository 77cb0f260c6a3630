//! The last good page is kept, and replicas do not overwrite each other's claims.

use portcullis_store::pages::{self, NewPage, Saved};

use crate::support::{at, databases, name};

fn page(body: &str, claims: &str) -> NewPage {
    NewPage {
        body: body.into(),
        content_kind: "json+zstd".to_owned(),
        etag: Some("\"1\"".to_owned()),
        last_modified: None,
        fetched_at: at(10),
        checked_at: at(10),
        claims: claims.into(),
    }
}

#[tokio::test]
async fn a_page_is_kept_and_replaced_by_whoever_saw_the_last_one() {
    for test in databases().await {
        let (db, flask) = (&test.db, name("flask"));
        assert!(pages::load(db, "up", &flask).await.unwrap().is_none());
        let first = pages::save(db, "up", &flask, &page("one", "a"), None)
            .await
            .unwrap();
        assert_eq!(first, Saved::As(1));
        let late = pages::save(db, "up", &flask, &page("late", "b"), None)
            .await
            .unwrap();
        assert_eq!(late, Saved::Raced);

        let loaded = pages::load(db, "up", &flask).await.unwrap().unwrap();
        assert_eq!(
            (&loaded.body[..], &loaded.claims[..]),
            (&b"one"[..], &b"a"[..])
        );
        assert_eq!(
            (loaded.etag.as_deref(), loaded.last_modified),
            (Some("\"1\""), None)
        );
        let expected = Some(loaded.generation);
        let second = pages::save(db, "up", &flask, &page("two", "ab"), expected)
            .await
            .unwrap();
        assert_eq!(second, Saved::As(2));
        let stale = pages::save(db, "up", &flask, &page("old", "a"), expected)
            .await
            .unwrap();
        assert_eq!(stale, Saved::Raced);
        assert_eq!(
            pages::load(db, "up", &flask).await.unwrap().unwrap().claims,
            b"ab"
        );
        test.end().await;
    }
}

#[tokio::test]
async fn checking_moves_forward_only_and_does_not_race() {
    for test in databases().await {
        let (db, flask) = (&test.db, name("flask"));
        pages::touch(db, "up", &flask, at(1)).await.unwrap();
        pages::save(db, "up", &flask, &page("one", ""), None)
            .await
            .unwrap();
        pages::save(db, "up", &name("django"), &page("one", ""), None)
            .await
            .unwrap();
        for moment in [50, 20] {
            pages::touch(db, "up", &flask, at(moment)).await.unwrap();
        }
        let listed = pages::list(db, "up").await.unwrap();
        let summary: Vec<_> = listed
            .iter()
            .map(|page| (page.project.as_str(), page.fetched_at, page.checked_at))
            .collect();
        assert_eq!(
            summary,
            [("django", at(10), at(10)), ("flask", at(10), at(50))]
        );
        let loaded = pages::load(db, "up", &flask).await.unwrap().unwrap();
        assert_eq!((loaded.checked_at, loaded.generation), (at(50), 1));
        test.end().await;
    }
}
