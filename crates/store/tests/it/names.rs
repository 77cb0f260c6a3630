//! Names are owned and prohibited, and nothing but a person's word or the configuration ends that.

use portcullis_core::index::OwnedBy;
use portcullis_store::Db;
use portcullis_store::generations::{self, Counter};
use portcullis_store::names::{self, Changed, Released};

use crate::support::{at, databases, pattern};

async fn owned(db: &Db) -> Vec<(String, OwnedBy)> {
    let owned = names::owned(db).await.unwrap();
    owned
        .into_iter()
        .map(|name| (name.pattern.to_string(), name.origin))
        .collect()
}

#[tokio::test]
async fn a_name_is_owned_until_it_is_released() {
    for test in databases().await {
        let (db, acme) = (&test.db, pattern("Acme_*"));
        assert_eq!(
            names::own(db, &acme, "ann", at(1)).await.unwrap(),
            Changed::Now
        );
        assert_eq!(
            names::own(db, &acme, "bob", at(2)).await.unwrap(),
            Changed::Already
        );
        assert_eq!(owned(db).await, [("acme-*".to_owned(), OwnedBy::Admin)]);
        assert_eq!(
            names::release(db, &pattern("acme"), "ann", at(3))
                .await
                .unwrap(),
            Released::NotOwned
        );
        assert_eq!(
            names::release(db, &acme, "ann", at(3)).await.unwrap(),
            Released::Released
        );
        assert_eq!(
            names::release(db, &acme, "ann", at(3)).await.unwrap(),
            Released::NotOwned
        );
        assert!(owned(db).await.is_empty());
        assert_eq!(
            names::own(db, &acme, "bob", at(4)).await.unwrap(),
            Changed::Now
        );
        let ever = names::owned_ever(db).await.unwrap();
        let history: Vec<_> = ever
            .iter()
            .map(|name| (name.who.as_str(), name.since, name.released_at))
            .collect();
        assert_eq!(history, [("ann", at(1), Some(at(3))), ("bob", at(4), None)]);
        assert_eq!(test.kinds().await, ["name"; 3]);
        assert_eq!(generations::all(db).await.unwrap()[&Counter::Names], 3);
        test.end().await;
    }
}

#[tokio::test]
async fn the_configuration_owns_what_it_says_and_leaves_the_rest() {
    for test in databases().await {
        let db = &test.db;
        names::own(db, &pattern("acme-*"), "ann", at(1))
            .await
            .unwrap();
        let sync = async |patterns: &[&str]| {
            let patterns: Vec<_> = patterns.iter().map(|text| pattern(text)).collect();
            names::sync_configured(db, &patterns, at(2)).await.unwrap()
        };
        assert_eq!(sync(&["acme-*", "internal-tool"]).await, (2, 0));
        assert_eq!(sync(&["acme-*", "internal-tool"]).await, (0, 0));
        let configured = names::release(db, &pattern("internal-tool"), "ann", at(3))
            .await
            .unwrap();
        assert_eq!(configured, Released::Configured);
        assert_eq!(sync(&[]).await, (0, 2));
        assert_eq!(owned(db).await, [("acme-*".to_owned(), OwnedBy::Admin)]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_name_is_prohibited_until_it_is_allowed_again() {
    for test in databases().await {
        let (db, evil) = (&test.db, pattern("evil"));
        let prohibit = async |reason: &str| {
            names::prohibit(db, &evil, reason, "ann", at(1))
                .await
                .unwrap()
        };
        assert_eq!(prohibit("stole \0keys").await, Changed::Now);
        assert_eq!(prohibit("other").await, Changed::Already);
        let prohibited = names::prohibited(db).await.unwrap();
        assert_eq!(prohibited.len(), 1);
        assert_eq!(prohibited[0].reason, "stole \u{fffd}keys");
        assert_eq!(
            names::allow(db, &evil, "bob", at(2)).await.unwrap(),
            Changed::Now
        );
        assert_eq!(
            names::allow(db, &evil, "bob", at(2)).await.unwrap(),
            Changed::Already
        );
        assert!(names::prohibited(db).await.unwrap().is_empty());
        assert_eq!(prohibit("again").await, Changed::Now);
        assert_eq!(test.kinds().await, ["name"; 3]);
        test.end().await;
    }
}
