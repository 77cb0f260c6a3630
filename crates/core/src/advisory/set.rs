//! All advisories that are known, by id: read from a feed, merged with increments, and written as a
//! snapshot of our own that can be read again quickly.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::osv::{Reading, read_record};
use super::record::Record;

/// The version of the snapshot's form. Another one is not read: the feed is read again instead.
const SNAPSHOT_FORM: u32 = 1;

/// How many skipped records a report names. The rest are only counted.
const MAX_NAMED: usize = 100;

/// Advisories by id, withdrawn ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdvisorySet {
    records: BTreeMap<Arc<str>, Arc<Record>>,
}

/// What reading a feed came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FeedReport {
    /// Records about projects of PyPI.
    pub read: usize,
    /// How many of these are withdrawn.
    pub withdrawn: usize,
    /// Records about other ecosystems only.
    pub of_other_ecosystems: usize,
    /// Records of which nothing could be made.
    pub skipped: usize,
    /// The first hundred of these.
    pub skipped_records: Vec<SkippedRecord>,
    /// Elements of records (events, versions, packages) that were left out.
    pub left_out_elements: usize,
}

/// A record of which nothing could be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedRecord {
    /// The name that it came under, most likely a file name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What merging changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// The ids of records that are new or say something else than before.
    pub changed: Vec<Arc<str>>,
    /// How many records were as they already were, or older.
    pub unchanged: usize,
}

/// A snapshot that is not one, or of another form.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableSnapshot {
    /// It is not what was written.
    #[error("not a snapshot of advisories: {0}")]
    Json(#[from] serde_json::Error),
    /// Another release of Portcullis wrote it.
    #[error("a snapshot of advisories of form {0}, and this release reads form {SNAPSHOT_FORM}")]
    OtherForm(u32),
}

#[derive(Deserialize)]
struct FormOnly {
    form: u32,
}

#[derive(Serialize, Deserialize)]
struct Snapshot<R> {
    form: u32,
    records: Vec<R>,
}

impl FromIterator<Record> for AdvisorySet {
    /// The set of records that were read one by one.
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut set = Self::default();
        for record in records {
            set.put(Arc::new(record));
        }
        set
    }
}

impl AdvisorySet {
    /// Reads a feed: OSV records, each with the name under which it came. One bad record never
    /// costs another one.
    pub fn read<N, B>(feed: impl IntoIterator<Item = (N, B)>) -> (Self, FeedReport)
    where
        N: AsRef<str>,
        B: AsRef<[u8]>,
    {
        let (mut set, mut report) = (Self::default(), FeedReport::default());
        for (name, json) in feed {
            match read_record(json.as_ref()) {
                Ok(Reading::Record { record, left_out }) => {
                    report.read += 1;
                    report.withdrawn += usize::from(record.withdrawn.is_some());
                    report.left_out_elements += left_out;
                    set.put(Arc::from(record));
                }
                Ok(Reading::OtherEcosystem) => report.of_other_ecosystems += 1,
                Err(error) => report.skip(name.as_ref(), &error.to_string()),
            }
        }
        (set, report)
    }

    /// Takes over what is new or changed in `increment`. Of two records with one id, the one that
    /// was modified later counts, and of two equally late ones that of the increment.
    pub fn merge(&mut self, increment: Self) -> Merged {
        let mut merged = Merged::default();
        for (id, record) in increment.records {
            match self.put(record) {
                true => merged.changed.push(id),
                false => merged.unchanged += 1,
            }
        }
        merged
    }

    /// Adds records of which each may say only what concerns some of its projects: what two of one id say of
    /// different projects is joined.
    pub(super) fn add_parts(&mut self, records: Vec<Record>) {
        for mut record in records {
            for affected in &mut record.affected {
                affected.settle();
            }
            match self.records.entry(Arc::clone(&record.id)) {
                Entry::Vacant(free) => {
                    free.insert(Arc::new(record));
                }
                Entry::Occupied(mut known) => {
                    Arc::make_mut(known.get_mut())
                        .affected
                        .extend(record.affected);
                }
            }
        }
    }

    /// Whether the record says something that was not known.
    fn put(&mut self, record: Arc<Record>) -> bool {
        match self.records.entry(Arc::clone(&record.id)) {
            Entry::Vacant(free) => {
                free.insert(record);
                true
            }
            Entry::Occupied(mut known) => {
                let changes = record.modified >= known.get().modified && record != *known.get();
                if changes {
                    known.insert(record);
                }
                changes
            }
        }
    }

    /// The record with the id `id`.
    pub fn get(&self, id: &str) -> Option<&Arc<Record>> {
        self.records.get(id)
    }

