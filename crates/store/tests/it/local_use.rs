//! What is used day by day is read out of the downloads, and kept until it is counted again.

use portcullis_core::similarity::LocalUse;
use portcullis_core::time::Timestamp;
use portcullis_store::downloads::record_group;
use portcullis_store::local_use::{self, Visit};

use crate::downloads::download;
use crate::support::{at, databases, name};

#[tokio::test]
async fn days_and_identities_are_told_apart() {
    for test in databases().await {
        let db = &test.db;
        let flask = name("flask");
        let mut group = Vec::new();
        for (day, token, address) in [
            (1, Some("ci"), "192.0.2.1"),
            (1, Some("ci"), "192.0.2.2"),
            (2, None, "192.0.2.1"),
        ] {
            let mut one = download("flask", day * Timestamp::DAY);
            one.token = token.map(str::to_owned);
            one.client_addr = Some(address.to_owned());
            group.push(one);
        }
        record_group(db, &group, at(1)).await.unwrap();
        assert_eq!(
            local_use::often_received(db, at(0), 3).await.unwrap(),
            std::slice::from_ref(&flask)
        );
        assert!(
            local_use::often_received(db, at(0), 4)
                .await
                .unwrap()
                .is_empty()
        );
        let mut visits = local_use::visits(db, &flask, at(0)).await.unwrap();
        visits.sort();
        let first_day = group[0].at.as_millis() / Timestamp::DAY;
        let visit = |token: Option<&str>, address: Option<&str>, day| Visit {
            token: token.map(str::to_owned),
            client_addr: address.map(str::to_owned),
            day,
        };
        assert_eq!(
            visits,
            [
                visit(None, Some("192.0.2.1"), first_day + 1),
                visit(Some("ci"), None, first_day)
            ]
        );
        let used = [LocalUse {
            project: flask,
            clients: 2,
            days: 2,
        }];
        local_use::replace(db, &used, at(3)).await.unwrap();
        assert_eq!(local_use::all(db).await.unwrap(), used);
        local_use::replace(db, &[], at(4)).await.unwrap();
        assert!(local_use::all(db).await.unwrap().is_empty());
    }
}
