//! What the analysis of Python is handed out of an archive.

use std::io::Cursor;

use portcullis_fixtures::{sdist, wheel};
use portcullis_inspect::archive::Limits;
use portcullis_inspect::archive::survey::survey_with_sources;
use portcullis_inspect::python::{Package, Role, Unpacker};

use crate::bytes::filename;

fn package(bytes: &[u8], name: &str) -> Package {
    let (survey, package) =
        survey_with_sources(Cursor::new(bytes), &filename(name), &Limits::default()).unwrap();
    assert!(survey.is_complete(), "{:?}", survey.violations);
    package
}

fn role(package: &Package, path: &str) -> (Role, String) {
    let source = package
        .sources
        .iter()
        .find(|source| &*source.path == path)
        .expect(path);
    (source.role, source.module.to_string())
}

#[test]
fn each_source_of_a_wheel_has_its_role() {
    let wheel = wheel("demo", "1.0")
        .file("demo/__init__.py", "x = 1\n")
        .file("demo/tests/test_a.py", "")
        .file("sitecustomize.py", "")
        .file("demo-1.0.data/purelib/extra/a.py", "")
        .file("demo-1.0.data/scripts/run", "#!python\nprint(1)\n")
        .file("demo.pth", "# note\nimport demo; demo.go()\nfolder\n")
        .file(
            "demo-1.0.dist-info/entry_points.txt",
            "[console_scripts]\ndemo = demo:main\n",
        );
    let package = package(&wheel.build(), &wheel.filename());
    let is = |path: &str, expected: Role, module: &str| {
        assert_eq!(
            role(&package, path),
            (expected, module.to_owned()),
            "{path}"
        );
    };
    is("demo/__init__.py", Role::Module, "demo");
    is("demo/tests/test_a.py", Role::Test, "demo.tests.test_a");
    is("sitecustomize.py", Role::Startup, "sitecustomize");
    is("demo-1.0.data/purelib/extra/a.py", Role::Module, "extra.a");
    assert_eq!(
        role(&package, "demo-1.0.data/scripts/run").0,
        Role::EntryPoint
    );
    let startup = package
        .sources
        .iter()
        .find(|source| &*source.path == "demo.pth")
        .unwrap();
    assert_eq!(
        (startup.role, Unpacker::default().read(&startup.bytes)),
        (Role::Startup, &b"\nimport demo; demo.go()\n"[..])
    );
    assert_eq!(package.entry_points.len(), 1);
}

#[test]
fn each_source_of_an_sdist_has_its_role() {
    let pyproject = "[build-system]\nrequires = []\nbuild-backend = \"back:end\"\n\
                     backend-path = [\"tools\"]\n";
    let sdist = sdist("demo", "1.0")
        .file("setup.py", "x = 1\n")
        .file("pyproject.toml", pyproject)
        .file("tools/back.py", "")
        .file("src/demo/a.py", "")
        .file("docs/conf.py", "");
    let package = package(&sdist.build(), &sdist.filename());
    for (path, expected, module) in [
        ("demo-1.0/setup.py", Role::Install, "setup"),
        ("demo-1.0/tools/back.py", Role::BuildBackend, "tools.back"),
        ("demo-1.0/src/demo/a.py", Role::Module, "demo.a"),
        ("demo-1.0/docs/conf.py", Role::Doc, "docs.conf"),
    ] {
        assert_eq!(
            role(&package, path),
            (expected, module.to_owned()),
            "{path}"
        );
    }
}

#[test]
fn a_source_that_is_too_long_shows_that_it_is() {
    let long = "x = 1\n".repeat(800_000);
    let wheel = wheel("demo", "1.0").file("demo.py", &long);
    let package = package(&wheel.build(), &wheel.filename());
    assert_eq!(package.sources[0].bytes.len(), (4 << 20) + 1);
}
