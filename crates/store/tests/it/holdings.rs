//! Which files have a content.

use portcullis_core::digest::Sha256;
use portcullis_store::holdings::{self, Holder};
use portcullis_store::pins::{self, NewPin};

use crate::support::{at, databases, name};

#[tokio::test]
async fn a_content_is_found_under_every_name_that_it_has() {
    for test in databases().await {
        let db = &test.db;
        let sha256 = Sha256::of(b"the same");
        for (source, project) in [("pypi", "demo"), ("folder", "other")] {
            let pin = NewPin {
                filename: format!("{project}-1.0.tar.gz"),
                sha256,
                size: 8,
            };
            pins::pin(db, source, &name(project), &pin, at(1))
                .await
                .unwrap();
        }
        let holder = |source: &str, project: &str| Holder {
            source: source.to_owned(),
            project: name(project),
            filename: format!("{project}-1.0.tar.gz"),
            size: 8,
        };
        let found = holdings::of_content(db, &sha256).await.unwrap();
        assert_eq!(found, [holder("folder", "other"), holder("pypi", "demo")]);
        let nothing = holdings::of_content(db, &Sha256::of(b"else")).await;
        assert_eq!(nothing.unwrap(), []);
    }
}
