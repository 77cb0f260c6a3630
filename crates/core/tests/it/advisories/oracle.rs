//! A second reading as the oracle: the OSV schema's evaluation written down plainly in Python, over
//! `packaging`, against ours with its intervals. Thousands of small random advisories.
//!
//! The interpreter is `PORTCULLIS_PYTHON`, or else `python3`, with `packaging` installed or the
//! copy inside pip. Without one the test fails.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{cases, read};

const CASES: usize = 6000;

/// Versions that lie close together, so that random ones meet.
const VERSIONS: [&str; 32] = [
    "0",
    "0.0.dev1",
    "0.9",
    "1.0",
    "1.0.0",
    "1",
    "1.0rc1",
    "1.0a2",
    "1.0.dev1",
    "1.0.post1",
    "1.0.post1.dev2",
    "1.0rc1.post2",
    "1.0+a",
    "1.0+b.2",
    "1.0rc1+a",
    "1.0.1",
    "1.1",
    "1.1.dev3",
    "1.10",
    "1.9",
    "2.0",
    "2.0.0.0",
    "2.0b1",
    "2.0+a",
    "2.1",
    "1!0",
    "1!0.5",
    "1!1.0rc1",
    "v1.1",
    "1.0-1",
    "nonsense",
    "2.*",
];

/// A generator of numbers (splitmix64), so that a failure is the same one the next time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % end
    }

    fn version(&mut self) -> &'static str {
        VERSIONS[self.below(VERSIONS.len())]
    }

    fn event(&mut self) -> Value {
        match self.below(10) {
            0..=1 => json!({"introduced": "0"}),
            2..=4 => json!({"introduced": self.version()}),
            5..=7 => json!({"fixed": self.version()}),
            8 => json!({"last_affected": self.version()}),
            _ => match self.below(3) {
                0 => json!({"limit": self.version()}),
                _ => json!({}),
            },
        }
    }

    fn case(&mut self) -> Value {
        let ranges: Vec<Vec<Value>> = (0..self.below(3))
            .map(|_| (0..self.below(6)).map(|_| self.event()).collect())
            .filter(|events: &Vec<Value>| !contradicts_itself(events))
            .collect();
        let versions: Vec<&str> = (0..self.below(3)).map(|_| self.version()).collect();
        json!({"ranges": ranges, "versions": versions, "asked": self.version()})
    }
}

/// Whether the last affected version is fixed or introduced by another event as well. The schema
/// does not say what that means; here it is affected.
fn contradicts_itself(events: &[Value]) -> bool {
    let release = |text: &str| {
        let version: Option<portcullis_core::pypi::version::Version> = text.parse().ok();
        version.map(|version| version.without_local())
    };
    let bounds = |key: &'static str| {
        let of_key = events.iter().filter_map(move |event| event[key].as_str());
        of_key.filter_map(release)
    };
    let others: Vec<_> = bounds("fixed").chain(bounds("introduced")).collect();
    bounds("last_affected").any(|last| others.contains(&last))
}

fn ours(case: &Value) -> Option<bool> {
    let asked = case["asked"].as_str().unwrap();
    let range = |events: &Value| json!({"type": "ECOSYSTEM", "events": events});
    let ranges: Vec<Value> = case["ranges"]
        .as_array()
        .unwrap()
        .iter()
        .map(range)
        .collect();
    let record = read(&json!({
        "package": {"ecosystem": "PyPI", "name": "foo"},
        "ranges": ranges,
        "versions": case["versions"],
    }));
    let asked = asked.parse().ok()?;
    Some(record.affected[0].includes(&asked))
}

fn theirs(cases: &[Value]) -> Vec<Option<bool>> {
    let python = std::env::var("PORTCULLIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .args(["-I", "-c", include_str!("ask.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
    let asked = json!(cases).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{python} failed; is there a 'packaging' or a pip?"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn we_read_ranges_as_the_schema_describes_it_over_pythons_versions() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let cases: Vec<Value> = (0..CASES).map(|_| chance.case()).collect();
    let different: Vec<String> = cases
        .iter()
        .zip(theirs(&cases))
        .filter(|(case, theirs)| ours(case) != *theirs)
        .map(|(case, theirs)| format!("{case}: ours {:?}, theirs {theirs:?}", ours(case)))
        .collect();
    let (count, first) = (different.len(), different.iter().take(20));
    let first: Vec<&String> = first.collect();
    assert!(different.is_empty(), "{count} differ, {first:#?}");
}

#[test]
fn the_table_says_what_the_schema_describes() {
    let described = |affected: &Value| {
        let ranges = affected["ranges"].as_array().unwrap().iter();
        let ours = ranges.filter(|range| range["type"] == "ECOSYSTEM");
        ours.map(|range| range["events"].clone())
            .collect::<Vec<_>>()
    };
    let (table, asked): (Vec<_>, Vec<Value>) = cases()
        .into_iter()
        .map(|case| {
            let asked = json!({
                "ranges": described(&case.affected),
                "versions": case.affected["versions"],
                "asked": case.asked,
            });
            (case, asked)
        })
        .unzip();
    for (case, theirs) in table.iter().zip(theirs(&asked)) {
        // Python answers nothing about what is no version of PEP 440.
        assert_eq!(
            theirs.unwrap_or(case.expected),
            case.expected,
            "{}",
            case.line
        );
    }
}
