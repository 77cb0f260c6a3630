//! One vulnerability under all its names. Databases publish the same hole as PYSEC, GHSA and CVE;
//! what shares an id or an alias is one [`Group`], which affects what any of its records affects.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::cve::CveId;
use super::epss::Epss;
use super::exploited::Exploited;
use super::index::{Advisory, Exploits};
use super::severity::Severity;
use crate::fact::Fact;
use crate::pypi::version::Version;
use crate::time::Timestamp;

/// All that is known of one vulnerability of one project. Withdrawn records are no part of it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The id to show first: of malware its MAL id, else that of PYSEC, of GHSA, of anybody.
    pub id: Arc<str>,
    /// The other names: the ids of the other records, and every alias, CVE ids first.
    pub aliases: Vec<Arc<str>>,
    /// One line for people; empty where no record has one.
    pub summary: Arc<str>,
    /// The worst severity that any record states; `None` when none does.
    pub severity: Option<Severity>,
    /// The highest EPSS score among its CVE ids; `None` when nobody scored them.
    pub epss: Fact<Option<Epss>>,
    /// The entry in the catalogue of exploited vulnerabilities; `None` when it is not in there.
    pub exploited: Fact<Option<Exploited>>,
    /// When the first of its records was published.
    pub published: Option<Timestamp>,
    /// When the last of its records was changed.
    pub modified: Option<Timestamp>,
    /// Every version that a record calls fixed and that no record affects, in order.
    pub fixed: Vec<Version>,
    members: Vec<Arc<Advisory>>,
}

/// A vulnerability that a certain version has.
#[derive(Clone, Debug)]
pub struct Affecting {
    /// The vulnerability.
    pub group: Arc<Group>,
    /// Why it is malice and not a mistake, where a record that affects this version says so.
    pub malicious: Option<Arc<str>>,
    /// The lowest later version with a fix that this vulnerability does not affect; `None` when
    /// there is no fix yet. Another vulnerability may affect it.
    pub lowest_fix: Option<Version>,
    /// The lowest later version that is a fix of any vulnerability and that none affects.
    pub lowest_unaffected: Option<Version>,
}

/// A vulnerability that a version does not have because it was fixed.
#[derive(Clone, Debug)]
pub struct Fix {
    /// The vulnerability.
    pub group: Arc<Group>,
    /// The latest version with a fix that is not later than the version in question. Unless this is
    /// the very version, an earlier release brought the fix and this one merely has it.
    pub fixed: Version,
}

impl Group {
    /// The records, in the order of their ids.
    pub fn members(&self) -> &[Arc<Advisory>] {
        &self.members
    }

    /// The ids of the records and all their aliases, the preferred one first.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        std::iter::once(&self.id).chain(&self.aliases)
    }

    /// Its CVE ids.
    pub fn cves(&self) -> impl Iterator<Item = CveId> {
        self.names().filter_map(|name| name.parse().ok())
    }

    /// Whether any of its records affects `version`.
    pub fn affects(&self, version: &Version) -> bool {
        self.members.iter().any(|member| member.affects(version))
    }

    /// Why `version` is malicious, when a record that affects it says so.
    pub fn malice_of(&self, version: &Version) -> Option<Arc<str>> {
        let mut affecting = self.members.iter().filter(|member| member.affects(version));
        affecting.find_map(|member| member.record().malicious.clone())
    }

    /// The lowest version above `version` with a fix.
    pub fn lowest_fix(&self, version: &Version) -> Option<&Version> {
        lowest_above(&self.fixed, version)
    }

    /// The latest fix that `version` has: not affected itself, while earlier versions were.
    pub(super) fn fix_in(&self, version: &Version) -> Option<&Version> {
        let upto = self.fixed.partition_point(|fixed| fixed <= version);
        let fixed = self.fixed[..upto].last()?;
        (!self.affects(version)).then_some(fixed)
    }
}

/// How many aliases a group shows.
const ALIASES_SHOWN: usize = 3;

