//! Scanners that behave and scanners that do not: each answer comes to findings, to ignorance or to nothing,
//! and none to a crash.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use portcullis_core::inspection::Statistics;
use portcullis_core::policy::Effect;
use portcullis_fixtures::{Fault, FixtureIndex};

use super::*;

const ONE: &str =
    r#"{"id":"Bad","severity":"high","confidence":95,"message":"bad","context":"install"}"#;

fn nothing() -> Inspected {
    Inspected {
        sha256: Sha256::of(b"bytes"),
        revision: 1,
        observations: Vec::new(),
        excerpts: Vec::new(),
        capabilities: Vec::new(),
        statistics: Statistics::default(),
        complete: true,
    }
}

fn settings(way: ScannerWay, on_failure: OnFailure) -> ScannerSettings {
    ScannerSettings {
        name: "lab".to_owned(),
        way,
        timeout: Duration::from_secs(20),
        on_failure,
    }
}

async fn consult(settings: &[ScannerSettings]) -> (Inspected, Vec<Failure>) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"bytes").unwrap();
    let mut inspected = nothing();
    let asked = Asked {
        filename: "demo-1.0-py3-none-any.whl",
        sha256: inspected.sha256,
    };
    let scanners = Scanners::new(settings, 1);
    let failures = scanners.consult(file, None, asked, &mut inspected).await;
    (inspected, failures)
}

#[tokio::test]
async fn without_scanners_nothing_is_copied_and_nothing_changes() {
    assert_eq!(consult(&[]).await, (nothing(), Vec::new()));
}

#[cfg(target_os = "linux")]
mod programs {
    use super::*;

    fn shell(script: &str, on_failure: OnFailure) -> ScannerSettings {
        let command = ["sh", "-c", script, "sh", "{path}"].map(str::to_owned);
        settings(ScannerWay::Command(command.to_vec()), on_failure)
    }

    #[tokio::test]
    async fn a_program_is_shown_a_copy_under_the_files_name_and_nothing_of_ours() {
        let script = format!(
            "test \"$(cat \"$1\")\" = bytes || exit 3\n\
             test \"$(basename \"$1\")\" = demo-1.0-py3-none-any.whl || exit 4\n\
             test -z \"$CARGO_MANIFEST_DIR\" || exit 5\n\
             test \"$(stat -c %a \"$1\" | cut -c2-)\" = 44 || exit 6\n\
             printf '%s' '{ONE}'; exit 1"
        );
        let (inspected, failures) = consult(&[shell(&script, OnFailure::Hold)]).await;
        assert_eq!(failures, []);
        let [seen] = &inspected.observations[..] else {
            panic!("{inspected:?}")
        };
        assert_eq!((&*seen.rule, inspected.effect()), ("lab:Bad", Effect::Deny));
    }

    #[tokio::test]
    async fn a_program_that_fails_is_ignorance_or_nothing_and_what_it_found_counts() {
        let found = format!("printf '%s\\n' '{ONE}'");
        for (script, why, found) in [
            ("exit 1".to_owned(), "exit status: 1", 0),
            ("echo oh >&2; exit 2".to_owned(), "oh", 0),
            ("kill -9 $$".to_owned(), "signal", 0),
            (format!("{found}; echo Traceback"), "not JSON", 1),
            (
                "yes '{\"a\":'".to_owned() + " | head -c 9000000",
                "longer",
                0,
            ),
            (
                "yes | head -c 9000000 >&2; exit 2".to_owned(),
                "exit status: 2",
                0,
            ),
        ] {
            for (on_failure, is_complete) in [(OnFailure::Hold, false), (OnFailure::Ignore, true)] {
                let (inspected, failures) = consult(&[shell(&script, on_failure)]).await;
                assert!(failures[0].why.contains(why), "{script}: {failures:?}");
                assert_eq!(inspected.complete, is_complete, "{script}");
                let told = inspected.observations.iter();
                let told = told.filter(|seen| &*seen.rule == "lab:Bad");
                assert_eq!(told.count(), found, "{script}");
                assert_eq!(
                    inspected.effect() >= Effect::Hold,
                    !is_complete || found > 0
                );
            }
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_that_it_started() {
        let folder = TempDir::new().unwrap();
        let mark = folder.path().join("alive");
        let script = format!("(sleep 3; touch {}) & sleep 60", mark.display());
        let hanging = ScannerSettings {
            timeout: Duration::from_millis(200),
            ..shell(&script, OnFailure::Hold)
        };
        let (inspected, failures) = consult(&[hanging]).await;
        assert!(
            failures[0].why.contains("longer than 200ms"),
            "{failures:?}"
        );
        assert!(!inspected.complete);
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(!mark.exists(), "what it started went on");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_a_failure_and_the_others_are_asked() {
        let absent = ScannerSettings {
            name: "absent".to_owned(),
            ..settings(
                ScannerWay::Command(vec!["/no/such/program".to_owned(), "{path}".to_owned()]),
                OnFailure::Ignore,
            )
        };
        let working = shell(&format!("printf '%s' '{ONE}'"), OnFailure::Hold);
        let (inspected, failures) = consult(&[absent, working]).await;
        assert_eq!((failures.len(), inspected.observations.len()), (1, 1));
        assert!(inspected.complete);
    }
}

async fn served(index: &FixtureIndex, on_failure: OnFailure) -> (Inspected, Vec<Failure>) {
    let url = format!("{}/scan", index.url()).parse().unwrap();
    consult(&[settings(ScannerWay::Service(url), on_failure)]).await
}

#[tokio::test]
async fn a_service_is_sent_the_file_with_its_name_and_digest() {
    let index = FixtureIndex::start().await;
    let answer = format!("{{\"findings\": [{ONE}]}}");
    index.route("/scan", "application/json", answer);
    let (inspected, failures) = served(&index, OnFailure::Hold).await;
    assert_eq!(failures, []);
    assert_eq!(inspected.observations[0].rule, "lab:Bad");
    let requests = index.requests();
    let request = &requests[0];
    let header = |name: &str| request.header(name);
    assert_eq!(request.method, "POST");
    assert_eq!(header("content-length"), Some("5"));
    assert_eq!(
        header("portcullis-filename"),
        Some("demo-1.0-py3-none-any.whl")
    );
    assert_eq!(
        header("portcullis-sha256"),
        Some(&*Sha256::of(b"bytes").to_hex())
    );
}

#[tokio::test]
async fn a_service_that_misbehaves_is_ignorance_or_nothing() {
    let index = FixtureIndex::start().await;
    for (fault, body, why) in [
        (None, "<html>".to_owned(), "not JSON"),
        (None, " ".repeat(5 << 20), "longer than"),
        (Some(Fault::status(503)), "{}".to_owned(), "HTTP 503"),
        (
            Some(Fault::Raw(Vec::new())),
            "{}".to_owned(),
            "cannot be reached",
        ),
    ] {
        index.clear_faults();
        index.route("/scan", "application/json", body);
        if let Some(fault) = fault {
            index.fault("/scan", fault);
        }
        for (on_failure, is_complete) in [(OnFailure::Hold, false), (OnFailure::Ignore, true)] {
            let (inspected, failures) = served(&index, on_failure).await;
            assert!(failures[0].why.contains(why), "{why}: {failures:?}");
            assert_eq!(inspected.complete, is_complete, "{why}");
        }
    }
}
