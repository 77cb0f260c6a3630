//! [`AdvisoryTable`]: advisories by project in a form that is asked without being read as a whole, for
//! commands that start cold and ask about a few hundred projects of which most have no advisory.
//!
//! It is text: a line that names the form, a line of JSON about the whole, and a line for each project in the
//! order of their names, which is its name, a space and what is known as JSON. Where the file comes from
//! and whether it is too old is others' business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::epss::{Epss, EpssScores};
use super::exploited::{Exploited, ExploitedCatalogue};
use super::index::{AdvisoryIndex, Exploits};
use super::osv::{Reading, read_record};
use super::record::Record;
use super::set::{AdvisorySet, FeedReport};
use crate::pypi::name::ProjectName;
use crate::time::Timestamp;

/// The first line. Another form has another number, and is not read.
const FORM: &str = "portcullis advisories 1\n";

/// How many complaints about records the head keeps. The rest are only counted.
const MOST_COMPLAINTS: usize = 20;

/// What is said of a table as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct TableHead {
    /// Where it comes from, for people.
    pub source: String,
    /// Since when nothing is known to be missing; `None` where nobody can tell.
    pub as_of: Option<Timestamp>,
    /// How many records it was made of.
    pub records: usize,
    /// How many records could not be read, and so are in no line.
    pub unreadable: usize,
    /// The first of these, each with the reason.
    pub complaints: Vec<String>,
    /// Whether the catalogue of exploited vulnerabilities went into it.
    pub knows_exploited: bool,
    /// Whether EPSS scores went into it.
    pub knows_epss: bool,
    /// The length of all lines of projects together, in bytes, by which a part is told from the whole.
    pub(super) body: usize,
}

/// What is known of one project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line<R> {
    records: Vec<R>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    partly_read: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exploited: Vec<Exploited>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    epss: Vec<(super::cve::CveId, Epss)>,
}

/// Advisories on their way into a table or an index.
#[derive(Clone, Debug, Default)]
pub struct AdvisoryBook {
    set: AdvisorySet,
    partly_read: BTreeMap<Arc<str>, usize>,
    report: FeedReport,
}

/// Bytes that are no table, or not all of one.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableTable {
    /// It does not begin as a table of this form does.
    #[error("it is no table of advisories that this release of Portcullis can read")]
    OtherForm,
    /// Its head is damaged.
    #[error("its head is damaged: {0}")]
    Head(serde_json::Error),
    /// A part of it is missing, or something was added.
    #[error("it has {found} bytes where {expected} were written")]
    Length {
        /// The bytes that are there.
        found: usize,
        /// The bytes that were written.
        expected: usize,
    },
}

/// A table that can be asked.
#[derive(Clone, Debug)]
pub struct AdvisoryTable<'b> {
    head: TableHead,
    body: &'b [u8],
}

/// What a table says of some projects.
#[derive(Clone, Debug, Default)]
pub struct TableAnswer {
    /// Their advisories.
    pub index: AdvisoryIndex,
    /// Advisories of which parts could not be read, by project: the ids.
    pub partly_read: BTreeMap<ProjectName, Vec<Arc<str>>>,
    /// Projects whose line is damaged, with the reason.
    pub damaged: BTreeMap<ProjectName, String>,
}

impl TableHead {
    /// The head of a table of `records` records, of which every one could be read.
    pub fn new(source: &str, as_of: Option<Timestamp>, records: usize) -> Self {
        Self {
            source: source.to_owned(),
            as_of,
            records,
            ..Self::default()
        }
    }
}

impl AdvisoryBook {
    /// Takes one OSV record, which came under `name`.
    pub fn take(&mut self, name: &str, json: &[u8]) {
        match read_record(json) {
            Ok(Reading::Record { record, left_out }) => {
                self.report.read += 1;
                let id = Arc::clone(&record.id);
                let one = AdvisorySet::from_iter([*record]);
                let is_newer = !self.set.merge(one).changed.is_empty();
                if is_newer {
                    self.partly_read.insert(id, left_out);
                }
            }
            Ok(Reading::OtherEcosystem) => self.report.of_other_ecosystems += 1,
            Err(error) => self.complain(name, &error.to_string()),
        }
    }

    /// Notes a record that could not even be had.
    pub fn complain(&mut self, name: &str, why: &str) {
        self.report.skip(name, why);
    }

    /// The records.
    pub fn set(&self) -> &AdvisorySet {
        &self.set
    }

