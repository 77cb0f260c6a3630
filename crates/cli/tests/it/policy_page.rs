//! The commands of `docs/policy.md`, taken out of it and run on a gateway with a policy as the page writes
//! it: what they print there is what they print. Moments and durations are not compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use serde_json::json;

use crate::gateway::{self, Gateway};
use crate::wire;

const FILE: &str = "/files/cool-tool/cool_tool-1.0-py3-none-any.whl";

fn days_ago(days: i64) -> String {
    let moment = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn page_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md")
}

/// The block of the page that begins with the comment `# name`.
fn block(page: &str, name: &str) -> String {
    let start = format!("# {name}\n");
    let (_, rest) = page.split_once(&format!("```toml\n{start}")).unwrap();
    start + rest.split_once("```").unwrap().0
}

/// A gateway that has served a release with a critical vulnerability, to two teams.
fn prepared(page: &str, index: &FixtureIndex) -> Gateway {
    index.add(ListedFile::from(wheel("cool-tool", "1.0")).upload_time(&days_ago(60)));
    let gateway = gateway::before(index)
        .policy(&block(page, "policy.toml"))
        .reading_with_token()
        .start();
    gateway.write("policy.tests.toml", &block(page, "policy.tests.toml"));
    let advisory = json!({
        "schema_version": "1.6.0",
        "id": "PYSEC-2026-1001",
        "published": days_ago(40),
        "modified": days_ago(40),
        "summary": "Runs what it reads",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "cool-tool" },
            "ranges": [{
                "type": "ECOSYSTEM",
                "events": [{ "introduced": "0" }, { "fixed": "1.1" }],
            }],
        }],
    });
    gateway.write("PYSEC-2026-1001.json", &advisory.to_string());
    gateway.command(&["advisories", "import", "PYSEC-2026-1001.json"]);
    for (team, times) in [("payments", 2), ("search", 1)] {
        let token = gateway.token(team, "read");
        let pair = STANDARD.encode(format!("__token__:{token}"));
        for _ in 0..times {
            let header = format!("Authorization: Basic {pair}");
            assert_eq!(wire::get_with(gateway.url(), FILE, &header).status, 200);
        }
    }
    gateway
}

/// The page with what its commands print now.
fn refreshed(page: &str, run: impl Fn(&str) -> String) -> String {
    let mut fresh = String::new();
    let mut parts = page.split("```console\n");
    fresh.push_str(parts.next().unwrap());
    for part in parts {
        let (block, rest) = part.split_once("```").unwrap();
        fresh.push_str("```console\n");
        for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
            fresh.push_str(&format!("$ {command}\n{}", run(command)));
        }
        fresh.push_str("```");
        fresh.push_str(rest);
    }
    fresh
}

/// What a line of the page prints: the program, or a tool that every shell has.
fn printed(gateway: &Gateway, command: &str) -> String {
    let output = match command.strip_prefix("portcullis ") {
        Some(arguments) => {
            let arguments: Vec<&str> = arguments.split_whitespace().collect();
            gateway.output(&arguments)
        }
        None => {
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).current_dir(gateway.folder());
            shell.output().unwrap()
        }
    };
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let lines = text.iter().flat_map(|text| text.lines());
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The text without its numbers that pass with time, and without the spaces that align them.
fn timeless(text: &str) -> String {
    let is_moment = |word: &str| {
        let word = word.trim_matches(['(', ')', ',', '.', ':', ';']);
        let digits = word.chars().filter(char::is_ascii_digit).count();
        (word.len() >= 10 && digits >= 8 && word.starts_with("20"))
            || (word.len() == 5 && digits == 4 && word.contains(':'))
    };
    let words = text.split_whitespace();
    let kept = words.map(|word| if is_moment(word) { "[time]" } else { word });
    kept.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_the_page_about_policies_shows_is_what_is_printed() {
    let page = std::fs::read_to_string(page_file()).unwrap();
    let index = FixtureIndex::start_blocking();
    let gateway = prepared(&page, &index);
    let fresh = refreshed(&page, |command| printed(&gateway, command));
    if std::env::var_os("PORTCULLIS_UPDATE_DOCS").is_some() {
        std::fs::write(page_file(), &fresh).unwrap();
        return;
    }
    assert_eq!(
        timeless(&page),
        timeless(&fresh),
        "refresh docs/policy.md: PORTCULLIS_UPDATE_DOCS=1 cargo test -p portcullis --test it policy_page"
    );
}
