//! [`AdvisoryIndex`]: advisories by project, ready to be asked about every version of a page. Built
//! as a whole from what is known and never changed: a new one takes its place.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::cve::CveId;
use super::epss::{Epss, EpssScores};
use super::exploited::{Exploited, ExploitedCatalogue};
use super::group::{Affecting, Fix, Group, groups, lowest_above};
use super::record::{Affected, Record};
use super::set::AdvisorySet;
use super::severity::Severity;
use crate::fact::Fact;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// One advisory, as far as it is about one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advisory {
    record: Arc<Record>,
    part: usize,
}

/// What is known about exploits, to be joined by CVE id; `None` where it was never loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exploits<'s> {
    /// The catalogue of exploited vulnerabilities.
    pub exploited: Option<&'s ExploitedCatalogue>,
    /// The EPSS scores.
    pub epss: Option<&'s EpssScores>,
}

/// All advisories by project.
#[derive(Clone, Debug, Default)]
pub struct AdvisoryIndex {
    projects: HashMap<ProjectName, Project>,
    advisories: usize,
    knows_exploited: bool,
    knows_epss: bool,
}

#[derive(Clone, Debug, Default)]
struct Project {
    advisories: Vec<Arc<Advisory>>,
    groups: Vec<Arc<Group>>,
    /// Versions with a fix of some vulnerability that none affects, in order.
    unaffected: Vec<Version>,
}

impl Advisory {
    /// Its id.
    pub fn id(&self) -> &Arc<str> {
        &self.record.id
    }

    /// The record it is a part of.
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Whether it affects `version`. A withdrawn advisory affects nothing.
    pub fn affects(&self, version: &Version) -> bool {
        self.record.withdrawn.is_none() && self.affected().includes(version)
    }

    /// Whether it affects the version that is spelled `text`, which need not be one of PEP 440.
    pub fn affects_spelled(&self, text: &str) -> bool {
        self.record.withdrawn.is_none() && self.affected().includes_spelled(text)
    }

    /// The worst severity that it states for this project.
    pub fn severity(&self) -> Option<&Severity> {
        self.affected().severity.as_ref()
    }

    /// The versions that it calls fixed, in order.
    pub fn fixed(&self) -> &[Version] {
        self.affected().fixed()
    }

    /// What it says of this project.
    pub fn affected(&self) -> &Affected {
        &self.record.affected[self.part]
    }
}

impl Exploits<'_> {
    /// The highest score of `cves`.
    pub(super) fn epss(&self, cves: &[CveId]) -> Fact<Option<Epss>> {
        let Some(scores) = self.epss else {
            return Fact::Unknown("no EPSS scores have been loaded yet".into());
        };
        let scored = cves.iter().filter_map(|cve| scores.get(*cve));
        Fact::Known(scored.max_by_key(|epss| epss.probability))
    }

    /// The entry of the first of `cves` that has one.
    pub(super) fn exploited(&self, cves: &[CveId]) -> Fact<Option<Exploited>> {
        let Some(catalogue) = self.exploited else {
            let why = "no catalogue of exploited vulnerabilities has been loaded yet";
            return Fact::Unknown(why.into());
        };
        Fact::Known(cves.iter().find_map(|cve| catalogue.get(*cve)))
    }
}

impl AdvisoryIndex {
    /// The index of `set`, joined with what is known about exploits.
    pub fn new(set: &AdvisorySet, exploits: Exploits<'_>) -> Self {
        let mut projects: HashMap<ProjectName, Project> = HashMap::new();
        for record in set.records() {
            for (part, affected) in record.affected.iter().enumerate() {
                let advisory = Advisory {
                    record: Arc::clone(record),
                    part,
                };
                let project = projects.entry(affected.project.clone()).or_default();
                project.advisories.push(Arc::new(advisory));
            }
        }
        for project in projects.values_mut() {
            project.groups = groups(&project.advisories, exploits);
            project.unaffected = unaffected(&project.groups);
        }
        Self {
            projects,
            advisories: set.len(),
            knows_exploited: exploits.exploited.is_some(),
            knows_epss: exploits.epss.is_some(),
        }
    }

