//! Scanners of one's own beside the engine: what they find decides like everything else, and one that does not
//! answer is ignorance, or nothing where that was said.

use portcullis_core::digest::Sha256;
use portcullis_core::policy::Effect;
use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, wheel};
use portcullis_store::inspections::{self, Kept};

use crate::test_app::{Setup, TestApp, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";

const FOUND: &str = r#"{"findings": [{"id": "Bad", "severity": "high", "confidence": 95, "context": "install",
    "file": "foo/__init__.py", "line": 1, "message": "it is on our list"}]}"#;

struct Place {
    upstream: FixtureIndex,
    app: TestApp,
    file: ListedFile,
}

async fn place(policy: &str, keys: &str, answer: &str) -> Place {
    let upstream = FixtureIndex::start().await;
    let file = old(wheel("foo", "1.0").file("foo/__init__.py", "x = 1\n"));
    upstream.add(file.clone());
    upstream.route("/scan", "application/json", answer.to_owned());
    let tables = format!(
        "[inspection]\nisolation = 'thread'\n[[inspection.scanners]]\nname = 'lab'\nurl = '{}/scan'\n{keys}\n",
        upstream.url()
    );
    let setup = Setup::over(&upstream).policy(policy).tables(&tables);
    let app = setup.start().await;
    Place {
        upstream,
        app,
        file,
    }
}

impl Place {
    async fn kept(&self) -> Kept {
        let sha256 = Sha256::of(self.file.bytes());
        let kept = inspections::find(&self.app.app.db, &sha256).await.unwrap();
        kept.expect("a record")
    }
}

#[tokio::test]
async fn what_a_scanner_finds_is_stored_shown_and_decides() {
    let place = place("", "", FOUND).await;
    let answer = place.app.file("foo", FILENAME).await;
    assert_eq!(answer.status, 403, "{}", answer.shown());
    for part in [
        "malicious-code",
        "lab:Bad",
        "it is on our list",
        "foo/__init__.py",
    ] {
        assert!(answer.shown().contains(part), "{part}: {}", answer.shown());
    }
    let kept = place.kept().await;
    assert!(kept.record.contains("lab:Bad") && kept.again_at.is_none());
    place.app.file("foo", FILENAME).await;
    assert_eq!(
        place.upstream.paths_containing("/scan").len(),
        1,
        "it is asked once"
    );
}

#[tokio::test]
async fn policies_name_what_scanners_find() {
    for policy in [
        "[rules.malicious-code]\noff = ['lab:*']\n",
        "[rules.malicious-code]\n[[exceptions]]\nproject = 'foo'\nrule = 'malicious-code'\n\
         finding = 'lab:Bad'\nreason = 'r'\nowner = 'o'\n",
    ] {
        let place = place(policy, "", FOUND).await;
        let answer = place.app.file("foo", FILENAME).await;
        assert_eq!(answer.status, 200, "{policy}: {}", answer.shown());
    }
}

#[tokio::test]
async fn a_scanner_that_fails_is_ignorance_unless_it_does_not_matter() {
    for (keys, status, effect) in [
        ("", 403, Effect::Hold),
        ("on-failure = 'ignore'", 200, Effect::Allow),
    ] {
        let place = place("", keys, "{}").await;
        place.upstream.fault("/scan", Fault::status(500));
        let answer = place.app.file("foo", FILENAME).await;
        assert_eq!(answer.status, status, "{keys}: {}", answer.shown());
        let kept = place.kept().await;
        assert!(kept.again_at.is_some(), "it is asked again");
        assert_eq!(kept.record.contains("HTTP 500"), effect == Effect::Hold);
    }
}
