//! Building OSV records for tests: `record("PYSEC-1", "foo", "0 <1.0; 2.0 <=2.5").json()`.

use serde_json::{Value, json};

use super::{AdvisoryIndex, AdvisorySet, Exploits};
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// An OSV record in the making.
pub(crate) struct RecordCase(Value);

/// A record about `project`. In `ranges`, `;` separates ranges, and in a range `1.0` is introduced,
/// `<1.0` fixed, `<=1.0` last affected and `|1.0` limit.
pub(crate) fn record(id: &str, project: &str, ranges: &str) -> RecordCase {
    let event = |text: &str| match text {
        text if text.starts_with("<=") => json!({"last_affected": text[2..]}),
        text if text.starts_with('<') => json!({"fixed": text[1..]}),
        text if text.starts_with('|') => json!({"limit": text[1..]}),
        text => json!({"introduced": text}),
    };
    let ranges = ranges.split(';').filter(|range| !range.trim().is_empty());
    let range = |text: &str| {
        let events: Vec<Value> = text.split_whitespace().map(event).collect();
        json!({"type": "ECOSYSTEM", "events": events})
    };
    RecordCase(json!({
        "id": id,
        "summary": format!("a hole in {project}"),
        "published": "2026-01-01T00:00:00Z",
        "modified": "2026-01-02T00:00:00Z",
        "affected": [{
            "package": {"ecosystem": "PyPI", "name": project},
            "ranges": ranges.map(range).collect::<Vec<_>>(),
        }],
    }))
}

impl RecordCase {
    fn with(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    pub(crate) fn aliases(self, aliases: &[&str]) -> Self {
        self.with("aliases", json!(aliases))
    }

    pub(crate) fn modified(self, at: &str) -> Self {
        self.with("modified", json!(at))
    }

    pub(crate) fn withdrawn(self) -> Self {
        self.with("withdrawn", json!("2026-01-03T00:00:00Z"))
    }

    pub(crate) fn severity(self, vector: &str) -> Self {
        self.with("severity", json!([{"type": "CVSS", "score": vector}]))
    }

    pub(crate) fn versions(mut self, versions: &[&str]) -> Self {
        self.0["affected"][0]["versions"] = json!(versions);
        self
    }

    pub(crate) fn json(&self) -> String {
        self.0.to_string()
    }
}

/// The index of some records.
pub(crate) fn index_with(records: &[RecordCase], exploits: Exploits<'_>) -> AdvisoryIndex {
    let json: Vec<String> = records.iter().map(RecordCase::json).collect();
    let named = json.iter().map(|json| ("x.json", json.as_bytes()));
    let (set, report) = AdvisorySet::read(named);
    assert_eq!(report.skipped, 0, "{report:?}");
    AdvisoryIndex::new(&set, exploits)
}

/// The index of some records, without knowledge of exploits.
pub(crate) fn index(records: &[RecordCase]) -> AdvisoryIndex {
    index_with(records, Exploits::default())
}

pub(crate) fn name(text: &str) -> ProjectName {
    ProjectName::new(text).expect(text)
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().expect(text)
}