    /// What could not be read.
    pub fn report(&self) -> &FeedReport {
        &self.report
    }

    /// When the newest record was changed.
    pub fn newest(&self) -> Option<Timestamp> {
        let moments = self.set.records();
        moments.filter_map(|record| record.modified).max()
    }

    /// What is said of all of it together.
    pub fn head(&self, source: &str, as_of: Option<Timestamp>) -> TableHead {
        let complaints = self.report.skipped_records.iter().take(MOST_COMPLAINTS);
        let complaints = complaints.map(|one| format!("{}: {}", one.name, one.reason));
        TableHead {
            unreadable: self.report.skipped,
            complaints: complaints.collect(),
            ..TableHead::new(source, as_of, self.set.len())
        }
    }

    /// The ids of the records about `project` of which parts could not be read.
    fn partly_read(&self, records: &[&Arc<Record>]) -> Vec<Arc<str>> {
        let is_partly = |id: &Arc<str>| self.partly_read.get(id).is_some_and(|left| *left > 0);
        let ids = records.iter().map(|record| &record.id);
        ids.filter(|id| is_partly(id)).cloned().collect()
    }

    fn by_project(&self) -> BTreeMap<&ProjectName, Vec<&Arc<Record>>> {
        let mut projects: BTreeMap<&ProjectName, Vec<&Arc<Record>>> = BTreeMap::new();
        for record in self.set.records() {
            for affected in &record.affected {
                projects.entry(&affected.project).or_default().push(record);
            }
        }
        projects
    }

    /// All of it, as [`AdvisoryTable::read`] reads it. `head` is as [`AdvisoryBook::head`] made it.
    pub fn to_table(&self, mut head: TableHead, exploits: Exploits<'_>) -> Vec<u8> {
        head.knows_exploited = exploits.exploited.is_some();
        head.knows_epss = exploits.epss.is_some();
        let lines = self.by_project().into_iter().map(|(project, records)| {
            let cves = || {
                let names = records
                    .iter()
                    .flat_map(|one| one.aliases.iter().chain([&one.id]));
                names.filter_map(|name| name.parse().ok())
            };
            let line = Line {
                partly_read: self.partly_read(&records),
                exploited: cves()
                    .filter_map(|cve| exploits.exploited?.get(cve))
                    .collect(),
                epss: cves()
                    .filter_map(|cve| Some((cve, exploits.epss?.get(cve)?)))
                    .collect(),
                records: records.iter().map(|one| about(one, project)).collect(),
            };
            (project, line)
        });
        written(head, lines)
    }

    /// The same answer as the table would give about `projects`.
    pub fn answer<'p>(&self, projects: impl IntoIterator<Item = &'p ProjectName>) -> TableAnswer {
        let by_project = self.by_project();
        let mut answer = TableAnswer {
            index: AdvisoryIndex::new(&self.set, Exploits::default()),
            ..TableAnswer::default()
        };
        for project in projects {
            let records = by_project.get(project);
            let partly = records.map(|records| self.partly_read(records));
            if let Some(partly) = partly.filter(|partly| !partly.is_empty()) {
                answer.partly_read.insert(project.clone(), partly);
            }
        }
        answer
    }
}

/// A table with this head and these lines, which are in the order of their projects.
fn written<'p>(
    mut head: TableHead,
    lines: impl Iterator<Item = (&'p ProjectName, Line<Record>)>,
) -> Vec<u8> {
    let mut body = Vec::new();
    for (project, line) in lines {
        body.extend_from_slice(project.as_str().as_bytes());
        body.push(b' ');
        serde_json::to_writer(&mut body, &line)
            .expect("records have text for keys and memory takes all");
        body.push(b'\n');
    }
    head.body = body.len();
    let mut bytes = FORM.as_bytes().to_vec();
    serde_json::to_writer(&mut bytes, &head).expect("a head has text for keys");
    bytes.push(b'\n');
    bytes.append(&mut body);
    bytes
}