impl fmt::Display for Group {
    /// `PYSEC-2024-62 (CVE-2024-21513, GHSA-…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        let shown: Vec<&str> = self
            .aliases
            .iter()
            .take(ALIASES_SHOWN)
            .map(|one| &**one)
            .collect();
        match shown.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", shown.join(", ")),
        }
    }
}

/// The first of the sorted `versions` above `version`.
pub(super) fn lowest_above<'v>(versions: &'v [Version], version: &Version) -> Option<&'v Version> {
    versions.get(versions.partition_point(|one| one <= version))
}

/// Gathers the advisories of one project into groups, in the order of the preferred ids.
pub(super) fn groups(advisories: &[Arc<Advisory>], exploits: Exploits<'_>) -> Vec<Arc<Group>> {
    let live = advisories
        .iter()
        .filter(|one| one.record().withdrawn.is_none());
    let mut parts: Vec<Vec<Arc<Advisory>>> = Vec::new();
    let mut part_of: HashMap<Arc<str>, usize> = HashMap::new();
    for advisory in live {
        let record = advisory.record();
        let names = || std::iter::once(&record.id).chain(&record.aliases);
        let known: BTreeSet<usize> = names()
            .filter_map(|name| part_of.get(name).copied())
            .collect();
        let mut joined = vec![Arc::clone(advisory)];
        for part in &known {
            joined.append(&mut parts[*part]);
        }
        let here = known.first().copied().unwrap_or(parts.len());
        let mentioned = joined.iter().flat_map(|one| {
            let record = one.record();
            std::iter::once(&record.id).chain(&record.aliases)
        });
        part_of.extend(mentioned.map(|name| (Arc::clone(name), here)));
        match parts.get_mut(here) {
            Some(part) => *part = joined,
            None => parts.push(joined),
        }
    }
    parts.retain(|part| !part.is_empty());
    let mut groups: Vec<Group> = parts
        .into_iter()
        .map(|part| group(part, exploits))
        .collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    groups.into_iter().map(Arc::new).collect()
}

fn group(mut members: Vec<Arc<Advisory>>, exploits: Exploits<'_>) -> Group {
    members.sort_by(|a, b| a.record().id.cmp(&b.record().id));
    let preferred = members
        .iter()
        .min_by_key(|one| preference(&one.record().id));
    let preferred = Arc::clone(preferred.expect("a group has a member").record());
    let records = || members.iter().map(|one| one.record());
    let names: BTreeSet<(bool, &Arc<str>)> = records()
        .flat_map(|record| std::iter::once(&record.id).chain(&record.aliases))
        .filter(|name| **name != preferred.id)
        .map(|name| (!name.starts_with("CVE-"), name))
        .collect();
    let aliases: Vec<Arc<str>> = names
        .into_iter()
        .map(|(_, name)| Arc::clone(name))
        .collect();
    let cves: Vec<CveId> = std::iter::once(&preferred.id)
        .chain(&aliases)
        .filter_map(|name| name.parse().ok())
        .collect();
    let mut fixed: BTreeSet<&Version> = members.iter().flat_map(|one| one.fixed()).collect();
    fixed.retain(|fixed| !members.iter().any(|member| member.affects(fixed)));
    let mut summaries = std::iter::once(&preferred)
        .chain(records())
        .map(|one| &one.summary);
    let summary = summaries.find(|summary| !summary.is_empty()).cloned();
    Group {
        summary: summary.unwrap_or_else(|| "".into()),
        severity: members
            .iter()
            .filter_map(|one| one.severity().cloned())
            .reduce(Severity::worse),
        epss: exploits.epss(&cves),
        exploited: exploits.exploited(&cves),
        published: records().filter_map(|record| record.published).min(),
        modified: records().filter_map(|record| record.modified).max(),
        fixed: fixed.into_iter().cloned().collect(),
        id: Arc::clone(&preferred.id),
        aliases,
        members,
    }
}

