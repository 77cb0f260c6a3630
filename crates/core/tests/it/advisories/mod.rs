//! Advisories: a table of what they mean, and agreement with a plain reading of the OSV schema over
//! Python's own `packaging`.

mod oracle;

use portcullis_core::advisory::{Reading, Record, read_record};
use serde_json::{Value, json};

const CASES: &str = include_str!("matcher.txt");

/// A line of the table.
struct Case {
    line: &'static str,
    affected: Value,
    asked: String,
    expected: bool,
}

fn cases() -> Vec<Case> {
    let lines = CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(case).collect()
}

fn case(line: &'static str) -> Case {
    // A limit is written with a bar too, so the columns are taken from the end.
    let (rest, expected) = line.rsplit_once(" | ").expect(line);
    let (meant, asked) = rest.rsplit_once("| ").expect(line);
    Case {
        line,
        affected: affected(meant),
        asked: asked.replace('~', " "),
        expected: match expected {
            "yes" => true,
            "no" => false,
            other => panic!("{line}: {other:?} is neither yes nor no"),
        },
    }
}

fn affected(meant: &str) -> Value {
    let (ranges, versions) = match meant.split_once("= ") {
        Some((ranges, versions)) if ranges.is_empty() || ranges.ends_with(' ') => {
            (ranges, versions)
        }
        _ => (meant, ""),
    };
    let versions = versions.split_whitespace().map(spaced);
    let ranges = ranges.split(';').filter(|range| !range.trim().is_empty());
    json!({
        "package": {"ecosystem": "PyPI", "name": "foo"},
        "ranges": ranges.map(range).collect::<Vec<_>>(),
        "versions": versions.collect::<Vec<_>>(),
    })
}

fn spaced(word: &str) -> String {
    match word.starts_with("~=") {
        true => word.to_owned(),
        false => word.replace('~', " "),
    }
}

fn range(text: &str) -> Value {
    let (kind, events) = text.split_once(": ").unwrap_or(("ECOSYSTEM", text));
    let events: Vec<Value> = events.split_whitespace().map(event).collect();
    json!({"type": kind.trim(), "events": events})
}

fn event(word: &str) -> Value {
    if word == "{}" {
        json!({})
    } else if let Some(version) = word.strip_prefix("<=") {
        json!({"last_affected": version})
    } else if let Some(version) = word.strip_prefix('<') {
        json!({"fixed": version})
    } else if let Some(version) = word.strip_prefix('|') {
        json!({"limit": version})
    } else {
        json!({"introduced": word})
    }
}

fn read(affected: &Value) -> Record {
    let json = json!({"id": "PYSEC-1", "affected": [affected]}).to_string();
    match read_record(json.as_bytes()) {
        Ok(Reading::Record { record, .. }) => *record,
        other => panic!("{json}: {other:?}"),
    }
}

#[test]
fn every_advisory_of_the_table_means_what_it_says() {
    let cases = cases();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let wrong: Vec<&str> = cases
        .iter()
        .filter(|case| {
            read(&case.affected).affected[0].includes_spelled(&case.asked) != case.expected
        })
        .map(|case| case.line)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
