//! Installing through the gateway with each client: it must be as if the gateway were the index.

use portcullis_fixtures::{FixtureIndex, ListedFile, Sdist, sdist, wheel};

use crate::gateway;
use crate::installers::{self, ALL, pip, uv};
use crate::program::{Clients, Desk};

/// A source distribution that brings the backend which builds it, so that nothing is fetched for it.
fn buildable(name: &str, version: &str) -> Sdist {
    let backend = format!(
        r#"import base64, hashlib, os, zipfile

NAME, VERSION = "{name}", "{version}"
INFO = f"{{NAME}}-{{VERSION}}.dist-info"
METADATA = f"Metadata-Version: 2.1\nName: {{NAME}}\nVersion: {{VERSION}}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = os.path.join(metadata_directory, INFO)
    os.mkdir(folder)
    for name, text in (("METADATA", METADATA), ("WHEEL", WHEEL)):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    return INFO


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    filename = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as wheel:
        wheel.writestr(f"{{NAME}}.py", "built = True\n")
        wheel.writestr(f"{{INFO}}/METADATA", METADATA)
        wheel.writestr(f"{{INFO}}/WHEEL", WHEEL)
        names = (f"{{NAME}}.py", f"{{INFO}}/METADATA", f"{{INFO}}/WHEEL", f"{{INFO}}/RECORD")
        wheel.writestr(f"{{INFO}}/RECORD", "".join(f"{{name}},,\n" for name in names))
    return filename
"#
    );
    let pyproject = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\n\
                     backend-path = [\".\"]\n";
    sdist(name, version)
        .file("pyproject.toml", pyproject)
        .file("backend.py", backend)
}

fn stocked() -> FixtureIndex {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0").file("leaf.py", "version = 1\n"));
    index.add(wheel("leaf", "2.0").file("leaf.py", "version = 2\n"));
    index.add(wheel("stem", "1.0").requires("leaf>=1.5"));
    index.add(wheel("root", "1.0").requires("stem").requires("leaf"));
    index.add(buildable("source", "1.0"));
    index.add(wheel("future", "1.0"));
    index.add(wheel("future", "2.0").requires_python(">=3.99"));
    index
}

const CASES: &[(&str, &[(&str, &str)])] = &[
    ("leaf", &[("leaf", "2.0")]),
    ("leaf==1.0", &[("leaf", "1.0")]),
    ("Root", &[("leaf", "2.0"), ("root", "1.0"), ("stem", "1.0")]),
    ("source==1.0", &[("source", "1.0")]),
    ("future", &[("future", "1.0")]),
];

/// Everything with everyone, twice: the second time with the upstream gone, and clients that
/// remember nothing.
#[track_caller]
fn everything_installs_cold_and_warm(index: &FixtureIndex, clients: &Clients) {
    let gateway = gateway::before(index).start();
    for upstream_is_up in [true, false] {
        if !upstream_is_up {
            index.stop();
        }
        for (requirement, expected) in CASES {
            for outcome in installers::each(&ALL, clients, &gateway.simple_url(), requirement) {
                outcome.received_exactly(expected);
            }
        }
    }
}

#[test]
fn every_client_installs_from_a_json_upstream_and_again_when_it_is_down() {
    let Some(clients) = Clients::find() else {
        return;
    };
    everything_installs_cold_and_warm(&stocked(), &clients);
}

#[test]
fn every_client_installs_from_a_plain_html_upstream_and_again_when_it_is_down() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = stocked();
    index.serve_html();
    everything_installs_cold_and_warm(&index, &clients);
}

#[test]
fn pip_installs_with_required_hashes_and_only_with_the_right_ones() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = stocked();
    let gateway = gateway::before(&index).start();
    let right = ListedFile::from(wheel("leaf", "2.0").file("leaf.py", "version = 2\n")).sha256();
    let wrong = right.chars().rev().collect::<String>();
    for environment in ["pip-23.2", "pip"] {
        for (digest, expected) in [(&right, 0), (&wrong, 1)] {
            let desk = Desk::new();
            desk.write(
                "requirements.txt",
                format!("leaf==2.0 --hash=sha256:{digest}\n"),
            );
            let mut pip = pip(&clients, environment, &desk, &gateway.simple_url());
            let shown = desk.run(pip.args(["--require-hashes", "-r", "requirements.txt"]));
            assert_eq!(shown.code, expected, "{}", shown.text);
            let received = Desk::received(&desk.path("site"));
            assert_eq!(received.len(), usize::from(expected == 0), "{}", shown.text);
        }
    }
}

#[test]
fn uv_compiles_hashes_and_syncs_from_them() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = stocked();
    let gateway = gateway::before(&index).start();
    let desk = Desk::new();
    desk.write("requirements.in", "root\n");
    let mut compile = uv(&clients, &desk, &gateway.simple_url(), &["pip", "compile"]);
    compile.args([
        "--generate-hashes",
        "requirements.in",
        "-o",
        "requirements.txt",
    ]);
    let shown = desk.run(&mut compile);
    assert_eq!(shown.code, 0, "{}", shown.text);
    let locked = std::fs::read_to_string(desk.path("project/requirements.txt")).unwrap();
    assert_eq!(locked.matches("--hash=sha256:").count(), 3, "{locked}");
    let mut sync = uv(&clients, &desk, &gateway.simple_url(), &["pip", "sync"]);
    sync.arg("--require-hashes")
        .arg("--target")
        .arg(desk.path("site"));
    let shown = desk.run(sync.arg("requirements.txt"));
    assert_eq!(shown.code, 0, "{}", shown.text);
    assert_eq!(
        Desk::received(&desk.path("site")).len(),
        3,
        "{}",
        shown.text
    );
}