fn preference(id: &Arc<str>) -> (usize, &Arc<str>) {
    const ORDER: [&str; 3] = ["MAL-", "PYSEC-", "GHSA-"];
    let rank = ORDER.iter().position(|prefix| id.starts_with(prefix));
    (rank.unwrap_or(ORDER.len()), id)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{index, name, record, version};
    use super::*;

    /// The groups of `foo`, each as its names.
    fn grouped(records: &[(&str, &[&str])]) -> Vec<String> {
        let records: Vec<_> = records
            .iter()
            .map(|(id, aliases)| record(id, "foo", "0").aliases(aliases))
            .collect();
        let index = index(&records);
        let groups = index.groups(&name("foo")).iter();
        let names = |group: &Arc<Group>| {
            let names = group.names().map(ToString::to_string);
            names.collect::<Vec<_>>().join(" ")
        };
        groups.map(names).collect()
    }

    #[test]
    fn what_shares_a_name_is_one_vulnerability() {
        for (records, expected) in [
            (&[("PYSEC-1", &[][..])][..], &["PYSEC-1"][..]),
            (
                &[("GHSA-1", &["CVE-1"][..]), ("PYSEC-1", &["CVE-1"])],
                &["PYSEC-1 CVE-1 GHSA-1"],
            ),
            (
                &[("GHSA-1", &["PYSEC-1"][..]), ("PYSEC-1", &[])],
                &["PYSEC-1 GHSA-1"],
            ),
            (
                &[("GHSA-1", &["CVE-1"][..]), ("GHSA-2", &["CVE-2"])],
                &["GHSA-1 CVE-1", "GHSA-2 CVE-2"],
            ),
            (
                // The last one joins what came before it apart.
                &[
                    ("GHSA-1", &["CVE-1"][..]),
                    ("GHSA-2", &["CVE-2"]),
                    ("PYSEC-1", &["CVE-1", "CVE-2"]),
                ],
                &["PYSEC-1 CVE-1 CVE-2 GHSA-1 GHSA-2"],
            ),
            (
                &[
                    ("GHSA-1", &["MAL-1"][..]),
                    ("MAL-1", &[]),
                    ("OTHER-1", &["GHSA-1"]),
                ],
                &["MAL-1 GHSA-1 OTHER-1"],
            ),
        ] {
            assert_eq!(grouped(records), expected);
        }
    }

    #[test]
    fn a_group_affects_what_any_of_its_records_affects() {
        let index = index(&[
            record("PYSEC-1", "foo", "0 <1.0").aliases(&["CVE-1"]),
            record("GHSA-1", "foo", "2.0 <2.5").aliases(&["CVE-1"]),
            record("GHSA-2", "foo", "0").aliases(&["CVE-1"]).withdrawn(),
        ]);
        let groups = index.groups(&name("foo"));
        assert_eq!(groups.len(), 1);
        for (asked, expected) in [
            ("0.5", Some("1.0")),
            ("1.0", None),
            ("2.0", Some("2.5")),
            ("2.5", None),
        ] {
            let affected = groups[0].affects(&version(asked));
            let fix = affected
                .then(|| groups[0].lowest_fix(&version(asked)))
                .flatten();
            assert_eq!(fix.map(ToString::to_string).as_deref(), expected, "{asked}");
            assert_eq!(affected, expected.is_some());
        }
    }

    #[test]
    fn malice_is_a_matter_of_the_versions_that_are_called_malicious() {
        let index = index(&[
            record("MAL-1", "foo", "")
                .versions(&["1.1"])
                .aliases(&["GHSA-1"]),
            record("PYSEC-1", "foo", "1.0 <1.2").aliases(&["MAL-9", "GHSA-1"]),
            record("PYSEC-2", "foo", "0 <1.2").aliases(&["GHSA-1"]),
        ]);
        let groups = index.groups(&name("foo"));
        let malicious = |asked: &str| groups[0].malice_of(&version(asked)).is_some();
        assert!(malicious("1.1") && malicious("1.0") && !malicious("0.9"));
    }
}