    /// Whether the catalogue of exploited vulnerabilities went into it, and whether EPSS scores did.
    pub(super) fn knows(&self) -> (bool, bool) {
        (self.knows_exploited, self.knows_epss)
    }

    /// How many advisories it was made of, withdrawn ones too.
    pub fn len(&self) -> usize {
        self.advisories
    }

    /// Whether it was made of none.
    pub fn is_empty(&self) -> bool {
        self.advisories == 0
    }

    /// The projects that have advisories, in no order.
    pub fn projects(&self) -> impl Iterator<Item = &ProjectName> {
        self.projects.keys()
    }

    /// The advisories of `project` in the order of their ids, withdrawn ones too.
    pub fn of(&self, project: &ProjectName) -> &[Arc<Advisory>] {
        match self.projects.get(project) {
            Some(project) => &project.advisories,
            None => &[],
        }
    }

    /// The vulnerabilities of `project`, whichever versions they affect.
    pub fn groups(&self, project: &ProjectName) -> &[Arc<Group>] {
        match self.projects.get(project) {
            Some(project) => &project.groups,
            None => &[],
        }
    }

    /// The vulnerabilities that `version` of `project` has.
    pub fn affecting(&self, project: &ProjectName, version: &Version) -> Vec<Affecting> {
        let Some(known) = self.projects.get(project) else {
            return Vec::new();
        };
        let lowest_unaffected = lowest_above(&known.unaffected, version);
        let one = |group: &Arc<Group>| Affecting {
            malicious: group.malice_of(version),
            lowest_fix: group.lowest_fix(version).cloned(),
            lowest_unaffected: lowest_unaffected.cloned(),
            group: Arc::clone(group),
        };
        let affecting = known.groups.iter().filter(|group| group.affects(version));
        affecting.map(one).collect()
    }

    /// The vulnerabilities that earlier versions of `project` have and `version` has not, since it
    /// or an earlier version is called a fix.
    ///
    /// Every later version has a fix too. Whether `version` is the release that brought it is for
    /// the caller to see: [`Fix::fixed`] is this very version, or no release lies between the two.
    pub fn fixes(&self, project: &ProjectName, version: &Version) -> Vec<Fix> {
        let fix = |group: &Arc<Group>| {
            Some(Fix {
                fixed: group.fix_in(version)?.clone(),
                group: Arc::clone(group),
            })
        };
        self.groups(project).iter().filter_map(fix).collect()
    }
}