impl AdvisoryIndex {
    /// What is known of `projects`, for whoever reads it with [`AdvisoryTable::read`]. `is_partly_read` tells of a
    /// record, by its id, whether parts of it could not be read.
    pub fn to_table<'p>(
        &self,
        projects: impl IntoIterator<Item = &'p ProjectName>,
        mut head: TableHead,
        is_partly_read: impl Fn(&str) -> bool,
    ) -> Vec<u8> {
        (head.knows_exploited, head.knows_epss) = self.knows();
        let projects: BTreeSet<&ProjectName> = projects.into_iter().collect();
        let known = projects
            .into_iter()
            .filter(|project| !self.of(project).is_empty());
        let lines = known.map(|project| {
            let records = || self.of(project).iter().map(|one| one.record());
            let ids = records().map(|record| &record.id);
            let groups = self.groups(project).iter();
            let line = Line {
                partly_read: ids.filter(|id| is_partly_read(id)).cloned().collect(),
                exploited: groups
                    .clone()
                    .filter_map(|group| *group.exploited.known()?)
                    .collect(),
                // Which of its ids was scored is not kept: a vulnerability is one under all its names.
                epss: groups
                    .filter_map(|group| Some((group.cves().next()?, (*group.epss.known()?)?)))
                    .collect(),
                records: records().map(|one| about(one, project)).collect(),
            };
            (project, line)
        });
        written(head, lines)
    }
}

/// The record without what it says of other projects, which is in their lines.
fn about(record: &Record, project: &ProjectName) -> Record {
    let mut about = record.clone();
    about
        .affected
        .retain(|affected| affected.project == *project);
    about
}

impl<'b> AdvisoryTable<'b> {
    /// Reads the head of a table. Lines of projects are read when they are asked for.
    ///
    /// # Errors
    /// [`UnreadableTable`] when it is not the whole of a table of this form.
    pub fn read(bytes: &'b [u8]) -> Result<Self, UnreadableTable> {
        let rest = bytes.strip_prefix(FORM.as_bytes());
        let rest = rest.ok_or(UnreadableTable::OtherForm)?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (head, body) = rest.split_at(end.ok_or(UnreadableTable::OtherForm)?);
        let head: TableHead = serde_json::from_slice(head).map_err(UnreadableTable::Head)?;
        let body = &body[1..];
        match body.len() == head.body {
            true => Ok(Self { head, body }),
            false => Err(UnreadableTable::Length {
                found: body.len(),
                expected: head.body,
            }),
        }
    }

    /// What is said of it as a whole.
    pub fn head(&self) -> &TableHead {
        &self.head
    }

