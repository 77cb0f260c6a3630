//! What is approved for an index: added at once, each only once, and taken back without a trace being lost.

use std::collections::BTreeSet;

use portcullis_core::approval::ApprovalOrigin;
use portcullis_core::digest::Sha256;
use portcullis_core::index::IndexName;
use portcullis_store::approvals::{self, Act, NewApproval, Which};
use portcullis_store::generations::{self, Counter};

use crate::support::{at, databases, pattern};

fn index(name: &str) -> IndexName {
    name.parse().unwrap()
}

fn new(projects: &str, specifiers: &str, files: &[&str], origin: &str) -> NewApproval {
    NewApproval {
        projects: pattern(projects),
        specifiers: specifiers.parse().unwrap(),
        files: files
            .iter()
            .map(|file| Sha256::of(file.as_bytes()))
            .collect(),
        origin: origin.parse().unwrap(),
    }
}

#[tokio::test]
async fn what_is_approved_is_approved_once_and_can_be_taken_back() {
    for test in databases().await {
        let db = &test.db;
        let main = index("main");
        let act = Act {
            index: &main,
            reason: "for the shop",
            who: "ann",
        };
        let count = async || generations::all(db).await.unwrap()[&Counter::Approvals];
        let wanted = [
            new("flask", ">=3,<4", &[], "typed"),
            new("click", "==8.1.0", &["b", "a"], "lock:uv.lock"),
            new("acme-*", "", &[], "typed"),
        ];
        let added = approvals::add(db, act, &wanted, at(10)).await.unwrap();
        assert_eq!((added.added.len(), added.already), (3, 0));
        assert_eq!(count().await, 1);
        let again = [
            wanted.as_slice(),
            &[new("click", "==8.1.0", &["a"], "typed")],
        ]
        .concat();
        let added = approvals::add(db, act, &again, at(20)).await.unwrap();
        assert_eq!((added.added.len(), added.already), (1, 3));
        let same = approvals::add(db, act, &again, at(30)).await.unwrap();
        assert_eq!((same.added.len(), same.already), (0, 4));
        assert_eq!(count().await, 2);
        let elsewhere = index("other");
        let other = Act {
            index: &elsewhere,
            ..act
        };
        let added = approvals::add(db, other, &wanted[..1], at(40))
            .await
            .unwrap();
        assert_eq!(added.added.len(), 1);

        let all = approvals::in_force(db).await.unwrap();
        let shown: Vec<String> = all
            .iter()
            .map(|one| {
                format!(
                    "{} {} {} {}",
                    one.index, one.projects, one.specifiers, one.origin
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "main acme-*  typed",
                "main click ==8.1.0 lock:uv.lock",
                "main click ==8.1.0 typed",
                "main flask >=3, <4 typed",
                "other flask >=3, <4 typed",
            ]
        );
        let files: BTreeSet<Sha256> = all[1].files.iter().copied().collect();
        assert_eq!(files, [Sha256::of(b"a"), Sha256::of(b"b")].into());
        assert_eq!(
            (all[3].reason.as_str(), all[3].at),
            ("for the shop", at(10))
        );
        assert_eq!(all[0].approved().versions, None);

        let origin: ApprovalOrigin = "lock:uv.lock".parse().unwrap();
        let by_origin = Which::Origin(main.clone(), origin);
        let removed = approvals::remove(db, &by_origin, "bob", at(50))
            .await
            .unwrap();
        assert_eq!(removed.len(), 1);
        assert!(
            approvals::remove(db, &by_origin, "bob", at(60))
                .await
                .unwrap()
                .is_empty()
        );
        let one = Which::Number(all[3].id);
        let removed = approvals::remove(db, &one, "bob", at(70)).await.unwrap();
        assert_eq!(removed[0].removed_by.as_deref(), Some("bob"));
        assert!(
            approvals::remove(db, &one, "bob", at(80))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(approvals::in_force(db).await.unwrap().len(), 3);
        assert_eq!(approvals::ever(db).await.unwrap().len(), 5);
        let anew = approvals::add(db, act, &wanted[..1], at(90)).await.unwrap();
        assert_eq!(anew.added.len(), 1);
        assert_eq!(test.kinds().await, ["approval"; 8]);
        test.end().await;
    }
}
