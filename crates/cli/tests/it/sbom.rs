//! `portcullis sbom`: its documents, held against the schema and rules of each format by the Python packages that
//! carry them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use portcullis_fixtures::{FixtureIndex, ListedFile, Wheel, wheel};
use serde_json::Value;
use tempfile::TempDir;

use crate::blocks::days_ago;
use crate::gateway::{Gateway, before};
use crate::program::{Clients, Desk};

const LOCK: &str = r#"version = 1
[[package]]
name = "own"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "flask" }]

[[package]]
name = "flask"
version = "3.0.0"
source = { registry = "https://packages.example/simple" }
dependencies = [{ name = "forked" }]
sdist = { url = "https://files.example/flask-3.0.0.tar.gz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
wheels = [{ url = "https://files.example/flask-3.0.0-py3-none-any.whl", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" }]

[[package]]
name = "forked"
version = "1.0+local"
source = { git = "https://git.example/forked?rev=main#0123456789abcdef0123456789abcdef01234567" }
"#;

const VALIDATE: &str = r#"
import pathlib, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
for path in sys.argv[1:]:
    if path.endswith(".spdx.json"):
        # Its rules for addresses know no top-level domain of more than five letters.
        text = pathlib.Path(path).read_text().replace(".example/", ".test/")
        pathlib.Path(path).write_text(text)
        found = [str(one) for one in validate_full_spdx_document(parse_file(path))]
    else:
        validator = JsonStrictValidator(SchemaVersion.V1_6)
        one = validator.validate_str(pathlib.Path(path).read_text())
        found = [str(one)] if one else []
    if found:
        sys.exit(path + ": " + "\n".join(found))
print("valid", len(sys.argv) - 1)
"#;

/// A folder with a lock and an environment in it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let site = "env/lib/python3.12/site-packages";
    let of = |name: &str, more: &str| {
        format!("Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{more}\nText\n")
    };
    for (name, text) in [
        ("uv.lock".to_owned(), LOCK.to_owned()),
        ("env/pyvenv.cfg".to_owned(), "home = /nowhere\n".to_owned()),
        (format!("{site}/a-1.0.dist-info/METADATA"), of("a", "License-Expression: MIT OR Apache-2.0\nRequires-Dist: b\n")),
        (format!("{site}/a-1.0.dist-info/sboms/x.cdx.json"), "{}".to_owned()),
        (format!("{site}/b-1.0.dist-info/METADATA"), of("b", "License: Something of our own\n")),
        (format!("{site}/c-1.0.dist-info/METADATA"), of("c", "License-Expression: LicenseRef-Ours\n")),
        (format!("{site}/c-1.0.dist-info/direct_url.json"),
         r#"{"url":"https://files.example/c-1.0.zip","archive_info":{"hashes":{"sha256":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}}}"#.to_owned()),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn portcullis(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.env_clear().current_dir(folder).args(arguments);
    command.output().unwrap()
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let folder = folder();
    for input in ["uv.lock", "env"] {
        for format in ["cyclonedx", "spdx"] {
            let arguments = ["sbom", input, "--format", format];
            let one = portcullis(folder.path(), &arguments);
            assert_eq!(one.status.code(), Some(0), "{one:?}");
            assert_eq!(one.stdout, portcullis(folder.path(), &arguments).stdout);
            let numbered = ["sbom", input, "--format", format, "--serial"];
            let numbered = portcullis(folder.path(), &numbered).stdout;
            assert_ne!(numbered, portcullis(folder.path(), &arguments).stdout);
        }
    }
}

#[test]
fn a_document_can_be_audited_like_the_lock() {
    let folder = folder();
    std::fs::write(
        folder.path().join("PYSEC-1.json"),
        r#"{"id":"PYSEC-1","modified":"2126-01-01T00:00:00Z","affected":[
        {"package":{"ecosystem":"PyPI","name":"flask"},"versions":["3.0.0"]}]}"#,
    )
    .unwrap();
    let mut said = Vec::new();
    for (format, name) in [("cyclonedx", "bom.cdx.json"), ("spdx", "bom.spdx.json")] {
        let arguments = ["sbom", "uv.lock", "--format", format, "--output", name];
        let written = portcullis(folder.path(), &arguments);
        assert_eq!(written.status.code(), Some(0), "{written:?}");
        said.push(name);
    }
    said.push("uv.lock");
    for name in said {
        let arguments = [
            "audit",
            name,
            "--advisories",
            "PYSEC-1.json",
            "--format",
            "json",
        ];
        let audited = portcullis(folder.path(), &arguments);
        let answer: Value = serde_json::from_slice(&audited.stdout).unwrap();
        assert_eq!(
            answer["findings"][0]["project"], "flask",
            "{name}: {answer:#}"
        );
        assert_eq!(
            answer["unchecked"][0]["project"], "forked",
            "{name}: {answer:#}"
        );
        assert_eq!(
            answer["unchecked"].as_array().unwrap().len(),
            1,
            "{name}: {answer:#}"
        );
    }
}

const EXCEPTION: &str = "[[exceptions]]\nproject = \"waived\"\nrule = \"too-young\"\n\
    reason = \"we wrote it\"\nowner = \"anna\"\nexpires = 2100-01-01\n";

/// A gateway that lets `settled` through, holds `young`, makes an exception of `waived` and has no `absent`; and
/// has the metadata of `settled` and `young` on record.
fn gateway(index: &FixtureIndex) -> Gateway {
    let old = |file: Wheel| ListedFile::from(file).upload_time("2020-01-01T00:00:00Z");
    let young = |file: Wheel| ListedFile::from(file).upload_time(&days_ago(0));
    index.add(old(
        wheel("settled", "1.0").header("License-Expression", "BSD-3-Clause")
    ));
    index.add(young(wheel("young", "1.0").header("License", "As we like")));
    index.add(young(wheel("waived", "1.0")));
    let gateway = before(index).policy(EXCEPTION).start();
    for (project, expected) in [("settled", 200), ("young", 403)] {
        let path = format!("/files/{project}/{project}-1.0-py3-none-any.whl.metadata");
        assert_eq!(gateway.get(&path).status, expected, "{project}");
    }
    gateway
}

const PINS: &str = "settled==1.0\nyoung==1.0\nwaived==1.0\nabsent==1.0\n";

/// The document of these pins, once the gateway has noted the licence of `settled`, which it does in its own time.
fn told_by(gateway: &Gateway, folder: &TempDir, format: &str) -> String {
    std::fs::write(folder.path().join("requirements.txt"), PINS).unwrap();
    let arguments = ["sbom", "requirements.txt", "--format", format];
    let arguments = [&arguments[..], &["--gateway", gateway.url()]].concat();
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let written = portcullis(folder.path(), &arguments);
        assert_eq!(written.status.code(), Some(0), "{written:?}");
        let text = String::from_utf8(written.stdout).unwrap();
        if text.contains("BSD-3-Clause") {
            return text;
        }
        assert!(Instant::now() < end, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What stands under `portcullis:NAME` with each component, each as `NAME=VALUE`.
fn said_of<'d>(document: &'d Value, project: &str) -> (Vec<String>, &'d Value) {
    let components = document["components"].as_array();
    let all = components.or(document["packages"].as_array()).unwrap();
    let one = all.iter().find(|one| one["name"] == project).unwrap();
    let properties = one["properties"].as_array().into_iter().flatten();
    let properties =
        properties.map(|one| format!("{}={}", text(&one["name"]), text(&one["value"])));
    let annotations = one["annotations"].as_array().into_iter().flatten();
    let annotations = annotations.map(|one| text(&one["comment"]).replacen(": ", "=", 1));
    let said = properties.chain(annotations);
    let said = said.filter_map(|line| Some(line.strip_prefix("portcullis:")?.to_owned()));
    (said.collect(), one)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn what_a_gateway_decides_and_knows_stands_with_each_component() {
    let index = FixtureIndex::start_blocking();
    index.offer_metadata();
    let gateway = gateway(&index);
    let folder = folder();
    for format in ["cyclonedx", "spdx"] {
        let text = told_by(&gateway, &folder, format);
        let document: Value = serde_json::from_str(&text).unwrap();
        let (said, settled) = said_of(&document, "settled");
        assert_eq!(said[0], "decision=allow", "{format}: {said:?}");
        assert!(!said.iter().any(|one| one.starts_with("rule=")), "{said:?}");
        match format {
            "spdx" => assert_eq!(settled["licenseDeclared"], "BSD-3-Clause"),
            _ => assert_eq!(settled["licenses"][0]["expression"], "BSD-3-Clause"),
        }
        let (said, _) = said_of(&document, "young");
        assert_eq!(said[0], "decision=hold", "{format}: {said:?}");
        assert!(
            said[1].starts_with("sentence=") && said[1].contains("young"),
            "{said:?}"
        );
        assert!(said.contains(&"rule=too-young".to_owned()), "{said:?}");
        let (said, _) = said_of(&document, "waived");
        assert_eq!(said[0], "decision=allow", "{format}: {said:?}");
        let waiver = "waiver=too-young: we wrote it (anna, until 2100-01-01";
        assert!(said.iter().any(|one| one.starts_with(waiver)), "{said:?}");
        assert!(!said.contains(&"rule=too-young".to_owned()), "{said:?}");
        let (said, _) = said_of(&document, "absent");
        assert_eq!(said[0], "decision=absent", "{format}: {said:?}");
    }
    // Without a gateway, nothing is said that nobody was asked.
    let plain = portcullis(folder.path(), &["sbom", "requirements.txt"]);
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert!(
        !plain.contains("portcullis:decision") && !plain.contains("BSD-3-Clause"),
        "{plain}"
    );
    let nobody = [
        "sbom",
        "requirements.txt",
        "--gateway",
        "http://127.0.0.1:9",
    ];
    let nobody = portcullis(folder.path(), &nobody);
    assert_eq!(nobody.status.code(), Some(2), "{nobody:?}");
    assert!(
        nobody.stdout.is_empty(),
        "no document without what was asked for"
    );
}

#[test]
fn every_document_is_valid_by_its_own_schema() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let (folder, desk) = (folder(), Desk::new());
    let mut files = Vec::new();
    let index = FixtureIndex::start_blocking();
    index.offer_metadata();
    let gateway = gateway(&index);
    for (format, ending) in [("cyclonedx", "cdx"), ("spdx", "spdx")] {
        let path = desk.path("project").join(format!("judged.{ending}.json"));
        std::fs::write(&path, told_by(&gateway, &folder, format)).unwrap();
        files.push(path);
    }
    for (number, input) in ["uv.lock", "env"].iter().enumerate() {
        for (format, ending) in [("cyclonedx", "cdx"), ("spdx", "spdx")] {
            let path = desk.path("project").join(format!("{number}.{ending}.json"));
            let output = path.to_str().unwrap();
            let arguments = ["sbom", input, "--format", format, "--output", output];
            let more = ["--serial", "--timestamp", "2026-01-02T03:04:05Z"];
            let written = portcullis(folder.path(), &[&arguments[..], &more].concat());
            assert_eq!(written.status.code(), Some(0), "{written:?}");
            files.push(path);
        }
    }
    desk.write("validate.py", VALIDATE);
    let mut command = desk.program(&clients.program("sbom", "python"));
    let shown = desk.run(command.arg("validate.py").args(files));
    assert_eq!(
        (shown.code, shown.text.trim()),
        (0, "valid 6"),
        "{}",
        shown.text
    );
}