    /// The advisories of `projects`.
    pub fn answer<'p>(&self, projects: impl IntoIterator<Item = &'p ProjectName>) -> TableAnswer {
        let mut answer = TableAnswer::default();
        let mut set = AdvisorySet::default();
        let (mut exploited, mut epss) = (Vec::new(), Vec::new());
        for project in projects {
            let Some(json) = self.line(project) else {
                continue;
            };
            match serde_json::from_slice::<Line<Record>>(json) {
                Ok(line) => {
                    if !line.partly_read.is_empty() {
                        answer.partly_read.insert(project.clone(), line.partly_read);
                    }
                    exploited.extend(line.exploited);
                    epss.extend(line.epss);
                    set.add_parts(line.records);
                }
                Err(error) => {
                    answer.damaged.insert(project.clone(), error.to_string());
                }
            }
        }
        let exploited: ExploitedCatalogue = exploited.into_iter().collect();
        let epss: EpssScores = epss.into_iter().collect();
        let exploits = Exploits {
            exploited: self.head.knows_exploited.then_some(&exploited),
            epss: self.head.knows_epss.then_some(&epss),
        };
        answer.index = AdvisoryIndex::new(&set, exploits);
        answer
    }

    /// What stands behind the name of `project` in its line, found by halving.
    fn line(&self, project: &ProjectName) -> Option<&'b [u8]> {
        let wanted = project.as_str().as_bytes();
        let mut rest = self.body;
        while !rest.is_empty() {
            let middle = rest.len() / 2;
            let before = memchr::memrchr(b'\n', &rest[..middle]);
            let start = before.map_or(0, |at| at + 1);
            let length = memchr::memchr(b'\n', &rest[start..]);
            let end = length.map_or(rest.len(), |length| start + length);
            let line = &rest[start..end];
            let space = memchr::memchr(b' ', line)?;
            match line[..space].cmp(wanted) {
                std::cmp::Ordering::Equal => return Some(&line[space + 1..]),
                std::cmp::Ordering::Greater => rest = &rest[..start],
                std::cmp::Ordering::Less => rest = rest.get(end + 1..).unwrap_or_default(),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{RecordCase, name, record, version};
    use super::*;
    use crate::fact::Fact;

    fn book(records: &[RecordCase]) -> AdvisoryBook {
        let mut book = AdvisoryBook::default();
        for one in records {
            book.take("x.json", one.json().as_bytes());
        }
        book
    }

    fn table(book: &AdvisoryBook) -> Vec<u8> {
        book.to_table(book.head("a test", None), Exploits::default())
    }

    /// The ids of what `asked` (`foo 1.0`) has by the table.
    fn affecting(bytes: &[u8], asked: &str) -> Vec<String> {
        let (project, release) = asked.split_once(' ').expect(asked);
        let project = name(project);
        let table = AdvisoryTable::read(bytes).expect("just written");
        let answer = table.answer([&project]);
        let found = answer.index.affecting(&project, &version(release));
        found.iter().map(|one| one.group.id.to_string()).collect()
    }

    #[test]
    fn every_project_is_found_whatever_its_place() {
        let names = ["a", "a-b", "a.b", "aa", "b", "foo", "foo-bar", "foo2", "z"];
        for count in 0..=names.len() {
            let cases = names[..count].iter().enumerate();
            let records: Vec<RecordCase> = cases
                .map(|(at, project)| record(&format!("PYSEC-{at}"), project, "0 <2.0"))
                .collect();
            let bytes = table(&book(&records));
            for (at, project) in names.iter().enumerate() {
                let found = affecting(&bytes, &format!("{project} 1.0"));
                assert_eq!(
                    !found.is_empty(),
                    at < count || *project == "a.b" && count > 1,
                    "{project} of {count}"
                );
                assert!(affecting(&bytes, &format!("{project} 2.0")).is_empty());
            }
            for absent in ["0", "a-a", "fo", "fooo", "zz"] {
                assert!(affecting(&bytes, &format!("{absent} 1.0")).is_empty());
            }
        }
    }

    #[test]
    fn a_record_about_two_projects_is_found_for_each_of_them() {
        let one = r#"{"id":"MAL-1","affected":[
            {"package":{"ecosystem":"PyPI","name":"foo"},"versions":["1.0"]},
            {"package":{"ecosystem":"PyPI","name":"bar"},"versions":["2.0"]}]}"#;
        let mut book = AdvisoryBook::default();
        book.take("one.json", one.as_bytes());
        let bytes = table(&book);
        let both = [name("foo"), name("bar")];
        let read = AdvisoryTable::read(&bytes).expect("just written");
        let answer = read.answer(&both);
        for (project, release) in [("foo", "1.0"), ("bar", "2.0")] {
            let found = answer.index.affecting(&name(project), &version(release));
            assert_eq!(found.len(), 1, "{project}");
        }
    }

    #[test]
    fn what_is_known_of_exploits_comes_along() {
        let catalogue = ExploitedCatalogue::read(
            br#"{"vulnerabilities":[{"cveID":"CVE-2026-0001"},{"cveID":"CVE-2026-0009"}]}"#,
        );
        let catalogue = catalogue.expect("a catalogue");
        let scores = EpssScores::read(b"CVE-2026-0001,0.5,0.9\n").expect("a table");
        let exploits = Exploits {
            exploited: Some(&catalogue),
            epss: Some(&scores),
        };
        let book = book(&[
            record("PYSEC-1", "foo", "0").aliases(&["CVE-2026-0001"]),
            record("PYSEC-2", "bar", "0").aliases(&["CVE-2026-0002"]),
        ]);
        let bytes = book.to_table(book.head("a test", None), exploits);
        let read = AdvisoryTable::read(&bytes).expect("just written");
        let answer = read.answer(&[name("foo"), name("bar")]);
        let of = |project: &str| answer.index.groups(&name(project))[0].clone();
        assert!(matches!(of("foo").exploited, Fact::Known(Some(_))));
        assert!(matches!(of("foo").epss, Fact::Known(Some(_))));
        assert!(matches!(of("bar").exploited, Fact::Known(None)));
        let without = table(&book);
        let read = AdvisoryTable::read(&without).expect("just written");
        let answer = read.answer(&[name("foo")]);
        let group = &answer.index.groups(&name("foo"))[0];
        assert!(matches!(group.exploited, Fact::Unknown(_)));
    }

    #[test]
    fn what_could_not_be_read_is_not_forgotten() {
        let mut book = AdvisoryBook::default();
        let partly = r#"{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"foo"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"what?"}]}]}]}"#;
        book.take("a.json", partly.as_bytes());
        book.take("b.json", b"no record");
        book.complain("c.json", "its checksum is wrong");
        let bytes = table(&book);
        let read = AdvisoryTable::read(&bytes).expect("just written");
        assert_eq!((read.head().records, read.head().unreadable), (1, 2));
        assert_eq!(read.head().complaints[1], "c.json: its checksum is wrong");
        for answer in [read.answer([&name("foo")]), book.answer([&name("foo")])] {
            assert_eq!(answer.partly_read[&name("foo")], ["PYSEC-1".into()]);
        }
    }

    /// What is known against `foo 1.0`: the id, the EPSS score, whether it is exploited, and what could not be read.
    fn shown(bytes: &[u8]) -> Vec<String> {
        let foo = name("foo");
        let table = AdvisoryTable::read(bytes).expect("just written");
        let answer = table.answer([&foo]);
        let found = answer.index.affecting(&foo, &version("1.0")).into_iter();
        let shown = found.map(|one| {
            let group = &one.group;
            let epss = group.epss.known();
            let epss = epss.map(|epss| epss.map(|epss| epss.probability.to_string()));
            let exploited = group.exploited.known().map(Option::is_some);
            let partly = answer.partly_read.get(&foo);
            format!("{} {epss:?} {exploited:?} {partly:?}", group.id)
        });
        shown.collect()
    }

    #[test]
    fn a_table_of_some_projects_says_of_them_what_the_whole_one_does() {
        let records = [
            record("PYSEC-1", "foo", "0 <2.0").aliases(&["CVE-2026-0001"]),
            record("GHSA-1", "foo", "0 <3.0").aliases(&["CVE-2026-0002", "CVE-2026-0003"]),
            record("PYSEC-3", "foo", "0 <3.0").withdrawn(),
            record("PYSEC-4", "bar", "0 <2.0"),
        ];
        let mut book = book(&records);
        let partly = r#"{"id":"PYSEC-5","affected":[{"package":{"ecosystem":"PyPI","name":"foo"},
            "versions":["1.0",3]}]}"#;
        book.take("x.json", partly.as_bytes());
        let scores = EpssScores::read(b"CVE-2026-0001,0.2,0\nCVE-2026-0003,0.7,0\n").expect("read");
        let json = br#"{"vulnerabilities":[{"cveID":"CVE-2026-0002"}]}"#;
        let catalogue = ExploitedCatalogue::read(json).expect("read");
        let both = Exploits {
            exploited: Some(&catalogue),
            epss: Some(&scores),
        };
        for exploits in [both, Exploits::default()] {
            let whole = book.to_table(book.head("a test", None), exploits);
            let index = AdvisoryIndex::new(book.set(), exploits);
            let asked = [name("foo"), name("nothing-known"), name("foo")];
            let part = index.to_table(&asked, book.head("a test", None), |id| id == "PYSEC-5");
            assert_eq!(shown(&part), shown(&whole));
            assert_eq!(shown(&part).len(), 3);
            assert!(affecting(&part, "bar 1.0").is_empty(), "nobody asked");
        }
        let whole = book.to_table(book.head("a test", None), both);
        let exploited = r#"GHSA-1 Some(Some("70.0 %")) Some(true) Some(["PYSEC-5"])"#;
        assert_eq!(shown(&whole)[0], exploited);
    }

    #[test]
    fn a_part_of_a_table_is_no_table() {
        let bytes = table(&book(&[record("PYSEC-1", "foo", "0")]));
        for length in 0..bytes.len() {
            assert!(AdvisoryTable::read(&bytes[..length]).is_err(), "{length}");
        }
        let mut damaged = bytes.clone();
        let at = damaged.len() - 3;
        damaged[at] = b'?';
        let read = AdvisoryTable::read(&damaged).expect("its length is right");
        assert!(
            read.answer([&name("foo")])
                .damaged
                .contains_key(&name("foo"))
        );
        let later = [b"portcullis advisories 2\n", &bytes[FORM.len()..]].concat();
        assert!(matches!(
            AdvisoryTable::read(&later),
            Err(UnreadableTable::OtherForm)
        ));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        ) {
            let head = format!("{FORM}{{\"body\":{}}}\n", body.len());
            let bytes = [head.as_bytes(), &body].concat();
            let read = AdvisoryTable::read(&bytes).expect("its length is right");
            let _ = read.answer([&name("foo")]);
            let _ = AdvisoryTable::read(&body);
        }
    }
}
