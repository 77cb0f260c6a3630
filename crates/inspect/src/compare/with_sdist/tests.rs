//! Tiny wheels beside their sdists, and what only the wheels have.

#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::{Sdist, Wheel, sdist, wheel};

use super::*;
use crate::inspection::{Budget, Inspection, inspect_archive};

const BEACON: &str = "import urllib.request\nurllib.request.urlopen('https://a.invalid')\n";

fn inspect(name: &str, bytes: Vec<u8>) -> Inspection {
    let filename = DistFilename::parse(name, None).unwrap();
    inspect_archive(Cursor::new(bytes), &filename, &Budget::default()).unwrap()
}

fn differences(wheel: &Wheel, sdist: &Sdist) -> Differences {
    let wheel = inspect(&wheel.filename(), wheel.build());
    with_sdist(&wheel, &inspect(&sdist.filename(), sdist.build()))
}

/// The differences, as `kind path weight`.
fn told(wheel: &Wheel, sdist: &Sdist) -> Vec<String> {
    let all = differences(wheel, sdist).differences.into_iter();
    all.map(|one| format!("{} {} {}", one.kind, one.path, one.weight.0))
        .collect()
}

fn of_wheel() -> Wheel {
    wheel("demo", "1.0")
        .file("demo/a.py", "x = 1\n")
        .file("demo/data.txt", "a")
}

fn of_sdist() -> Sdist {
    sdist("demo", "1.0")
        .file("demo/a.py", "x = 1  # one\n")
        .file("demo/data.txt", "a")
}

#[test]
fn a_wheel_of_its_sdist_has_no_differences() {
    let all = differences(&of_wheel(), &of_sdist());
    assert_eq!((all.differences, all.alike), (Vec::new(), 2));
}

#[test]
fn what_builds_do_is_accounted_for() {
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 200]].concat();
    for (wheel, sdist, expected) in [
        (
            wheel("demo", "1.0").file("demo/a.py", "x = 1\n"),
            sdist("demo", "1.0").file("src/demo/a.py", "x = 1\n"),
            &[][..],
        ),
        (
            wheel("demo", "1.0")
                .file("demo/a.py", "x = 1\n")
                .file("demo/b.py", "y = 2\n"),
            sdist("demo", "1.0")
                .file("lib/a.py", "x = 1\n")
                .file("lib/b.py", "y = 3\n"),
            &["other-code demo/b.py 0"],
        ),
        (
            of_wheel().file("demo/_version.py", "version = '1.0'\n"),
            of_sdist(),
            &["built demo/_version.py 0"],
        ),
        (
            of_wheel().file("demo/m_pb2.py", "import x\n"),
            of_sdist().file("demo/m.proto", "syntax = \"proto3\";"),
            &["built demo/m_pb2.py 0"],
        ),
        (
            of_wheel().file("demo/fast.cpython-311-x86_64-linux-gnu.so", &program),
            of_sdist().file("demo/fast.pyx", "x"),
            &["built demo/fast.cpython-311-x86_64-linux-gnu.so 0"],
        ),
        (
            of_wheel().file("demo/locale/de.mo", b"\xde\x12\x04\x95"),
            of_sdist().file("demo/locale/de.po", "x"),
            &["data demo/locale/de.mo 0"],
        ),
        (
            of_wheel().file("demo/a.pyi", "x: int"),
            of_sdist(),
            &["data demo/a.pyi 0"],
        ),
        (
            of_wheel().file("demo-1.0.data/scripts/run", "#!python\nx = 5\n"),
            of_sdist().file("bin/run", "#!/usr/bin/env python\nx = 5\n"),
            &["other-code run 0"],
        ),
    ] {
        assert_eq!(told(&wheel, &sdist), expected);
    }
}

#[test]
fn what_only_the_wheel_does_weighs_by_what_it_is_able_to_do() {
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 200]].concat();
    let harmless = "def f():\n    return 1\n";
    for (wheel, expected) in [
        (
            of_wheel().file("demo/b.py", harmless),
            "only-in-wheel demo/b.py 0",
        ),
        (
            of_wheel().file("demo/b.py", BEACON),
            "only-in-wheel demo/b.py 5",
        ),
        (
            of_wheel().file("demo/_version.py", BEACON),
            "built demo/_version.py 5",
        ),
        (
            wheel("demo", "1.0").file("demo/a.py", format!("x = 1\n{BEACON}")),
            "other-code demo/a.py 5",
        ),
        (
            of_wheel().file("x.pth", "import demo.a; demo.a.f()\n"),
            "startup x.pth 10",
        ),
        (of_wheel().file("x.pth", "demo\n"), "startup x.pth 0"),
        (
            of_wheel().file("sitecustomize.py", "x = 1\n"),
            "startup sitecustomize.py 10",
        ),
        (of_wheel().file("demo/x.so", &program), "native demo/x.so 5"),
        (
            of_wheel()
                .tags("cp311", "cp311", "linux_x86_64")
                .file("demo/x.so", &program),
            "native demo/x.so 2",
        ),
    ] {
        let told = told(&wheel, &of_sdist());
        assert!(
            told.iter().any(|one| one == expected),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn what_only_lies_about_in_the_sdist_and_runs_in_the_wheel_weighs() {
    let sdist = of_sdist()
        .file("tests/payload.py", BEACON)
        .file("start.pth", "import demo.a\n");
    for (wheel, expected) in [
        (
            of_wheel().file("demo/net.py", BEACON),
            &["only-in-wheel demo/net.py 5"][..],
        ),
        (
            of_wheel().file("sitecustomize.py", "x = 1\n"),
            &["startup sitecustomize.py 10"],
        ),
        (of_wheel().file("demo/moved.py", "x = 1\n"), &[]),
        (of_wheel().file("demo-start.pth", "import demo.a\n"), &[]),
    ] {
        assert_eq!(told(&wheel, &sdist), expected);
    }
}

#[test]
fn what_the_sdist_does_as_well_is_no_difference_that_stops() {
    let speaking = |more: &str| format!("{BEACON}y = {more}\n");
    let wheel = wheel("demo", "1.0").file("demo/a.py", speaking("1"));
    let sdist = sdist("demo", "1.0").file("demo/a.py", speaking("2"));
    assert_eq!(told(&wheel, &sdist), ["other-code demo/a.py 2"]);
    assert!(!differences(&wheel, &sdist).is_suspicious());
}