    /// All records, in the order of their ids.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Arc<Record>> {
        self.records.values()
    }

    /// How many records there are, withdrawn ones too.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The set as bytes (JSON, of a form of our own), a tenth of the size of the feed.
    pub fn to_snapshot(&self) -> Vec<u8> {
        let snapshot = Snapshot {
            form: SNAPSHOT_FORM,
            records: self.records().collect(),
        };
        serde_json::to_vec(&snapshot).expect("records have text for keys and write to memory")
    }

    /// Reads what [`AdvisorySet::to_snapshot`] wrote.
    ///
    /// # Errors
    /// [`UnreadableSnapshot`] when something else wrote it.
    pub fn from_snapshot(json: &[u8]) -> Result<Self, UnreadableSnapshot> {
        let FormOnly { form } = serde_json::from_slice(json)?;
        if form != SNAPSHOT_FORM {
            return Err(UnreadableSnapshot::OtherForm(form));
        }
        let snapshot: Snapshot<Record> = serde_json::from_slice(json)?;
        let mut set = Self::default();
        for mut record in snapshot.records {
            // What is asked by bisection must be in order, whoever touched the bytes.
            for affected in &mut record.affected {
                affected.settle();
            }
            set.put(Arc::new(record));
        }
        Ok(set)
    }
}

impl FeedReport {
    pub(super) fn skip(&mut self, name: &str, reason: &str) {
        self.skipped += 1;
        if self.skipped_records.len() < MAX_NAMED {
            let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect();
            self.skipped_records.push(SkippedRecord {
                name: plain(name),
                reason: plain(reason),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::record;
    use super::*;

    fn set(records: &[String]) -> AdvisorySet {
        let named = records.iter().map(|json| ("x.json", json.as_bytes()));
        AdvisorySet::read(named).0
    }

    #[test]
    fn one_bad_record_costs_no_other() {
        let good = record("PYSEC-1", "foo", "0 <1.0").json();
        let withdrawn = record("PYSEC-2", "foo", "0").withdrawn().json();
        let other = r#"{"id":"X-3","affected":[{"package":{"ecosystem":"npm","name":"a"}}]}"#;
        let (set, report) = AdvisorySet::read([
            ("a.json", "not json"),
            ("b.json", good.as_str()),
            ("c.json", "{}"),
            ("d.json", other),
            ("e\u{1b}.json", withdrawn.as_str()),
            ("f\u{1b}.json", "[1"),
        ]);
        assert_eq!(set.len(), 2);
        let shown = serde_json::to_string_pretty(&report).expect("a JSON value");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn of_two_records_with_one_id_the_later_counts() {
        let at = |day: u32, text: &str| {
            let modified = format!("2026-01-{day:02}T00:00:00Z");
            record("PYSEC-1", "foo", text).modified(&modified).json()
        };
        let mut known = set(&[at(5, "0 <1.0"), record("PYSEC-2", "foo", "0").json()]);
        let same = known.merge(set(&[at(5, "0 <1.0")]));
        assert_eq!((same.changed.len(), same.unchanged), (0, 1));
        let older = known.merge(set(&[at(4, "0 <9.0")]));
        assert_eq!((older.changed.len(), older.unchanged), (0, 1));
        let later = known.merge(set(&[
            at(6, "0 <2.0"),
            record("PYSEC-3", "foo", "0").json(),
        ]));
        assert_eq!(later.changed, ["PYSEC-1".into(), "PYSEC-3".into()]);
        let affected = &known.get("PYSEC-1").expect("known").affected[0];
        assert!(affected.includes_spelled("1.5") && !affected.includes_spelled("2.0"));
        assert_eq!(known.len(), 3);
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        let set = set(&[
            record("PYSEC-1", "foo", "0 <1.0; 2.0 <=2.5")
                .versions(&["9.9", "x y"])
                .json(),
            record("MAL-2", "bar", "0").aliases(&["GHSA-2"]).json(),
            record("GHSA-3", "baz", "1.0")
                .withdrawn()
                .severity("AV:N/AC:L/Au:N/C:P/I:P/A:P")
                .json(),
        ]);
        assert_eq!(set.len(), 3);
        let again = AdvisorySet::from_snapshot(&set.to_snapshot()).expect("just written");
        assert_eq!(again, set);
        for bytes in [
            &b""[..],
            b"{}",
            b"{\"form\":1}",
            b"{\"form\":2,\"records\":[]}",
        ] {
            assert!(AdvisorySet::from_snapshot(bytes).is_err());
        }
    }
}
