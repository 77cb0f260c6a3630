//! The runbook's commands, taken out of it and run in its order on a gateway that has served a bad
//! release: what it promises is what happens.

use std::path::Path;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::gateway::{self, Gateway};
use crate::wire;

const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const BAD: &str = "/files/litellm/litellm-1.82.8-py3-none-any.whl";

/// What each command comes to: how it begins, its exit code, and what it prints.
const EXPECTED: [(&str, i32, &str); 18] = [
    (
        "lock register web/api",
        0,
        "web/api is on record: 1 release of requirements.txt.",
    ),
    ("lock list", 0, "web/api"),
    (
        "exposure 'litellm>=1.82.7,<=1.82.8' --from",
        0,
        "1 lock names it and has not fetched it: web/api",
    ),
    ("quarantine 'litellm", 0, "payments-build-4412"),
    ("quarantine list", 0, "litellm>=1.82.7,"),
    ("why 'litellm==1.82.8'", 1, "takes credentials"),
    (
        "exposure 'litellm>=1.82.7,<=1.82.8' --format csv",
        0,
        ",ci,payments-build-4412,127.0.0.1,",
    ),
    (
        "exposure 'litellm>=1.82.7,<=1.82.8' --format json",
        0,
        "\"locked-and-not-fetched\"",
    ),
    ("exposure sha256:", 0, "1 download of 1 file by 1 identity"),
    ("exposure --from", 0, "2 downloads of 2 files by 1 identity"),
    ("token list", 0, "ci"),
    ("token revoke ci", 0, "ci"),
    ("token create ci", 0, "pc_"),
    ("ledger show", 0, "quarantine"),
    ("ledger verify", 0, "entries"),
    ("purge", 0, "litellm-1.82.8-py3-none-any.whl"),
    ("quarantine release 1", 0, "is released"),
    ("why 'litellm==1.82.8'", 0, "1.82.8"),
];

/// The lines `$ portcullis …` of the runbook's code blocks, in order.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbook.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    let blocks = blocks.map(|block| block.strip_prefix("console\n").expect("blocks are console"));
    let lines = blocks.flat_map(str::lines);
    lines
        .map(|line| line.strip_prefix("$ portcullis ").expect(line).to_owned())
        .collect()
}

/// Splits as a shell does, as far as the runbook needs it.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (position, part) in command.split('\'').enumerate() {
        match position % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

fn said(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    text.concat()
}

fn fetch(gateway: &Gateway, path: &str, token: &str) -> wire::Answer {
    let pair = STANDARD.encode(format!("payments-build-4412:{token}"));
    wire::get_with(gateway.url(), path, &format!("Authorization: Basic {pair}"))
}

#[test]
fn every_command_of_the_runbook_does_what_it_says() {
    let index = FixtureIndex::start_blocking();
    let bad = ListedFile::from(wheel("litellm", "1.82.8")).upload_time(LONG_AGO);
    let sha256 = bad.sha256();
    index.add(bad);
    index.add(ListedFile::from(wheel("leaf", "1.0")).upload_time(LONG_AGO));
    let gateway = gateway::before(&index).reading_with_token().start();
    let token = gateway.token("ci", "read");
    for path in [BAD, "/files/leaf/leaf-1.0-py3-none-any.whl"] {
        assert_eq!(fetch(&gateway, path, &token).status, 200);
    }
    gateway.write("requirements.txt", "litellm==1.82.8\n");

    let commands = commands();
    assert_eq!(commands.len(), EXPECTED.len(), "{commands:#?}");
    for (command, (beginning, code, expected)) in commands.iter().zip(EXPECTED) {
        assert!(command.starts_with(beginning), "{command:?} {beginning:?}");
        let words = words(&command.replace("SHA256", &sha256));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = gateway.output(&words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{command}:\n{said}");
        assert!(said.contains(expected), "{command}:\n{said}");
        if beginning.starts_with("quarantine list") {
            std::thread::sleep(std::time::Duration::from_secs(1));
            let refused = fetch(&gateway, BAD, &token);
            assert_eq!(refused.status, 403, "{}", refused.screen());
            assert!(
                refused.reason.contains("takes credentials"),
                "{}",
                refused.screen()
            );
        }
    }
}