/// The versions with a fix of some of `groups` that none of them affects, in order.
fn unaffected(groups: &[Arc<Group>]) -> Vec<Version> {
    let mut fixed: BTreeSet<&Version> = groups.iter().flat_map(|group| &group.fixed).collect();
    fixed.retain(|fixed| !groups.iter().any(|group| group.affects(fixed)));
    fixed.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{RecordCase, index, index_with, name, record, version};
    use super::*;

    /// Each affecting vulnerability as `ID fix/unaffected`.
    fn affecting(index: &AdvisoryIndex, asked: &str) -> Vec<String> {
        let text = |version: &Option<Version>| match version {
            Some(version) => version.to_string(),
            None => "none".to_owned(),
        };
        let found = index.affecting(&name("foo"), &version(asked)).into_iter();
        found
            .map(|one| {
                let (fix, well) = (text(&one.lowest_fix), text(&one.lowest_unaffected));
                format!("{} {fix}/{well}", one.group.id)
            })
            .collect()
    }

    #[test]
    fn the_lowest_fix_is_above_the_version_and_so_is_what_nothing_affects() {
        let index = index(&[
            record("A-1", "foo", "0 <1.5; 2.0 <2.3"),
            record("B-1", "foo", "1.0 <1.8"),
            record("C-1", "foo", "3.0"),
            record("D-1", "foo", "4.0 <4.1; 4.0 <4.2"),
        ]);
        for (asked, expected) in [
            ("0.9", &["A-1 1.5/1.8"][..]),
            ("1.2", &["A-1 1.5/1.8", "B-1 1.8/1.8"]),
            ("1.6", &["B-1 1.8/1.8"]),
            ("1.8", &[]),
            ("2.0", &["A-1 2.3/2.3"]),
            ("3.0", &["C-1 none/none"]),
            ("4.0", &["C-1 none/none", "D-1 4.2/none"]),
        ] {
            assert_eq!(affecting(&index, asked), expected, "{asked}");
        }
    }

    #[test]
    fn another_project_is_another_matter() {
        let index = index(&[record("A-1", "Foo.Bar", "0"), record("B-1", "bar", "0")]);
        let ids = |project: &str| {
            let of = index.of(&name(project)).iter();
            of.map(|one| one.id().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ids("foo_bar"), ["A-1"]);
        assert_eq!(ids("bar"), ["B-1"]);
        assert!(ids("foo").is_empty());
        assert_eq!((index.len(), index.projects().count()), (2, 2));
    }

    #[test]
    fn a_withdrawn_advisory_affects_nothing_and_is_kept() {
        let index = index(&[record("A-1", "foo", "0").withdrawn()]);
        assert_eq!(index.of(&name("foo")).len(), 1);
        assert!(!index.of(&name("foo"))[0].affects(&version("1.0")));
        assert!(!index.of(&name("foo"))[0].affects_spelled("1.0"));
        assert!(index.affecting(&name("foo"), &version("1.0")).is_empty());
    }

    #[test]
    fn a_release_is_the_fix_of_what_its_elders_have() {
        let index = index(&[
            record("A-1", "foo", "0 <1.5; 2.0 <2.3"),
            record("B-1", "foo", "1.0 <1.8"),
            record("C-1", "foo", "0 <=1.0"),
        ]);
        for (asked, expected) in [
            ("1.4", &[][..]),
            ("1.5", &["A-1 1.5"]),
            ("1.8", &["A-1 1.5", "B-1 1.8"]),
            ("2.2", &["B-1 1.8"]),
            ("2.3", &["A-1 2.3", "B-1 1.8"]),
        ] {
            let fixes = index.fixes(&name("foo"), &version(asked)).into_iter();
            let text = |fix: Fix| format!("{} {}", fix.group.id, fix.fixed);
            assert_eq!(fixes.map(text).collect::<Vec<_>>(), expected, "{asked}");
        }
    }

    fn shown(exploits: Exploits<'_>, records: &[RecordCase]) -> (String, String) {
        let index = index_with(records, exploits);
        let group = &index.groups(&name("foo"))[0];
        let epss = match &group.epss {
            Fact::Known(epss) => {
                epss.map_or("none".to_owned(), |epss| epss.probability.to_string())
            }
            Fact::Unknown(why) => why.to_string(),
        };
        let exploited = match &group.exploited {
            Fact::Known(entry) => entry.map_or("no".to_owned(), |entry| entry.cve.to_string()),
            Fact::Unknown(why) => why.to_string(),
        };
        (epss, exploited)
    }

    #[test]
    fn exploits_are_joined_by_any_cve_id_of_the_group() {
        let records = [
            record("PYSEC-1", "foo", "0").aliases(&["CVE-2026-0001", "GHSA-1"]),
            record("GHSA-1", "foo", "0").aliases(&["CVE-2026-0002"]),
        ];
        let scores = EpssScores::read(b"CVE-2026-0001,0.2,0\nCVE-2026-0002,0.7,0\n").expect("read");
        let json = br#"{"vulnerabilities":[{"cveID":"CVE-2026-0002"}]}"#;
        let catalogue = ExploitedCatalogue::read(json).expect("read");
        let exploits = Exploits {
            exploited: Some(&catalogue),
            epss: Some(&scores),
        };
        let (epss, exploited) = shown(exploits, &records);
        assert_eq!(
            (epss.as_str(), exploited.as_str()),
            ("70.0 %", "CVE-2026-0002")
        );
        let other = [record("PYSEC-1", "foo", "0").aliases(&["CVE-2026-0003"])];
        let (epss, exploited) = shown(exploits, &other);
        assert_eq!((epss.as_str(), exploited.as_str()), ("none", "no"));
        let (epss, exploited) = shown(Exploits::default(), &records);
        assert!(epss.contains("no EPSS scores have been loaded"), "{epss}");
        assert!(exploited.contains("no catalogue"), "{exploited}");
    }
}
