//! Comparisons of files: one for a file and a kind, the newest.

use portcullis_core::digest::Sha256;
use portcullis_store::comparisons::{self, Comparison, ComparisonKind};

use crate::support::{at, databases, name};

fn comparison(filename: &str, kind: ComparisonKind, record: &str) -> Comparison {
    Comparison {
        filename: filename.to_owned(),
        kind,
        sha256: Sha256::of(filename.as_bytes()),
        other: Sha256::of(b"other"),
        other_filename: "demo-1.0.tar.gz".to_owned(),
        revision: 3,
        record: record.to_owned(),
    }
}

#[tokio::test]
async fn the_last_comparison_of_a_kind_stands() {
    for test in databases().await {
        let (db, demo) = (&test.db, name("demo"));
        let wheel = "demo-2.0-py3-none-any.whl";
        for (kind, record) in [
            (ComparisonKind::Sdist, "{}"),
            (ComparisonKind::Before, "{\"a\":1}"),
            (ComparisonKind::Sdist, "{\"b\":2}"),
        ] {
            let new = comparison(wheel, kind, record);
            comparisons::keep(db, "pypi", &demo, &new, at(1))
                .await
                .unwrap();
        }
        let kept = comparisons::of_project(db, "pypi", &demo).await.unwrap();
        assert_eq!(
            kept,
            [
                comparison(wheel, ComparisonKind::Before, "{\"a\":1}"),
                comparison(wheel, ComparisonKind::Sdist, "{\"b\":2}"),
            ]
        );
        for (source, project) in [("other", "demo"), ("pypi", "demo-2")] {
            let kept = comparisons::of_project(db, source, &name(project)).await;
            assert_eq!(kept.unwrap(), []);
        }
    }
}
