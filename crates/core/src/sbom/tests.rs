//! Both formats of one inventory, and what comes back when they are read.

use super::*;
use crate::inventory::{FoundAt, NestedSbom};
use crate::licence::Licence;
use crate::pypi::lockfile::{self, LockFormat};
use crate::pypi::metadata::CoreMetadata;

const LOCK: &str = r#"version = 1
[[package]]
name = "own"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "flask" }, { name = "forked" }]

[[package]]
name = "flask"
version = "3.0.0"
source = { registry = "https://user:secret@packages.example/simple" }
dependencies = [{ name = "markupsafe" }]
sdist = { url = "https://files.example/flask-3.0.0.tar.gz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
wheels = [{ url = "https://user:secret@files.example/flask-3.0.0-py3-none-any.whl", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" }]

[[package]]
name = "markupsafe"
version = "2.1+local"
source = { registry = "https://packages.example/simple" }

[[package]]
name = "forked"
version = "1.0"
source = { git = "https://git.example/forked?rev=main#0123456789abcdef0123456789abcdef01234567" }
"#;

fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    let locked = lockfile::read_as(LockFormat::Uv, LOCK.as_bytes()).expect("a lock");
    inventory.add_locked("uv.lock", locked);
    let at = FoundAt {
        path: "METADATA".to_owned(),
        line: None,
    };
    let metadata = b"Metadata-Version: 2.4\nName: markupsafe\nVersion: 2.1+local\n\
        License-Expression: BSD-3-Clause\nSummary: safe markup\n\n";
    let metadata = CoreMetadata::parse(metadata).expect("metadata");
    inventory.add(Component {
        licence: Some(Licence::from_metadata(&metadata)),
        summary: Some("safe markup".to_owned()),
        nested: vec![NestedSbom {
            path: "markupsafe-2.1+local.dist-info/sboms/inner.cdx.json".to_owned(),
            sha256: Sha256::of(b"{}"),
        }],
        ..Component::new(metadata.name, Some(metadata.version), at.clone())
    });
    inventory.note("broken-1.dist-info", at, "its metadata cannot be read");
    inventory
}

fn decisions() -> Decisions {
    let key = (
        "flask".parse().expect("a name"),
        "3.0.0".parse().expect("a version"),
    );
    let decision = GatewayDecision {
        decision: "warn".to_owned(),
        rules: vec!["known-vulnerability".to_owned()],
        sentence: Some("flask 3.0.0 has a known vulnerability".to_owned()),
        waivers: vec!["too-young: we wrote it (anna)".to_owned()],
        licence: Some(Licence::from_metadata(
            &CoreMetadata::parse(
                b"Metadata-Version: 2.4\nName: flask\nVersion: 3.0.0\n\
                License-Expression: BSD-3-Clause\n\n",
            )
            .expect("metadata"),
        )),
    };
    HashMap::from([(key, decision)])
}

fn bill<'b>(inventory: &'b Inventory, decisions: &'b Decisions) -> Bill<'b> {
    Bill {
        inventory,
        subject: "folder",
        tool_version: "1.2.3",
        made_at: None,
        serial: None,
        decisions,
    }
}

#[test]
fn both_documents_are_as_they_were() {
    let (inventory, decisions) = (inventory(), decisions());
    let bill = bill(&inventory, &decisions);
    for (name, document) in [("cyclonedx", cyclonedx(&bill)), ("spdx", spdx(&bill))] {
        let text = format!("{document:#}");
        assert!(!text.contains("secret"), "{text}");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_same_inventory_makes_the_same_document_and_time_is_an_argument() {
    let (inventory, decisions) = (inventory(), Decisions::new());
    let plain = bill(&inventory, &decisions);
    let mut turned = Inventory::default();
    for component in inventory.components.iter().rev() {
        turned.add(component.clone());
    }
    turned.unknown.clone_from(&inventory.unknown);
    let other = bill(&turned, &decisions);
    assert_eq!(cyclonedx(&plain), cyclonedx(&other));
    assert_eq!(spdx(&plain), spdx(&other));
    let dated = Bill {
        made_at: Some(Timestamp::from_millis(1_700_000_000_123)),
        serial: Some(uuid::uuid!("11111111-2222-4333-8444-555555555555")),
        ..plain
    };
    let document = cyclonedx(&dated);
    assert_eq!(document["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    let serial = "urn:uuid:11111111-2222-4333-8444-555555555555";
    assert_eq!(document["serialNumber"], serial);
    let document = spdx(&dated);
    assert_eq!(document["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    assert_eq!(document["documentNamespace"], serial);
}

/// Each release with its digests, files and what it wants.
fn read_back(format: LockFormat, document: &serde_json::Value) -> String {
    let bytes = document.to_string();
    let read = lockfile::read_as(format, bytes.as_bytes()).expect("our own document");
    let mut lines: Vec<String> = read
        .entries
        .iter()
        .map(|one| {
            let version = one.version.as_ref().map(ToString::to_string);
            let hashes = one.hashes.iter().map(|hash| hash.to_hex()[..1].to_owned());
            let mut files: Vec<String> = one
                .files
                .iter()
                .map(|file| {
                    let hash = file.sha256.map(|hash| hash.to_hex()[..1].to_owned());
                    let name = file.filename.clone().unwrap_or_default();
                    format!("{name}={}", hash.unwrap_or_default())
                })
                .collect();
            files.sort();
            let wants = one.dependencies.iter().map(ProjectName::as_str);
            format!(
                "{} {} hashes=[{}] files=[{}] wants=[{}]",
                one.project,
                version.unwrap_or_default(),
                hashes.collect::<String>(),
                files.join(" "),
                wants.collect::<Vec<_>>().join(" "),
            )
        })
        .collect();
    lines.sort();
    lines.extend(
        read.skipped
            .iter()
            .filter(|one| !one.is_the_project_itself())
            .map(|one| {
                let package = one.package.as_ref().map(|package| &package.from);
                format!("not {}: {package:?}", one.what)
            }),
    );
    lines.join("\n")
}

#[test]
fn what_was_written_is_read_again() {
    let (inventory, decisions) = (inventory(), Decisions::new());
    let bill = bill(&inventory, &decisions);
    let expected = r#"
flask 3.0.0 hashes=[ba] files=[flask-3.0.0-py3-none-any.whl=b flask-3.0.0.tar.gz=a] wants=[markupsafe]
markupsafe 2.1+local hashes=[] files=[] wants=[]
not forked: Some(Vcs { kind: "git", url: "https://git.example/forked", commit: Some("0123456789abcdef0123456789abcdef01234567") })
"#;
    let from_cyclonedx = read_back(LockFormat::CycloneDx, &cyclonedx(&bill));
    assert_eq!(from_cyclonedx, expected.trim());
    assert_eq!(read_back(LockFormat::Spdx, &spdx(&bill)), expected.trim());
}

#[test]
fn no_address_tells_a_secret() {
    for (text, expected) in [
        ("https://u:p@a.example/x", "https://a.example/x"),
        ("https://token@a.example/x", "https://a.example/x"),
        ("ssh://git@a.example/x", "ssh://git@a.example/x"),
        ("git+ssh://git@a.example/x", "git+ssh://git@a.example/x"),
        ("https://a.example/x", "https://a.example/x"),
        ("https://u:${P}@a b/x", "https://a b/x"),
        ("./here", "./here"),
        ("git@a.example:x.git", "git@a.example:x.git"),
    ] {
        assert_eq!(without_secrets(text), expected);
    }
}

#[test]
fn a_ring_has_a_beginning() {
    let mut inventory = Inventory::default();
    for (one, other) in [("a", "b"), ("b", "a")] {
        let name = |text: &str| text.parse::<ProjectName>().expect("a name");
        let at = FoundAt {
            path: "x".to_owned(),
            line: None,
        };
        inventory.add(Component {
            dependencies: vec![name(other)],
            ..Component::new(name(one), None, at)
        });
    }
    let graph = Graph::of(&inventory);
    assert_eq!(graph.wanted_by_root().len(), 2);
}
